"""The health pane: systems and their services, worst first, judged at the moment of display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tuiops.core.clock import age
from tuiops.core.health import Measure, ServiceHealth, State, SystemHealth, Verdict, judge, judge_service, worst
from tuiops.core.snapshot import Topic
from tuiops.core.source import Freshness, SourceStatus
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import show, span
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import NOTHING, plural, sparkline
from tuiops.ui.panes.base import freshness_part
from tuiops.ui.panes.table import TablePane
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

    from textual.binding import BindingType

    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.filtering import Value
    from tuiops.ui.panes.base import Part

SPARK = 8
"""Columns of the sparkline."""
_METRIC = 7


class HealthRow(msgspec.Struct, frozen=True, eq=False):
    """A system, or one of its services."""

    system: SystemHealth
    service: ServiceHealth | None
    verdict: Verdict
    verdicts: Mapping[SafeText, tuple[Measure, Verdict]]
    """By heading: the measures that have a column."""
    folded: bool = False
    live: bool = True


class HealthModel:
    """How health rows look."""

    def __init__(self) -> None:
        self.headings: tuple[SafeText, ...] = ()

    def key(self, row: HealthRow) -> Hashable:
        return (row.system.system, row.service.service if row.service else "")

    def stamp(self, row: HealthRow) -> Hashable:
        return (row.verdict.state, row.live)

    def stale(self, row: HealthRow, drawing: Drawing) -> bool:  # noqa: ARG002 - the row knows already
        return not row.live

    def cells(self, row: HealthRow, drawing: Drawing) -> tuple[Cell, ...]:
        palette, glyphs = drawing.look.palette, drawing.look.glyphs
        service, verdict = row.service, row.verdict
        if service is None:
            sign = glyphs.folded if row.folded else glyphs.unfolded
            name = Cell(fmt("{} {}", sign, row.system.label), palette.bold)
        else:
            name = Cell(fmt("    {}", service.label), palette.text)
        lead = next(iter(service.measures), None) if service else None
        trend = sparkline(lead.trend, SPARK, glyphs) if lead else EMPTY
        read = lead.reading.at if lead and lead.reading else None
        return (
            name,
            Cell(verdict.state.word, palette.state[verdict.state]),
            Cell(verdict.reason, palette.muted),
            *(self._metric(row, heading, drawing) for heading in self.headings),
            Cell(trend, palette.state[verdict.state] if verdict.state > State.UNKNOWN else palette.muted),
            Cell(span(age(drawing.now, read)) if read else EMPTY, palette.muted),
        )

    def _metric(self, row: HealthRow, heading: SafeText, drawing: Drawing) -> Cell:
        palette = drawing.look.palette
        if row.service is None or heading not in row.verdicts:
            return Cell(EMPTY, palette.faint)
        measure, verdict = row.verdicts[heading]
        reading = measure.reading
        if reading is None or reading.value is None:
            return Cell(NOTHING if drawing.look.glyphs.dash == NOTHING else lit("-"), palette.faint)
        style = palette.text if verdict.state is State.OK else palette.state[verdict.state]
        return Cell(show(reading.value, measure.indicator.unit), style)


class HealthPane(TablePane[HealthRow]):
    """Tree of systems and services."""

    NUMBER = 1
    NAME = lit("Health")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.HEALTH, Scope.TABLE, Scope.CONSOLE, Scope.GLOBAL)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.HEALTH)]
    FIELDS: ClassVar[tuple[str, ...]] = ("system", "service", "state", "why")
    SORTS: ClassVar[tuple[str, ...]] = ("name",)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._model = HealthModel()
        self._only_unhealthy = False
        self._counts: dict[State, int] = {}

    def model(self) -> HealthModel:
        return self._model

    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        headings = dict.fromkeys(
            measure.indicator.heading
            for system in snapshot.systems
            for service in system.services
            for measure in service.measures
        )
        self._model.headings = tuple(headings)
        return (
            Column(id="service", heading=lit("SERVICE"), width=14, grow=1),
            Column(id="state", heading=lit("STATE"), width=8),
            Column(id="why", heading=lit("WHY"), width=12, grow=4, rank=1),
            *(
                Column(id=heading, heading=heading, width=_METRIC, right=True, rank=3 + position)
                for position, heading in enumerate(headings)
            ),
            Column(id="trend", heading=lit("15 MIN"), width=SPARK, rank=2),
            Column(id="age", heading=lit("AGE"), width=4, right=True, rank=99, wide=True),
        )

    def made_of(self, snapshot: Snapshot, now: datetime) -> object:
        # Verdicts change with the data, and with time as feeds or late readings go stale.
        stale = tuple(feed.status.describe(now) for feed in snapshot.on(Topic.HEALTH) if not _live(feed.status, now))
        late = _late(snapshot, now)
        return (snapshot.version, stale, late, self._only_unhealthy)

    def rows(self, snapshot: Snapshot, now: datetime) -> list[HealthRow]:
        statuses = snapshot.statuses
        self._counts = dict.fromkeys(State, 0)
        trees = [self._tree(system, statuses, now) for system in snapshot.systems]
        if self.sort:
            trees.sort(key=lambda tree: tree[0].system.label)
        else:
            trees.sort(key=lambda tree: -tree[0].verdict.state)
        return [row for tree in trees for row in self._shown(tree)]

    def _tree(self, system: SystemHealth, statuses: Mapping[str, SourceStatus], now: datetime) -> list[HealthRow]:
        folded = system.system in self.folded
        services = [self._service(system, service, statuses, now) for service in system.services]
        for row in services:
            self._counts[row.verdict.state] += 1
        if self.sort:
            services.sort(key=lambda row: row.service.label if row.service else EMPTY)
        else:
            services.sort(key=lambda row: -row.verdict.state)
        state = max((row.verdict.state for row in services), default=State.UNKNOWN)
        bad = [row for row in services if row.verdict.state is not State.OK]
        if not services:
            reason = lit("no services")
        elif bad and folded and bad[0].service is not None:
            reason = fmt("{}: {}", bad[0].service.label, bad[0].verdict.reason)
        elif bad:
            reason = fmt("{} of {}", len(bad), len(services))
        else:
            reason = plural(len(services), lit("service"), lit("services"))
        live = any(row.live for row in services) or not services
        return [HealthRow(system, None, Verdict(state, reason), {}, folded, live), *services]

    def _service(
        self, system: SystemHealth, service: ServiceHealth, statuses: Mapping[str, SourceStatus], now: datetime
    ) -> HealthRow:
        judged = {m.indicator.heading: (m, judge(m, statuses.get(m.indicator.source), now)) for m in service.measures}
        if len(judged) == len(service.measures):
            verdict = worst(verdict for _, verdict in judged.values())
            verdict = Verdict(State.OK) if verdict.state is State.OK else verdict
        else:  # two measures share a heading: one column, but both count
            verdict = judge_service(service, statuses, now)
        feeds = {m.indicator.source for m in service.measures}
        live = not feeds or any(name in statuses and _live(statuses[name], now) for name in feeds)
        return HealthRow(system, service, verdict, judged, live=live)

    def _shown(self, tree: list[HealthRow]) -> list[HealthRow]:
        head, *services = tree
        if self._only_unhealthy:
            services = [row for row in services if row.verdict.state is not State.OK]
        if self.filter:
            services = [row for row in services if self.filter.matches(_fields(row))]
        if (self.filter or self._only_unhealthy) and not services:
            return []
        return [head] if head.folded else [head, *services]

    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        if not snapshot.systems:
            return (
                lit("No systems are configured, so there is no health to show."),
                lit("Add [systems.NAME] with services and indicators to the configuration; `tuiops check` explains."),
            )
        if self._only_unhealthy:
            feeds = snapshot.on(Topic.HEALTH)
            if feeds and all(_live(feed.status, now) for feed in feeds):
                return (lit("Every service is ok."), lit("Press ! to see them."))
            return (
                lit("Nothing here is known to be unhealthy, but not every source is live."),
                lit("Press ! to see all."),
            )
        return (lit("Nothing to show."),)

    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        palette = shell_of(self).look.palette
        notes: list[Part] = [
            (fmt("{} {}", self._counts[state], state.word), palette.state[state])
            for state in (State.DOWN, State.DEGRADED, State.UNKNOWN)
            if self._counts.get(state)
        ]
        if self._only_unhealthy:
            notes.append((lit("only unhealthy"), palette.accent))
        return tuple(notes), freshness_part(snapshot.on(Topic.HEALTH), now, palette)

    def subject(self, row: HealthRow) -> tuple[SafeText, SafeText]:
        return (row.system.system, row.service.service if row.service else EMPTY)

    def fold_key(self) -> Hashable | None:
        row = self.table.selected
        return row.system.system if row else None

    def selection_text(self) -> SafeText:
        row = self.table.selected
        if row is None:
            return EMPTY
        name = fmt("{}/{}", row.system.label, row.service.label) if row.service else row.system.label
        return fmt("{} {} {}", name, row.verdict.state.word, row.verdict.reason)

    def selection_links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        row = self.table.selected
        return row.service.links if row and row.service else ()

    def action_health_unhealthy(self) -> None:
        self._only_unhealthy = not self._only_unhealthy
        self.show_again()


def _live(status: SourceStatus, now: datetime) -> bool:
    return status.freshness(now) is Freshness.LIVE


def _late(snapshot: Snapshot, now: datetime) -> tuple[tuple[SafeText, SafeText], ...]:
    """The measures whose own time limit has run out, so that passing it makes the rows anew."""
    return tuple(
        (service.service, measure.indicator.id)
        for system in snapshot.systems
        for service in system.services
        for measure in service.measures
        if measure.indicator.max_age is not None
        and measure.reading is not None
        and age(now, measure.reading.at) > measure.indicator.max_age
    )


def _fields(row: HealthRow) -> Mapping[str, Value]:
    return {
        "system": row.system.label,
        "service": row.service.label if row.service else EMPTY,
        "state": row.verdict.state.word,
        "why": row.verdict.reason,
    }
