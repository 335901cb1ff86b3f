"""Values that are asked for: only what is missing, looked at as it is typed, chosen from what there is."""

from __future__ import annotations

import pytest

from tests.ui.acting.flow import console, press, settle
from tests.ui.desk import ROLLBACK, offer
from tuiops.core.text import lit, safe
from tuiops.errors import Unreachable
from tuiops.ui.acting.card import CardScreen
from tuiops.ui.acting.form import FormScreen
from tuiops.ui.acting.menu import MenuScreen

SNAPSHOTS = tuple(safe(f"rds:prod-2026-03-0{day}") for day in range(5, 0, -1))
HOSTILE = safe("\x1b[2J\x9b31m\u202e[@click=app.quit]x[/]\r\n東京")


async def test_what_the_row_fills_in_is_not_asked_for() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a")
        assert isinstance(app.screen, CardScreen)
        assert desk.calls[0][3] == {"service": ("api",)}


async def test_every_kind_of_value_from_its_list_or_its_field_to_the_card() -> None:
    app, _, desk = console()
    desk.listed = {"snapshot": SNAPSHOTS, "services": (lit("api"), lit("worker"), lit("beat"))}
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x", "c")
        assert "value 1 of 4" in text, "those with a default are not asked for"
        assert "The newest from before the damage." in text
        assert "rds:prod-2026-03-01" in text
        text = await press(pilot, *"03-04")
        assert "rds:prod-2026-03-05" not in text
        text = await press(pilot, "enter")
        assert "snapshot      rds:prod-2026-03-04" in text
        text = await press(pilot, *"New")
        assert "new instance does not match [a-z](-?[a-z0-9]){0,62}" in text
        await press(pilot, "enter")
        assert "value 2 of 4" in await press(pilot), "what does not match is not taken"
        await press(pilot, "backspace", "backspace", "backspace", *"restored", "enter")
        text = await press(pilot, *"2026-03-05T04:00:00Z", "enter")
        assert "value 4 of 4" in text
        text = await press(pilot, "down", "enter", "up", "enter")
        assert "chosen        worker, api" in text
        await press(pilot, "tab")
        assert isinstance(app.screen, CardScreen)
    assert desk.calls[-1] == (
        "plan", "pricealert-restore", "pricealert",
        {"snapshot": ("rds:prod-2026-03-04",), "instance": ("restored",), "before": ("2026-03-05T04:00:00Z",),
         "services": ("worker", "api")},
        "alert-1",
    )  # fmt: skip
    asked = [call for call in desk.calls if call[0] == "choices"]
    assert asked[-1][4] == {
        "snapshot": ("rds:prod-2026-03-04",), "instance": ("restored",), "before": ("2026-03-05T04:00:00Z",),
    }, "a list is asked for with what was chosen before"  # fmt: skip


async def test_what_is_not_in_the_list_cannot_be_taken() -> None:
    app, _, desk = console()
    desk.listed = {"snapshot": SNAPSHOTS}
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "x", "c", *"nothing")
        assert "Nothing there is called so." in text
        text = await press(pilot, "enter")
        assert "choose one that there is" in text
        assert "value 1 of 4" in text


async def test_a_list_that_cannot_be_read_says_why_and_can_be_asked_for_again() -> None:
    app, _, desk = console()
    desk.listed = {"snapshot": Unreachable("RDS does not answer")}
    async with app.run_test(size=(80, 24)) as pilot:
        assert "RDS does not answer; Enter asks again" in await press(pilot, "x", "c")
        desk.listed = {"snapshot": SNAPSHOTS}
        assert "rds:prod-2026-03-05" in await press(pilot, "enter")


async def test_values_can_be_changed_from_the_card_and_the_way_back_is_short() -> None:
    app, _, desk = console()
    desk.listed = {"service": (lit("api"), lit("worker"))}
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x", "a", "e")
        assert "value 1 of 1" in text
        await press(pilot, "down", "enter")
        assert desk.calls[-1][3] == {"service": ("worker",)}
        assert [type(screen) for screen in app.screen_stack[1:]] == [MenuScreen, FormScreen, CardScreen]
        await press(pilot, "tab", "enter")
        assert desk.calls[-1][0] == "confirm"
        assert not any(isinstance(screen, MenuScreen | FormScreen | CardScreen) for screen in app.screen_stack)


async def test_one_can_go_back_to_the_value_before() -> None:
    app, _, desk = console()
    desk.listed = {"snapshot": SNAPSHOTS}
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "x", "c", "enter", "shift+tab")
        assert "value 1 of 4" in text
        await press(pilot, "escape")
        assert isinstance(app.screen, MenuScreen)
        assert desk.calls[-1][0] == "choices"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_choices_stay_text(size: tuple[int, int]) -> None:
    app, _, desk = console()
    desk.offers = (offer(ROLLBACK, title=HOSTILE, description=HOSTILE, source=HOSTILE),)
    desk.listed = {"service": (HOSTILE, lit("api"))}
    async with app.run_test(size=size) as pilot:
        text = await press(pilot, "x", "a")
        assert "[@click=app.quit]" in text
        await press(pilot, "enter")
        await settle(pilot)
        assert desk.calls[-1][3] == {"service": (HOSTILE,)}
    for raw in ("\x1b", "\x9b", "\u202e"):
        assert raw not in text


async def test_what_is_pasted_is_as_foreign_as_any_log_line() -> None:
    from textual import events

    app, _, desk = console()
    desk.listed = {"snapshot": SNAPSHOTS}
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "c", "enter")
        app.post_message(events.Paste("new\x1b[2Jname\n"))
        text = await press(pilot)
        await settle(pilot)
        assert "\x1b" not in text
        assert "holds characters" in text or "does not match" in await press(pilot)
