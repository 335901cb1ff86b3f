"""The pages of the wallboard. Each is a function from what is known to rows that fill a given height."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from rich.style import Style

from tuiops.core.alerts import Alert, AlertState, count_active
from tuiops.core.clock import age
from tuiops.core.health import State, Verdict, judge, judge_service, judge_system
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Snapshot, Topic
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import countdown, span
from tuiops.ui.format import fit, plural, sparkline
from tuiops.ui.phases import phase_glyph, phase_style
from tuiops.ui.screens.pen import BLANK, Pen
from tuiops.ui.widgets import digits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tuiops.core.health import ServiceHealth, SystemHealth
    from tuiops.core.rollouts import Rollout
    from tuiops.core.updates import Budget
    from tuiops.ui.screens.pen import Piece, Row

WIDE = 120
"""Columns from which the overview has room for four numbers."""
LARGEST = 6
"""Scale of the largest digits: beyond it they are no easier to read."""
_WORST_FIRST = {State.DOWN: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.OK: 3}


class Scene(msgspec.Struct, frozen=True, eq=False):
    """What a page is drawn from."""

    pen: Pen
    height: int
    snapshot: Snapshot
    calm_since: datetime | None
    """When the last P1 or P2 ended, as far as this wallboard has seen; None when it has seen none."""
    watching_since: datetime


class Numeral(msgspec.Struct, frozen=True, eq=False):
    """A word and a number to be read from afar."""

    label: SafeText
    text: str
    style: Style


def overview(scene: Scene) -> list[Row]:
    """Open P1 and P2, time since the last incident, the worst budget, and one line a system."""
    pen, snapshot = scene.pen, scene.snapshot
    systems = _system_rows(scene)
    facts = _facts(scene)
    numerals = [*_counts(scene), *_durations(scene)] if pen.width >= WIDE else _counts(scene)
    rows = _numerals(pen, numerals, scene.height - len(systems) - len(facts) - 2)
    left = scene.height - len(rows) - len(systems) - len(facts)
    rows += [BLANK, *facts, BLANK] if left >= 2 else facts
    if not snapshot.systems:
        return rows + list(pen.sentence(lit("No system is configured: there is nothing to watch.")))
    spare = scene.height - len(rows) - len(systems)
    for row in systems:
        rows.append(row)
        if spare >= len(systems):
            rows.append(BLANK)
    return rows


def _counts(scene: Scene) -> list[Numeral]:
    """A zero counts only when every alert source has proved that it is alive; otherwise nobody knows."""
    proven = scene.snapshot.quiet_is_proven(scene.pen.now)
    counts = count_active(scene.snapshot.alerts)
    palette = scene.pen.look.palette
    found: list[Numeral] = []
    for severity in (Severity.P1, Severity.P2):
        count = counts[severity]
        if count:
            text, style = f"{count}" if proven else f"{count}+", palette.severity[severity]
        else:
            text, style = ("0", palette.state[State.OK]) if proven else ("?", palette.state[State.UNKNOWN])
        found.append(Numeral(fmt("{} open", severity.word), text, style))
    return found


def _durations(scene: Scene) -> list[Numeral]:
    """How long the incident lasts or how long there has been none, and the worst budget, as numbers."""
    pen, palette = scene.pen, scene.pen.look.palette
    found: list[Numeral] = []
    started = _incident_since(scene.snapshot)
    since = started or scene.calm_since
    if since is not None:
        label = lit("incident for") if started is not None else lit("last incident ago")
        found.append(Numeral(label, span(age(pen.now, since)), palette.text))
    worst = scene.snapshot.worst_budget(pen.now)
    if worst is not None:
        late = scene.snapshot.lateness(worst.source, pen.now)
        label = fmt("worst budget, {}", late) if late else lit("worst budget")
        style = palette.state[_budget_state(worst, late)]
        found.append(Numeral(label, f"{max(0.0, worst.left) * 100:.0f}%", style))
    return found


def _incident_since(snapshot: Snapshot) -> datetime | None:
    """When the oldest open P1 or P2 began."""
    begun = (alert.started for alert in snapshot.alerts if alert.active and alert.severity <= Severity.P2)
    return min(begun, default=None)


def _budget_state(budget: Budget, late: SafeText) -> State:
    """Unknown when its feed is not live, whatever was left when it last was."""
    if late:
        return State.UNKNOWN
    return State.DOWN if budget.left <= 0 else State.DEGRADED if budget.left < 0.25 else State.OK


def _numerals(pen: Pen, numerals: Sequence[Numeral], room: int) -> list[Row]:
    """The numbers side by side, as large as there is room for, each under its word."""
    scale = next((scale for scale in range(LARGEST, -1, -1) if _fits(numerals, scale, pen.width - 2, room - 1)), None)
    if scale is None:
        return [tuple((fmt(" {}: {}  ", n.label, safe(n.text)), _plain(n.style)) for n in numerals)]
    drawn = [digits.draw(n.text, scale, ascii_only=pen.look.glyphs.horizontal == "-") for n in numerals]
    cells = [_cell(numeral, scale) for numeral in numerals]
    rows: list[Row] = [
        tuple(pen.bold(fmt("  {}", fit(numeral.label, cell))) for numeral, cell in zip(numerals, cells, strict=True))
    ]
    for line in range(len(drawn[0])):
        pieces: list[Piece] = []
        for numeral, block, cell in zip(numerals, drawn, cells, strict=True):
            pieces += [pen.text(lit("  ")), (block[line], _plain(numeral.style))]
            pieces.append(pen.text(SafeText(" " * (cell - len(block[line])))))
        rows.append(tuple(pieces))
    return rows


def _fits(numerals: Sequence[Numeral], scale: int, columns: int, rows: int) -> bool:
    return sum(_cell(numeral, scale) + 2 for numeral in numerals) <= columns and digits.height(scale) <= rows


def _cell(numeral: Numeral, scale: int) -> int:
    """Columns of a number or of its word, whichever is wider, and a gap."""
    return max(digits.width(numeral.text, scale), len(numeral.label)) + 4


def _plain(style: Style) -> Style:
    """Digits are blocks of colour themselves: a style that is a block becomes its colour."""
    if style.bgcolor is not None and style.bgcolor.triplet is not None and _is_block(style):
        return Style(color=style.bgcolor, bold=True)
    return style


def _is_block(style: Style) -> bool:
    """Whether the background is what catches the eye: brighter text on a strong ground."""
    ground = style.bgcolor.triplet if style.bgcolor is not None else None
    return ground is not None and max(ground) - min(ground) > 64


def _facts(scene: Scene) -> list[Row]:
    pen, snapshot = scene.pen, scene.snapshot
    rows: list[Row] = []
    started = _incident_since(snapshot)
    if started is not None:
        rows.append(pen.named(lit("incident"), pen.bold(fmt("for {}", span(age(pen.now, started))))))
    elif scene.calm_since is not None:
        rows.append(pen.named(lit("last incident"), pen.bold(fmt("{} ago", span(age(pen.now, scene.calm_since))))))
    else:
        watched = span(age(pen.now, scene.watching_since))
        rows.append(pen.named(lit("last incident"), pen.muted(fmt("none seen in the {} on watch", watched))))
    rows.append(pen.named(lit("worst budget"), *_budget(pen, snapshot)))
    # In one line with the numbers above and the systems below.
    return [(pen.text(lit(" ")), *row) for row in rows]


def _budget(pen: Pen, snapshot: Snapshot) -> tuple[Piece, ...]:
    budget = snapshot.worst_budget(pen.now)
    if budget is None:
        return (pen.muted(lit("none is computed")),)
    late = snapshot.lateness(budget.source, pen.now)
    left = pen.state(_budget_state(budget, late), fmt("{}% left", SafeText(f"{budget.left * 100:.0f}")))
    place = pen.bold(fmt("{}/{} ", budget.system, budget.service))
    if late:
        return (place, left, pen.muted(fmt("  {}", late)))
    gone = pen.muted(fmt("  gone {}", pen.moment(budget.gone_at))) if budget.gone_at is not None else pen.muted(EMPTY)
    return (place, left, gone)


def _system_rows(scene: Scene) -> list[Row]:
    """One line a system, the worst first: its state in a word, why, and what fires."""
    pen, snapshot = scene.pen, scene.snapshot
    statuses = snapshot.statuses
    judged = [(system, judge_system(system, statuses, pen.now)) for system in snapshot.systems]
    judged.sort(key=lambda pair: _WORST_FIRST[pair[1].state])
    firing = Counter((alert.system, alert.severity) for alert in snapshot.alerts if alert.active)
    name = max([10, *(len(system.label) for system, _ in judged)])
    return [
        (
            pen.bold(fmt("  {}  ", fit(system.label, min(name, 24), mark=pen.look.glyphs.cut))),
            pen.state(verdict.state, fmt("{}  ", fit(verdict.state.word, 10))),
            *_firing(pen, system, firing),
            pen.text(verdict.reason),
        )
        for system, verdict in judged
    ]


def _firing(pen: Pen, system: SystemHealth, firing: Mapping[tuple[SafeText, Severity], int]) -> list[Piece]:
    pieces: list[Piece] = []
    used = 0
    for severity in (Severity.P1, Severity.P2, Severity.P3):
        count = firing.get((system.system, severity), 0)
        if count:
            text = fmt(" {} {} ", severity.word, count)
            pieces += [(text, pen.look.palette.severity[severity]), pen.text(lit(" "))]
            used += len(text) + 1
    pieces.append(pen.text(SafeText(" " * max(1, 22 - used))))
    return pieces


def health(scene: Scene) -> list[Row]:
    """Every service that is not ok, under its system; the others are counted."""
    pen, snapshot = scene.pen, scene.snapshot
    statuses = snapshot.statuses
    rows: list[Row] = [(pen.bold(lit("  Health")),), BLANK]
    if not snapshot.systems:
        return rows + list(pen.sentence(lit("No system is configured: there is nothing to watch.")))
    for system in snapshot.systems:
        verdicts = [(service, judge_service(service, statuses, pen.now)) for service in system.services]
        bad = [pair for pair in verdicts if pair[1].state is not State.OK]
        bad.sort(key=lambda pair: _WORST_FIRST[pair[1].state])
        verdict = judge_system(system, statuses, pen.now)
        well = len(verdicts) - len(bad)
        count = fmt("{} of {} services ok", well, len(verdicts))
        state = pen.state(verdict.state, fmt("{}  ", fit(verdict.state.word, 10)))
        rows.append((pen.bold(fmt("  {}  ", fit(system.label, 22))), state, pen.muted(count)))
        rows += [_service_row(pen, scene, service, found) for service, found in bad]
    return _bounded(pen, rows, scene.height)


def _service_row(pen: Pen, scene: Scene, service: ServiceHealth, verdict: Verdict) -> Row:
    statuses = scene.snapshot.statuses
    worst = max(
        service.measures,
        key=lambda measure: judge(measure, statuses.get(measure.indicator.source), pen.now).state,
        default=None,
    )
    trend = sparkline(worst.trend, 15, pen.look.glyphs) if worst is not None else EMPTY
    return (
        pen.text(fmt("    {}  ", fit(service.label, 20, mark=pen.look.glyphs.cut))),
        pen.state(verdict.state, fmt("{}  ", fit(verdict.state.word, 10))),
        pen.text(fmt("{}  ", fit(verdict.reason, max(12, pen.width - 57), mark=pen.look.glyphs.cut))),
        pen.state(verdict.state, trend),
    )


def alerts(scene: Scene) -> list[Row]:
    """What calls for somebody, most urgent first, and how many are quiet."""
    pen, snapshot = scene.pen, scene.snapshot
    active = [alert for alert in snapshot.alerts if alert.active]
    quiet = Counter(a.state for a in snapshot.alerts if a.state in {AlertState.SILENCED, AlertState.INHIBITED})
    aside = join(", ", [fmt("{} {}", count, state.word) for state, count in quiet.items()])
    head = fmt("{} firing", len(active))
    rows: list[Row] = [(pen.bold(lit("  Alerts  ")), pen.text(head), pen.muted(fmt("   {}", aside))), BLANK]
    if not active:
        proven = snapshot.quiet_is_proven(pen.now)
        text = (
            lit("No alert fires.") if proven else lit("Nobody knows whether an alert fires: not every source is live.")
        )
        return [*rows, *pen.sentence(text, pen.look.palette.state[State.OK if proven else State.UNKNOWN])]
    for alert in active:
        rows += _alert_rows(pen, alert, wide=scene.height > 2 * len(active) + 4)
    return _bounded(pen, rows, scene.height)


def _alert_rows(pen: Pen, alert: Alert, *, wide: bool) -> list[Row]:
    style = pen.look.palette.severity[alert.severity]
    left = countdown((alert.due - pen.now).total_seconds()) if alert.due is not None else pen.look.glyphs.dash
    place = fmt("{}/{}", alert.system, alert.service) if alert.service else alert.system
    row: Row = (
        (fmt("  {} {} ", alert.severity.glyph, alert.severity.word), style),
        pen.bold(fmt(" {}  ", fit(left, 6, right=True))),
        pen.bold(fmt("{}  ", fit(place, 20, mark=pen.look.glyphs.cut))),
        pen.text(alert.summary or alert.name),
        pen.muted(fmt("  {}", span(age(pen.now, alert.started)))),
    )
    return [row, BLANK] if wide else [row]


def rollouts(scene: Scene) -> list[Row]:
    """What moves now, and what moved last."""
    pen, snapshot = scene.pen, scene.snapshot
    live = [rollout for rollout in snapshot.rollouts if rollout.live]
    rows: list[Row] = [(pen.bold(lit("  Rollouts  ")), pen.text(fmt("{} live", len(live)))), BLANK]
    if not snapshot.on(Topic.ROLLOUTS):
        return [*rows, *pen.sentence(lit("No source of rollouts is configured."))]
    if not snapshot.rollouts:
        return [*rows, *pen.sentence(lit("No rollout is known."))]
    for rollout in snapshot.rollouts:
        rows.append(rollout_row(pen, rollout))
        if rollout.live:
            steps: list[Piece] = [pen.text(lit("      "))]
            for step in rollout.steps:
                text = fmt("{} {}   ", phase_glyph(step.phase, pen.look.glyphs), step.label)
                steps.append((text, phase_style(step.phase, pen.look.palette)))
            rows += [tuple(steps), BLANK]
    return _bounded(pen, rows, scene.height)


def rollout_row(pen: Pen, rollout: Rollout) -> Row:
    glyphs = pen.look.glyphs
    change = fmt("{} {} {}", rollout.old or glyphs.dash, glyphs.arrow, rollout.new or glyphs.dash)
    weight = EMPTY if rollout.weight is None or not rollout.live else SafeText(f"{rollout.weight * 100:.0f}%")
    return (
        pen.bold(fmt("  {}  ", fit(fmt("{}/{}", rollout.system, rollout.service), 20, mark=glyphs.cut))),
        (fmt("{}  ", fit(rollout.phase.word, 11)), phase_style(rollout.phase, pen.look.palette)),
        pen.text(fmt("{}  ", fit(weight, 4, right=True))),
        pen.text(fmt("{}  ", fit(change, 26, mark=glyphs.cut))),
        pen.muted(fmt("{} ago", span(age(pen.now, rollout.started)))),
    )


def _bounded(pen: Pen, rows: list[Row], height: int) -> list[Row]:
    """The rows that fit; the last one says how many do not."""
    while rows and not rows[-1]:
        rows.pop()
    if len(rows) <= height or height < 1:
        return rows
    hidden = sum(1 for row in rows[height - 1 :] if row)
    return [*rows[: height - 1], (pen.muted(fmt("  and {}", plural(hidden, lit("more row"), lit("more rows")))),)]


PAGES: Mapping[str, Callable[[Scene], list[Row]]] = {
    "overview": overview, "health": health, "alerts": alerts, "rollouts": rollouts,
}  # fmt: skip
