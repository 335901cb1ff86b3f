"""The console as it looks, held to pictures: few, and each for a reason that no assertion on text covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.fakes import FakeBackend, fleet, nothing, stale
from tests.waiting import eventually
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.beside import BesideHealth

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.ui.pictures import Compare
    from tuiops.core.snapshot import Snapshot


async def settled(pilot: Pilot[None]) -> None:
    """The sheets beside the panes ask for the past a moment after the first frame; the picture is of what they got."""
    sheets = pilot.app.screen.query(BesideHealth)
    await eventually(lambda: all(sheet._pasts for sheet in sheets if sheet.display), "the past on the sheets")
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
