"""The rows of the health pane: systems and services with their verdicts, worst first, what is well folded into one.

A verdict is made again only when its service is another value, or when the state of a feed that it rests on
differs: of a thousand services, a poll that changed one costs one judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.clock import age
from tuiops.core.health import Measure, ServiceHealth, State, SystemHealth, Verdict, judge, judge_live, worst
from tuiops.core.source import Freshness, SourceStatus
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.format import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from datetime import datetime

    from tuiops.ui.filtering import Value

_OK = Verdict(State.OK)
FEW = 2
"""Healthy services from which they stand in one row."""


class HealthRow(msgspec.Struct, gc=False, frozen=True, eq=False):
    """A system, one of its services, or all of its healthy services."""

    system: SystemHealth
    service: ServiceHealth | None
    verdict: Verdict
    verdicts: Mapping[SafeText, tuple[Measure, Verdict]] = {}
    """By heading: the measures that have a column."""
    folded: bool = False
    live: bool = True
    lead: ServiceHealth | None = None
    """The service itself, or of several the one that is worst off."""
    healthy: int = 0
    """In the row of the healthy services: how many there are."""

    @property
    def key(self) -> Hashable:
        if self.healthy:
            return (self.system.system, "", "healthy")
        return (self.system.system, self.service.service if self.service else "")


class Tree(NamedTuple):
    """A system's own row and those of its services, worst first."""

    head: HealthRow
    services: Sequence[HealthRow]


class _Judged(NamedTuple):
    row: HealthRow
    rests_on: tuple[object, ...]
    until: float
    """Unix time at which a reading becomes older than it may be."""


class Folds:
    """What a person folded and unfolded. What nobody touched is unfolded while something in it is not ok."""

    def __init__(self) -> None:
        self._closed: set[Hashable] = set()
        self._opened: set[Hashable] = set()

    @property
    def state(self) -> Hashable:
        """Differs when something was folded or unfolded."""
        return (frozenset(self._closed), frozenset(self._opened))

    def folded(self, key: Hashable, *, well: bool) -> bool:
        """Whether the group of a key is folded, `well` when all that is in it is ok."""
        return key in self._closed or (well and key not in self._opened)

    def toggle(self, key: Hashable, *, folded: bool) -> None:
        """Unfold a group that is folded, or fold it."""
        (self._closed.discard if folded else self._closed.add)(key)
        (self._opened.add if folded else self._opened.discard)(key)


class Judge:
    """Verdicts of all services, kept while what they rest on stays the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Judged] = {}

    def tree(self, system: SystemHealth, statuses: Mapping[str, SourceStatus], now: datetime) -> Tree:
        """The system's rows in the order of the configuration."""
        feeds: dict[str, object] = {}
        services = [self._service(system, service, statuses, feeds, now) for service in system.services]
        bad = [row for row in services if row.verdict.state is not State.OK]
        state = max((row.verdict.state for row in services), default=State.UNKNOWN)
        reason = (
            lit("no services") if not services
            else fmt("{} of {}", len(bad), len(services)) if bad
            else plural(len(services), lit("service"), lit("services"))
        )  # fmt: skip
        live = any(row.live for row in services) or not services
        lead = max(services, key=lambda row: row.verdict.state).service if services else None
        return Tree(HealthRow(system, None, Verdict(state, reason), live=live, lead=lead), services)

    def _service(
        self,
        system: SystemHealth,
        service: ServiceHealth,
        statuses: Mapping[str, SourceStatus],
        feeds: dict[str, object],
        now: datetime,
    ) -> HealthRow:
        named = [measure.indicator.source for measure in service.measures]
        for name in named:
            if name not in feeds:
                feeds[name] = _standing(statuses.get(name), now)
        rests_on = (service, *(feeds[name] for name in named))
        known = self._known.get((system.system, service.service))
        if (
            known is not None
            and known.until > now.timestamp()
            and len(known.rests_on) == len(rests_on)
            and all(old is fresh or old == fresh for old, fresh in zip(known.rests_on[1:], rests_on[1:], strict=True))
            and known.rests_on[0] is service
            and known.row.system.label == system.label
        ):
            return known.row if known.row.system is system else msgspec.structs.replace(known.row, system=system)
        row = _judged(system, service, statuses, feeds, now)
        self._known[system.system, service.service] = _Judged(row, rests_on, _next_change(service, now))
        return row


def _standing(status: SourceStatus | None, now: datetime) -> object:
    """What a feed says of its measures: the same while it is live; when it is not, also how long it has been so."""
    if status is None:
        return None
    return True if is_live(status, now) else status.describe(now)


def _next_change(service: ServiceHealth, now: datetime) -> float:
    """When the first reading that is in time will be late."""
    ends = (
        measure.reading.at.timestamp() + measure.indicator.max_age
        for measure in service.measures
        if measure.reading is not None and measure.indicator.max_age is not None
    )
    # A reading that is late already says how late: its verdict is made anew each time.
    return min((max(now.timestamp(), end) for end in ends), default=float("inf"))


def _judged(
    system: SystemHealth,
    service: ServiceHealth,
    statuses: Mapping[str, SourceStatus],
    feeds: Mapping[str, object],
    now: datetime,
) -> HealthRow:
    verdict: Verdict | None = None
    live = not service.measures
    by_heading: dict[SafeText, tuple[Measure, Verdict]] = {}
    for measure in service.measures:
        indicator = measure.indicator
        fresh = feeds[indicator.source] is True
        live = live or fresh
        said = judge_live(measure, now) if fresh else judge(measure, statuses.get(indicator.source), now)
        if verdict is None or said.state > verdict.state:
            verdict = said
        present = by_heading.get(indicator.heading)
        # Where two measures share a heading, the worse one has the column.
        if present is None or said.state > present[1].state:
            by_heading[indicator.heading] = (measure, said)
    if verdict is None:
        verdict = worst(())
    elif verdict.state is State.OK:
        verdict = _OK
    return HealthRow(system, service, verdict, by_heading, live=live, lead=service)


def is_live(status: SourceStatus, now: datetime) -> bool:
    return status.freshness(now) is Freshness.LIVE


def unfold(
    tree: Tree, folds: Folds, *, wanted: Callable[[HealthRow], bool] | None, worst_first: bool
) -> list[HealthRow]:
    """The rows of a system that are shown. `wanted` keeps only some services, and then none are folded away."""
    head, services = tree
    if worst_first:
        services = sorted(services, key=lambda row: -row.verdict.state)
    else:
        services = sorted(services, key=lambda row: row.service.label if row.service else EMPTY)
    if wanted is not None:
        kept = [row for row in services if wanted(row)]
        return [head, *kept] if kept else []
    well = head.verdict.state is State.OK
    if folds.folded(head.key, well=well):
        return [_closed(head, services)]
    bad = [row for row in services if row.verdict.state is not State.OK]
    healthy = len(services) - len(bad)
    if well or not worst_first or healthy < FEW:
        return [head, *services]
    rest = HealthRow(head.system, None, Verdict(State.OK), live=head.live, healthy=healthy)
    if folds.folded(rest.key, well=True):
        return [head, *bad, msgspec.structs.replace(rest, folded=True)]
    return [head, *bad, rest, *services[len(bad) :]]


def _closed(head: HealthRow, services: Sequence[HealthRow]) -> HealthRow:
    """A folded system says of its worst service what is wrong with it."""
    lead = max(services, key=lambda row: row.verdict.state, default=None)
    verdict = head.verdict
    if lead is not None and lead.service is not None and verdict.state is not State.OK:
        verdict = Verdict(verdict.state, fmt("{}: {}", lead.service.label, lead.verdict.reason))
    return msgspec.structs.replace(head, verdict=verdict, folded=True)


def late(systems: Sequence[SystemHealth], now: datetime) -> tuple[tuple[SafeText, SafeText], ...]:
    """The measures whose own time limit has run out, so that passing it makes the rows anew."""
    return tuple(
        (service.service, measure.indicator.id)
        for system in systems
        for service in system.services
        for measure in service.measures
        if measure.indicator.max_age is not None
        and measure.reading is not None
        and age(now, measure.reading.at) > measure.indicator.max_age
    )


def fields(row: HealthRow) -> Mapping[str, Value]:
    """What a filter sees of a service."""
    return {
        "system": row.system.label,
        "service": row.service.label if row.service else EMPTY,
        "state": row.verdict.state.word,
        "why": row.verdict.reason,
    }
