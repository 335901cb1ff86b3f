"""A screen that asks somebody else first: the terminal keeps what it shows until there is something to show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.ui.acting.flow import console, press, settle
from tests.waiting import eventually
from tuiops.ui.acting.card import CardScreen
from tuiops.ui.app import TuiopsApp
from tuiops.ui.frames import FrameApp
from tuiops.ui.terminal import screen_text

if TYPE_CHECKING:
    from textual.screen import Screen


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every frame of a card that was written showed."""
    written: list[str] = []
    display = FrameApp._display

    def kept(app: FrameApp, screen: Screen[object], renderable: Any) -> None:
        if isinstance(screen, CardScreen) and isinstance(app, TuiopsApp):
            written.append(screen_text(app))
        display(app, screen, renderable)

    monkeypatch.setattr(FrameApp, "_display", kept)
    return written


async def test_nothing_is_written_before_there_is_something_to_show(
    frames: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CardScreen, "HELD", 3600.0)
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x")
        desk.hold = asyncio.Event()
        await press(pilot, "a")
        assert isinstance(app.screen, CardScreen)
        assert frames == []
        desk.hold.set()
        await settle(pilot)
        assert "Set the service back to api:117" in frames[0], "the first frame is the whole one"
        assert "[ Cancel ]   Run" in frames[0]


async def test_what_takes_longer_is_said(frames: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CardScreen, "HELD", 0.01)
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x")
        desk.hold = asyncio.Event()
        await press(pilot, "a")
        await eventually(lambda: bool(frames), "the card says that it reads")
        assert "Reading the state of pricealert" in frames[0]
