"""What a person can choose in the console, and what the console says at each size."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest
from textual.command import CommandPalette

from tests.ui.fakes import NOW, FakeBackend, fleet, nothing, stale
from tuiops.config.model import Display
from tuiops.config.paths import shipped_themes
from tuiops.core.clock import FakeClock
from tuiops.core.logs import StreamStatus
from tuiops.core.text import EMPTY, lit, safe
from tuiops.ui.actions import ACTIONS, Scope
from tuiops.ui.app import COPY_MOST, TuiopsApp
from tuiops.ui.format import Times
from tuiops.ui.messages import CopyText
from tuiops.ui.palette import ActionProvider
from tuiops.ui.panes.health import HealthPane
from tuiops.ui.panes.log_streams import unknown_subject
from tuiops.ui.panes.logs import LogsPane
from tuiops.ui.screens.console import in_cloud_console
from tuiops.ui.screens.links import LinksScreen
from tuiops.ui.terminal import dump, screen_text
from tuiops.ui.theme import load
from tuiops.ui.widgets.header import budget_part
from tuiops.ui.widgets.line_table import LineTable
from tuiops.ui.widgets.prompt import Line

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.core.snapshot import Snapshot

HOSTILE = "\x1b[2J\x1b]0;pwn\x07\x9b31m\u202e[@click=app.quit]x[/]\u200b\r\n"


def make(snapshot: Snapshot | None = None, theme: str = "dark", *, ascii_only: bool = False) -> TuiopsApp:
    display = Display(theme=theme, time_zone="Asia/Tokyo", ascii=ascii_only)
    return TuiopsApp(FakeBackend(snapshot or fleet()), display, own_process=False)


async def test_what_is_well_folds_and_unfolds() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1")
        table = app.screen.query_one(HealthPane).table
        shown = [row.key for row in table.rows]
        assert ("omniy", "") in shown
        assert ("omniy", "functions") not in shown
        table.select(("omniy", ""))
        await pilot.press("right")
        assert ("omniy", "functions") in [row.key for row in table.rows]
        assert table.selected_key == ("omniy", "")
        await pilot.press("right")
        assert ("omniy", "functions") not in [row.key for row in table.rows]


async def test_what_is_not_well_is_never_folded_by_itself() -> None:
    app = make(stale(fleet()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        rows = app.screen.query_one(HealthPane).table.rows
        assert not any(row.folded or row.healthy for row in rows)


async def test_a_filter_looks_into_what_is_folded() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "slash", *"state:ok", "enter")
        keys = {row.key for row in app.screen.query_one(HealthPane).table.rows}
    assert {("omniy", "functions"), ("pricealert", "worker")} <= keys


@pytest.mark.parametrize(
    ("size", "seen", "unseen"),
    [
        ((80, 24), ("2 Alerts", "1 Health", "respond to pricealert"), ("3 Rollouts", "4 Logs")),
        ((120, 40), ("ERR%", "P95", "6.20", "budget pricealert 12%", "4 Logs"), ("Indicators",)),
        ((200, 60), ("Indicators", "> 1.00% degraded", "Links", "https://example.org/runbook"), ()),
    ],
)
async def test_each_size_shows_what_fits_and_folds_the_rest(
    size: tuple[int, int], seen: tuple[str, ...], unseen: tuple[str, ...]
) -> None:
    app = make()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        text = screen_text(app)
    assert [piece for piece in seen if piece not in text] == []
    assert [piece for piece in unseen if piece in text] == []


async def test_tab_goes_through_every_pane_of_a_small_screen() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        for title in ("3 Rollouts", "4 Logs", "1 Health", "2 Alerts"):
            await pilot.press("tab")
            assert title in screen_text(app)
            assert "2 Alerts" in screen_text(app)


async def test_the_sheet_beside_the_queue_follows_the_selection() -> None:
    app = make()
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("j")
        await pilot.pause(0.3)
        assert "─ Alert2 ─" in screen_text(app)


async def test_counts_without_proof_are_question_marks() -> None:
    quiet = msgspec.structs.replace(fleet(), alerts=())
    for snapshot, zero in ((quiet, ". 0"), (stale(quiet), ". ?")):
        app = make(snapshot)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            assert zero in screen_text(app)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ("No alerts. Every alert source is live.",)),
        ({"am": {"watchdog": None}}, ("Every alert source is live.", "No watchdog is configured for am")),
        ({"prom": {"rules_fail": True}}, ("No alerts came, but prom has rules that fail.", "? firing")),
    ],
)
async def test_an_empty_queue_says_what_its_emptiness_is_worth(
    changes: dict[str, dict[str, bool | None]], said: tuple[str, ...]
) -> None:
    quiet = msgspec.structs.replace(fleet(), alerts=())
    feeds = {name: msgspec.structs.replace(feed, **changes.get(name, {})) for name, feed in quiet.feeds.items()}
    app = make(msgspec.structs.replace(quiet, feeds=feeds))
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
    assert [piece for piece in said if piece not in text] == []
    assert ("No watchdog" in text) is ("am" in changes)


def test_a_budget_of_a_silent_feed_is_grey_with_its_age() -> None:
    palette, times = load(shipped_themes() / "dark.toml").palette, Times(ZoneInfo("Asia/Tokyo"))

    def forms(snapshot: Snapshot) -> list[list[tuple[str, bool]]]:
        return [
            [(text, style == palette.stale) for text, style in form]
            for form in budget_part(snapshot, times, NOW, palette)
        ]

    assert forms(fleet())[0] == [("budget pricealert ", False), ("12%", False), (", gone 23:02", False)]
    assert forms(stale(fleet())) == [
        [("budget pricealert 12% stale 4m", True)], [("budget 12% stale 4m", True)], [("budget stale 4m", True)],
    ]  # fmt: skip


async def test_every_action_can_be_named_after_a_colon_and_found_in_the_palette() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"alerts.group", "enter")
        await pilot.pause()
        assert "by system" in screen_text(app)
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, CommandPalette)
        provider = ActionProvider(app.screen)
        for action in ACTIONS.values():
            found = [hit async for hit in provider.search(f"{action.scope.word}: {action.label}")]
            assert bool(found) is (action.scope is not Scope.WALLBOARD), action.id


async def test_what_is_copied_has_an_end() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        app.post_message(CopyText(safe("x" * (COPY_MOST + 5), COPY_MOST * 2)))
        await pilot.pause()
        assert len(app.clipboard) == COPY_MOST


async def test_only_web_addresses_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    app = make()
    monkeypatch.setattr(app, "open_url", lambda url, **_: opened.append(url))
    async with app.run_test(size=(120, 40)) as pilot:
        for address in ("javascript:alert(1)", "file:///etc/passwd", "https://example.org/"):
            await app.push_screen(LinksScreen(((safe("page"), safe(address)),)))
            await pilot.pause()
            await pilot.press("enter")
            await pilot.press("escape")
    assert opened == ["https://example.org/"]


async def test_the_pages_of_a_selection_have_the_keys_of_the_program() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        assert isinstance(app.screen, LinksScreen)
        text = screen_text(app)
        for piece in ("Links · 1 page", "https://example.org/runbook", "q back", "Enter open", "? help", "PRODUCTION"):
            assert piece in text
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Help · links" in screen_text(app)
        await pilot.press("q", "y", "q")
        assert app.clipboard == "https://example.org/runbook"
        assert not isinstance(app.screen, LinksScreen)


async def test_a_frozen_screen_says_in_every_pane_how_long_it_has_stood_still() -> None:
    app = make()
    clock = app.backend.clock
    assert isinstance(clock, FakeClock)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("p")
        clock.advance(75)
        app.show_now()
        await pilot.pause()
        text = screen_text(app)
        assert text.count("PAUSED 1m") == 4
        assert "live 3s" not in text
        await pilot.press("d")
        await pilot.pause()
        assert "PAUSED 1m" in screen_text(app)
        await pilot.press("q", "p")
        await pilot.pause()
        assert "PAUSED" not in screen_text(app)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("pricealret", "No log is called pricealret. Did you mean pricealert?"),
        ("api", "No log is called api. Did you mean pricealert/api?"),
        ("pricealert/apu", "No log is called pricealert/apu. Did you mean pricealert/api?"),
        ("x", "No log is called x. There are manga, omniy, pricealert, tokyo."),
    ],
)
async def test_logs_of_what_is_not_there_are_refused_with_what_comes_nearest(asked: str, said: str) -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        pane = app.screen.query_one(LogsPane)
        await app.run_command(f"logs {asked}")
        await pilot.pause()
        assert [notice.message for notice in app._notifications] == [said]
        assert not pane.filters.system
        await app.run_command("logs pricealert/api")
        assert pane.filters.subject == "pricealert/api"


def test_a_stream_of_many_services_may_hold_those_that_nobody_configured() -> None:
    streams = [StreamStatus(name=lit("gcp"), system=lit("shop"))]
    assert unknown_subject((), streams, lit("shop"), lit("anything")) == ""
    assert unknown_subject((), streams, lit("shop"), EMPTY) == ""
    assert unknown_subject((), (), lit("shop"), EMPTY) == "No log is called shop. There are none."


def test_cloud_consoles_are_known_by_their_hosts() -> None:
    assert in_cloud_console("https://console.cloud.google.com/run?project=x")
    assert in_cloud_console("https://ap-northeast-1.console.aws.amazon.com/ecs")
    assert not in_cloud_console("https://console.aws.amazon.com.example.org/")
    assert not in_cloud_console("http://console.aws.amazon.com/")


async def test_a_dump_is_text_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        path = dump(app)
    assert "pricealert/api" in path.with_suffix(".txt").read_text(encoding="utf-8")
    assert path.with_suffix(".svg").read_text(encoding="utf-8").startswith("<svg")
    assert path.is_relative_to(tmp_path)


async def test_read_only_is_said_in_the_header() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"ro", "enter")
        await pilot.pause()
        assert "READ-ONLY" in screen_text(app)
        assert app.read_only


async def test_no_color_leaves_the_terminal_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.look.palette.colourless
        filtered = {app.get_line_filters()[0].apply([segment], app.screen.background_colors[1])[0].style
                    for strip in app.screen._compositor.render_strips() for segment in strip}  # fmt: skip
    colours = {colour for style in filtered if style is not None for colour in (style.color, style.bgcolor)}
    assert all(colour is None or colour.is_default for colour in colours)


async def test_an_unknown_theme_is_said_and_the_console_comes_up() -> None:
    app = make(theme="nosuch")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert app.look.palette.name == "dark"
        assert any("no usable theme 'nosuch'" in note.message for note in app._notifications)


async def test_ascii_screens_hold_nothing_else() -> None:
    base = fleet()
    plain = msgspec.structs.replace(
        base,
        rollouts=(),
        systems=tuple(
            msgspec.structs.replace(system, services=tuple(s for s in system.services if s.label.isascii()))
            for system in base.systems
        ),
    )
    app = make(plain, ascii_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
    assert sorted({char for char in text if not char.isascii()} - {"·"}) == []


async def test_hostile_text_is_text_in_every_table_and_in_the_header() -> None:
    text = safe(HOSTILE * 3)
    base = fleet()
    snapshot = msgspec.structs.replace(
        base,
        environment=msgspec.structs.replace(base.environment, name=text),
        systems=tuple(
            msgspec.structs.replace(
                system, label=text, services=tuple(msgspec.structs.replace(s, label=text) for s in system.services)
            )
            for system in base.systems
        ),
        alerts=tuple(
            msgspec.structs.replace(
                a, summary=text, name=text, system=text, service=text, labels=((lit("owner"), text),)
            )
            for a in base.alerts
        ),
        rollouts=tuple(msgspec.structs.replace(r, by=text, old=text, new=text, message=text) for r in base.rollouts),
        budgets=tuple(msgspec.structs.replace(b, system=text) for b in base.budgets),
        notices=(text,),
    )
    for size in ((80, 24), (120, 40), (200, 60)):
        app = make(snapshot)
        async with app.run_test(size=size) as pilot:
            await pilot.press("tab", "tab", "z")
            await pilot.pause()
            strips = [strip.text for strip in app.screen._compositor.render_strips()]
            tables = [
                table.render_line(y).text for table in app.screen.query(LineTable) for y in range(table.size.height)
            ]
        written = "".join((*strips, *tables))
        assert "␛[2J" in written
        assert [char for char in written if not char.isprintable()] == []


async def test_full_width_twins_open_the_prompt() -> None:
    app = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "fullwidth_solidus", *"api")
        line = app.screen.query_one(Line)
        assert line.has_focus
        assert line.value == "api"
        await pilot.press("escape")
        assert not line.has_focus


@pytest.mark.parametrize("snapshot", [fleet(), stale(fleet()), nothing()], ids=["fresh", "stale", "nothing"])
async def test_nothing_changing_draws_nothing(snapshot: Snapshot) -> None:
    app = make(snapshot)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.pause()
        table = app.screen.query_one(HealthPane).table
        drawn = [table.render_line(y) for y in range(table.size.height)]
        app.show_now()
        assert all(table.render_line(y) is before for y, before in enumerate(drawn))
