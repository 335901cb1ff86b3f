"""Rollouts as they look, held to pictures: columns, the tree and the tables of the detail, at three sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.rollout import RolloutScreen

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.ui.pictures import Compare
    from tests.ui.still import StillBackend

SIZES = [pytest.param((80, 24), id="small"), pytest.param((120, 40), id="middle"), pytest.param((200, 60), id="large")]


@pytest.mark.parametrize("size", SIZES)
def test_the_pane_looks_as_it_did(snap_compare: Compare, backend: StillBackend, size: tuple[int, int]) -> None:
    async def with_history(pilot: Pilot[None]) -> None:
        await pilot.press("3", "f", "h")
        await pilot.pause()

    app = TuiopsApp(backend, Display(time_zone="Asia/Tokyo"), own_process=False)
    assert snap_compare(app, terminal_size=size, run_before=with_history)


@pytest.mark.parametrize("size", SIZES)
def test_the_detail_looks_as_it_did(snap_compare: Compare, backend: StillBackend, size: tuple[int, int]) -> None:
    canary = next(one for one in backend.snapshot.rollouts if one.live and one.service == "phase1")

    async def opened(pilot: Pilot[None]) -> None:
        await pilot.app.push_screen(RolloutScreen(canary.id))
        for _ in range(2):
            await pilot.pause()
            await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    app = TuiopsApp(backend, Display(time_zone="Asia/Tokyo"), own_process=False)
    assert snap_compare(app, terminal_size=size, run_before=opened)
