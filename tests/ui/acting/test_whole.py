"""The console on the real write side: engine, ledger, commands of this machine, from an alert to the end of a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tests.runbooks.engine.conftest import stage
from tests.runbooks.engine.stage import step
from tests.ui.acting.flow import press, settle, shown
from tests.ui.fakes import FakeBackend, alert, fleet
from tuiops.core.alerts import Report, merge
from tuiops.core.runs import RunState
from tuiops.core.severity import Severity
from tuiops.ui.acting.run import RunScreen
from tuiops.ui.app import TuiopsApp

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.runbooks.engine.stage import Console, Stage

__all__ = ["stage"]

SLOW = '{ kind = "command", argv = ["sleep", "60"] }'


def on(console: Console) -> tuple[TuiopsApp, FakeBackend]:
    """A console's screen, on its own engine."""
    alerts = merge([Report((alert(1, "shop/api", Severity.P1, "error rate 6.2% > 1%"),))])
    backend = FakeBackend(msgspec.structs.replace(fleet(), alerts=alerts))
    return TuiopsApp(backend, desk=console.sitting, own_process=False), backend


async def told(pilot: Pilot[None], backend: FakeBackend, console: Console) -> str:
    """What is on screen when the hub has told of the runs as they are."""
    known = backend.snapshot
    backend.publish(msgspec.structs.replace(known, version=known.version + 1, runs=console.engine.runs))
    await settle(pilot)
    app = pilot.app
    assert isinstance(app, TuiopsApp)
    app.show_now()
    await settle(pilot)
    return shown(pilot)


async def test_from_an_alert_to_a_run_that_has_succeeded(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    app, backend = on(console)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x")
        assert "Mend the shop" in text
        await press(pilot, "a")
        async with asyncio.timeout(20):
            while "read again when you confirm" not in shown(pilot):
                await settle(pilot)
        await press(pilot, "tab", "enter")
        await console.until(lambda: bool(console.engine.runs))
        run = console.engine.runs[0].id
        await console.comes_to(run, RunState.SUCCEEDED)
        text = await told(pilot, backend, console)
        assert isinstance(app.screen, RunScreen)
        assert "✓ succeeded" in text
        assert stage.done == ["one", "two"]
        assert console.engine.runs[0].alert == "alert-1"


async def test_abort_from_the_run_ends_what_it_started(stage: Stage) -> None:
    stage.runbook(step("slow", SLOW, undo='"none"', undo_reason='"a test"'))
    console = await stage.console()
    run = await console.begun()
    app, backend = on(console)
    async with app.run_test(size=(120, 40)) as pilot:
        await told(pilot, backend, console)
        await press(pilot, "X", "enter", "K", "tab", *"slow", "enter", "enter")
        await console.comes_to(run, RunState.ABORTED)
        text = await told(pilot, backend, console)
    assert "✗ aborted" in text
    assert "slow" in text
