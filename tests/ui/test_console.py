"""The console, driven through Textual's pilot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ui.fakes import FakeBackend, alert, fleet, nothing, stale
from tuiops.config.model import Display
from tuiops.core.alerts import Alert, Report, merge
from tuiops.core.severity import Severity
from tuiops.core.text import lit, safe
from tuiops.ui.app import TuiopsApp
from tuiops.ui.panes.alerts import AlertsPane
from tuiops.ui.screens.console import ConsoleScreen
from tuiops.ui.terminal import screen_text

if TYPE_CHECKING:
    from tuiops.core.snapshot import Snapshot

HOSTILE = "\x1b[2J\x1b]0;pwn\x07\x9b31m\u202e[@click=app.quit]x[/] [/bold]\u200b\r\n"


def make(snapshot: Snapshot) -> tuple[TuiopsApp, FakeBackend]:
    backend = FakeBackend(snapshot)
    return TuiopsApp(backend, Display(time_zone="Asia/Tokyo"), own_process=False), backend


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_worst_is_on_screen_at_every_size(size: tuple[int, int]) -> None:
    app, backend = make(fleet())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
    for piece in ("PRODUCTION", "!! 1", "12:31", "pricealert/api", "DOWN", "live 2s", "14:02:11 JST"):
        assert piece in text
    assert backend.started == 1


async def test_nothing_is_green_when_every_source_is_stale() -> None:
    app, _ = make(stale(fleet()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
    assert " ok " not in text
    assert "0/3 live" in text
    assert ". ?" in text
    assert text.count("stale 4m") >= 3


async def test_before_anything_is_known_nothing_is_said_to_be_missing() -> None:
    app, _ = make(msgspec.structs.replace(nothing(), version=0))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
    assert text.count("Starting.") == 4
    assert "starting" in text
    assert "configured" not in text


async def test_rows_go_stale_by_time_alone() -> None:
    app, backend = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert " ok " in screen_text(app)
        backend.clock.advance(60)
        app.show_now()
        await pilot.pause()
        assert " ok " not in screen_text(app)


async def test_an_empty_console_says_what_to_do() -> None:
    app, _ = make(nothing())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = screen_text(app)
    assert "No alert source is configured" in text
    assert "alerts = true" in text, "Prometheus tells of its own alerts when there is no Alertmanager"
    assert "No rollout source is configured" in text


async def test_the_selection_follows_its_row_through_a_storm() -> None:
    app, backend = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("j", "j")
        screen = app.screen
        assert isinstance(screen, ConsoleScreen)
        table = screen.query_one(AlertsPane).table
        chosen = table.selected_key
        for round_ in range(20):
            storm = tuple(alert(100 + n, "x/y", Severity.P1, "storm", left=10 + n) for n in range(round_ * 7 % 40))
            alerts = merge([Report(fleet().alerts), Report(storm)])
            snapshot = msgspec.structs.replace(fleet(), version=2 + round_, alerts=alerts)
            backend.snapshot = app._latest = snapshot
            app.show_now()
            assert table.selected_key == chosen
            assert isinstance(table.selected, Alert)
            assert table.selected.identity == chosen


async def test_a_vanished_selection_never_slides_onto_a_neighbour() -> None:
    app, _ = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        table = app.screen.query_one(AlertsPane).table
        gone = table.selected_key
        app._latest = msgspec.structs.replace(
            fleet(), version=2, alerts=tuple(a for a in fleet().alerts if a.identity != gone)
        )
        app.show_now()
        gone_now = table.selected
        assert gone_now is None
        await pilot.press("j")
        assert table.selected is not None


async def test_hostile_text_reaches_the_terminal_as_text() -> None:
    text = safe(HOSTILE * 3)
    base = fleet()
    alerts = tuple(
        msgspec.structs.replace(a, summary=text, name=text, system=text, service=text, links=((text, text),))
        for a in base.alerts
    )
    systems = tuple(
        msgspec.structs.replace(
            s, label=text, services=tuple(msgspec.structs.replace(x, label=text) for x in s.services)
        )
        for s in base.systems
    )
    app, _ = make(msgspec.structs.replace(base, alerts=alerts, systems=systems, notices=(text,)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        written = app.screen._compositor.render_update(full=True)
        console_text = screen_text(app)
        assert written is not None
        assert app.is_running
    assert "␛[2J" in console_text
    assert not any(ord(c) < 32 and c != "\n" for c in console_text)
    assert "\x9b" not in console_text
    assert "\u202e" not in console_text


async def test_filter_sort_group_freeze_and_panes_answer_their_keys() -> None:
    app, backend = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"sev>=P2", "enter")
        assert "p95 3.4" not in screen_text(app)
        await pilot.press("escape")
        assert "p95 3.4" in screen_text(app)
        await pilot.press("z")
        assert "by system" in screen_text(app)
        await pilot.press("p")
        backend.publish(msgspec.structs.replace(fleet(), version=9))
        await pilot.pause(0.3)
        assert "PAUSED +1" in screen_text(app)
        await pilot.press("p", "1", "f")
        assert "2 Alerts" not in screen_text(app)
        await pilot.press("r")
        assert backend.poked == [None]


async def test_full_width_keys_work_with_an_input_method_on() -> None:
    app, _ = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("fullwidth_colon", *"theme light", "enter")
        await pilot.pause()
        assert app.look.palette.name == "light"


async def test_ctrl_c_and_q_never_quit_but_the_command_does() -> None:
    app, _ = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+c", "q", "escape")
        assert app.is_running
        await pilot.press("colon", "q", "enter")
        await pilot.pause()
    assert app.return_code == 0


async def test_a_terminal_of_one_cell_and_back() -> None:
    app, _ = make(fleet())
    async with app.run_test(size=(120, 40)) as pilot:
        for size in ((1, 1), (3, 2), (40, 8), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "pricealert/api" in screen_text(app)


async def test_ten_thousand_alerts() -> None:
    alerts = merge([Report(tuple(alert(n, "x/y", Severity.P3, f"number {n}", left=1000 + n) for n in range(10_000)))])
    app, _ = make(msgspec.structs.replace(fleet(), alerts=alerts))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("G")
        text = screen_text(app)
    assert "number 9999" in text
    assert "10,000 firing" in text


async def test_what_an_empty_log_pane_advises_is_whole() -> None:
    app, _ = make(nothing())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await pilot.pause()
        text = screen_text(app)
    assert '"journal".' in text


async def test_the_owner_column_shows_the_label_and_is_there_only_when_an_alert_has_one() -> None:
    app, backend = make(fleet())
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        assert "OWNER" not in screen_text(app)
        alerts = tuple(
            msgspec.structs.replace(alert, labels=((lit(name), lit("SRE 2")),))
            for alert, name in zip(fleet().alerts, ("team", "owner", *["job"] * 9), strict=False)
        )
        backend.publish(msgspec.structs.replace(fleet(), version=2, alerts=alerts))
        await pilot.pause()
        text = screen_text(app)
        assert "OWNER" in text
        assert text.count("SRE 2") == 2
        await pilot.press("/", *"owner:sre")
        await pilot.pause()
        assert "AI quota exhausted" in screen_text(app)
        assert "p95 3.4 s" not in screen_text(app)


WRONG = (
    lit("configuration not reloaded"),
    safe(
        "/etc/tuiops/config.toml: sources.prometheus.url: 'htp://h' is no address → begin it with http:// or https://"
    ),
    safe("/etc/tuiops/config.toml: display.theme: there is no theme 'drak' → did you mean dark?"),
)


@pytest.mark.parametrize(
    ("width", "said"),
    [(80, "configuration not reloaded, see :sources"), (40, "…, see :sources"), (520, "did you mean dark?")],
)
async def test_a_notice_is_short_in_the_footer_and_whole_among_the_sources(width: int, said: str) -> None:
    app, _ = make(msgspec.structs.replace(fleet(), notices=WRONG))
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        footer = screen_text(app).splitlines()[-1]
        assert footer.rstrip().endswith(said)
        assert "? help" in footer
        await pilot.press(":", *"sources", "enter")
        await pilot.pause()
        await pilot.pause()
        text = " ".join(line.strip("│ ") for line in screen_text(app).splitlines())
        for notice in WRONG:
            assert notice in text
