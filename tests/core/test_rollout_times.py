"""What the time of a rollout went to, how it is parted, and how long it usually takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.rollout_times import Spent, estimate, left, past, spent, stages
from tuiops.core.rollouts import Phase, Rollout, Side, Step, StepKind, order
from tuiops.core.text import lit, safe

NOW = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def rollout(*steps: Step, phase: Phase = Phase.RUNNING, **more: object) -> Rollout:
    """Begun ten minutes ago."""
    made = Rollout(
        id=lit("r1"), system=lit("shop"), service=lit("api"), strategy=lit("canary"), old=lit("v1"), new=lit("v2"),
        phase=phase, started=ago(600), steps=steps,
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def step(
    label: str, phase: Phase, kind: StepKind = StepKind.WORK, *, stage: str = "", begun: float | None = None,
    over: float | None = None, due: float | None = None,
) -> Step:  # fmt: skip
    """Times in seconds ago; `due` in seconds from now."""
    return Step(
        label=safe(label), phase=phase, kind=kind, stage=safe(stage),
        started=None if begun is None else ago(begun), ended=None if over is None else ago(over),
        ends=None if due is None else NOW + timedelta(seconds=due),
    )  # fmt: skip


def ended(name: str, took: float, phase: Phase = Phase.SUCCEEDED, **more: object) -> Rollout:
    return rollout(phase=phase, id=safe(name), started=ago(9000), ended=ago(9000 - took), **more)


def test_working_and_waiting_are_told_apart_and_the_rest_is_said() -> None:
    made = rollout(
        step("deploy", Phase.SUCCEEDED, begun=600, over=480),
        step("bake", Phase.SUCCEEDED, StepKind.WAIT, begun=460, over=160),
        step("gate", Phase.RUNNING, StepKind.GATE, begun=160),
        step("full", Phase.WAITING),
    )
    assert spent(made, NOW) == Spent(working=120, waiting=460, between=20)


def test_where_steps_overlap_work_counts_and_nothing_counts_twice() -> None:
    made = rollout(
        step("bake", Phase.RUNNING, StepKind.WAIT, begun=500),
        step("scale", Phase.SUCCEEDED, begun=400, over=300),
        step("migrate", Phase.SUCCEEDED, begun=350, over=250),
    )
    assert spent(made, NOW) == Spent(working=150, waiting=350, between=100)


def test_time_after_the_end_does_not_count() -> None:
    made = rollout(step("deploy", Phase.RUNNING, begun=600), phase=Phase.FAILED, ended=ago(540))
    assert spent(made, NOW) == Spent(working=60, waiting=0, between=0)


moments = st.one_of(st.none(), st.floats(-300, 900))
steps = st.lists(
    st.builds(
        step, st.sampled_from(["a", "b"]), st.sampled_from(list(Phase)), st.sampled_from(list(StepKind)),
        stage=st.sampled_from(["", "canary", "full"]), begun=moments, over=moments, due=moments,
    ),
    max_size=8,
)  # fmt: skip


@given(steps, st.sampled_from(list(Phase)))
def test_the_parts_add_up_to_the_whole_however_odd_the_steps_are(given_steps: list[Step], phase: Phase) -> None:
    made = rollout(*given_steps, phase=phase, ended=ago(100) if phase.ended else None)
    times = spent(made, NOW)
    assert min(times.working, times.waiting, times.between) >= 0
    assert times.working + times.waiting + times.between == pytest.approx(500 if phase.ended else 600)


@given(steps)
def test_the_tree_has_every_step_once_and_in_order(given_steps: list[Step]) -> None:
    tree = stages(rollout(*given_steps))
    assert [one for stage in tree for one in stage.steps] == given_steps
    for stage in tree:
        assert {one.stage for one in stage.steps} == {stage.label}
        assert stage.label or len(stage.steps) == 1
        if len({one.phase for one in stage.steps}) == 1:
            assert stage.phase is stage.steps[0].phase


def test_a_stage_is_under_way_between_two_of_its_steps_and_failed_when_one_of_them_is() -> None:
    parts = rollout(
        step("a", Phase.SUCCEEDED, stage="canary"), step("b", Phase.WAITING, stage="canary"),
        step("c", Phase.SUCCEEDED, stage="full"), step("d", Phase.FAILED, stage="full"), step("e", Phase.WAITING),
    )  # fmt: skip
    assert [stage.phase for stage in stages(parts)] == [Phase.RUNNING, Phase.FAILED, Phase.WAITING]


def test_only_a_timed_step_that_runs_has_time_left() -> None:
    assert left(step("bake", Phase.RUNNING, begun=60, due=240), NOW) == 240
    assert left(step("bake", Phase.RUNNING, begun=60, due=-5), NOW) == -5
    assert left(step("bake", Phase.RUNNING, begun=60), NOW) is None
    assert left(step("bake", Phase.SUCCEEDED, begun=60, due=240), NOW) is None


def test_the_estimate_is_the_median_of_what_succeeded_in_the_same_way() -> None:
    live = rollout()
    known = [
        live,
        ended("a", 1000), ended("b", 1200), ended("c", 5000),
        ended("other way", 10, strategy=lit("rolling")), ended("other service", 10, service=lit("web")),
        ended("taken back", 30, Phase.ROLLED_BACK), ended("failed", 30, Phase.FAILED),
    ]  # fmt: skip
    found = estimate(live, known)
    assert found is not None
    assert (found.seconds, found.count, found.left(NOW)) == (1200, 3, 600)
    even = estimate(live, [ended("a", 100), ended("b", 200)])
    assert even is not None
    assert (even.seconds, even.left(NOW)) == (150, -450)


def test_there_is_no_estimate_without_a_past_nor_for_what_is_over() -> None:
    assert estimate(rollout(), [ended("a", 30, Phase.ROLLED_BACK)]) is None
    assert estimate(ended("b", 30), [ended("a", 30)]) is None


def test_the_past_of_a_service_is_newest_first_and_without_itself() -> None:
    older, newer = ended("a", 10), msgspec.structs.replace(ended("b", 10), started=ago(8000))
    live = rollout()
    assert past(live, [older, live, newer, ended("web", 1, service=lit("web"))]) == (newer, older)
    assert past(newer, [older, live, newer]) == (older,)


def test_one_that_was_lost_from_sight_is_neither_live_nor_ended_well() -> None:
    lost = rollout(phase=Phase.UNKNOWN, ended=ago(60))
    assert not lost.live
    assert lost.took == 540
    assert estimate(rollout(id=lit("r2")), [lost]) is None
    assert min([lost, rollout(id=lit("r2"))], key=order).id == "r2"


@pytest.mark.parametrize(
    ("sides", "weight", "meant", "real", "lags"),
    [
        ((), None, 0.1, None, False),
        ((), 0.04, 0.1, 0.04, True),
        ((Side(revision=lit("v2"), set=0.5, actual=0.5),), 0.2, 0.5, 0.5, False),
        ((Side(revision=lit("v2"), set=0.5, actual=0.496),), None, 0.5, 0.496, False),
        ((Side(revision=lit("v2"), set=0.5),), 0.2, 0.5, 0.2, True),
        ((Side(revision=lit("v1"), set=0.5, actual=1.0),), None, 0.1, None, False),
    ],
)
def test_the_share_of_the_new_revision(
    sides: tuple[Side, ...], weight: float | None, meant: float, real: float | None, *, lags: bool
) -> None:
    shift = msgspec.structs.replace(step("canary", Phase.RUNNING), weight=0.1)
    made = rollout(shift, sides=sides, weight=weight)
    assert (made.share_set, made.share_actual, made.lags) == (meant, real, lags)
