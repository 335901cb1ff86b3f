"""What is decided about a run is decided about what was shown: not what it has become, nor by one person for two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.engine.stage import TWO_PERSONS, person, step
from tests.runbooks.records import KIM
from tuiops.core.access import Danger, Deed, Role, Rule
from tuiops.core.record import RunRequested, RunStarted, StepAttested
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.engine import preconditions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.core.runs import RunView

LEE = person("lee", Role.APPROVER)
KEY = '{ kind = "manual", instructions = "turn the key" }'
BAD = '{ kind = "command", argv = ["false"] }'
SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'
NONE = {"undo": '"none"', "undo_reason": '"a test"'}
X_NEEDS_TWO = (Rule(danger=Danger.DESTROYS, second=Danger.DESTROYS, place=lit("test")),)


async def paused(stage: Stage) -> tuple[Console, Console, str]:
    """A run at `key`, without its console, and two others that see it so."""
    stage.runbook(step("key", KEY, undo='"none"', undo_reason='"a test"') + step("two", stage.append("two"), **NONE))
    first = await stage.console()
    run = await first.begun()
    await first.at(run, "key", StepState.ASKING)
    await first.close()
    second, third = await stage.console(LEE), await stage.console(person("max"))
    await second.lost(run)
    await third.lost(run)
    return second, third, run


class TestMovedOn:
    """Another console was faster."""

    @pytest.mark.parametrize(
        "deed",
        [
            lambda console, seen: console.sitting.resume(seen),
            lambda console, seen: console.sitting.skip(seen, "two", "not needed"),
        ],
        ids=["resume", "skip"],
    )
    async def test_nothing_is_done_about_a_run_that_is_not_as_it_was_shown(
        self, stage: Stage, deed: Callable[[Console, RunView], Awaitable[None]]
    ) -> None:
        second, third, run = await paused(stage)
        seen = third.view(run)
        await second.sitting.skip(second.view(run), "key", "there is no key")
        await third.until(lambda: third.step(run, "key").state is StepState.SKIPPED)
        before = await stage.entries()

        with pytest.raises(Refused, match="run #1 has moved on since it was shown; look again"):
            await deed(third, seen)
        assert await stage.entries() == before
        await third.sitting.resume(third.view(run))
        await third.comes_to(run, RunState.SUCCEEDED)

    async def test_nor_when_it_moved_on_and_this_console_has_not_heard_of_it(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What counts is how it stands once nobody else can change it."""
        second, third, run = await paused(stage)
        heard = third.engine.history(run)
        await second.sitting.skip(second.view(run), "key", "there is no key")
        monkeypatch.setattr(third.engine, "history", lambda _: heard)

        for attempt in (third.sitting.resume(heard.view), third.sitting.skip(heard.view, "two", "not needed")):
            with pytest.raises(Refused, match="has moved on"):
                await attempt
        assert await stage.events(RunStarted) == [RunStarted()]

    async def test_an_undo_is_of_what_was_shown(self, stage: Stage) -> None:
        stage.runbook(step("one", stage.append("one"), undo=stage.append("unone")) + step("bad", BAD, **NONE))
        first, second = await stage.console(), await stage.console(LEE)
        run = await first.begun()
        await first.comes_to(run, RunState.FAILED)
        await second.comes_to(run, RunState.FAILED)
        seen = second.view(run)
        await first.sitting.undo(first.view(run))
        await first.comes_to(run, RunState.UNDONE)
        await second.comes_to(run, RunState.UNDONE)

        with pytest.raises(Refused):
            await second.sitting.undo(seen)
        assert stage.done == ["one", "unone"]

    async def test_an_answer_is_for_the_attempt_that_was_shown(self, stage: Stage) -> None:
        second, third, run = await paused(stage)
        seen = third.view(run)
        await second.sitting.resume(second.view(run))
        await third.asked_anew(run, "key", seen)

        with pytest.raises(Refused, match="asked once more since it was shown"):
            await third.sitting.settle(seen, "key", succeeded=True, note="turned")
        said = StepAttested(step="key", execution="other", state="succeeded", note=lit("turned"))
        with pytest.raises(Refused, match="does not ask for this"):
            await third.engine.say(LEE, run, said)
        assert await stage.events(StepAttested) == []

    async def test_one_that_asks_is_answered_though_others_have_spoken_meanwhile(self, stage: Stage) -> None:
        stage.runbook(step("key", KEY))
        first, second = await stage.console(), await stage.console(LEE)
        run = await first.begun()
        await first.at(run, "key", StepState.ASKING)
        seen = first.view(run)
        stale = msgspec.structs.replace(seen, entry=seen.entry - 1)
        await second.at(run, "key", StepState.ASKING)
        await second.sitting.settle(stale, "key", succeeded=True, note="turned")
        await first.comes_to(run, RunState.SUCCEEDED)


class TestUndo:
    """An undo is no less than a run."""

    async def test_nobody_undoes_alone_what_takes_two(self, stage: Stage) -> None:
        stage.runbook(step("one", stage.append("one"), danger="X", undo=stage.append("unone")))
        first, second = await stage.console(rules=X_NEEDS_TWO), await stage.console(LEE, X_NEEDS_TWO)
        run = await first.begun("staging")
        await second.comes_to(run, RunState.AWAITING_APPROVAL)
        await second.sitting.approve(run, second.view(run).plan_digest, "staging")
        await first.comes_to(run, RunState.SUCCEEDED)

        for console in (first, second):
            with pytest.raises(Refused, match="run the runbook that puts it back, and have that approved"):
                await console.sitting.undo(console.view(run), "staging")
            with pytest.raises(Refused, match="takes a second person"):
                await console.engine.undo(console.sitting.principal, run, lambda _: None)
        assert stage.done == ["one"]

    async def test_what_destroys_is_undone_by_the_name_of_its_place(self, stage: Stage) -> None:
        stage.runbook(step("one", stage.append("one"), danger="X", undo=stage.append("unone")))
        console = await stage.console()
        run = await console.begun("staging")
        view = await console.comes_to(run, RunState.SUCCEEDED)
        assert view.must_type(undo=True) == "staging"
        for typed in ("", "production"):
            with pytest.raises(Refused, match="not undone: type staging"):
                await console.sitting.undo(view, typed)
        await console.sitting.undo(view, "staging")
        await console.comes_to(run, RunState.UNDONE)
        assert stage.done == ["one", "unone"]

    async def test_it_goes_on_to_what_destroys_by_the_name_of_its_place(self, stage: Stage) -> None:
        stage.runbook(step("key", KEY) + step("one", stage.append("one"), danger="X"))
        first = await stage.console()
        run = await first.begun("staging")
        await first.at(run, "key", StepState.ASKING)
        await first.close()
        second = await stage.console(LEE)
        view = await second.lost(run)
        with pytest.raises(Refused, match="not resumed: type staging"):
            await second.sitting.resume(view)
        await second.sitting.resume(view, "staging")
        await second.asked_anew(run, "key", view)
        await second.sitting.settle(second.view(run), "key", succeeded=True, note="turned")
        await second.comes_to(run, RunState.SUCCEEDED)
        assert stage.done == ["one"]

    async def test_what_somebody_has_changed_since_is_not_put_back(self, stage: Stage) -> None:
        stage.runbook(step("shift", SHIFT, undo='"before"'))
        console = await stage.console()
        run = await console.begun()
        await console.comes_to(run, RunState.SUCCEEDED)
        stage.service.shares = {"two": 70, "three": 30}
        await console.sitting.undo(console.view(run))
        await console.until(lambda: "could not undo" in console.view(run).reason)
        view = await console.comes_to(run, RunState.FAILED)

        assert "not as the step left it any more (two is 70%, and the step left it at 100%)" in view.reason
        assert stage.service.done == [{"two": 100}]
        assert view.steps[0].changed

    async def test_what_the_run_itself_has_changed_since_is(self, stage: Stage) -> None:
        half, back = (SHIFT.replace("two=100", shares) for shares in ("one=50,two=50", "one=100"))
        stage.runbook(step("half", half, undo=back) + step("all", SHIFT, undo=back))
        console = await stage.console()
        run = await console.begun()
        await console.comes_to(run, RunState.SUCCEEDED)
        await console.sitting.undo(console.view(run))
        await console.comes_to(run, RunState.UNDONE)
        assert stage.service.done == [{"one": 50, "two": 50}, {"two": 100}, {"one": 100}, {"one": 100}]

    async def test_the_run_says_what_an_undo_would_go_over_and_what_it_leaves(self, stage: Stage) -> None:
        never = '{ by = "command", argv = ["false"], within = "100ms", every = "100ms" }'
        stage.runbook(
            step("stays", stage.append("stays"), **NONE)
            + step("shift", SHIFT, undo='"before"')
            + step("one", stage.append("one"), undo=stage.append("unone"), confirm=never)
        )
        console = await stage.console()
        run = await console.begun()
        view = await console.comes_to(run, RunState.FAILED)

        assert view.steps[2].state is StepState.FAILED
        assert [one.key for one in view.changed] == ["one", "shift", "stays"]
        assert [bool(one.undo_call) for one in view.changed] == [True, True, False]
        assert view.changed[0].undo_call.endswith(" unone")
        assert view.changed[1].undo_call == "shift_traffic api shares=one=100"


class TestSecondPerson:
    """The engine insists on one, whoever calls it."""

    async def test_nothing_is_begun_alone(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console(rules=TWO_PERSONS)
        card = await console.card()
        with pytest.raises(Refused, match="another person must approve it first"):
            await console.engine.begin(KIM, "r-x", card.plan)
        assert await stage.entries() == []

    async def test_what_is_recorded_is_what_the_plan_says(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console(rules=TWO_PERSONS)
        card = await console.card()
        run = await console.sitting.confirm(card)
        (requested,) = [one for one in await stage.events(RunRequested) if isinstance(one, RunRequested)]
        assert requested == card.plan.requested(1, second=True)
        assert (requested.plan_digest, requested.danger) == (card.plan.digest, card.plan.danger)
        for fits in (lambda _: None, preconditions.may_begin):
            with pytest.raises(Refused, match="another person must approve it first"):
                await console.engine.carry(KIM, run, fits, Deed.RUN)
        assert stage.done == []

    async def test_the_danger_is_that_of_the_worst_step_whatever_a_plan_calls_itself(self, stage: Stage) -> None:
        stage.runbook(step("one", stage.append("one"), danger="X"))
        console = await stage.console(rules=(Rule(danger=Danger.CHANGES, place=lit("test")),))
        card = await console.card()
        harmless = msgspec.structs.replace(card.plan, danger=Danger.SAFE)
        with pytest.raises(Refused, match="this destroys"):
            await console.engine.begin(KIM, "r-x", harmless)
        assert await stage.entries() == []

    async def test_a_run_that_is_recorded_as_less_than_its_plan_is_not_carried_out(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console()
        plan = (await console.card()).plan
        forged = msgspec.structs.replace(plan.requested(1), danger=Danger.SAFE)
        await console.engine._write(KIM, "r-x", forged)
        with pytest.raises(Refused, match="not recorded as what its plan is"):
            await console.engine.carry(KIM, "r-x", lambda _: None)
        assert stage.done == []

    async def test_who_approves_has_the_whole_card_and_types_the_name_of_the_place(self, stage: Stage) -> None:
        stage.runbook(step("one", stage.append("one"), danger="X"))
        first, second = await stage.console(rules=X_NEEDS_TWO), await stage.console(LEE, X_NEEDS_TWO)
        shown = await first.card()
        run = await first.sitting.confirm(shown, "staging")
        await second.comes_to(run, RunState.AWAITING_APPROVAL)
        card = await second.sitting.asked_for(run)
        assert (card.plan, card.must_type, card.decision.allowed) == (shown.plan, "staging", True)
        with pytest.raises(Refused, match="not approved: type staging"):
            await second.sitting.approve(run, card.digest)
        await second.sitting.approve(run, card.digest, "staging")
        await first.comes_to(run, RunState.SUCCEEDED)
