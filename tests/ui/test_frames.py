"""Frames share beats, cost what they show, and what a terminal shows is believed only when nothing came between."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.driver import Driver
from textual.events import Resize
from textual.geometry import Size

from tests.ui.fakes import NOW, FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.frames import BEAT, until_beat
from tuiops.ui.thrift import thrifty

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from textual.pilot import Pilot

SIZE = (120, 40)


class MemoryDriver(Driver):
    """Writes to a terminal whose size a test sets; the app hears of it when the test says so."""

    terminal: pyte.Screen
    written: str

    def start_application_mode(self) -> None:
        width, height = self._size or SIZE
        self.terminal = pyte.Screen(width, height)
        self.terminal.reset_mode(7, private=True)
        self.written = ""

    def write(self, data: str) -> None:
        self.written += data
        stream = pyte.Stream(self.terminal)
        stream.feed(data.replace("\n", "\r\n"))

    def disable_input(self) -> None:
        """There is none."""

    def stop_application_mode(self) -> None:
        """Nothing to undo."""


@contextlib.asynccontextmanager
async def console() -> AsyncIterator[tuple[TuiopsApp, FakeBackend, Pilot[None], MemoryDriver]]:
    backend = FakeBackend(fleet())
    app = TuiopsApp(backend, Display(time_zone="UTC", bell=False), own_process=False)
    app.driver_class = thrifty(MemoryDriver)
    async with app.run_test(headless=False, size=SIZE) as pilot:
        await pilot.pause()
        driver = app._driver
        assert isinstance(driver, MemoryDriver)
        yield app, backend, pilot, driver


def composed(app: TuiopsApp) -> list[str]:
    """What the screen looks like according to the app."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def shown(driver: MemoryDriver) -> list[str]:
    return list(driver.terminal.display)


async def settled(app: TuiopsApp, pilot: Pilot[None], driver: MemoryDriver) -> None:
    """Wait for the terminal to show what the app means it to."""
    for _ in range(50):
        await pilot.pause()
        if app._resize_timer is None and shown(driver) == composed(app):
            return
    assert shown(driver) == composed(app)


STORMS = (
    pytest.param([(80, 24), SIZE], id="back to what it was"),
    pytest.param([(60, 12), (150, 50), (100, 30)], id="a storm"),
    pytest.param([(1, 1), (100, 30), (99, 30), (100, 30)], id="by one column"),
)


@pytest.mark.parametrize("sizes", STORMS)
@pytest.mark.parametrize("heard", ["each", "last"])
async def test_a_terminal_that_changed_its_size_shows_the_whole_console(
    sizes: Sequence[tuple[int, int]], heard: str
) -> None:
    async with console() as (app, backend, pilot, driver):
        await settled(app, pilot, driver)
        for width, height in sizes:
            driver.terminal.resize(height, width)
            # Frames of the former size are still written, and land elsewhere.
            backend.clock.advance(1.0)
            app.show_now()
            await pilot.pause()
            if heard == "each" or (width, height) == sizes[-1]:
                app.post_message(Resize(Size(width, height), Size(width, height)))
                backend.clock.advance(1.0)
                app.show_now()
                app.screen._on_timer_update()
        await settled(app, pilot, driver)


async def test_something_else_wrote_to_the_terminal_and_a_redraw_mends_it() -> None:
    async with console() as (app, _, pilot, driver):
        await settled(app, pilot, driver)
        pyte.Stream(driver.terminal).feed("\x1b[2J\x1b[5;5Hbroadcast message\x1b[31m")
        app.redraw()
        await settled(app, pilot, driver)


async def test_a_frame_in_which_nothing_changed_writes_nothing() -> None:
    async with console() as (app, backend, pilot, driver):
        await settled(app, pilot, driver)
        driver.written = ""
        app.show_now()
        backend.publish(backend.snapshot)
        app._beat()
        await pilot.pause()
        assert driver.written == ""


async def test_a_second_that_goes_by_writes_what_moved_and_no_more() -> None:
    async with console() as (app, backend, pilot, driver):
        # Whatever glows has ceased to by then.
        backend.clock.advance(10.0)
        app.show_now()
        await settled(app, pilot, driver)
        driver.written = ""
        backend.clock.advance(1.0)
        app.show_now()
        await settled(app, pilot, driver)
        # Some cells of five lines, and one line whole, because wide characters are in it; the screen has 10,000 bytes.
        assert 0 < len(driver.written) < 1_100


async def test_frames_draw_the_same_as_those_of_textual() -> None:
    async with console() as (app, backend, pilot, _):
        ours = app.screen._compositor
        paper = Console(width=SIZE[0], height=SIZE[1], color_system="truecolor", force_terminal=True)
        for step in range(4):
            await pilot.pause()
            backend.clock.advance(7.0 * step)
            with app.batch_update():
                app.show_now()
                await asyncio.sleep(0)
                dirty = set(app.screen._dirty_widgets)
                ours.update_widgets(dirty)
                regions = set(ours._dirty_regions)
                sparse = ours.render_partial_update()
                ours._dirty_regions.update(regions)
                plain = Compositor.render_partial_update(ours)
                assert (sparse is None) == (plain is None)
                if sparse is not None and plain is not None:
                    assert drawn(sparse, paper) == drawn(plain, paper)
                ours._dirty_regions.update(regions)


def drawn(update: ChopsUpdate, paper: Console) -> list[str]:
    """What an update leaves on an empty terminal."""
    screen = pyte.Screen(*SIZE)
    pyte.Stream(screen).feed(update.render_segments(paper).replace("\n", "\r\n"))
    return list(screen.display)


@given(st.floats(0, 3600), st.sampled_from([0.1, BEAT]))
def test_a_beat_comes_right_after_the_turn_of_the_clock(offset: float, beat: float) -> None:
    now = NOW + timedelta(seconds=offset)
    wait = until_beat(now, beat)
    assert beat / 10 <= wait <= beat * 1.1 + 1e-6
    after = (now.timestamp() + wait) % beat
    assert after == pytest.approx(0.005, abs=1e-4)
