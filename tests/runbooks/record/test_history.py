"""What a run's entries add up to, for the console that carries it out, for others, and after a crash."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.records import (
    KIM,
    LEE,
    START,
    begun,
    claimed,
    entries,
    gate,
    intended,
    lock,
    plan,
    requested,
    step,
    wait,
)
from tuiops.core.access import Danger, Principal, Role
from tuiops.core.record import (
    Commented,
    Evidence,
    RunAborting,
    RunApproved,
    RunEnded,
    RunPaused,
    RunRejected,
    RunStarted,
    StepAttested,
    StepEnded,
    StepIntended,
    StepReceipt,
)
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.runbooks.format.model import ManualAction
from tuiops.runbooks.record.history import NOBODY, History, fold

if TYPE_CHECKING:
    from tuiops.core.record import AnyEvent

TWO = plan(step("one"), step("two"))


def ended(key: str, state: StepState, execution: str = "run-1.1", text: str = "") -> StepEnded:
    return StepEnded(step=key, state=state.value, execution=execution, text=lit(text))


def folded(found: History | None) -> History:
    assert found is not None
    return found


def states(history: History) -> list[StepState]:
    return [one.state for one in history.view.steps]


def test_what_was_never_requested_is_no_run() -> None:
    assert fold(entries(RunPaused(reason=lit("why")))) is None
    assert fold([]) is None


def test_a_request_alone_has_done_nothing() -> None:
    history = folded(fold(entries(requested(TWO))))

    assert history.view.state is RunState.PAUSED
    assert not history.started
    assert states(history) == [StepState.PENDING, StepState.PENDING]
    assert (history.view.number, history.view.by, history.view.plan_digest) == (42, "kim", TWO.digest)
    assert history.plan == TWO


def test_a_run_for_two_waits_for_the_second_person() -> None:
    events = entries(requested(TWO, second=True))
    assert folded(fold(events)).view.state is RunState.AWAITING_APPROVAL

    approved = [*events, *entries(RunApproved(plan_digest=TWO.digest), by=LEE)]
    assert folded(fold(approved)).view.approved_by == "lee"

    rejected = folded(fold([*events, *entries(RunRejected(reason=lit("not today")), by=LEE)])).view
    assert (rejected.state, rejected.reason, rejected.live) == (RunState.REJECTED, "not today", False)


def test_the_console_that_holds_the_lock_carries_it_out() -> None:
    history = folded(fold(begun(TWO, intended("one"), claimed()), lock(), "s-1", carried=True))

    assert history.view.state is RunState.RUNNING
    assert (history.view.held_by, history.view.mine) == ("kim on bastion-1", True)
    assert states(history) == [StepState.RUNNING, StepState.PENDING]
    assert not folded(fold(begun(TWO), lock(session="other"), "s-1")).view.mine


def test_a_step_that_ended_is_over_and_the_next_one_is_next() -> None:
    evidence = Evidence(status=0, output=(lit("done"),))
    over = StepEnded(step="one", state="succeeded", execution="run-1.1", evidence=evidence, captured={"id": "7"})
    history = folded(fold(begun(TWO, intended("one"), claimed(), over), lock()))

    assert states(history) == [StepState.SUCCEEDED, StepState.PENDING]
    assert history.open == ""
    assert history.view.steps[0].evidence == evidence
    assert history.captured == {"one.id": "7"}
    next_one = history.view.step
    assert next_one is not None
    assert next_one.key == "two"


@pytest.mark.parametrize("holder", [None, lock(gone=True), lock(run="another")], ids=["none", "gone", "another run's"])
class TestLost:
    """The console is gone."""

    def test_what_was_claimed_is_unknown(self, holder: object) -> None:
        history = folded(fold(begun(TWO, intended("one"), claimed()), holder))  # type: ignore[arg-type] # the parameter

        assert (history.view.state, history.view.reason) == (RunState.UNKNOWN, NOBODY)
        assert states(history) == [StepState.UNKNOWN, StepState.PENDING]
        assert history.open == "run-1.1"
        assert history.view.live

    def test_what_was_only_intended_has_not_happened(self, holder: object) -> None:
        history = folded(fold(begun(TWO, intended("one")), holder))  # type: ignore[arg-type] # the parameter

        assert (history.view.state, history.view.reason) == (RunState.PAUSED, NOBODY)
        assert states(history) == [StepState.PENDING, StepState.PENDING]
        assert history.open == ""

    def test_a_gate_and_a_countdown_can_go_on(self, holder: object) -> None:
        ends = START + timedelta(minutes=5)
        looked = begun(plan(gate("look")), intended("look"))
        waited = begun(plan(wait("rest")), intended("rest", ends=ends))

        for events in (looked, waited):
            history = folded(fold(events, holder))  # type: ignore[arg-type] # the parameter
            assert history.view.state is RunState.PAUSED
            assert states(history) == [StepState.PENDING]
        assert folded(fold(waited)).view.steps[0].ends == ends

    def test_what_was_over_before_stays_so(self, holder: object) -> None:
        over = begun(TWO, intended("one"), claimed(), ended("one", StepState.FAILED), RunEnded(state="failed"))
        history = folded(fold(over, holder))  # type: ignore[arg-type] # the parameter

        assert (history.view.state, history.view.live) == (RunState.FAILED, False)

    def test_why_it_paused_is_kept(self, holder: object) -> None:
        history = folded(fold(begun(TWO, RunPaused(reason=lit("kim has left"))), holder))  # type: ignore[arg-type] # the parameter

        assert history.view.reason == "kim has left"


def test_while_it_is_carried_out_here_no_lock_has_to_prove_it() -> None:
    history = folded(fold(begun(TWO, intended("one"), claimed()), None, carried=True))

    assert states(history) == [StepState.RUNNING, StepState.PENDING]
    assert history.view.state is RunState.RUNNING


def test_an_unknown_end_stays_open_until_somebody_settles_it() -> None:
    lost = begun(TWO, intended("one"), claimed(), ended("one", StepState.UNKNOWN, text="the link was lost"))
    history = folded(fold(lost, lock()))
    assert (history.view.state, history.view.reason) == (RunState.UNKNOWN, "the link was lost")
    assert history.open == "run-1.1"

    settled = [*lost, *entries(StepAttested(step="one", state="succeeded", note=lit("saw it")), by=LEE)]
    after = folded(fold(settled, lock()))
    assert after.open == ""
    assert states(after) == [StepState.SUCCEEDED, StepState.PENDING]
    assert after.view.steps[0].text == "lee says: saw it"


def test_an_answer_counts_for_the_console_that_asks_again() -> None:
    asking = plan(step("key", ManualAction(instructions="turn the key")))
    asked = begun(asking, intended("key", asks=True))
    answered = [*asked, *entries(StepAttested(step="key", state="succeeded", note=lit("turned")), by=LEE)]
    taken_up = entries(RunStarted(resumed=True), intended("key", asks=True, execution="run-1.2"))

    assert states(folded(fold([*asked, *taken_up], carried=True))) == [StepState.ASKING]
    assert states(folded(fold([*answered, *taken_up], carried=True))) == [StepState.SUCCEEDED]


def test_a_run_that_is_taken_up_asks_nothing_before_it_asks_anew() -> None:
    asking = plan(step("key", ManualAction(instructions="turn the key")))
    asked = begun(asking, intended("key", asks=True))
    taken_up = [*asked, *entries(RunStarted(resumed=True))]

    assert states(folded(fold(asked, carried=True))) == [StepState.ASKING]
    assert states(folded(fold(taken_up, carried=True))) == [StepState.PENDING]


class TestDoubt:
    """Whether part of a step may be done."""

    @pytest.mark.parametrize(
        "further",
        [
            [],
            [ended("one", StepState.UNKNOWN)],
            [ended("one", StepState.UNKNOWN), StepAttested(step="one", state="skipped", note=lit("go on"))],
            [ended("one", StepState.UNKNOWN), StepAttested(step="one", state="failed", note=lit("it broke"))],
            [ended("one", StepState.FAILED)],
            [StepEnded(step="one", state="failed", execution="run-1.1", effect="failed")],
            [StepEnded(step="one", state="aborted", execution="run-1.1", effect="aborted")],
        ],
        ids=["cut off", "unknown", "skipped", "attested to have failed", "no effect told", "failed", "aborted"],
    )
    def test_what_was_claimed_stays_in_doubt(self, further: list[AnyEvent]) -> None:
        history = folded(fold(begun(TWO, intended("one"), claimed(), *further)))

        assert history.doubtful == {"one"}
        assert history.changed == frozenset()

    @pytest.mark.parametrize(
        ("further", "changed"),
        [
            ([StepEnded(step="one", state="succeeded", execution="run-1.1", effect="succeeded")], True),
            ([StepEnded(step="one", state="failed", execution="run-1.1", effect="succeeded")], True),
            (
                [ended("one", StepState.UNKNOWN), StepAttested(step="one", state="succeeded", note=lit("I looked"))],
                True,
            ),
            ([StepEnded(step="one", state="failed", execution="run-1.1", effect="not begun")], False),
            ([StepEnded(step="one", state="pending", execution="run-1.1", effect="not begun")], False),
        ],
        ids=[
            "worked",
            "worked and is not confirmed",
            "attested to have worked",
            "not begun",
            "found not to have begun",
        ],
    )
    def test_until_it_is_known_what_became_of_it(self, further: list[AnyEvent], changed: bool) -> None:
        history = folded(fold(begun(TWO, intended("one"), claimed(), *further)))

        assert history.doubtful == frozenset()
        assert history.changed == ({"one"} if changed else frozenset())

    def test_what_was_only_intended_is_not(self) -> None:
        assert folded(fold(begun(TWO, intended("one")))).doubtful == frozenset()


def test_a_step_whose_undo_a_person_left_out_is_kept_as_it_is() -> None:
    undoing = begun(
        TWO,
        intended("one"),
        claimed(),
        ended("one", StepState.SUCCEEDED),
        RunEnded(state="succeeded"),
        RunStarted(undoing=True),
        intended("one", "run-1.2", undoes="one"),
        claimed("run-1.2"),
        ended("one", StepState.UNKNOWN, "run-1.2"),
    )
    assert folded(fold(undoing)).kept == frozenset()
    history = folded(fold([*undoing, *entries(StepAttested(step="one", state="skipped", note=lit("by hand")), by=LEE)]))

    assert history.kept == {"one"}
    assert history.changed == {"one"}
    assert history.doubtful == frozenset()
    assert history.open == ""


class TestAttested:
    """A person's word is about one attempt, and only where there is something to say."""

    @pytest.mark.parametrize(
        ("further", "said", "counts"),
        [
            ([intended("one", asks=True)], "run-1.1", True),
            ([intended("one", asks=True)], "", True),
            ([intended("one", asks=True)], "run-1.9", False),
            ([intended("one"), claimed()], "", False),
            ([intended("one"), claimed()], "run-1.9", False),
            ([intended("one"), claimed()], "run-1.1", True),
            ([intended("one")], "run-1.1", False),
            ([intended("one"), claimed(), ended("one", StepState.UNKNOWN)], "run-1.1", True),
            ([intended("one"), claimed(), ended("one", StepState.UNKNOWN)], "", True),
            ([intended("one"), claimed(), ended("one", StepState.UNKNOWN)], "run-1.9", False),
            ([], "", False),
        ],
        ids=[
            "asks", "asks, in an entry that names none", "asks by another attempt", "runs", "runs by another attempt",
            "was claimed by a console that is gone", "was only intended", "unknown",
            "unknown, in an entry that names none", "unknown by another attempt", "was never begun",
        ],
    )  # fmt: skip
    def test_what_counts(self, further: list[AnyEvent], said: str, counts: bool) -> None:
        word = StepAttested(step="one", execution=said, state="succeeded", note=lit("saw it"))
        history = folded(fold([*begun(TWO, *further), *entries(word, by=LEE)], lock(), carried=True))

        assert (history.view.steps[0].state is StepState.SUCCEEDED) is counts

    def test_what_was_never_begun_is_left_out(self) -> None:
        word = StepAttested(step="one", state="skipped", note=lit("not needed"))
        assert states(folded(fold([*begun(TWO), *entries(word, by=LEE)])))[0] is StepState.SKIPPED

    def test_what_is_under_way_is_not(self) -> None:
        word = StepAttested(step="one", state="skipped", note=lit("not needed"))
        running = begun(TWO, intended("one"), claimed())
        assert states(folded(fold([*running, *entries(word, by=LEE)], carried=True)))[0] is StepState.RUNNING


@pytest.mark.parametrize("by", [KIM, msgspec.structs.replace(LEE, role=Role.OPERATOR)], ids=["asked", "operator"])
def test_what_two_persons_wanted_is_left_out_by_the_second_alone(by: Principal) -> None:
    approved = entries(RunApproved(plan_digest=TWO.digest), by=LEE)
    events = [*entries(requested(TWO, second=True)), *approved, *entries(RunStarted())]
    word = StepAttested(step="one", state="skipped", note=lit("not needed"))

    assert states(folded(fold([*events, *entries(word, by=by)])))[0] is StepState.PENDING
    assert states(folded(fold([*events, *entries(word, by=LEE)])))[0] is StepState.SKIPPED


@pytest.mark.parametrize(
    ("at", "stands"),
    [
        (intended("pause"), RunState.WAITING),
        (intended("look"), RunState.HOLDING),
        (intended("turn", asks=True), RunState.WAITING),
        (intended("one"), RunState.RUNNING),
    ],
    ids=["countdown", "gate", "person", "command"],
)
def test_what_a_run_does_is_told_by_the_step_that_it_is_at(at: StepIntended, stands: RunState) -> None:
    turn = step("turn", ManualAction(instructions="turn the key"), Danger.SAFE)
    events = begun(plan(wait("pause"), gate("look"), turn, step("one")), at)

    assert folded(fold(events, lock())).view.state is stands
    assert folded(fold([*events, *entries(RunAborting(reason=lit("x")))], lock())).view.state is RunState.ABORTING
    assert folded(fold(events)).view.state is RunState.PAUSED


@pytest.mark.parametrize("later", [RunStarted(resumed=True), RunPaused(reason=lit("found out"))], ids=["on", "paused"])
def test_who_wants_it_ended_is_heard_until_it_is_over(later: AnyEvent) -> None:
    events = begun(TWO, RunAborting(reason=lit("enough")), later)
    history = folded(fold(events))

    assert history.view.state is RunState.ABORTING
    assert history.view.reason == f"kim asked to abort it: enough; {NOBODY}"
    over = folded(fold([*events, *entries(RunEnded(state="aborted")), *entries(RunStarted(undoing=True))], lock()))
    assert (over.view.state, over.abort) == (RunState.RUNNING, "")


def test_abort_is_seen_before_it_is_over() -> None:
    history = folded(fold(begun(TWO, intended("one"), claimed(), RunAborting(reason=lit("enough"))), lock()))

    assert (history.view.state, history.view.reason) == (RunState.ABORTING, "kim asked to abort it: enough")


def test_a_step_that_was_undone_says_so() -> None:
    events = begun(
        TWO,
        intended("one"),
        claimed(),
        ended("one", StepState.SUCCEEDED),
        RunEnded(state="failed", reason=lit("two: no")),
        RunStarted(undoing=True),
        intended("one", "run-1.2", undoes="one"),
        claimed("run-1.2"),
        ended("one", StepState.SUCCEEDED, "run-1.2"),
        RunEnded(state="undone"),
    )
    history = folded(fold(events))

    assert history.view.state is RunState.UNDONE
    assert history.view.steps[0].state is StepState.UNDONE
    assert history.view.steps[0].undone_by == "run-1.2"
    assert history.attempts == 2


def test_what_is_needed_to_look_an_effect_up_is_kept() -> None:
    prepared = msgspec.Raw(b'{"seen":"abc"}')
    receipt = StepReceipt(execution="run-1.1", operation=lit("operations/7"))
    history = folded(fold(begun(TWO, intended("one", prepared=prepared), claimed(), receipt)))

    assert bytes(history.prepared["run-1.1"]) == b'{"seen":"abc"}'
    assert history.receipts["run-1.1"].operation == "operations/7"
    assert history.executions == {"run-1.1": "one"}


def test_events_of_other_kinds_and_unknown_steps_change_nothing() -> None:
    before = begun(TWO)
    after = [*before, *entries(Commented(subject=lit("x"), text=lit("y")), ended("nowhere", StepState.FAILED), by=KIM)]

    assert folded(fold(after, lock())).view == folded(fold(before, lock())).view


def test_the_first_word_on_a_step_counts() -> None:
    said = StepAttested(step="one", state="succeeded", note=lit("saw it"))
    events = begun(TWO, intended("one", asks=True), said, ended("one", StepState.ABORTED, text="cancelled"))
    history = folded(fold(events, lock()))

    assert states(history) == [StepState.SUCCEEDED, StepState.PENDING]
    assert history.changed == {"one"}


def test_an_undo_that_was_only_intended_leaves_the_step_as_it_was() -> None:
    done = begun(TWO, intended("one"), claimed(), ended("one", StepState.SUCCEEDED), RunEnded(state="failed"))
    undoing = [*done, *entries(RunStarted(undoing=True), intended("one", "run-1.2", undoes="one"))]
    history = folded(fold(undoing))

    assert history.undoing
    assert states(history) == [StepState.SUCCEEDED, StepState.PENDING]
    assert history.forward == {"one": "run-1.1"}


def test_a_run_that_was_aborted_before_it_was_started_is_never_started() -> None:
    events = [*entries(requested(TWO), RunAborting(reason=lit("no"))), *entries(RunStarted())]
    history = folded(fold(events, lock()))

    assert (history.view.state, history.started) == (RunState.ABORTED, False)


def test_why_one_console_could_not_begin_a_run_says_nothing_of_one_that_another_has_begun() -> None:
    why = RunPaused(reason=lit("the service is away"), unbegun=True)
    asked = entries(requested(TWO))
    assert folded(fold([*asked, *entries(why)])).view.reason == "the service is away"

    begun_since = [*asked, *entries(RunStarted(), why, by=LEE)]
    view = folded(fold(begun_since, lock())).view
    assert (view.state, view.reason) == (RunState.RUNNING, "")


def test_what_is_over_stays_so_whoever_says_otherwise() -> None:
    over = begun(TWO, RunEnded(state="succeeded"))
    for event in (RunPaused(reason=lit("x")), RunAborting(reason=lit("x")), RunEnded(state="failed"), RunStarted()):
        assert folded(fold([*over, *entries(event, by=LEE)])).view.state is RunState.SUCCEEDED
