"""The wallboard: what it says, when it refuses to say it, and that nobody can make it do anything."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest

from tests.ui.desk import run, unknown
from tuiops.config.model import Display, Page, Wallboard
from tuiops.core.clock import FakeClock
from tuiops.core.health import State
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Environment, Snapshot, Topic
from tuiops.core.text import EMPTY, safe
from tuiops.ui.wallboard.app import SHIFTS, WallboardApp
from tuiops.ui.wallboard.pages import PAGES
from tuiops.ui.widgets.document import Document

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.ui.still import StillBackend

OVERVIEW = Wallboard(pages=("overview",))


def test_every_page_that_a_configuration_can_name_exists() -> None:
    assert set(PAGES) == set(get_args(Page))


def wall(backend: StillBackend, settings: Wallboard = OVERVIEW) -> WallboardApp:
    return WallboardApp(backend, Display(time_zone="Asia/Tokyo"), settings, own_process=False)


async def drawn(pilot: Pilot[None]) -> str:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    assert isinstance(pilot.app, WallboardApp)
    pilot.app.show_now()
    return "\n".join("".join(text for text, _ in row) for row in pilot.app.screen.query_one(Document).rows)


@pytest.fixture
def calm(backend: StillBackend) -> StillBackend:
    """The fleet without its P1."""
    alerts = tuple(alert for alert in backend.snapshot.alerts if alert.severity is not Severity.P1)
    backend.snapshot = msgspec.structs.replace(backend.snapshot, alerts=alerts)
    return backend


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_overview_has_a_line_for_every_system(calm: StillBackend, size: tuple[int, int]) -> None:
    async with wall(calm).run_test(size=size) as pilot:
        shown = await drawn(pilot)
    for system in calm.snapshot.systems:
        assert system.label in shown
    for piece in ("P1 open", "P2 open", "█", "DOWN", "degraded", "ok", "worst budget", "oldest data 2s", "20/20 live"):
        assert piece in shown, piece


async def test_a_budget_of_a_silent_feed_is_grey_with_its_age(calm: StillBackend) -> None:
    feeds = {
        name: msgspec.structs.replace(
            feed, status=msgspec.structs.replace(feed.status, answered=calm.clock.now() - timedelta(minutes=4))
        )
        if feed.topic is Topic.BUDGETS
        else feed
        for name, feed in calm.snapshot.feeds.items()
    }
    calm.snapshot = msgspec.structs.replace(calm.snapshot, feeds=feeds)
    app = wall(calm)
    async with app.run_test(size=(200, 60)) as pilot:
        shown = await drawn(pilot)
        rows = app.screen.query_one(Document).rows
        unknown = app.look.palette.state[State.UNKNOWN]
        (left,) = [style for row in rows for text, style in row if "% left" in text]
    assert "worst budget, stale 4m" in shown
    assert left == unknown


async def test_a_p1_takes_the_wall(backend: StillBackend) -> None:
    async with wall(backend).run_test(size=(120, 40)) as pilot:
        shown = await drawn(pilot)
    for piece in ("P1 INCIDENT", "pricealert/api", "left to respond", "ERR%", "now", "rds-1"):
        assert piece in shown, piece
    assert "P1 open" not in shown


async def test_pages_turn_with_the_clock(calm: StillBackend) -> None:
    settings = Wallboard(pages=("overview", "health", "alerts", "rollouts"))
    async with wall(calm, settings).run_test(size=(120, 40)) as pilot:
        seen = []
        for _ in range(4):
            seen.append((await drawn(pilot)).splitlines()[-1].split()[0])
            calm.clock.advance(15)
    assert seen == ["overview", "health", "alerts", "rollouts"]


async def test_old_data_is_grey_under_a_banner(calm: StillBackend) -> None:
    calm.clock.advance(200)
    async with wall(calm).run_test(size=(80, 24)) as pilot:
        shown = await drawn(pilot)
        rows = pilot.app.screen.query_one(Document).rows
        assert isinstance(pilot.app, WallboardApp)
        grey = pilot.app.look.palette.text + pilot.app.look.palette.dimmed
    assert "NOT LIVE   what you see is 3m old" in shown
    assert " ok " not in shown
    banner = next(number for number, row in enumerate(rows) if any("NOT LIVE" in text for text, _ in row))
    body = [style for row in rows[banner + 1 :] for text, style in row if text.strip()]
    assert {str(style) for style in body} == {str(grey)}


async def test_zero_without_proof_is_a_question_mark(calm: StillBackend) -> None:
    calm.snapshot = msgspec.structs.replace(calm.snapshot, alerts=(), feeds={})
    async with wall(calm).run_test(size=(80, 24)) as pilot:
        shown = await drawn(pilot)
    assert "NO SOURCES" in shown
    assert "██████" in shown
    header = next(row for row in shown.splitlines() if "tuiops" in row)
    assert header.count("?") == len(Severity)


async def test_the_end_of_an_incident_is_remembered(calm: StillBackend) -> None:
    async with wall(calm).run_test(size=(80, 24)) as pilot:
        assert "incident for 12m" in " ".join((await drawn(pilot)).split())
        calm.publish(msgspec.structs.replace(calm.snapshot, alerts=()))
        await pilot.pause(0.4)
        calm.clock.advance(3)
        assert "last incident 3s ago" in " ".join((await drawn(pilot)).split())


async def test_everything_moves_aside_each_hour(calm: StillBackend) -> None:
    seen = []
    for _ in SHIFTS:
        async with wall(calm).run_test(size=(80, 24)) as pilot:
            rows = (await drawn(pilot)).splitlines()
            top = next(number for number, row in enumerate(rows) if "tuiops" in row)
            seen.append((rows[top].index("tuiops"), top))
        calm.clock = FakeClock(calm.clock.now())
        calm.clock.advance(3600)
    assert len(set(seen)) == len(SHIFTS)


async def test_no_key_does_anything_but_help_and_leaving(calm: StillBackend) -> None:
    app = wall(calm)
    async with app.run_test(size=(80, 24)) as pilot:
        before = await drawn(pilot)
        keys = [chr(code) for code in range(33, 127) if chr(code) != "?"]
        for key in (*keys, "enter", "escape", "tab", "space", "ctrl+p", "ctrl+q", "ctrl+z", "f1", "up", "pagedown"):
            await pilot.press(key)
        assert await drawn(pilot) == before
        assert calm.poked == []
        await pilot.press("question_mark")
        assert "This wallboard only reads" in await drawn(pilot)
        await pilot.press("question_mark")
        assert await drawn(pilot) == before
        await pilot.press("ctrl+c")
        assert app.is_running
        assert "Press Ctrl-c once more" in await drawn(pilot)
        await pilot.press("ctrl+c")
    assert app.return_code == 0
    assert not app.is_running


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (40, 12), (80, 24)])
@pytest.mark.parametrize("page", ["overview", "health", "alerts", "rollouts"])
@pytest.mark.parametrize("full", [True, False])
async def test_any_size_with_hostile_text_or_nothing(
    backend: StillBackend, page: Page, size: tuple[int, int], *, full: bool
) -> None:
    bad = safe("\x1b]0;owned\x07[bold]\x9b31m[/]" + "東" * 300)
    if full:
        alerts = tuple(
            msgspec.structs.replace(alert, name=bad, summary=bad, system=bad, service=bad, severity=Severity.P2)
            for alert in backend.snapshot.alerts
        )
        systems = tuple(msgspec.structs.replace(s, label=bad) for s in backend.snapshot.systems)
        backend.snapshot = msgspec.structs.replace(backend.snapshot, alerts=alerts * 40, systems=systems)
    else:
        backend.snapshot = Snapshot(version=1, at=backend.snapshot.at, environment=Environment(EMPTY))
    app = wall(backend, Wallboard(pages=(page,)))
    async with app.run_test(size=size) as pilot:
        shown = await drawn(pilot)
        await pilot.resize_terminal(60, 20)
        await drawn(pilot)
    assert len(shown.splitlines()) <= size[1]
    assert "\x1b" not in shown


async def test_counts_clock_and_age_are_whole_however_long_names_are(backend: StillBackend) -> None:
    long = Environment(safe("simulated production"), production=True)
    backend.snapshot = msgspec.structs.replace(backend.snapshot, environment=long)
    backend.clock.advance(200)
    app = wall(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        lines = [line for line in (await drawn(pilot)).splitlines() if line.strip()]
    assert re.search(r" PRODUCTION .* !! \d\S*  ! \d\S*  ~ \d\S*  \. \S+ +\d\d:\d\d:\d\d JST$", lines[0].rstrip())
    assert "oldest data 3m" in lines[-1]
    assert re.search(r"\d+/\d+ live", lines[-1])
    assert not [line for line in (lines[0], lines[-1]) if "…" in line]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_a_run_under_way_is_on_every_page_and_nothing_can_be_done_about_it(
    backend: StillBackend, size: tuple[int, int]
) -> None:
    backend.snapshot = msgspec.structs.replace(backend.snapshot, runs=(run(42), unknown(46)))
    app = wall(backend, Wallboard())
    async with app.run_test(size=size) as pilot:
        for _ in range(len(PAGES)):
            shown = await drawn(pilot)
            assert "? #46" in shown
            assert "unknown 1/3 +1" in shown
            backend.clock.advance(15)
        for key in ("x", "X", "K", "A", "enter", "colon"):
            await pilot.press(key)
        assert len(app.screen_stack) == 1


async def test_without_a_run_the_wall_says_nothing_of_runs(calm: StillBackend) -> None:
    async with wall(calm).run_test(size=(80, 24)) as pilot:
        assert "  run  " not in await drawn(pilot)
