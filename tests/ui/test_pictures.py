"""The console as it looks, held to pictures: few, and each for a reason that no assertion on text covers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.ui.fakes import FakeBackend, fleet, nothing, stale
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.beside import BesideHealth

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import App
    from textual.pilot import Pilot

    from tuiops.core.snapshot import Snapshot


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(
        self,
        app: App[None],
        *,
        terminal_size: tuple[int, int],
        run_before: Callable[[Pilot[None]], Awaitable[None]],
    ) -> bool: ...


async def settled(pilot: Pilot[None]) -> None:
    """The sheets beside the panes ask for the past a moment after the first frame; the picture is of what they got."""
    async with asyncio.timeout(20):
        while any(sheet.display and not sheet._pasts for sheet in pilot.app.screen.query(BesideHealth)):
            await pilot.pause(0.02)
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize(
    ("known", "size", "theme", "ascii_only"),
    [
        pytest.param(fleet(), (80, 24), "dark", False, id="small"),
        pytest.param(fleet(), (120, 40), "dark", False, id="middle"),
        pytest.param(stale(fleet()), (132, 38), "dark", False, id="stale"),
        pytest.param(nothing(), (120, 40), "dark", False, id="unconfigured"),
        pytest.param(fleet(), (120, 40), "light", False, id="light"),
        pytest.param(fleet(), (120, 40), "mono", True, id="ascii"),
    ],
)
def test_the_console_looks_as_it_did(
    snap_compare: Compare,
    known: Snapshot,
    size: tuple[int, int],
    theme: str,
    ascii_only: bool,
) -> None:
    display = Display(theme=theme, time_zone="Asia/Tokyo", ascii=ascii_only)
    assert snap_compare(
        TuiopsApp(FakeBackend(known), display, own_process=False), terminal_size=size, run_before=settled
    )
