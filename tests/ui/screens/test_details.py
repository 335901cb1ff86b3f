"""The detail screens in the console, as a person meets them."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import pytest

from tuiops.config.model import Display
from tuiops.core.alerts import Alert, AlertState
from tuiops.core.changes import Change
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Environment, Snapshot
from tuiops.core.text import EMPTY, lit, safe
from tuiops.errors import NotFound, QueryRefused, Unreachable
from tuiops.ui.actions import ACTIONS, Scope
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.alert import AlertScreen
from tuiops.ui.screens.changes import ChangesScreen
from tuiops.ui.screens.help import HelpScreen
from tuiops.ui.screens.rollout import RolloutScreen
from tuiops.ui.screens.service import ServiceScreen
from tuiops.ui.screens.sources import SourcesScreen
from tuiops.ui.widgets.document import Document
from tuiops.ui.widgets.footer import Footer

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tests.ui.still import StillBackend
    from tuiops.ui.screens.detail import DetailScreen

HOSTILE = "\x1b]0;owned\x07[bold red]\x9b31m[/]\u202eevil\u202c[@click=app.quit]x[/] 東京\u0301" + "\u0301" * 50
API = (lit("pricealert"), lit("api"))


def console(backend: StillBackend) -> TuiopsApp:
    return TuiopsApp(backend, Display(time_zone="Asia/Tokyo"), own_process=False)


async def opened(pilot: Pilot[None], screen: DetailScreen) -> str:
    """Everything on the sheet, when the history has answered."""
    await pilot.app.push_screen(screen)
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    return sheet(screen)


def sheet(screen: DetailScreen) -> str:
    return "\n".join("".join(text for text, _ in row) for row in screen.query_one(Document).rows)


def p1(snapshot: Snapshot) -> Alert:
    return next(alert for alert in snapshot.alerts if alert.severity is Severity.P1)


async def test_a_service_shows_values_limits_plots_alerts_streams_and_pages(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await opened(pilot, ServiceScreen(*API))
    assert "DOWN" in shown
    assert "> 0.10% degraded, > 1.00% DOWN" in shown
    assert "now" in shown
    assert "ErrorBudgetBurnFast" in shown
    assert "sim-log-pricealert-api" in shown
    assert "https://grafana.example.com" in shown
    assert {"pricealert/api/errors", "pricealert/api/p95"} <= set(backend.asked) or len(backend.asked) == 3


async def test_before_the_history_answers_the_plots_say_that_they_load(backend: StillBackend) -> None:
    backend.holding = asyncio.Event()
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = ServiceScreen(*API)
        await app.push_screen(screen)
        await pilot.pause()
        assert "Loading the last 1h." in sheet(screen)
        backend.holding.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "Loading" not in sheet(screen)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Unreachable("prom:9090 refused"), "unreachable: prom:9090 refused"),
        (NotFound("host keeps no history"), " host keeps no history."),
        (QueryRefused(HOSTILE), "␛]0;owned␇[bold red]"),
    ],
)
async def test_a_failing_history_is_said_and_the_console_shows_what_it_saw_itself(
    backend: StillBackend, trouble: QueryRefused, said: str
) -> None:
    backend.trouble = trouble
    app = console(backend)
    async with app.run_test(size=(200, 60)) as pilot:
        shown = await opened(pilot, ServiceScreen(*API))
    assert said in shown
    assert "Shown is what" in " ".join(shown.split())


async def test_a_failure_after_success_keeps_the_plot_and_gives_its_age(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = ServiceScreen(*API)
        await opened(pilot, screen)
        backend.trouble = Unreachable("gone")
        screen.ask()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "since then unreachable: gone" in sheet(screen)


async def test_the_range_key_asks_for_the_next_range(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = ServiceScreen(*API)
        await opened(pilot, screen)
        for range_name in ("6h", "24h", "15m", "1h"):
            await pilot.press("m")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert f"last {range_name}" in sheet(screen)


async def test_an_unknown_service_is_a_sentence(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test() as pilot:
        shown = await opened(pilot, ServiceScreen(lit("no"), lit("such")))
    assert "no/such is no longer there" in shown


async def test_an_alert_shows_everything_it_carries(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await opened(pilot, AlertScreen(p1(backend.snapshot).identity))
    for piece in ("P1", "firing", "left", "by 13:52:31", "urgent → P1", "sim-alertmanager", "Description", "Labels"):
        assert piece in shown, piece


async def test_an_unknown_severity_is_a_warning(backend: StillBackend) -> None:
    odd = msgspec.structs.replace(p1(backend.snapshot), native_severity=safe("pagr"), severity_known=False)
    backend.snapshot = msgspec.structs.replace(backend.snapshot, alerts=(odd,))
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "The severity 'pagr' is not known" in await opened(pilot, AlertScreen(odd.identity))


async def test_an_alert_that_is_gone_stays_as_it_was_last_seen(backend: StillBackend) -> None:
    alert = p1(backend.snapshot)
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = AlertScreen(alert.identity)
        await opened(pilot, screen)
        backend.publish(msgspec.structs.replace(backend.snapshot, alerts=()))
        await pilot.pause(0.3)
        screen.show_now()
        assert "No source reports this alert any more." in sheet(screen)
        assert alert.name in sheet(screen)


async def test_who_silenced_an_alert_is_said(backend: StillBackend) -> None:
    silenced = next(alert for alert in backend.snapshot.alerts if alert.state is AlertState.SILENCED)
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "silenced by" in await opened(pilot, AlertScreen(silenced.identity))


async def test_a_rollout_shows_steps_gates_weights_and_timers(backend: StillBackend) -> None:
    rollout = next(rollout for rollout in backend.snapshot.rollouts if rollout.live)
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await opened(pilot, RolloutScreen(rollout.id))
    for piece in ("percent", "shift to 10%", "succeeded", "2:18 of 5:00 left", "about 12m, until 14:01", "pass"):
        assert piece in shown, piece


async def test_a_service_that_has_drifted_says_what_is_and_what_should_be(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await opened(pilot, ServiceScreen(lit("manga"), lit("phase6")))
        fine = await opened(pilot, ServiceScreen(*API))
        backend.clock.advance(600)
        late = await opened(pilot, ServiceScreen(lit("manga"), lit("phase6")))
    assert "drift  phase6: max instances 10, expected 20" in shown
    assert "Not as expected" not in fine
    assert "Not as expected  as last seen" in late


async def test_sources_show_errors_whole(backend: StillBackend) -> None:
    name, feed = next(iter(backend.snapshot.feeds.items()))
    status = msgspec.structs.replace(
        feed.status, failing=3, word=lit("unreachable"), error=lit("connect to 10.0.0.9:9090 refused"),
        warnings=(lit("partial response: 2 of 3 stores"),),
    )  # fmt: skip
    feeds = dict(backend.snapshot.feeds) | {name: msgspec.structs.replace(feed, status=status, watchdog=False)}
    backend.snapshot = msgspec.structs.replace(backend.snapshot, feeds=MappingProxyType(feeds))
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await opened(pilot, SourcesScreen())
    for piece in ("3 polls failed", "10.0.0.9:9090 refused", "warning: partial response", "watchdog: missing"):
        assert piece in shown, piece


async def test_changes_are_filtered_and_widened(backend: StillBackend) -> None:
    at = backend.snapshot.at
    changes = (
        Change(at=at, system=lit("tokyo"), service=lit("chat"), text=lit("first")),
        Change(at=at, system=lit("tokyo"), service=lit("redis"), text=lit("second")),
        Change(at=at, system=lit("manga"), text=lit("third")),
        Change(at=at, text=lit("source prom: live to stale")),
    )
    backend.snapshot = msgspec.structs.replace(backend.snapshot, changes=changes)
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = ChangesScreen(lit("tokyo"), lit("chat"))
        narrow = await opened(pilot, screen)
        await pilot.press("v")
        system = sheet(screen)
        await pilot.press("v")
        everything = sheet(screen)
    words = ("first", "second", "third", "source prom")
    assert [word in narrow for word in words] == [True, False, False, True]
    assert [word in system for word in words] == [True, True, False, True]
    assert all(word in everything for word in words)


async def test_help_names_every_action_with_its_key(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(200, 60)) as pilot:
        shown = await opened(pilot, HelpScreen(Scope.ALERTS))
    for action in ACTIONS.values():
        assert action.label in shown, action.id
        assert action.help.split()[0] in shown, action.id
    assert shown.index("Alerts") < shown.index("Health")


async def test_help_is_searchable_and_escape_ends_only_the_search(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = HelpScreen(None)
        await opened(pilot, screen)
        await pilot.press("slash", *"histogram")
        await pilot.pause()
        assert "Show how many lines came when" in sheet(screen)
        assert "clipboard" not in sheet(screen)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen
        assert "clipboard" in sheet(screen)


async def test_searching_a_sheet_goes_to_the_row(backend: StillBackend) -> None:
    app = console(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ServiceScreen(*API)
        await opened(pilot, screen)
        await pilot.press("slash", *"grafana", "enter")
        await pilot.pause()
        assert screen.query_one(Document).scroll_offset.y > 0
        await pilot.press("g")
        await pilot.pause()
        assert screen.query_one(Document).scroll_offset.y == 0


def hostile(snapshot: Snapshot) -> Snapshot:
    """The same with a text from hell wherever an alert has one."""
    bad = safe(HOSTILE)
    alert = msgspec.structs.replace(
        p1(snapshot), name=bad, summary=bad, description=(bad, safe("東" * 20_000, 16_384)), native_severity=bad,
        labels=((bad, bad),) * 500, annotations=((bad, bad),), sources=(bad,), silenced_by=(bad,),
        inhibited_by=(bad,), links=((bad, bad),), system=bad, service=bad,
    )  # fmt: skip
    return msgspec.structs.replace(snapshot, alerts=(alert,), notices=(bad,))


def nothing(snapshot: Snapshot) -> Snapshot:
    return Snapshot(version=1, at=snapshot.at, environment=Environment(EMPTY))


SCREENS: list[Callable[[Snapshot], DetailScreen]] = [
    lambda _: ServiceScreen(*API),
    lambda snapshot: AlertScreen(p1(snapshot).identity),
    lambda snapshot: RolloutScreen(snapshot.rollouts[0].id),
    lambda _: SourcesScreen(),
    lambda _: ChangesScreen(),
    lambda _: HelpScreen(None),
]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: ServiceScreen(*API), {"logs", "what changed", "range"}),
        (lambda snapshot: AlertScreen(p1(snapshot).identity), {"logs", "what changed", "range"}),
        (lambda snapshot: RolloutScreen(snapshot.rollouts[0].id), {"logs", "what changed"}),
        (lambda _: SourcesScreen(), {"what changed"}),
        (lambda _: HelpScreen(None), {"what changed"}),
        (lambda _: ChangesScreen(), set()),
        (lambda _: ChangesScreen(*API), {"logs", "what changed"}),
        (lambda _: ServiceScreen(lit("gone"), lit("gone")), {"logs", "what changed"}),
    ],
)
async def test_the_footer_shows_only_what_the_screen_does(
    backend: StillBackend, make: Callable[[Snapshot], DetailScreen], said: set[str]
) -> None:
    screen = make(backend.snapshot)
    app = console(backend)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, screen)
        footer = screen.query_one(Footer).render_line(0).text
    assert {word for word in ("logs", "what changed", "range") if f" {word} " in footer} == said
    assert "help" in footer


@pytest.mark.parametrize("size", [(1, 1), (20, 6), (80, 24)])
@pytest.mark.parametrize("change", [hostile, nothing])
@pytest.mark.parametrize("number", range(len(SCREENS)))
async def test_every_screen_takes_hostile_text_nothing_and_any_size(
    backend: StillBackend, number: int, change: Callable[[Snapshot], Snapshot], size: tuple[int, int]
) -> None:
    screen = SCREENS[number](backend.snapshot)
    backend.snapshot = change(backend.snapshot)
    app = console(backend)
    async with app.run_test(size=size) as pilot:
        shown = await opened(pilot, screen)
        await pilot.press("j", "G", "k", "g", "m", "T")
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert app.screen is screen
        assert sheet(screen).strip()
    assert "\x1b" not in shown
    assert "\x9b" not in shown
