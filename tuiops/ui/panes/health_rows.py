"""The rows of the health pane: systems and services with their verdicts, worst first, what is well folded into one.

A verdict is made again only when its service is another value, or when the state of a feed that it rests on
differs: of a thousand services, a poll that changed one costs one judgement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.health import Measure, ServiceHealth, State, SystemHealth, Verdict, judge, judge_live, late, worst
from tuiops.core.source import Freshness, SourceStatus
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.format import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from datetime import datetime

    from tuiops.ui.filtering import Value

_OK = Verdict(State.OK)
_NEVER = float("inf")
FEW = 2
"""Healthy services from which they stand in one row."""


class HealthRow(msgspec.Struct, gc=False, frozen=True, eq=False):
    """A system, one of its services, or all of its healthy services."""

    system: SystemHealth
    """Only its names count: it may be older than the rest of the row."""
    service: ServiceHealth | None
    verdict: Verdict
    said: tuple[Verdict, ...] = ()
    """Of each of the service's measures, in their order."""
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

    @property
    def verdicts(self) -> Mapping[SafeText, tuple[Measure, Verdict]]:
        """By heading: the measures that have a column. Where two share a heading, the worse one has it."""
        found: dict[SafeText, tuple[Measure, Verdict]] = {}
        for measure, said in zip(self.service.measures, self.said, strict=True) if self.service else ():
            present = found.get(measure.indicator.heading)
            if present is None or said.state > present[1].state:
                found[measure.indicator.heading] = (measure, said)
        return found


class Tree(NamedTuple):
    """A system's own row and those of its services, worst first."""

    head: HealthRow
    services: Sequence[HealthRow]


class _Judged(NamedTuple):
    row: HealthRow
    until: float
    """Unix time at which a reading becomes older than it may be."""


class _JudgedSystem(NamedTuple):
    system: SystemHealth
    tree: Tree
    services: Mapping[SafeText, _Judged]
    standings: Mapping[SafeText, object]
    """By the feeds that the verdicts rest on."""
    until: float


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
        self._known: dict[str, _JudgedSystem] = {}

    def tree(self, system: SystemHealth, statuses: Mapping[str, SourceStatus], now: datetime) -> Tree:
        """The system's rows in the order of the configuration."""
        known = self._known.get(system.system)
        standings = _Standings(statuses, now)
        moved: set[SafeText] = set()
        services: Mapping[SafeText, _Judged] = {}
        moment = now.timestamp()
        if known is not None and known.system.label == system.label:
            moved = {feed for feed, before in known.standings.items() if standings[feed] != before}
            if known.system is system and not moved and known.until > moment:
                return known.tree
            services = known.services
        judged: dict[SafeText, _Judged] = {}
        for service in system.services:
            kept = services.get(service.service)
            if (
                kept is None
                or kept.row.service is not service
                or kept.until <= moment
                or (moved and any(measure.indicator.source in moved for measure in service.measures))
            ):
                kept = _judged(system, service, standings, moment)
            judged[service.service] = kept
        tree = _tree(system, [one.row for one in judged.values()])
        until = min((one.until for one in judged.values()), default=_NEVER)
        # Whatever a kept verdict rests on stays watched, although it was not asked for this time.
        watched = {feed: standings[feed] for feed in (*(known.standings if known is not None else ()), *standings)}
        self._known[system.system] = _JudgedSystem(system, tree, judged, watched, until)
        return tree


class _Standings(dict[SafeText, object]):
    """What feeds say of their measures: True while they are live, else in words for how long they have not been."""

    def __init__(self, statuses: Mapping[str, SourceStatus], now: datetime) -> None:
        super().__init__()
        self.statuses = statuses
        self.now = now

    def __missing__(self, feed: SafeText) -> object:
        status = self.statuses.get(feed)
        standing = self[feed] = status is not None and (is_live(status, self.now) or status.describe(self.now))
        return standing


def _tree(system: SystemHealth, services: list[HealthRow]) -> Tree:
    bad, live, lead = 0, not services, None
    for row in services:
        bad += row.verdict.state is not State.OK
        live = live or row.live
        if lead is None or row.verdict.state > lead.verdict.state:
            lead = row
    reason = (
        lit("no services") if lead is None
        else fmt("{} of {}", bad, len(services)) if bad
        else plural(len(services), lit("service"), lit("services"))
    )  # fmt: skip
    verdict = Verdict(State.UNKNOWN if lead is None else lead.verdict.state, reason)
    return Tree(HealthRow(system, None, verdict, live=live, lead=lead.service if lead else None), services)


def _judged(system: SystemHealth, service: ServiceHealth, standings: _Standings, moment: float) -> _Judged:
    verdict: Verdict | None = None
    live, until = not service.measures, _NEVER
    verdicts: list[Verdict] = []
    for measure in service.measures:
        indicator = measure.indicator
        if standings[indicator.source] is True:
            live = True
            said = judge_live(measure, standings.now)
        else:
            said = judge(measure, standings.statuses.get(indicator.source), standings.now)
        verdicts.append(said)
        if verdict is None or said.state > verdict.state:
            verdict = said
        if indicator.max_age is not None and measure.reading is not None:
            # A reading that is late already says how late: its verdict is made anew each time.
            until = min(until, max(moment, measure.reading.at.timestamp() + indicator.max_age))
    if verdict is None:
        verdict = worst(())
    elif verdict.state is State.OK:
        verdict = _OK
    return _Judged(HealthRow(system, service, verdict, tuple(verdicts), live=live, lead=service), until)


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
    rest = HealthRow(head.system, None, _OK, live=head.live, healthy=healthy)
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


def late_ones(systems: Sequence[SystemHealth], now: datetime) -> tuple[tuple[SafeText, SafeText], ...]:
    """The measures whose own time limit has run out, so that passing it makes the rows anew."""
    return tuple(
        (service.service, measure.indicator.id)
        for system in systems
        for service in system.services
        for measure in service.measures
        if measure.indicator.max_age is not None and late(measure, now)
    )


def fields(row: HealthRow) -> Mapping[str, Value]:
    """What a filter sees of a service."""
    return {
        "system": row.system.label,
        "service": row.service.label if row.service else EMPTY,
        "state": row.verdict.state.word,
        "why": row.verdict.reason,
    }
