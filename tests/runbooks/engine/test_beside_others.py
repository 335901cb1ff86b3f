"""A console beside others: of other versions, under clocks that are set, on a ledger that takes no word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.ledger.homes import opened
from tests.runbooks.engine.stage import DONE, person, step
from tuiops.core.record import Unknown
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import LedgerError
from tuiops.ledger.chain import digest
from tuiops.ledger.holders import this_process
from tuiops.ledger.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from tests.ledger.homes import Home
    from tests.runbooks.engine.stage import Stage

SLOW = '{ kind = "command", argv = ["sleep", "60"] }'


async def append_by_another_version(home: Home, event: dict[str, object], run: str) -> int:
    """An entry that is in its place in the chain, whatever it says; its number."""
    ledger = opened(home)
    rows = [row async for row in ledger.rows()]
    await ledger.close()
    last = rows[-1]
    by = {"person": "max", "account": "local:max", "session": "s-9", "role": "auditor"}
    body = json.dumps({"at": last.at, "by": by, "event": event, "run": run}, separators=(",", ":"))
    own = digest(last.digest, body)
    values = (last.number + 1, last.at, run, event["event"], "max", body, last.digest, own)
    home.plainly(f"INSERT INTO ledger_entries VALUES {values!r}")
    return last.number + 1


UNREADABLE: list[dict[str, object]] = [
    {"event": "run.dreamt", "of": "sheep"},
    {"event": "run.ended"},
    {"event": "run.aborting", "reason": 7},
]


@pytest.mark.parametrize("event", UNREADABLE)
async def test_what_another_version_writes_makes_no_console_deaf(shared: Stage, event: dict[str, object]) -> None:
    shared.runbook(step("slow", SLOW, undo='"none"', undo_reason='"a test"'))
    first, second = await shared.console(), await shared.console(person("lee"))
    run = await first.begun()
    await first.at(run, "slow", StepState.RUNNING)
    await append_by_another_version(shared.home, event, run)
    await append_by_another_version(shared.home, event, "")
    await second.comes_to(run, RunState.RUNNING)
    await second.sitting.abort(run, "stop")
    await first.comes_to(run, RunState.ABORTED)
    await second.comes_to(run, RunState.ABORTED)
    assert len(await shared.events(Unknown)) == 2
    third = await shared.console(person("ann"))
    assert third.view(run).state is RunState.ABORTED
    assert not any(console.troubles for console in (first, second, third))


@pytest.mark.parametrize("by", [60.0, -60.0])
async def test_a_clock_that_is_set_takes_no_run_away(stage: Stage, monkeypatch: pytest.MonkeyPatch, by: float) -> None:
    stage.runbook(step("slow", SLOW, undo='"none"', undo_reason='"a test"'))
    first, second = await stage.console(), await stage.console(person("lee"))
    run = await first.begun()
    await first.at(run, "slow", StepState.RUNNING)
    await second.comes_to(run, RunState.RUNNING)
    monkeypatch.setattr(SqliteDatabase, "now", f"{SqliteDatabase.now} + ({by})")
    third = await stage.console(person("ann"))
    # Whoever looks now looks by the clock as it was set.
    for console in (second, third):
        await console.engine._look_at_locks()
        assert console.view(run).state is RunState.RUNNING
        assert console.view(run).held_by == "kim on s-1"
    assert first.engine.carrier(run) is not None
    await second.sitting.abort(run)
    assert (await first.comes_to(run, *DONE)).state is RunState.ABORTED


async def test_a_console_begins_on_no_ledger_that_cannot_be_written(shared: Stage) -> None:
    """Nor does it take for writable what another console has just written."""
    ledger = opened(shared.home)
    other = this_process(lit("ann on s-ann"), "s-ann")
    await ledger.acquire("console", other, run="console", purpose=lit("a console begins"), seconds=30)
    shared.home.by_hand("DELETE FROM ledger_counters")
    with pytest.raises(LedgerError, match="the number of the last run is missing"):
        await shared.console()
    await ledger.close()
