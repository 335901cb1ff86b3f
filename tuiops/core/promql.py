"""PromQL from declared indicators: one query for all services, windows in seconds, values escaped.

https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from typing import NamedTuple

TAG = "tuiops"
"""Label that tells apart what one query asks for in several ways."""

_SELECTOR = re.compile(r"\s*(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<inside>.*)\}\s*)?", re.DOTALL | re.ASCII)
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*(,|$)""",
    re.DOTALL | re.ASCII,
)
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_MATCHES_ABSENT = frozenset({"", ".*"})


class Matcher(NamedTuple):
    """One condition of a selector; `value` is quoted as it was written."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{self.value}"


class Selector(NamedTuple):
    """A plain series selector taken apart."""

    metric: str
    matchers: tuple[Matcher, ...]

    @classmethod
    def parse(cls, text: str) -> Selector | None:
        """The parts of `metric{label="value"}`; None for any other expression."""
        found = _SELECTOR.fullmatch(text)
        if found is None or not (found["metric"] or found["inside"]):
            return None
        inside = (found["inside"] or "").strip()
        matchers: list[Matcher] = []
        position = 0
        while position < len(inside):
            matcher = _MATCHER.match(inside, position)
            if matcher is None:
                return None
            matchers.append(Matcher(matcher[1], matcher[2], matcher[3]))
            position = matcher.end()
        return cls(found["metric"] or "", tuple(matchers))

    def narrowed(self, label: str, value: str) -> Selector:
        """Only the series whose `label` has this value."""
        return self._replace(matchers=(*self.matchers, Matcher(label, "=", quote(value))))

    def relaxed(self, whole: Selector | None) -> Selector:
        """Any series that has this one's labels, whatever their values, within the conditions shared with `whole`.

        When even these do not exist, the selector is not about anything that is being measured.
        """
        shared = frozenset(whole.matchers) if whole is not None else frozenset[Matcher]()
        kept = (
            matcher if matcher in shared or matcher.label == "__name__" else Matcher(matcher.label, "!=", '""')
            for matcher in self.matchers
            if matcher in shared or matcher.value[1:-1] not in _MATCHES_ABSENT
        )
        return self._replace(matchers=tuple(dict.fromkeys(kept)))

    def __str__(self) -> str:
        inside = ",".join(str(matcher) for matcher in self.matchers)
        return f"{self.metric}{{{inside}}}" if inside else self.metric


def quote(value: str) -> str:
    """A PromQL string literal."""
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n").replace("\r", r"\r")
    return f'"{escaped}"'


def duration(seconds: float) -> str:
    """A PromQL duration, in whole milliseconds when it is not in whole seconds."""
    milliseconds = max(1, round(seconds * 1000))
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def ratio(total: str, part: str, *, by: str, window: float) -> str:
    """The share of `part` among `total` for each value of `by` (one share when it is empty), 0–1.

    A service with traffic but without any `part` series has the share 0; without traffic it has NaN, and
    without a `total` series it has none.
    """
    every = _sum_rate(total, by, window)
    return f"({_sum_rate(part, by, window)} or {every} * 0) / {every}"


def quantile(q: float, histogram: str, *, by: str, window: float, per: float = 1) -> str:
    """A quantile of a classic histogram from its `_bucket` series, divided by `per`."""
    found = f"histogram_quantile({q!r}, sum {_by(by, 'le')}(rate({histogram}[{duration(window)}])))"
    return found if per == 1 else f"{found} / {per:.0f}"


def sample_time(expression: str, *, by: str) -> str:
    """When the newest sample was taken, in seconds since the epoch; of selectors only, else the time of the query."""
    return f"max {_by(by)}(timestamp({expression}))"


def only(expression: str, label: str, value: str) -> str:
    """What an expression yields for one value of a label, whatever the expression is."""
    literal = quote(value.replace("$", "$$"))
    return f'({expression}) and on ({_label(label)}) label_replace(vector(1), {quote(label)}, {literal}, "", "")'


def tagged(**expressions: str) -> str:
    """Several expressions in one query; the label `TAG` of a result names the expression it is from."""
    return " or ".join(
        f'label_replace({expression}, "{TAG}", {quote(name)}, "", "")' for name, expression in expressions.items()
    )


def _sum_rate(selector: str, by: str, window: float) -> str:
    return f"sum {_by(by)}(rate({selector}[{duration(window)}]))"


def _by(*labels: str) -> str:
    names = [_label(label) for label in labels if label]
    return f"by ({', '.join(names)}) " if names else ""


def _label(name: str) -> str:
    return name if _PLAIN_LABEL.fullmatch(name) else quote(name)
