"""A console with a desk, and what its tests do over and over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.ui.desk import FakeDesk
from tests.ui.fakes import FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.terminal import screen_text

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Snapshot


def with_runs(*runs: RunView) -> Snapshot:
    """The fleet with runs."""
    return msgspec.structs.replace(fleet(), runs=runs)


def console(
    snapshot: Snapshot | None = None, *, theme: str = "dark", ascii_only: bool = False, acts: bool = True
) -> tuple[TuiopsApp, FakeBackend, FakeDesk]:
    """The console, its world and its desk; `acts`: whether the console is given the desk."""
    backend = FakeBackend(snapshot or fleet())
    desk = FakeDesk(backend)
    display = Display(theme=theme, time_zone="Asia/Tokyo", ascii=ascii_only)
    return TuiopsApp(backend, display, desk=desk if acts else None, own_process=False), backend, desk


async def press(pilot: Pilot[None], *keys: str) -> str:
    """Press keys one after the other, each when what the one before led to is there; what is on screen then."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
    return shown(pilot)


async def settle(pilot: Pilot[None]) -> None:
    """Let everything that was begun come to rest."""
    for _ in range(3):
        await pilot.pause()


def shown(pilot: Pilot[None]) -> str:
    """What is on screen."""
    app = pilot.app
    assert isinstance(app, TuiopsApp)
    return screen_text(app)


def told(app: TuiopsApp) -> tuple[str, ...]:
    """The messages that the console has shown for a while."""
    return tuple(note.message for note in app._notifications)
