"""Whether the canary is worse than what it replaces: the same indicators of both, and the canary's own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.comparison import Comparison, Worse, judge_side, worse
from tuiops.core.health import State
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import SourceError
from tuiops.ui.format import decimals, fit, steady
from tuiops.ui.screens.parts import find_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from tuiops.core.comparison import Compared
    from tuiops.core.health import Indicator
    from tuiops.core.logs import LogRecord
    from tuiops.core.rollouts import Rollout
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.backend import Backend
    from tuiops.ui.screens.pen import Pen, Row

ERRORS = 6
"""Error records that are shown."""
_VALUE = 9


class Heard(msgspec.Struct, frozen=True):
    """What the sources answered when they were asked to compare, and what the last question failed of."""

    comparison: Comparison | None = None
    error: SafeText = EMPTY


async def ask(backend: Backend, rollout: Rollout, before: Heard) -> Heard:
    """The two revisions of a rollout side by side; a failure keeps what was known."""
    try:
        found = await backend.comparison(rollout.system, rollout.service, rollout.new, rollout.old)
    except SourceError as error:
        return Heard(before.comparison, safe(f"{error.word}: {error}"))
    return Heard(found)


def comparison_rows(pen: Pen, snapshot: Snapshot, rollout: Rollout, heard: Heard) -> list[Row]:
    """One row an indicator, with the revision that is worse off."""
    rows: list[Row] = []
    known = heard.comparison
    if heard.error:
        when = fmt("As of {}; since then ", pen.moment(known.at)) if known is not None else EMPTY
        rows += pen.sentence(fmt("{}{}", when, heard.error), pen.look.palette.state[State.UNKNOWN])
    if known is None:
        return rows or list(pen.sentence(lit("Asking the sources to compare.")))
    for trouble in known.troubles:
        rows += pen.sentence(trouble, pen.look.palette.state[State.UNKNOWN])
    indicators = _indicators(snapshot, rollout)
    told = [(indicators[one.indicator], one) for one in known.compared if one.indicator in indicators]
    if not told:
        return [*rows, *pen.sentence(_no_comparison(rollout))]
    limits = [join(", ", _limits(indicator)) or lit("none") for indicator, _ in told]
    wide = max(6, *(len(limit) for limit in limits))
    header = fmt(
        "    {}  {}  {}  {}  WORSE", fit(lit("INDICATOR"), 10), fit(lit("NEW"), _VALUE, right=True),
        fit(lit("OLD"), _VALUE, right=True), fit(lit("BAD WHEN"), max(8, wide)),
    )  # fmt: skip
    rows.append((pen.muted(header),))
    for (indicator, one), limit in zip(told, limits, strict=True):
        rows.append(_compared_row(pen, indicator, one, fit(limit, max(8, wide))))
        if one.trouble:
            rows += pen.sentence(fmt("  {}", one.trouble), pen.look.palette.state[State.UNKNOWN])
    return rows


def _compared_row(pen: Pen, indicator: Indicator, one: Compared, limit: SafeText) -> Row:
    verdict = worse(indicator, one)
    new, old = (judge_side(indicator, value, pen.now).state for value in (one.new, one.old))
    # The worse one is emphasised only when it is the canary: the other way round nothing is amiss.
    mark = pen.bold if verdict is Worse.NEW else pen.muted
    word = {Worse.NEW: lit("new"), Worse.OLD: lit("old"), Worse.ALIKE: lit("alike"), Worse.UNKNOWN: EMPTY}[verdict]
    return (
        pen.bold(fmt("    {}  ", fit(indicator.heading, 10, mark=pen.look.glyphs.cut))),
        _value(pen, indicator, one.new, new),
        _value(pen, indicator, one.old, old),
        pen.muted(fmt("{}  ", limit)),
        mark(word or pen.look.glyphs.dash),
    )


def _value(pen: Pen, indicator: Indicator, value: float | None, state: State) -> tuple[SafeText, Style]:
    text = pen.look.glyphs.dash if value is None else steady(value, indicator.unit, decimals(indicator))
    shown = fmt("{}  ", fit(text, _VALUE, right=True))
    return pen.text(shown) if state is State.OK else pen.state(state, shown)


def _limits(indicator: Indicator) -> list[SafeText]:
    limits = (indicator.degraded, indicator.down)
    return [safe(str(limit)) for limit in limits if limit]


def _indicators(snapshot: Snapshot, rollout: Rollout) -> dict[SafeText, Indicator]:
    found = find_service(snapshot, rollout.system, rollout.service)
    return {} if found is None else {measure.indicator.id: measure.indicator for measure in found[1].measures}


def _no_comparison(rollout: Rollout) -> SafeText:
    if not rollout.live:
        return lit("It is over: both revisions are compared only while they serve side by side.")
    return lit("No indicator of this service tells revisions apart. One of a Prometheus does when its `revision` "
               "names the label that holds the revision's name.")  # fmt: skip


def error_rows(pen: Pen, rollout: Rollout, records: Sequence[LogRecord]) -> list[Row]:
    """The last error records that name the new revision."""
    if not records:
        return list(pen.sentence(fmt("No error line in the logs that are read here names {}.", rollout.new)))
    return [
        (
            pen.muted(fmt("    {} ", fit(pen.moment(record.at), 12))),
            (record.level.letter, pen.look.palette.level[record.level]),
            pen.text(lit(" ")),
            pen.text(record.message),
        )
        for record in records
    ]
