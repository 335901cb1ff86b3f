"""The health pane: systems and their services, worst first, judged at the moment of display."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.snapshot import Topic
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import Unit, show, span
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import decimals, plural, sparkline, steady, width_of
from tuiops.ui.panes.base import freshness_part
from tuiops.ui.panes.health_rows import Folds, HealthRow, Judge, fields, is_live, late_ones, unfold
from tuiops.ui.panes.table import Same, TablePane
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import datetime

    from textual.binding import BindingType

    from tuiops.core.health import Measure, ServiceHealth, SystemHealth, Verdict
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.filtering import Filter
    from tuiops.ui.panes.base import Part

SPARK = 8
"""Columns of the sparkline."""
_METRIC = 6
_MOST_METRICS = 4
"""Metrics that have a column without being asked for: what is wrong with the others stands under WHY."""
_MOST_MATCHED = 20_000
"""Services in all their states about which it is remembered whether the filter wants them."""
_MAIN_METRICS = 2
"""The first metrics, which stay where the trend and further metrics have to go."""


class HealthModel:
    """How health rows look."""

    def __init__(self) -> None:
        self.headings: Mapping[SafeText, int | None] = {}
        """The metrics that have a column, with the decimals of their values."""

    def key(self, row: HealthRow) -> Hashable:
        return row.key

    def stamp(self, row: HealthRow) -> Hashable:
        return (row.verdict.state, row.live)

    def stale(self, row: HealthRow, drawing: Drawing) -> bool:  # noqa: ARG002 - the row knows already
        return not row.live

    def cells(self, row: HealthRow, drawing: Drawing) -> tuple[Cell, ...]:
        palette, glyphs = drawing.look.palette, drawing.look.glyphs
        service, verdict = row.service, row.verdict
        lead = next(iter(service.measures), None) if service else None
        verdicts = row.verdicts
        trend = sparkline(lead.trend, SPARK, glyphs) if lead else EMPTY
        read = lead.reading.at if lead and lead.reading else None
        return (
            self._name(row, drawing),
            Cell(verdict.state.word, palette.state[verdict.state]),
            Cell(_reason(row, drawing), palette.muted),
            *(self._metric(verdicts.get(heading), heading, drawing) for heading in self.headings),
            Cell(trend, palette.state[verdict.state] if verdict.state > State.UNKNOWN else palette.muted),
            Cell(span(age(drawing.now, read)) if read else EMPTY, palette.muted),
        )

    def _name(self, row: HealthRow, drawing: Drawing) -> Cell:
        palette, glyphs = drawing.look.palette, drawing.look.glyphs
        well = row.verdict.state is State.OK
        sign = glyphs.folded if row.folded else glyphs.unfolded
        if row.healthy:
            return Cell(fmt(" {} {}", sign, plural(row.healthy, lit("service"), lit("services"))), palette.muted)
        if row.service is None:
            return Cell(fmt("{} {}", sign, row.system.label), palette.muted if well and row.folded else palette.bold)
        return Cell(fmt("   {}", row.service.label), palette.muted if well else palette.text)

    def _metric(self, judged: tuple[Measure, Verdict] | None, heading: SafeText, drawing: Drawing) -> Cell:
        palette = drawing.look.palette
        if judged is None:
            return Cell(EMPTY, palette.faint)
        measure, verdict = judged
        reading = measure.reading
        if reading is None or reading.value is None or math.isnan(reading.value):
            # The column is too narrow for words: the reason and the detail say why.
            return Cell(drawing.look.glyphs.dash, palette.faint)
        style = palette.muted if verdict.state is State.OK else palette.state[verdict.state]
        text = steady(reading.value, measure.indicator.unit, self.headings[heading], sign=not heading.endswith("%"))
        return Cell(text, style)


def _reason(row: HealthRow, drawing: Drawing) -> SafeText:
    """Why, with the limit; where the column is narrow, the value alone, which the detail explains."""
    reason, room = row.verdict.reason, drawing.room.get("why", 0)
    if width_of(reason) <= room or row.service is None or row.verdict.state <= State.UNKNOWN:
        # What is stale says so and since when; what keeps it so stands in the title.
        short = width_of(reason) > room and row.verdict.state is State.UNKNOWN
        return safe(reason.partition(" · ")[0]) if short else reason
    for measure, verdict in row.verdicts.values():
        reading = measure.reading
        if measure.indicator.unit is Unit.STATE:
            # Its value is the state that is there already: the beginning of the reason says more.
            continue
        if verdict.state is row.verdict.state and reading is not None and reading.value is not None:
            return fmt("{} {}", measure.indicator.heading, show(reading.value, measure.indicator.unit))
    return reason


def metrics(systems: tuple[SystemHealth, ...]) -> dict[SafeText, int | None]:
    """The headings of all measures in their order, each with the decimals that all of its values have."""
    found: dict[SafeText, int | None] = {}
    seen: set[tuple[str, str]] = set()
    for system in systems:
        for service in system.services:
            for measure in service.measures:
                indicator = measure.indicator
                if indicator.key in seen or indicator.unit is Unit.STATE:
                    # A state has its column, and what is behind it stands under WHY.
                    continue
                seen.add(indicator.key)
                own, known = decimals(indicator), found.get(indicator.heading)
                found[indicator.heading] = known if own is None else max(own, known or 0)
    return found


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
        self._judge = Judge()
        self._folds = Folds()
        self._only_unhealthy = False
        self._counts: Mapping[State, int] = {}
        self._late: tuple[object, float, object] = (None, 0.0, ())
        self._matched: tuple[Filter, dict[tuple[str, str, int, str], bool]] = (self.filter, {})
        """What the filter says of services, by all that it sees of them."""

    def model(self) -> HealthModel:
        return self._model

    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        self._model.headings = headings = metrics(snapshot.systems)
        return (
            Column(id="service", heading=lit("SERVICE"), width=14, grow=1),
            Column(id="state", heading=lit("STATE"), width=8),
            Column(id="why", heading=lit("WHY"), width=12, grow=4, rank=1),
            *(
                Column(
                    id=heading,
                    heading=heading,
                    width=_METRIC,
                    right=True,
                    rank=2 if position < _MAIN_METRICS else 4 + position,
                    wide=position >= _MOST_METRICS,
                )
                for position, heading in enumerate(headings)
            ),
            Column(id="trend", heading=lit("15 MIN"), width=SPARK, rank=3),
            Column(id="age", heading=lit("AGE"), width=4, right=True, rank=99, wide=True),
        )

    def made_of(self, snapshot: Snapshot, now: datetime) -> object:
        # Verdicts change with the data, and with time as feeds or late readings go stale.
        stale = tuple(feed.status.describe(now) for feed in snapshot.on(Topic.HEALTH) if not is_live(feed.status, now))
        if self._late[0] is not snapshot.systems or self._late[1] < now.timestamp() - 1:
            self._late = (snapshot.systems, now.timestamp(), late_ones(snapshot.systems, now))
        return (
            Same(snapshot.systems),
            len(snapshot.feeds),
            stale,
            self._late[2],
            self._only_unhealthy,
            self._folds.state,
        )

    def rows(self, snapshot: Snapshot, now: datetime) -> list[HealthRow]:
        statuses = snapshot.statuses
        trees = [self._judge.tree(system, statuses, now) for system in snapshot.systems]
        self._counts = Counter(row.verdict.state for tree in trees for row in tree.services)
        if self.sort:
            trees.sort(key=lambda tree: tree.head.system.label)
        else:
            trees.sort(key=lambda tree: -tree.head.verdict.state)
        wanted = self._wanted if self.filter or self._only_unhealthy else None
        return [row for tree in trees for row in unfold(tree, self._folds, wanted=wanted, worst_first=not self.sort)]

    def _wanted(self, row: HealthRow) -> bool:
        if self._only_unhealthy and row.verdict.state is State.OK:
            return False
        return not self.filter or self._matches(row)

    def _matches(self, row: HealthRow) -> bool:
        if self._matched[0] is not self.filter or len(self._matched[1]) > _MOST_MATCHED:
            self._matched = (self.filter, {})
        known = self._matched[1]
        seen = (row.system.label, row.service.label if row.service else "", int(row.verdict.state), row.verdict.reason)
        if seen not in known:
            known[seen] = self.filter.matches(fields(row))
        return known[seen]

    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        if not snapshot.systems:
            return (
                lit("No systems are configured, so there is no health to show."),
                lit("Add [systems.NAME] with services and indicators to the configuration; `tuiops check` explains."),
            )
        if self._only_unhealthy:
            feeds = snapshot.on(Topic.HEALTH)
            if feeds and all(is_live(feed.status, now) for feed in feeds):
                return (lit("Every service is ok."), lit("Press ! to see them."))
            return (
                lit("Nothing here is known to be unhealthy, but not every source is live."),
                lit("Press ! to see all."),
            )
        return (lit("The systems that are configured have no services."),)

    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        palette = shell_of(self).look.palette
        notes: list[Part] = [
            (fmt("{} {}", self._counts[state], state.word), palette.state[state])
            for state in (State.DOWN, State.DEGRADED, State.UNKNOWN)
            if self._counts.get(state)
        ]
        warnings = sum(len(feed.status.warnings) for feed in snapshot.on(Topic.HEALTH))
        if warnings:
            said = plural(warnings, lit("source warning"), lit("source warnings"))
            notes.append((said, palette.state[State.DEGRADED]))
        if self._only_unhealthy:
            notes.append((lit("only unhealthy"), palette.accent))
        return tuple(notes), freshness_part(snapshot.on(Topic.HEALTH), now, palette)

    def subject(self, row: HealthRow) -> tuple[SafeText, SafeText]:
        return (row.system.system, row.service.service if row.service else EMPTY)

    def action_table_fold(self) -> None:
        row = self.table.selected
        if row is None:
            return
        if row.service is not None:
            # A service folds what it is in: the healthy ones, or its system.
            well = row.verdict.state is State.OK
            rest = next((r for r in self.table.rows if r.healthy and r.system.system == row.system.system), None)
            row = rest if well and rest is not None else self._head_of(row)
        if row is not None:
            self._folds.toggle(row.key, folded=row.folded)
            self.show_again()
            self.table.select(row.key)

    def _head_of(self, row: HealthRow) -> HealthRow | None:
        return next((r for r in self.table.rows if r.key == (row.system.system, "")), None)

    def selection_text(self) -> SafeText:
        row = self.table.selected
        if row is None:
            return EMPTY
        if row.healthy:
            return fmt("{} {} ok", row.system.label, plural(row.healthy, lit("service"), lit("services")))
        name = fmt("{}/{}", row.system.label, row.service.label) if row.service else row.system.label
        return fmt("{} {} {}", name, row.verdict.state.word, row.verdict.reason)

    def selection_links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        row = self.table.selected
        return row.service.links if row and row.service else ()

    def selected_service(self) -> ServiceHealth | None:
        """The service that is selected; of a system, the one that is worst off."""
        row = self.table.selected
        return row.lead if row else None

    def action_health_unhealthy(self) -> None:
        self._only_unhealthy = not self._only_unhealthy
        self.show_again()
