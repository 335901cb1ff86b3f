"""What is acted on: the row that was selected when the key was pressed, whatever the table does meanwhile."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ui.acting.flow import console, press, settle, shown
from tests.ui.fakes import NOW, alert, fleet, rollout, system
from tests.ui.fakes import service as health_of
from tuiops.core.alerts import Alert, Report, merge
from tuiops.core.severity import Severity
from tuiops.core.subject import Subject
from tuiops.core.text import lit, safe
from tuiops.ui.acting.card import CardScreen
from tuiops.ui.app import TuiopsApp
from tuiops.ui.panes.alerts import AlertsPane
from tuiops.ui.panes.health import HealthPane
from tuiops.ui.panes.rollouts import RolloutsPane
from tuiops.ui.screens.alert import AlertScreen
from tuiops.ui.screens.rollout import RolloutScreen
from tuiops.ui.screens.service import ServiceScreen

if TYPE_CHECKING:
    from tuiops.core.health import ServiceHealth
    from tuiops.core.snapshot import Snapshot

STORM = 60


def stormy(seed: int) -> tuple[Alert, ...]:
    """The same alerts, due in another order and more of them each time."""
    chance = random.Random(seed)
    found = [
        alert(number, f"pricealert/s{number}", chance.choice(list(Severity)), f"alert {number}",
              left=chance.uniform(1, 9000))
        for number in chance.sample(range(40), 40)
    ]  # fmt: skip
    return merge([Report(tuple(found))])


@pytest.mark.parametrize("seed", range(3))
async def test_the_selected_row_is_the_acted_on_row_while_the_table_re_sorts(seed: int) -> None:
    known = msgspec.structs.replace(fleet(), alerts=stormy(seed))
    app, backend, desk = console(known)
    chance = random.Random(seed)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = app.screen.query_one(AlertsPane)
        for turn in range(STORM // 3):
            for _ in range(chance.randrange(4)):
                pane.table.action_table_down()
            backend.publish(msgspec.structs.replace(known, version=turn + 2, alerts=stormy(seed * 100 + turn)))
            selected = pane.table.selected
            assert isinstance(selected, Alert)
            app.simulate_key("x")
            backend.publish(msgspec.structs.replace(known, version=turn + 9000, alerts=stormy(seed * 100 + turn + 50)))
            await settle(pilot)
            assert desk.subjects[-1] == (
                Subject(system=lit("pricealert"), service=selected.service, alert=safe(selected.identity),
                        alert_name=selected.name),
            )  # fmt: skip
            assert selected.service in shown(pilot).splitlines()[1]
            await press(pilot, "escape")


def shuffled(known: Snapshot, chance: random.Random, turn: int) -> Snapshot:
    """The same services and rollouts in another order, with other values and more of them each time."""

    def measured(one: ServiceHealth) -> ServiceHealth:
        return health_of(one.system, one.service, chance.uniform(0, 0.1), chance.uniform(0.1, 9))

    systems = [
        msgspec.structs.replace(
            of, services=tuple(measured(one) for one in chance.sample(of.services, len(of.services)))
        )
        for of in known.systems
    ]
    rollouts = [
        msgspec.structs.replace(one, started=NOW - timedelta(seconds=chance.uniform(1, 9000)))
        for one in chance.sample(known.rollouts, len(known.rollouts))
    ]
    return msgspec.structs.replace(
        known, version=turn, systems=tuple(chance.sample(systems, len(systems))), rollouts=tuple(rollouts)
    )


@pytest.mark.parametrize("name", ["1", "3"])
async def test_so_it_is_in_health_and_among_rollouts(name: str) -> None:
    chance = random.Random(name)
    rollouts = tuple(
        msgspec.structs.replace(rollout(), id=safe(f"r{number}"), service=safe(f"s{number}"), new=safe(f"new{number}"))
        for number in range(12)
    )
    services = tuple(health_of("pricealert", f"s{number}", 0.01, 1.0) for number in range(12))
    known = msgspec.structs.replace(fleet(), systems=(system("pricealert", *services),), rollouts=rollouts)
    app, backend, desk = console(known)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, name)
        screen = app.console_screen
        pane = screen.query_one(HealthPane) if name == "1" else screen.query_one(RolloutsPane)
        table, seen = pane.table, set[str]()
        for turn in range(STORM // 4):
            for _ in range(chance.randrange(3)):
                table.action_table_down()
            backend.publish(shuffled(known, chance, turn * 2 + 2))
            wanted = pane.subjects()
            app.simulate_key("x")
            backend.publish(shuffled(known, chance, turn * 2 + 3))
            await settle(pilot)
            assert len(wanted) == 1
            assert desk.subjects[-1] == wanted
            assert wanted[0].name in shown(pilot).splitlines()[1]
            await press(pilot, "escape")
            seen.add(wanted[0].name)
        assert len(seen) > 1


async def test_marked_rows_stay_the_marked_ones_while_the_table_re_sorts() -> None:
    known = msgspec.structs.replace(fleet(), alerts=stormy(7))
    app, backend, desk = console(known)
    chance = random.Random(7)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = app.screen.query_one(AlertsPane)
        marked: set[str] = set()
        for turn in range(STORM // 6):
            for _ in range(chance.randrange(3)):
                pane.table.action_table_down()
            selected = pane.table.selected
            assert isinstance(selected, Alert)
            marked ^= {selected.identity}
            await press(pilot, "space")
            backend.publish(msgspec.structs.replace(known, version=turn + 2, alerts=stormy(700 + turn)))
            app.simulate_key("x")
            backend.publish(msgspec.structs.replace(known, version=turn + 900, alerts=stormy(800 + turn)))
            await settle(pilot)
            if marked:
                assert {one.alert for one in desk.subjects[-1]} == marked
            await press(pilot, "escape")
        assert len(marked) > 1


async def test_a_row_that_is_gone_is_not_replaced_by_its_neighbour() -> None:
    app, backend, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        kept = tuple(one for one in fleet().alerts if one.identity != "alert-1")
        backend.publish(msgspec.structs.replace(fleet(), version=5, alerts=kept))
        app.show_now()
        await settle(pilot)
        await press(pilot, "x")
        assert desk.subjects == []
        assert len(app.screen_stack) == 1


async def test_an_alert_that_ends_while_its_card_is_open_stays_what_it_is_about() -> None:
    app, backend, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "x")
        backend.publish(msgspec.structs.replace(fleet(), version=5, alerts=()))
        app.show_now()
        await settle(pilot)
        assert "gone by now" in shown(pilot)
        await press(pilot, "a", "tab", "enter")
        assert desk.calls[0][-1] == "alert-1"


async def test_marked_rows_are_acted_on_together() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "2", "space", "space", "g", "x")
        assert [subject.service for subject in desk.subjects[-1]] == ["api", "phase6"]
        assert "Act on 2 services" in text
        await press(pilot, "a")
        screen = app.screen
        assert isinstance(screen, CardScreen)
        assert desk.calls[-1][-1] == "", "a run that is about several alerts is begun from none of them"


@pytest.mark.parametrize(("pane", "keys"), [("1", ("j",)), ("3", ())])
async def test_health_and_rollouts_name_their_service(pane: str, keys: tuple[str, ...]) -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, pane, *keys, "x")
        [subject] = desk.subjects[-1]
        assert subject.name in {"pricealert/api", "tokyo/chat"}
        assert (subject.rollout, subject.old, subject.new) in {("", "", ""), ("r1", "9f2c", "b71e")}


async def test_a_group_stands_for_all_of_its_alerts() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "z", "g", "x")
        assert {subject.system for subject in desk.subjects[-1]} == {"pricealert"}
        assert len(desk.subjects[-1]) == 2


async def test_detail_screens_act_on_what_they_show() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        for screen in (AlertScreen("alert-2"), ServiceScreen(lit("tokyo"), lit("chat")), RolloutScreen(lit("r1"))):
            await app.push_screen(screen)
            await press(pilot, "x")
            await press(pilot, "escape", "escape")
        names = [[subject.name for subject in asked] for asked in desk.subjects]
        assert names == [["manga/phase6"], ["tokyo/chat"], ["tokyo/chat"]]
        assert desk.subjects[0][0].alert == "alert-2"
        assert desk.subjects[2][0].new == "b71e"


async def test_the_alert_stays_due_while_the_menu_is_open() -> None:
    app, backend, _ = console()
    async with app.run_test(size=(120, 40)) as pilot:
        assert "12:31 left to respond" in await press(pilot, "2", "x")
        backend.clock.advance(60)
        app.show_now()
        await settle(pilot)
        assert "11:31 left to respond" in shown(pilot)
        assert backend.clock.now() - NOW == timedelta(seconds=60)
        assert isinstance(app, TuiopsApp)
