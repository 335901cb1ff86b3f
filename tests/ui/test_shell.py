"""Snapshots and ticks come at any time: before a screen has its parts, and while it loses them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.ui.fakes import FakeBackend, fleet
from tuiops.config.model import Display, Wallboard
from tuiops.core.text import lit
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.service import ServiceScreen
from tuiops.ui.terminal import screen_text
from tuiops.ui.wallboard.app import WallboardApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.ui.shell import Shell

APPS: dict[str, Callable[[], Shell]] = {
    "console": lambda: TuiopsApp(FakeBackend(fleet()), Display(), own_process=False),
    "wallboard": lambda: WallboardApp(FakeBackend(fleet()), Display(), Wallboard(), own_process=False),
}


async def show_at_every_turn(app: Shell) -> None:
    while True:
        app.show_now()
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", APPS)
async def test_a_screen_is_shown_at_any_moment_from_before_its_first_to_after_its_last(name: str) -> None:
    app = APPS[name]()
    showing = asyncio.create_task(show_at_every_turn(app))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
    await asyncio.sleep(0)
    assert not showing.done(), showing.exception()
    showing.cancel()


async def test_a_detail_is_shown_at_any_moment_between_its_opening_and_its_end() -> None:
    app = TuiopsApp(FakeBackend(fleet()), Display(), own_process=False)
    async with app.run_test(size=(80, 24)) as pilot:
        detail = ServiceScreen(lit("pricealert"), lit("api"))
        detail.show(app.snapshot, app.now)
        opening = app.push_screen(detail)
        detail.show(app.snapshot, app.now)
        await opening
        await pilot.pause()
        assert "pricealert/api" in screen_text(app), "what came too early is drawn as soon as it can be"
        closing = asyncio.ensure_future(_awaited(app))
        while not closing.done():
            detail.show(app.snapshot, app.now)
            await asyncio.sleep(0)
        detail.show(app.snapshot, app.now)


async def _awaited(app: Shell) -> None:
    await app.pop_screen()
