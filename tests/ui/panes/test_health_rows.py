"""A verdict is made again when what it rests on differs, and only then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tests.ui.fakes import NOW, fleet
from tuiops.core.health import ServiceHealth, State, SystemHealth
from tuiops.core.text import lit
from tuiops.ui.panes.health_rows import HealthRow, Judge, Tree

if TYPE_CHECKING:
    from tuiops.core.source import SourceStatus


def first_system() -> tuple[SystemHealth, dict[str, SourceStatus]]:
    snapshot = fleet()
    system = next(system for system in snapshot.systems if len(system.services) > 1)
    return system, snapshot.statuses


def rows(tree: Tree) -> dict[str, HealthRow]:
    return {row.service.service: row for row in tree.services if row.service is not None}


def another(service: ServiceHealth) -> ServiceHealth:
    return msgspec.structs.replace(service, links=((lit("page"), lit("https://example.org")),))


def test_nothing_is_judged_again_while_nothing_differs() -> None:
    system, statuses = first_system()
    judge = Judge()
    assert judge.tree(system, statuses, NOW) is judge.tree(system, statuses, NOW)


def test_a_service_that_differs_is_judged_alone() -> None:
    system, statuses = first_system()
    judge = Judge()
    before = rows(judge.tree(system, statuses, NOW))
    changed = another(system.services[0])
    system = msgspec.structs.replace(system, services=(changed, *system.services[1:]))
    after = rows(judge.tree(system, statuses, NOW))
    assert [name for name in after if after[name] is not before[name]] == [changed.service]


def test_a_feed_that_goes_quiet_turns_what_rests_on_it_grey_and_back() -> None:
    system, statuses = first_system()
    judge = Judge()
    live = judge.tree(system, statuses, NOW)
    quiet = judge.tree(system, statuses, NOW + timedelta(hours=1))
    assert live.head.verdict.state is not State.UNKNOWN
    assert {row.verdict.state for row in quiet.services} == {State.UNKNOWN}
    assert not quiet.head.live
    again = judge.tree(system, statuses, NOW)
    assert [row.verdict for row in again.services] == [row.verdict for row in live.services]


def test_a_service_that_is_kept_is_still_judged_by_the_feed_that_goes_quiet_later() -> None:
    system, statuses = first_system()
    judge = Judge()
    judge.tree(system, statuses, NOW)
    system = msgspec.structs.replace(system, services=(another(system.services[0]), *system.services[1:]))
    judge.tree(system, statuses, NOW)
    quiet = judge.tree(system, statuses, NOW + timedelta(hours=1))
    assert {row.verdict.state for row in quiet.services} == {State.UNKNOWN}


def test_a_reading_that_becomes_late_is_judged_again_when_it_does() -> None:
    system, statuses = first_system()
    service = next(s for s in system.services if s.measures and s.measures[0].reading is not None)
    measure = service.measures[0]
    assert measure.reading is not None
    indicator = msgspec.structs.replace(measure.indicator, max_age=60.0)
    reading = msgspec.structs.replace(measure.reading, at=NOW - timedelta(seconds=59))
    measure = msgspec.structs.replace(measure, indicator=indicator, reading=reading)
    service = msgspec.structs.replace(service, measures=(measure,))
    system = msgspec.structs.replace(system, services=(service,))
    # The feed answers all the time; its data does not get younger.
    later = {
        name: msgspec.structs.replace(status, answered=NOW + timedelta(seconds=2)) for name, status in statuses.items()
    }
    judge = Judge()
    (before,) = judge.tree(system, statuses, NOW).services
    (after,) = judge.tree(system, later, NOW + timedelta(seconds=2)).services
    assert before.verdict.state is not State.UNKNOWN
    assert (after.verdict.state, after.verdict.reason) == (State.UNKNOWN, "stale 1m")
