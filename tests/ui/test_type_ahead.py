from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual import events

from tests.ui.fakes import FakeBackend, fleet
from tuiops.ui.app import TuiopsApp
from tuiops.ui.panes.alerts import AlertsPane
from tuiops.ui.widgets.prompt import Line

if TYPE_CHECKING:
    from textual.pilot import Pilot


def burst(app: TuiopsApp, keys: str) -> None:
    """Keys that are all there before the first one is dealt with, as when somebody types ahead over SSH."""
    for key in keys:
        named = {"\r": "enter", ":": "colon", "/": "slash"}.get(key, key)
        app.post_message(events.Key(named, key))


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(5):
        await pilot.pause()


async def test_a_command_typed_in_one_go_is_carried_out() -> None:
    app = TuiopsApp(FakeBackend(fleet()))
    async with app.run_test(size=(120, 40)) as pilot:
        burst(app, ":q\r")
        await settle(pilot)
        assert app.return_code == 0
        assert len(app.screen_stack) <= 1


async def test_a_filter_typed_in_one_go_filters_and_opens_nothing() -> None:
    app = TuiopsApp(FakeBackend(fleet()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        burst(app, "/phase6")
        await settle(pilot)
        assert app.screen.query_one(Line).value == "phase6"
        burst(app, "\r")
        await settle(pilot)
        assert len(app.screen_stack) == 1
        assert app.screen.query_one(AlertsPane).filter.text == "phase6"


@pytest.mark.parametrize("keys", ["jjjjkkjj", "?", "dq:q\r"])
async def test_keys_after_a_screen_that_went_away_still_arrive(keys: str) -> None:
    app = TuiopsApp(FakeBackend(fleet()))
    async with app.run_test(size=(120, 40)) as pilot:
        burst(app, keys)
        await settle(pilot)
        burst(app, ":q\r" if "q" not in keys else "")
        await settle(pilot)
        assert app.return_code == 0


async def test_a_command_can_be_typed_in_a_detail() -> None:
    app = TuiopsApp(FakeBackend(fleet()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "d")
        await pilot.pause()
        assert len(app.screen_stack) == 2
        await pilot.press("colon", "q", "enter")
        await pilot.pause()
        assert app.return_code == 0
