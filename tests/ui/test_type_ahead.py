from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual import events

from tests.ui.fakes import FakeBackend, fleet
from tests.waiting import eventually
from tuiops.ui.app import TuiopsApp
from tuiops.ui.keymap import build
from tuiops.ui.panes.alerts import AlertsPane
from tuiops.ui.screens.alert import AlertScreen
from tuiops.ui.screens.console import ConsoleScreen
from tuiops.ui.screens.help import HelpScreen
from tuiops.ui.widgets.prompt import Line

if TYPE_CHECKING:
    from textual.pilot import Pilot

_NAMES = {"\r": "enter", "\n": "ctrl+j", ":": "colon", "/": "slash", "?": "question_mark"}
_TURNS_OF_A_START = 60
"""Turns of the loop from when the terminal is taken until well after the first frame."""


def console(**bound: str) -> TuiopsApp:
    return TuiopsApp(FakeBackend(fleet()), keymap=build(bind=bound))


def burst(app: TuiopsApp, keys: str) -> None:
    """Keys that are all there before the first one is dealt with, as when somebody types ahead over SSH."""
    for key in keys:
        app.post_message(events.Key(_NAMES.get(key, key), key))


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(5):
        await pilot.pause()


async def leaves(app: TuiopsApp) -> None:
    await eventually(lambda: app.return_code == 0, "the console to be left")


async def arrives(app: TuiopsApp, screen: type) -> None:
    await eventually(lambda: isinstance(app.screen, screen), screen.__name__)


def lose_a_second_at_every_look() -> None:
    """Have the running loop find that another second has gone whenever it asks, as on a machine without end busy."""
    loop = asyncio.get_running_loop()
    real, looks = loop.time, 0

    def much_later() -> float:
        nonlocal looks
        looks += 1
        return real() + looks

    loop.time = much_later  # type: ignore[method-assign] # each test has a loop of its own


async def test_a_command_typed_in_one_go_is_carried_out() -> None:
    app = console()
    async with app.run_test(size=(120, 40)):
        burst(app, ":q\r")
        await leaves(app)


async def test_no_key_overtakes_another_one_however_long_each_takes() -> None:
    app = console()
    async with app.run_test(size=(120, 40)):
        lose_a_second_at_every_look()
        burst(app, ":q\r")
        await leaves(app)


@pytest.mark.parametrize("first", [0, 2, 4])
async def test_a_command_is_carried_out_whenever_in_the_start_it_was_typed(first: int) -> None:
    for turns in range(first, _TURNS_OF_A_START, 6):
        app = TuiopsApp(FakeBackend(fleet()), own_process=False)
        run = asyncio.ensure_future(app.run_async(headless=True, size=(120, 40)))
        while app._driver is None:  # noqa: ASYNC110 - Textual says by nothing else that keys can arrive
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        burst(app, ":q\r")
        await eventually(run.done, f"the console to be left, by keys {turns} turns after the terminal was taken")
        await run
        assert app.return_code == 0


async def test_a_filter_typed_in_one_go_filters_and_opens_nothing() -> None:
    app = console()
    async with app.run_test(size=(120, 40)) as pilot:
        burst(app, "2/phase6")
        await eventually(lambda: bool(app.screen.query(Line)) and app.screen.query_one(Line).value == "phase6", "it")
        burst(app, "\r")
        await settle(pilot)
        assert isinstance(app.screen, ConsoleScreen)
        assert app.screen.query_one(AlertsPane).filter.text == "phase6"


async def test_what_follows_a_filter_is_for_the_table() -> None:
    app = console()
    async with app.run_test(size=(120, 40)):
        burst(app, "2g/pricealert\r\r")
        await arrives(app, AlertScreen)
        assert app.console_screen.query_one(AlertsPane).filter.text == "pricealert"


@pytest.mark.parametrize("keys", [":alerts\r:q\r", ":nonsense\r:q\r", ":sources\rq:q\r", ":help\r:q\r"])
async def test_what_follows_a_command_is_for_where_it_led(keys: str) -> None:
    app = console()
    async with app.run_test(size=(120, 40)):
        burst(app, keys)
        await leaves(app)


async def test_a_paste_keeps_its_place_among_the_keys() -> None:
    app = console()
    async with app.run_test(size=(120, 40)):
        burst(app, ":")
        app.post_message(events.Paste("q"))
        burst(app, "\r")
        await leaves(app)


async def test_an_enter_that_the_terminal_made_a_line_feed_of_is_an_enter() -> None:
    app = console()
    async with app.run_test(size=(120, 40)):
        burst(app, ":q\n")
        await leaves(app)


async def test_a_line_feed_that_an_action_was_given_is_that_action() -> None:
    app = console(**{"app.help": "ctrl+j"})
    async with app.run_test(size=(120, 40)):
        burst(app, "\n")
        await arrives(app, HelpScreen)


@pytest.mark.parametrize("keys", ["jjjjkkjj", "?", "dq:q\r", "d:q\r"])
async def test_keys_after_a_screen_that_went_away_still_arrive(keys: str) -> None:
    app = console()
    async with app.run_test(size=(120, 40)) as pilot:
        burst(app, keys)
        await settle(pilot)
        burst(app, ":q\r" if "q" not in keys else "")
        await leaves(app)


async def test_a_command_can_be_typed_in_a_detail() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "d")
        await arrives(app, AlertScreen)
        await pilot.press("colon", "q", "enter")
        await leaves(app)
