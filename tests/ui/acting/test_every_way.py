"""Nothing runs from a single act, whichever it is; and nothing at all that a viewer does has any effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.engine.conftest import stage
from tests.ui.acting.every import LEAVES, Screen
from tests.ui.acting.flow import console, press, settle, shown, with_runs
from tests.ui.desk import run
from tests.ui.fakes import FakeBackend, alert, fleet
from tests.waiting import eventually
from tuiops.core.access import Role
from tuiops.core.alerts import Report, merge
from tuiops.core.runs import RunState
from tuiops.core.severity import Severity
from tuiops.core.text import lit
from tuiops.ui.acting import card as cards
from tuiops.ui.acting.card import CardScreen
from tuiops.ui.acting.request import Request
from tuiops.ui.actions import Scope, commands, within
from tuiops.ui.app import TuiopsApp
from tuiops.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runbooks.engine.stage import Stage
    from tests.ui.desk import FakeDesk

__all__ = ["stage"]

READS = {"plan", "choices", "why"}
"""What may be asked of a desk by one key."""
SMALL = (80, 24)


def wrote(desk: FakeDesk) -> list[tuple[object, ...]]:
    """What the desk was asked to do."""
    return [call for call in desk.calls if call[0] not in READS]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (("2", "x"), "presses"), (("2", "x"), "clicks"),
        (("2", "x", "a"), "presses"), (("2", "x", "a"), "deeds"), (("2", "x", "a"), "clicks"),
        (("X",), "clicks"),
        (("X", "enter"), "presses"), (("X", "enter"), "clicks"),
        (("X", "enter", "K"), "presses"), (("X", "enter", "K"), "clicks"),
    ],
    ids=lambda given: given if isinstance(given, str) else "-".join(given),
)  # fmt: skip
async def test_no_single_act_does_anything(way: tuple[str, ...], kind: str) -> None:
    app, _, desk = console(with_runs(run()))
    async with app.run_test(size=SMALL) as pilot:
        screen = Screen(pilot, way)
        await screen.back()
        tried = 0
        for name, act in tuple(getattr(screen, kind)()):
            await screen.back()
            await act()
            assert wrote(desk) == [], name
            tried += 1
        await settle(pilot)
        assert tried > {"presses": 100, "deeds": 50, "clicks": 5}[kind]
    assert wrote(desk) == []


async def test_a_click_goes_to_a_choice_and_only_a_second_one_chooses_it() -> None:
    app, _, desk = console()
    async with app.run_test(size=SMALL) as pilot:
        await press(pilot, "2", "x", "a")
        leave, choice = app.screen.query(Choice)
        await pilot.click(choice)
        assert app.focused is choice
        assert wrote(desk) == []
        await pilot.click(choice)
        await settle(pilot)
        assert [call[0] for call in wrote(desk)] == ["confirm"]
        await press(pilot, "escape", "2", "x", "a", "tab")
        leave = app.screen.query(Choice).first()
        await pilot.click(leave)
        await settle(pilot)
        assert not isinstance(app.screen, CardScreen), "to leave takes one"
        assert len(wrote(desk)) == 1


async def test_whatever_a_viewer_does_changes_nothing(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    request = await console.begun()
    viewer = msgspec.structs.replace(console.sitting.principal, person=lit("eve"), account=lit("local:eve"),
                                     session="s-eve", role=Role.VIEWER)  # fmt: skip
    await console.comes_to(request, RunState.SUCCEEDED)
    before = await stage.entries()
    done = stage.done
    alerts = merge([Report((alert(1, "shop/api", Severity.P1, "error rate 6.2% > 1%"),))])
    past = console.engine.runs[0]
    live = msgspec.structs.replace(past, state=RunState.PAUSED, ended=None)
    backend = FakeBackend(msgspec.structs.replace(fleet(), alerts=alerts, runs=(live,)))
    app = TuiopsApp(backend, desk=console.seat(viewer), own_process=False)
    async with app.run_test(size=SMALL) as pilot:
        for way in (("X",), ("X", "enter")):
            screen = Screen(pilot, way)
            for action in within(Scope.RUN, Scope.CARD):
                for key in action.keys[:1]:
                    await screen.back()
                    await pilot.press(key, "tab", "x", "enter", "enter")
        for action in commands():
            if action.id not in LEAVES:
                await app.run_command(f"{action.command} {live.number} because")
                await pilot.press("tab", "enter")
        while len(app.screen_stack) > 1:
            app.pop_screen()
        app.freeze(on=False)
        await settle(pilot)
        app._show_card(
            Request(runbook="mend", system="shop", title=lit("Mend"), parameters={}, refused=lambda _, __: None)
        )
        card = app.screen
        assert isinstance(card, CardScreen)
        await eventually(lambda: card.stage is not cards.Stage.READING, "the card")
        card.show_now()
        await settle(pilot)
        assert "Not allowed" in shown(pilot)
        run_it = app.screen.query(Choice).last()
        for _ in range(3):
            await pilot.click(run_it)
        await press(pilot, "tab", "enter", "enter")
    assert await stage.entries() == before
    assert stage.done == done
