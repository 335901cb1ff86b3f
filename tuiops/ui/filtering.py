"""What is typed after `/` in a table: words, `!word`, `column:value`, `sev>=P2`, all of which must hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.severity import Severity
from tuiops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | float | Severity | None
"""What a field holds. A higher severity is a worse one: `sev>=P2` means P1 and P2."""

_TERM = re.compile(r"(?P<column>[a-z_]+)(?P<op>>=|<=|>|<|=|:)(?P<value>.+)", re.IGNORECASE)
_QUOTED = re.compile(r"\S*\"[^\"]*\"|\S+")


class Term(msgspec.Struct, frozen=True):
    """One condition."""

    value: str
    column: str = ""
    op: str = ":"
    negated: bool = False

    def matches(self, fields: Mapping[str, Value]) -> bool:
        return self._holds(fields) is not self.negated

    def _holds(self, fields: Mapping[str, Value]) -> bool:
        if not self.column:
            return any(self.value in str(value).casefold() for value in fields.values() if value is not None)
        actual = fields.get(self.column)
        if actual is None:
            return False
        if self.op == ":":
            return self.value in _word(actual)
        if self.op == "=":
            return self.value == _word(actual)
        return self._compares(actual)

    def _compares(self, actual: Value) -> bool:
        try:
            if isinstance(actual, Severity):
                left, right = -float(actual), -float(Severity[self.value.upper()])
            else:
                left, right = float(actual or 0.0), float(self.value.rstrip("%"))
        except (KeyError, ValueError):
            return False
        return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[self.op]


class Filter(msgspec.Struct, frozen=True):
    """All conditions together; without any, everything matches."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, fields: Mapping[str, Value]) -> bool:
        return all(term.matches(fields) for term in self.terms)


def _word(value: Value) -> str:
    return value.word.casefold() if isinstance(value, Severity) else str(value).casefold()


def parse(text: str, columns: tuple[str, ...]) -> Filter:
    """Read a filter. Raises UsageError for a column that does not exist or a comparison that makes no sense."""
    terms: list[Term] = []
    for piece in _QUOTED.findall(text):
        negated = len(piece) > 1 and piece.startswith("!")
        body = piece[1:] if negated else piece
        match = _TERM.fullmatch(body)
        if match is None or (match["op"] == ":" and match["column"].casefold() not in columns):
            terms.append(Term(body.replace('"', "").casefold(), negated=negated))
            continue
        column, value = match["column"].casefold(), match["value"].replace('"', "").casefold()
        if column not in columns:
            raise UsageError(f"there is no column {column!r}; there are {', '.join(columns)}")
        if column == "sev" and match["op"] in {">", ">=", "<", "<=", "="} and value.upper() not in Severity.__members__:
            raise UsageError(f"{value!r} is not a severity; write P1, P2, P3 or P4")
        terms.append(Term(value, column, match["op"], negated))
    return Filter(text, tuple(terms))
