"""Rollouts, drifts and what is remembered of them, between the polls and the snapshots."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.hub.fakes import START
from tuiops.core.drift import Drift
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.snapshot import Environment, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit, safe
from tuiops.core.updates import RolloutsUpdate
from tuiops.hub.board import Board
from tuiops.hub.poller import Result
from tuiops.hub.rollouts import LOST, REMEMBERED, RolloutBoard

FEED = "run/rollouts"


def rollout(name: str, phase: Phase = Phase.RUNNING, *, begun: float = 0, took: float | None = None) -> Rollout:
    """`begun` in seconds after the start."""
    started = START + timedelta(seconds=begun)
    return Rollout(
        id=safe(name), system=lit("shop"), service=lit("api"), strategy=lit("canary"), old=lit("v1"), new=safe(name),
        by=lit("CI"), client=lit("gcloud"), phase=phase, started=started, source=lit("run"),
        ended=None if took is None else started + timedelta(seconds=took),
    )  # fmt: skip


def drift(what: str, actual: str = "10") -> Drift:
    return Drift(
        system=lit("shop"), service=lit("api"), resource=lit("api"), what=safe(what), expected=lit("20"),
        actual=safe(actual), source=lit("run"),
    )  # fmt: skip


def board() -> Board:
    return Board(Environment(lit("test")))


def answer(made: Board, *rollouts: Rollout, drifts: tuple[Drift, ...] = (), after: float = 0) -> None:
    """A poll that succeeds."""
    at = START + timedelta(seconds=after)
    status = SourceStatus(name=safe(FEED), kind=lit("gcp"), interval=10, answered=at, tried=at)
    update = RolloutsUpdate(at=at, rollouts=rollouts, drifts=drifts)
    made.apply(Result(topic=Topic.ROLLOUTS, status=status, update=update), at)


def fail(made: Board, after: float) -> None:
    """A poll that fails."""
    known = made.feed(FEED)
    assert known is not None
    status = msgspec.structs.replace(known.status, failing=1, word=lit("unreachable"))
    made.apply(Result(topic=Topic.ROLLOUTS, status=status), START + timedelta(seconds=after))


def said(made: Board) -> list[tuple[float, str]]:
    """The changes, newest first, with their seconds after the start."""
    changes = made.snapshot(START).changes
    return [((c.at - START).total_seconds(), c.text) for c in changes if not c.text.startswith("source ")]


def test_rollouts_and_drifts_carry_the_name_of_the_feed_that_saw_them() -> None:
    made = board()
    answer(made, rollout("v2"), drifts=(drift("max instances"),))
    snapshot = made.snapshot(START)
    assert [one.source for one in snapshot.rollouts] == [FEED]
    assert [one.source for one in snapshot.drifts] == [FEED]
    assert snapshot.is_live(snapshot.drifts[0].source, START)


def test_a_drift_goes_when_its_source_says_no_more_of_it_and_when_the_source_goes() -> None:
    made = board()
    answer(made, drifts=(drift("max instances"), drift("cpu")))
    answer(made, drifts=(drift("cpu"),), after=5)
    assert [one.what for one in made.snapshot(START).drifts] == ["cpu"]
    fail(made, 10)
    assert [one.what for one in made.snapshot(START).drifts] == ["cpu"]
    made.forget(FEED)
    assert made.snapshot(START).drifts == ()


def test_a_rollout_that_its_source_forgets_is_remembered_with_its_duration() -> None:
    made = board()
    answer(made, rollout("v2", Phase.SUCCEEDED, took=90))
    answer(made, rollout("v3", begun=200), after=200)
    assert [(one.id, one.took) for one in made.snapshot(START).rollouts] == [("v3", None), ("v2", 90)]
    made.forget(FEED)
    assert made.snapshot(START).rollouts == ()


def test_one_that_is_told_again_is_there_once() -> None:
    made = board()
    past = rollout("v2", Phase.SUCCEEDED, took=90)
    for reported in ((past,), (), (past,)):
        answer(made, *reported)
    assert len(made.snapshot(START).rollouts) == 1


def test_one_that_vanishes_under_way_is_lost_from_sight_and_not_live_for_ever() -> None:
    made = board()
    answer(made, rollout("v2"))
    answer(made, after=60)
    (lost,) = made.snapshot(START).rollouts
    assert (lost.phase, lost.live, lost.took, lost.message) == (Phase.UNKNOWN, False, 60, LOST)
    assert said(made)[0] == (60, "rollout v1 → v2 lost from sight")
    answer(made, rollout("v2"), after=70)
    assert [one.live for one in made.snapshot(START).rollouts] == [True]


def test_a_failed_poll_changes_nothing() -> None:
    made = board()
    answer(made, rollout("v2"))
    before = made.snapshot(START).rollouts
    fail(made, 10)
    assert made.snapshot(START).rollouts is before


def test_what_is_remembered_is_bounded_and_the_oldest_go_first() -> None:
    made = RolloutBoard()
    for number in range(REMEMBERED + 20):
        past = rollout(f"v{number}", Phase.SUCCEEDED, begun=number, took=1)
        made.apply(safe(FEED), RolloutsUpdate(at=START, rollouts=(past,)))
    assert len(made.rollouts) == REMEMBERED + 1
    assert made.rollouts[-1].id == "v19"


def test_changes_have_the_rollouts_own_times() -> None:
    made = board()
    answer(made, rollout("v0", Phase.SUCCEEDED, begun=-900, took=60), rollout("v2", begun=-300), after=0)
    assert said(made) == [
        (-300, "rollout v1 → v2 began by CI with gcloud"), (-840, "rollout v1 → v0 succeeded after 1m"),
    ]  # fmt: skip
    answer(made, rollout("v2", Phase.ROLLED_BACK, begun=-300, took=302), after=20)
    assert said(made)[0] == (2, "rollout v1 → v2 rolled back after 5m")


def test_one_that_began_and_ended_between_two_polls_is_told_whole() -> None:
    made = board()
    answer(made)
    answer(made, rollout("v2", Phase.SUCCEEDED, begun=3, took=4), after=10)
    assert said(made) == [
        (7, "rollout v1 → v2 succeeded after 4s"), (3, "rollout v1 → v2 began by CI with gcloud"),
    ]  # fmt: skip


def test_no_change_is_later_than_now_and_all_stand_newest_first() -> None:
    made = board()
    answer(made)
    answer(made, drifts=(drift("cpu"),), after=10)
    answer(made, rollout("early", begun=5), rollout("ahead", begun=9000), drifts=(drift("cpu"),), after=20)
    assert [at for at, _ in said(made)] == [20, 10, 5]


def test_drifts_that_come_change_and_go_are_changes() -> None:
    made = board()
    answer(made, drifts=(drift("cpu"),))
    answer(made, drifts=(drift("cpu"), drift("max instances")), after=10)
    answer(made, drifts=(drift("cpu", "11"), drift("max instances")), after=20)
    answer(made, drifts=(drift("cpu", "11"),), after=30)
    assert said(made) == [
        (30, "drift is over: max instances"), (20, "drift: cpu 11, expected 20"),
        (10, "drift: max instances 10, expected 20"),
    ]  # fmt: skip


def test_what_did_not_change_is_the_same_object_in_the_next_snapshot() -> None:
    made = board()
    answer(made, rollout("v2"), drifts=(drift("cpu"),))
    before = made.snapshot(START)
    answer(made, rollout("v2"), drifts=(drift("cpu"),), after=10)
    after = made.snapshot(START)
    assert after.rollouts is before.rollouts
    assert after.drifts is before.drifts
    answer(made, rollout("v2"), after=20)
    assert made.snapshot(START).drifts == ()


def test_the_same_answer_again_is_no_change() -> None:
    made = board()
    for after in (0, 10, 20):
        moved = msgspec.structs.replace(rollout("v2"), weight=after / 100)
        answer(made, moved, drifts=(drift("cpu"),), after=after)
    assert len(said(made)) == 1
