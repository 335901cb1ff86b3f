"""What changed: since the console watches, and before it did."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tests.hub.boards import apply, board, health
from tests.hub.fakes import START, alert
from tuiops.core.alerts import AlertState
from tuiops.core.changes import Change
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.snapshot import Topic
from tuiops.core.text import lit, safe
from tuiops.core.updates import AlertsUpdate, HealthUpdate, RolloutsUpdate
from tuiops.hub.changes import FLAPPING, KEPT

if TYPE_CHECKING:
    from tuiops.hub.board import Board

HOUR = timedelta(hours=1)


def rollout(name: str, phase: Phase, started: timedelta, ended: timedelta | None = None) -> Rollout:
    return Rollout(
        id=safe(name),
        system=lit("shop"),
        service=lit("api"),
        strategy=lit("rolling"),
        old=lit("v1"),
        new=safe(name),
        phase=phase,
        started=START + started,
        ended=None if ended is None else START + ended,
    )


def told(made: Board) -> list[tuple[float, str]]:
    """Seconds since the start, and what changed; newest first."""
    return [((change.at - START).total_seconds(), change.text) for change in made.snapshot(START).changes]


def test_what_was_before_the_start_stands_at_its_own_time() -> None:
    made = board("api")
    past = (rollout("v2", Phase.SUCCEEDED, -3 * HOUR, -2 * HOUR), rollout("v3", Phase.RUNNING, -HOUR / 2))
    apply(made, RolloutsUpdate(at=START, rollouts=past), "cd/rollouts", Topic.ROLLOUTS)
    old = msgspec.structs.replace(alert("old", state=AlertState.SILENCED), started=START - HOUR)
    apply(made, AlertsUpdate(at=START, alerts=(old,)), "am/alerts", Topic.ALERTS)
    boot = Change(at=START - 24 * HOUR, system=lit("shop"), text=lit("started"))
    apply(made, HealthUpdate(at=START, happened=(boot,)), "prom", Topic.HEALTH)
    apply(made, HealthUpdate(at=START, happened=(boot,)), "prom", Topic.HEALTH, after=10)
    assert told(made) == [
        (-1800.0, "rollout v1 → v3 began"),
        (-3600.0, "P2 old began, silenced"),
        (-7200.0, "rollout v1 → v2 succeeded after 1h00"),
        (-86400.0, "started"),
    ]


def test_a_rollout_ends_when_it_says_and_no_clock_is_ahead_of_ours() -> None:
    made = board("api")
    apply(made, RolloutsUpdate(at=START, rollouts=(rollout("v2", Phase.RUNNING, HOUR),)), "cd/rollouts", Topic.ROLLOUTS)
    ended = rollout("v2", Phase.FAILED, -HOUR, timedelta(seconds=20))
    apply(made, RolloutsUpdate(at=START, rollouts=(ended,)), "cd/rollouts", Topic.ROLLOUTS, after=30)
    assert told(made) == [(20.0, "rollout v1 → v2 failed after 1h00"), (0.0, "rollout v1 → v2 began")]


def test_of_a_flood_of_old_alerts_the_newest_are_kept() -> None:
    made = board("api")
    many = tuple(msgspec.structs.replace(alert(str(n)), started=START - timedelta(seconds=n)) for n in range(2 * KEPT))
    apply(made, AlertsUpdate(at=START, alerts=many), "am/alerts", Topic.ALERTS)
    found = told(made)
    assert (len(found), found[0][0], found[-1][0]) == (KEPT, 0.0, 1.0 - KEPT)
    health(made, ("api", 0.0))
    health(made, ("api", 0.3), after=10)
    assert told(made)[0] == (10.0, "ok → DOWN  ERR% 30.0% > 20.0%")


def test_a_service_that_flaps_has_one_row() -> None:
    made = board("api", "web")
    health(made, ("api", 0.0), ("web", 0.0))
    for turn in range(1, 7):
        health(made, ("api", 0.3 * (turn % 2)), ("web", 0.3 if turn > 2 else 0.0), after=100 * turn)
    assert told(made) == [
        (600.0, "flapped 6× in 8m, DOWN → ok  "),
        (300.0, "ok → DOWN  ERR% 30.0% > 20.0%"),
    ]


def test_a_service_that_turns_now_and_then_has_a_row_for_each_time() -> None:
    made = board("api")
    health(made, ("api", 0.0))
    pause = FLAPPING.total_seconds() / 2 + 1
    for turn in range(1, 5):
        health(made, ("api", 0.3 * (turn % 2)), after=pause * turn)
    assert len(told(made)) == 4
