"""Answers that come late: nothing appears under what people press meanwhile, and nothing is taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ui.acting.flow import press, settle, shown, told
from tests.ui.acting.moving import FIRST, moving
from tests.ui.desk import RESTORE, card_of, rollback_plan
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.format.model import EnumParameter, ListedParameter
from tuiops.ui.acting.card import CardScreen, Stage
from tuiops.ui.acting.form import FormScreen
from tuiops.ui.acting.menu import MenuScreen
from tuiops.ui.acting.request import Request
from tuiops.ui.acting.run import RunScreen
from tuiops.ui.acting.why import WhyScreen

if TYPE_CHECKING:
    from tuiops.runbooks.format.model import AnyParameter
    from tuiops.ui.app import TuiopsApp

FAULT = "the console failed at this, see its log; :runs shows what has begun"


def stack(app: TuiopsApp) -> list[str]:
    """What is open above the console."""
    return [type(screen).__name__ for screen in app.screen_stack[1:]]


def begun(calls: list[tuple[object, ...]]) -> int:
    return sum(call[0] == "confirm" for call in calls)


@pytest.mark.parametrize(
    "away", [("escape", "colon", "l", "o"), ("X",), ("question_mark",), ("colon", "q")], ids=" ".join
)
async def test_no_card_appears_after_its_menu_was_left(away: tuple[str, ...]) -> None:
    app, desk = moving()
    async with app.run_test(size=(120, 40)) as pilot:
        gate = desk.shut("runbook")
        await press(pilot, "2", "x", "a", *away)
        before = stack(app)
        gate.set()
        await settle(pilot)
        assert stack(app) == before
        await press(pilot, "tab", "enter")
        assert begun(desk.calls) == 0
        assert "plan" not in {call[0] for call in desk.calls}


async def test_why_takes_no_keys_that_are_meant_for_elsewhere() -> None:
    app, desk = moving()
    async with app.run_test(size=(120, 40)) as pilot:
        gate = desk.shut("why")
        await press(pilot, "2", "colon", *"why", "enter")
        assert isinstance(app.screen, WhyScreen)
        assert "Asking" in shown(pilot)
        await press(pilot, "escape", "colon", *"lo")
        gate.set()
        await settle(pilot)
        assert stack(app) == []
        assert "you are kim" in await press(pilot, "escape", "colon", *"why", "enter")


async def test_the_answer_for_one_card_leaves_another_one_standing() -> None:
    app, desk = moving()
    async with app.run_test(size=(120, 40)) as pilot:
        first = desk.shut("confirm")
        await press(pilot, "2", "x", "a", "tab", "enter", "escape", "escape")
        desk.open("confirm")
        desk.card = card_of(rollback_plan(title=lit("Roll back worker")))
        await press(pilot, "j", "x", "a")
        second = app.screen
        first.set()
        await settle(pilot)
        assert app.screen is second
        assert stack(app) == ["MenuScreen", "CardScreen"]
        assert "Roll back worker" in shown(pilot)
        assert "What you confirmed has begun; X shows it." in told(app)
        await press(pilot, "tab", "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.identity == f"r{FIRST + 1}"
        assert stack(app) == ["RunScreen"]


@pytest.mark.parametrize("away", ["X", "question_mark"])
async def test_a_card_that_has_become_a_run_is_gone_wherever_people_are(away: str) -> None:
    app, desk = moving()
    async with app.run_test(size=(120, 40)) as pilot:
        gate = desk.shut("confirm")
        await press(pilot, "2", "x", "a", "tab", "enter", away)
        above = app.screen
        gate.set()
        await settle(pilot)
        assert app.screen is above, "nobody is taken away from where they have gone"
        assert len(app.screen_stack) == 2
        assert "What you confirmed has begun; X shows it." in told(app)
        text = await press(pilot, "escape")
        assert stack(app) == []
        assert "recording it" not in text
        await press(pilot, "x", "a", "tab", "enter")
        assert begun(desk.calls) == 2, "what is there works as ever"


async def test_what_is_refused_while_people_are_elsewhere_is_told_and_stays_on_the_card() -> None:
    app, desk = moving()
    async with app.run_test(size=(120, 40)) as pilot:
        gate = desk.shut("confirm")
        desk.faults["confirm"] = Refused("not run: the world moved")
        await press(pilot, "2", "x", "a", "tab", "enter", "X")
        gate.set()
        await settle(pilot)
        assert "Roll back api: not run: the world moved" in told(app)
        text = await press(pilot, "escape")
        assert isinstance(app.screen, CardScreen)
        assert "Not run: the world moved. Press r to read again." in text


async def test_a_run_opens_before_the_ledger_has_told_of_it() -> None:
    app, desk = moving()
    desk.tells = False
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "2", "x", "a", "tab", "enter")
        assert "Nothing is known of this run yet" in text
        desk.tell()
        app.show_now()
        await settle(pilot)
        assert f"Run #{FIRST}" in shown(pilot)


@pytest.mark.parametrize("call", ["offered", "runbook", "plan", "confirm", "why"])
async def test_a_fault_of_the_console_ends_in_a_sentence(call: str) -> None:
    app, desk = moving()
    desk.faults[call] = RuntimeError("boom")
    async with app.run_test(size=(120, 40)) as pilot:
        keys = ("2", "colon", *"why", "enter") if call == "why" else ("2", "x", "a", "tab", "enter")
        text = await press(pilot, *keys)
        said = " ".join([" ".join(text.replace("│", " ").split()), *told(app)])
        assert FAULT[1:] in said
        assert app.is_running


async def test_a_card_that_failed_by_a_fault_can_be_read_again() -> None:
    app, desk = moving()
    desk.faults["confirm"] = RuntimeError("boom")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "x", "a", "tab", "enter")
        screen = app.screen
        assert isinstance(screen, CardScreen)
        assert screen.stage is Stage.REFUSED
        del desk.faults["confirm"]
        await press(pilot, "r", "tab", "enter")
        assert isinstance(app.screen, RunScreen)


async def test_a_late_list_is_of_the_parameter_that_it_was_asked_for() -> None:
    app, desk = moving()
    parameters: dict[str, AnyParameter] = {
        "class": EnumParameter(options=("small", "large")),
        "revision": ListedParameter(of="revisions", resource="api"),
    }
    request = Request(
        runbook=RESTORE.id, system="pricealert", title=lit("Restore"), parameters=parameters,
        refused=lambda _, __: None,
    )  # fmt: skip
    desk.listed = {"revision": (lit("api-00042"),)}
    taken: list[Request] = []
    gate = desk.shut("choices")
    async with app.run_test(size=(120, 40)) as pilot:
        await app.push_screen(FormScreen(desk, request, tuple(parameters), taken.append))
        await press(pilot, "enter", "shift+tab")
        gate.set()
        desk.open("choices")
        await settle(pilot)
        text = shown(pilot)
        assert "class:" in text
        assert "api-00042" not in text
        assert "api-00042" in await press(pilot, "down", "enter")
        await press(pilot, "enter")
    assert [one.values for one in taken] == [{"class": ("large",), "revision": ("api-00042",)}]


async def test_letters_of_the_menu_stay_while_it_is_open() -> None:
    app, desk = moving()
    rollback, restore, restart = desk.offers
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "2", "x")
        assert [letter in text for letter in ("a  C  Roll back", "c  X  Restore")] == [True, True]
        disabled = msgspec.structs.replace(rollback, reason=lit("run #41 has api"))
        desk.offers = (restore, restart, disabled)
        text = await press(pilot, "r")
        assert "a  C  Roll back" in text
        assert "c  X  Restore" in text
        await press(pilot, "a")
        assert isinstance(app.screen, MenuScreen), "the letter is still of the line that cannot be chosen any more"
        await press(pilot, "escape", "x")
        assert "a  X  Restore" in shown(pilot)
