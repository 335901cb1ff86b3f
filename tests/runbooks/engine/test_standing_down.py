"""A console that has stopped acting, or has yet to begin: nothing is begun there, by whatever way it is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import TWO_PERSONS, person, step
from tests.waiting import let_pass
from tuiops.core.access import Role
from tuiops.core.record import RunAborting
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.desk.distant import DistantDesk
from tuiops.runbooks.desk.onlooker import Onlooker
from tuiops.runbooks.desk.session import Seat, Sitting
from tuiops.runbooks.engine.engine import Engine
from tuiops.runbooks.engine.reading import Reader

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.ledger.base import Fence

SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'
ASKS = '{ kind = "manual", instructions = "turn it" }'
STOPPED = "this console does not act here any more"


class Slow:
    """Something that is under way until the test lets it end."""

    def __init__(self, console: Console) -> None:
        self.begun, self.may = asyncio.Event(), asyncio.Event()
        self._prepare = console.stage.service.prepare_shift
        console.stage.service.prepare_shift = self  # type: ignore[method-assign, assignment] # the slowness

    async def __call__(self, *what: object) -> object:
        self.begun.set()
        await self.may.wait()
        return await self._prepare(*what)  # type: ignore[arg-type] # passed on


async def test_what_was_confirmed_and_still_read_when_the_console_stopped_is_not_begun(shared: Stage) -> None:
    shared.runbook(step("shift", SHIFT, undo='"before"'))
    console = await shared.console()
    desk = DistantDesk(console.sitting.principal, shared.clock)
    desk.attach(console.sitting)
    card = await desk.plan("mend", "shop", {})
    read = Slow(console)
    asked = asyncio.create_task(desk.confirm(card))
    await read.begun.wait()
    await console.close()
    desk.detach(lit("the configuration names another ledger"))
    read.may.set()

    with pytest.raises(Refused, match=STOPPED):
        await asked
    assert (await shared.events(), shared.service.done) == ([], [])


async def test_what_is_being_taken_up_when_the_console_stops_is_refused_and_not_lost_without_a_word(
    stage: Stage,
) -> None:
    stage.runbook(step("shift", SHIFT, undo='"before"'))
    console = await stage.console()
    card = await console.card()
    taking, may, acquire = asyncio.Event(), asyncio.Event(), console.engine.ledger.acquire

    async def slow(*which: object, **more: object) -> Fence:
        taking.set()
        await may.wait()
        return await acquire(*which, **more)  # type: ignore[arg-type] # passed on

    console.engine.ledger.acquire = slow  # type: ignore[method-assign] # the slowness
    asked = asyncio.create_task(console.sitting.confirm(card))
    await taking.wait()
    closing = asyncio.create_task(console.close())
    await let_pass(0)
    may.set()
    await closing

    with pytest.raises(Refused, match=STOPPED):
        await asked
    assert stage.service.done == []


async def test_nothing_is_said_of_runs_on_a_console_that_has_stopped(stage: Stage) -> None:
    stage.runbook(step("key", ASKS))
    first, second = await stage.console(), await stage.console(person("lee"))
    run = await first.begun()
    await second.at(run, "key", StepState.ASKING)
    await second.until(lambda: bool(second.view(run).held_by))
    seen = second.view(run)
    await second.close()

    for asked in (second.sitting.abort(run), second.sitting.settle(seen, "key", succeeded=True, note="done")):
        with pytest.raises(Refused, match=STOPPED):
            await asked
    assert await stage.events(RunAborting) == []
    assert first.step(run, "key").state is StepState.ASKING


async def test_what_is_approved_when_the_console_has_stopped_is_not_begun_there(stage: Stage) -> None:
    stage.runbook(step("shift", SHIFT, undo='"before"'))
    console = await stage.console(rules=TWO_PERSONS)
    second = await stage.console(person("lee", Role.APPROVER), TWO_PERSONS)
    run = await console.begun()
    await second.comes_to(run, RunState.AWAITING_APPROVAL)
    read = Slow(console)
    await second.sitting.approve(run, second.view(run).plan_digest)
    await read.begun.wait()
    await console.close()
    read.may.set()

    again = await stage.console(rules=TWO_PERSONS)
    await again.comes_to(run, RunState.PAUSED)
    assert not again.engine.history(run).started
    assert stage.service.done == []


async def test_a_console_that_is_not_started_begins_nothing(stage: Stage) -> None:
    stage.two_steps()
    console = stage.prepared()
    with pytest.raises(Refused, match="still starting"):
        await console.begun()
    assert (await stage.events(), stage.done) == ([], [])


def test_who_only_looks_on_has_nothing_to_write_or_to_act_with() -> None:
    acting = vars(Engine).keys() - vars(Reader).keys()
    assert {"begin", "carry", "say", "request", "undo", "settle", "wind_up", "_write", "_take_up"} <= acting
    assert not [name for name in acting if hasattr(Onlooker, name) and not name.startswith("__")]
    deeds = {"confirm", "approve", "reject", "abort", "resume", "settle", "skip", "undo"}
    assert deeds <= vars(Sitting).keys()
    assert not [name for name in deeds if hasattr(Seat, name)]
