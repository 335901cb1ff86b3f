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
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from textual._compositor import Compositor, CompositorUpdate
from textual.driver import Driver
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tests.ui.fakes import NOW, FakeBackend, fleet
from tests.waiting import eventually_answers
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.compositor import SparseCompositor
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

    async def at_rest() -> bool:
        await pilot.pause()
        return app._resize_timer is None and shown(driver) == composed(app)

    await eventually_answers(at_rest, "the screen that is meant")


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
            before = composed(app)
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
                    assert drawn(sparse, paper, before) == drawn(plain, paper, before) == shown_cells(composed(app))
                ours._dirty_regions.update(regions)


@given(st.lists(st.tuples(st.integers(-3, 42), st.integers(-1, 3), st.integers(1, 20), st.integers(1, 3)), max_size=6))
def test_any_part_of_the_screen_is_drawn_as_textual_draws_it(parts: list[tuple[int, int, int, int]]) -> None:
    ours, size = SparseCompositor(), Size(40, 3)
    ground, cover = (
        Lines("abc 価格の表 déf" * 3, "plain text " * 4, "▁▂▃█ 12:31 東京/chat P95" * 2),
        Lines("窓ab窓cd窓", "x" * 12),
    )
    ours._visible_widgets = {
        cover: (Region(7, 1, 12, 2), size.region), ground: (size.region, size.region),
    }  # fmt: skip
    ours.size = size
    paper = Console(width=size.width, height=size.height, color_system="truecolor", force_terminal=True)
    whole = Compositor.render_strips(ours, size)
    ours._dirty_regions = {Region(*part) for part in parts}
    update = ours.render_partial_update()
    blank = [" " * size.width] * size.height
    touched = {(x, y) for part in parts for x, y in cells_of(Region(*part).intersection(size.region))}
    have = drawn(update, paper, blank, size) if update is not None else shown_cells(blank)
    want = shown_cells([strip.text for strip in whole])
    assert all(have[y][x] == want[y][x] for x, y in touched)
    assert all(have[y][x] in {want[y][x], " "} for y in range(size.height) for x in range(size.width))


class Lines(Widget):
    """Draws lines of text as they are, each as wide as the widget."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self._texts = texts

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = [Strip([Segment(text[at : at + 5]) for at in range(0, len(text), 5)]) for text in self._texts]
        return [strip.adjust_cell_length(40).crop(crop.x, crop.right) for strip in strips[crop.y : crop.bottom]]


def cells_of(region: Region) -> list[tuple[int, int]]:
    return [(x, y) for y in region.line_range for x in range(*region.column_span)]


def drawn(
    update: CompositorUpdate, paper: Console, before: Sequence[str], size: tuple[int, int] = SIZE
) -> list[list[str]]:
    """The cells of a terminal that showed the lines of `before` and then was told the update."""
    screen = pyte.Screen(*size)
    stream = pyte.Stream(screen)
    screen.reset_mode(7, private=True)
    stream.feed("\r\n".join(before) + update.render_segments(paper).replace("\n", "\r\n"))
    return [[screen.buffer[y][x].data for x in range(size[0])] for y in range(size[1])]


def shown_cells(lines: Sequence[str]) -> list[list[str]]:
    """The cells of a terminal that shows these lines; a wide character is followed by an empty cell."""
    screen = pyte.Screen(max(map(cell_len, lines)), len(lines))
    screen.reset_mode(7, private=True)
    pyte.Stream(screen).feed("\r\n".join(lines))
    return [[screen.buffer[y][x].data for x in range(screen.columns)] for y in range(screen.lines)]


@given(st.floats(0, 3600), st.sampled_from([0.1, BEAT]))
def test_a_beat_comes_right_after_the_turn_of_the_clock(offset: float, beat: float) -> None:
    now = NOW + timedelta(seconds=offset)
    wait = until_beat(now, beat)
    assert beat / 10 <= wait <= beat * 1.1 + 1e-6
    after = (now.timestamp() + wait) % beat
    assert after == pytest.approx(0.005, abs=1e-4)
