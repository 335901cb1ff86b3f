"""What a question is about, and to whom it is put: the run as it was shown, the whole plan, whoever may decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ui.acting.flow import console, press, settle, shown, told, with_runs
from tests.ui.desk import asking, past, rollback_plan, run, unknown, waiting_for_approval, with_step
from tuiops.core.access import Danger, Role, Rule
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import EMPTY, lit
from tuiops.errors import Refused
from tuiops.ui.acting.ask import AskScreen
from tuiops.ui.acting.run import RunScreen

if TYPE_CHECKING:
    from tuiops.core.runs import RunView

LARGE = (120, 60)


def destroying(view: RunView, at: int) -> RunView:
    """The run with a step that destroys."""
    return with_step(msgspec.structs.replace(view, danger=Danger.DESTROYS), at, danger=Danger.DESTROYS)


def half_way(*, undoing: bool = False) -> RunView:
    """A paused run with two steps to go."""
    view = run(state=RunState.PAUSED, entry=7, undoing=undoing)
    for at in (1, 2):
        view = with_step(view, at, state=StepState.PENDING, started=None, ended=None, ends=None, held=None, text=EMPTY)
    return view


class TestAsShown:
    """What is done is what the question was about."""

    async def test_the_run_that_is_resumed_is_the_one_that_the_question_showed(self) -> None:
        app, backend, desk = console(with_runs(half_way()))
        async with app.run_test(size=(120, 40)) as pilot:
            text = await press(pilot, "X", "enter", "R")
            assert "It goes on with “Let it settle”:" in text
            moved = with_step(half_way(), 1, state=StepState.SKIPPED)
            moved = msgspec.structs.replace(moved, entry=8)
            backend.publish(msgspec.structs.replace(with_runs(moved), version=9))
            await settle(pilot)
            await press(pilot, "tab", "enter")
        assert desk.calls == [("resume", "r42")]
        assert [(seen.entry, seen.steps[1].state) for seen in desk.seen] == [(7, StepState.PENDING)]

    async def test_the_step_that_is_settled_is_the_attempt_that_was_shown(self) -> None:
        app, backend, desk = console(with_runs(with_step(asking(), 1, execution="r43.2")))
        async with app.run_test(size=(120, 40)) as pilot:
            await press(pilot, "X", "enter", "D")
            anew = with_step(asking(), 1, execution="r43.3")
            backend.publish(msgspec.structs.replace(with_runs(anew), version=9))
            await settle(pilot)
            await press(pilot, "tab", *"ok", "enter", "enter")
        assert [seen.steps[1].execution for seen in desk.seen] == ["r43.2"]

    async def test_that_it_has_moved_on_is_told(self) -> None:
        app, _, desk = console(with_runs(half_way()))
        desk.refusal = Refused("run #42 has moved on since it was shown; look again")
        async with app.run_test(size=(120, 40)) as pilot:
            await press(pilot, "X", "enter", "R", "tab", "enter")
            assert any("look again" in note for note in told(app))


class TestWayBack:
    """The question about an undo shows what is undone, and what is not."""

    async def test_what_was_done_and_not_confirmed_is_in_it_and_what_has_no_undo_is_named(self) -> None:
        view = with_step(past(40, RunState.FAILED), 0, state=StepState.FAILED, text=lit("done, but not within 1m"))
        view = with_step(view, 1, danger=Danger.CHANGES, changed=True, title=lit("Delete the mark"), stays=lit("gone"))
        part = {"changed": True, "in_part": True, "undo_call": lit("unmark")}
        view = with_step(view, 2, danger=Danger.CHANGES, title=lit("Mark"), **part)
        app, _, desk = console(with_runs(view))
        async with app.run_test(size=LARGE) as pilot:
            text = await press(pilot, "X", "enter", "U")
            assert "1  C  Set the service back to api:117: roll_back api revision=api:118" in text
            assert "2  Delete the mark is left as it is: gone" in text
            assert "3  C  Mark (perhaps done in part): unmark" in text
            await press(pilot, "tab", "enter")
        assert desk.calls == [("undo", "r40")]

    @pytest.mark.parametrize(
        ("view", "offered"),
        [
            (past(40, RunState.FAILED), True),
            (half_way(), True),
            (run(), False),
            (unknown(), False),
            (with_step(past(40, RunState.SUCCEEDED), 0, changed=False), False),
            (with_step(past(40, RunState.SUCCEEDED), 0, undo_call=EMPTY), False),
        ],
        ids=["over", "paused", "under way", "unknown", "nothing changed", "no way back"],
    )
    async def test_it_is_offered_where_there_is_a_way_and_nobody_at_work(self, view: RunView, offered: bool) -> None:
        app, _, _ = console(with_runs(view))
        async with app.run_test(size=LARGE) as pilot:
            assert ("U undo" in await press(pilot, "X", "enter")) is offered

    async def test_what_takes_a_second_person_is_not_offered_and_the_way_is_said(self) -> None:
        app, _, desk = console(with_runs(past(40, RunState.SUCCEEDED)))
        desk.rules = (Rule(danger=Danger.DESTROYS, second=Danger.CHANGES),)
        async with app.run_test(size=LARGE) as pilot:
            text = await press(pilot, "X", "enter")
            assert "Not for you: U undo; here this takes a second person" in text
            await press(pilot, "U", "tab", "enter")
            assert any("run the runbook that puts it back" in note for note in told(app))
        assert desk.calls == []

    async def test_who_has_acted_on_the_same_since_is_named_and_the_place_is_typed(self) -> None:
        said = lit("acted on the same target since: run #41 Mend of lee (2026-05-01 12:00 UTC)")
        view = msgspec.structs.replace(past(40, RunState.SUCCEEDED), overtaken=said)
        app, _, desk = console(with_runs(view))
        async with app.run_test(size=LARGE) as pilot:
            text = await press(pilot, "X", "enter", "U")
            assert "Careful: acted on the same target since: run #41 Mend of lee" in " ".join(text.split())
            assert f"type {view.environment} to confirm" in text
            await press(pilot, *"nowhere", "enter", "enter")
        assert desk.calls == []

    async def test_going_on_with_an_undo_says_that_it_is_one(self) -> None:
        app, _, _ = console(with_runs(half_way(undoing=True)))
        async with app.run_test(size=LARGE) as pilot:
            text = await press(pilot, "X", "enter", "R")
        assert "It goes on with the undo" in text
        assert "1  C  Set the service back to api:117: roll_back api revision=api:118" in text
        assert "Let it settle”" not in text


@pytest.mark.parametrize(
    ("view", "key", "deed"),
    [
        (destroying(half_way(), 2), "R", "resume"),
        (destroying(past(42, RunState.SUCCEEDED), 0), "U", "undo"),
    ],
)
async def test_what_destroys_is_confirmed_by_the_name_of_its_place(view: RunView, key: str, deed: str) -> None:
    app, _, desk = console(with_runs(view))
    async with app.run_test(size=LARGE) as pilot:
        text = await press(pilot, "X", "enter", key)
        assert "type production to confirm:" in text
        await press(pilot, "tab", *"productio", "tab", "enter")
        assert desk.calls == []
        assert isinstance(app.screen, AskScreen)
    app, _, desk = console(with_runs(view))
    async with app.run_test(size=LARGE) as pilot:
        await press(pilot, "X", "enter", key, "tab", *"production", "enter", "enter")
    assert desk.calls == [(deed, "r42", "production")]


class TestApproval:
    """A second person sees what the first one saw."""

    async def test_the_whole_card_is_there(self) -> None:
        app, _, desk = console(with_runs(waiting_for_approval()))
        async with app.run_test(size=LARGE) as pilot:
            text = await press(pilot, "X", "enter", "A")
            for piece in (
                "alex asked for it at pricealert/api", "from", "task definition api:118", "task definition api:117",
                "blast radius  The 4 tasks of api", "undo          1  back to task definition api:118",
                "locks         pricealert/api", "aws ecs update-service --cluster prod", rollback_plan().digest[:12],
            ):  # fmt: skip
                assert piece in text, piece
            await press(pilot, "tab", "enter")
        assert desk.calls == [("approve", "r45", rollback_plan().digest)]

    async def test_what_destroys_is_approved_by_the_name_of_its_place(self) -> None:
        app, _, desk = console(with_runs(waiting_for_approval()))
        plan = desk.asked["r45"] = rollback_plan(danger=Danger.DESTROYS)
        async with app.run_test(size=LARGE) as pilot:
            assert "type production to confirm:" in await press(pilot, "X", "enter", "A")
            await press(pilot, "tab", *"prod", "tab", "enter")
            assert desk.calls == []
            await press(pilot, "escape", "A", "tab", *"production", "enter", "enter")
        assert desk.calls == [("approve", "r45", plan.digest, "production")]

    async def test_the_run_itself_shows_the_state_before_and_after(self) -> None:
        app, _, _ = console(with_runs(waiting_for_approval()))
        async with app.run_test(size=LARGE) as pilot:
            assert "task definition: api:118 → api:117" in await press(pilot, "X", "enter")


@pytest.mark.parametrize(
    ("view", "keys"),
    [
        (run(), "K"),
        (half_way(), "RSKU"),
        (unknown(), "DSK"),
        (asking(), "DSK"),
        (waiting_for_approval(), "AVK"),
        (past(40, RunState.FAILED), "U"),
    ],
    ids=["runs", "paused", "unknown", "asks", "awaits approval", "over"],
)
async def test_who_may_not_is_offered_nothing_and_told_why(view: RunView, keys: str) -> None:
    app, _, desk = console(with_runs(view))
    desk.principal = msgspec.structs.replace(desk.principal, role=Role.VIEWER)
    async with app.run_test(size=LARGE) as pilot:
        await press(pilot, "X", "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.open_to(view) == ()
        assert "Not for you:" in shown(pilot)
        assert "kim is viewer; this takes" in shown(pilot)
        for key in keys:
            await press(pilot, key)
            assert isinstance(app.screen, RunScreen), key
        assert any("is not for you here: kim is viewer" in note for note in told(app))
    assert desk.calls == []


class TestFrozen:
    """A screen that stands still hides nothing of what is decided."""

    async def test_a_run_that_is_begun_can_be_seen_and_aborted(self) -> None:
        app, _, desk = console()
        async with app.run_test(size=(120, 40)) as pilot:
            text = await press(pilot, "2", "p", "x", "a", "tab", "enter")
            assert "Run #42" in text
            assert "Nothing is known of this run" not in text
            await press(pilot, "K", "tab", "enter")
            assert desk.calls[-1] == ("abort", "r42", "")
            assert app.frozen, "the screens that were frozen stand as they did"
            await press(pilot, "escape", "colon", *"abort 42", "enter")
            assert isinstance(app.screen, AskScreen)

    async def test_a_card_says_how_old_it_is(self) -> None:
        app, backend, _ = console()
        async with app.run_test(size=(120, 40)) as pilot:
            await press(pilot, "2", "p", "x", "a")
            backend.clock.advance(600)
            app.show_now()
            await settle(pilot)
            assert "10m00 ago" in shown(pilot) or "10m ago" in shown(pilot)
            assert "PAUSED 10m" not in shown(pilot).splitlines()[1]


async def test_nothing_is_done_in_a_session_that_was_made_read_only_though_its_desk_has_not_heard() -> None:
    app, _, desk = console(with_runs(run()))

    async def forbid() -> None:
        raise Refused("the console is still starting")

    desk.forbid = forbid  # type: ignore[method-assign] # a desk that stands nowhere yet
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter", "K")
        assert isinstance(app.screen, AskScreen)
        app.give_up_acting()
        await press(pilot, "tab", "enter")
        assert any("read-only" in note for note in told(app))
    assert desk.calls == []
