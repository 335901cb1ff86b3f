"""What goes wrong with a console itself: it is said, nothing is lost without a word, and no step is begun meanwhile."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ledger.homes import opened
from tests.runbooks.engine.stage import TWO_PERSONS, person, step
from tests.runbooks.records import KIM
from tests.waiting import eventually, eventually_answers, let_pass
from tuiops.core.access import Role
from tuiops.core.record import Commented, Entry, RunPaused, StepIntended
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import ConfigError, Fault, LedgerError, Unreachable
from tuiops.sources.abilities import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.ledger.base import Fence

SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'
NONE = {"undo": '"none"', "undo_reason": '"a test"'}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError([Fault("env TOKEN", "", "is not set", "set it")]), "env TOKEN: is not set"),
        (Unreachable("the vendor is down"), "the vendor is down"),
        (RuntimeError("a mistake"), "the console failed at it, see its log"),
    ],
    ids=["configuration", "source", "fault"],
)
async def test_a_run_that_was_approved_and_cannot_be_begun_says_so(stage: Stage, error: Exception, said: str) -> None:
    stage.runbook(step("shift", SHIFT, undo='"before"'))
    first = await stage.console(rules=TWO_PERSONS)
    second = await stage.console(person("lee", Role.APPROVER), TWO_PERSONS)
    run = await first.begun()
    await second.comes_to(run, RunState.AWAITING_APPROVAL)

    async def broken(*_: object) -> object:
        raise error

    stage.service.prepare_shift = broken  # type: ignore[method-assign, assignment] # the fault
    await second.sitting.approve(run, second.view(run).plan_digest)
    for console in (first, second):
        await console.until(lambda console=console: said in console.view(run).reason)  # type: ignore[misc] # its own console
        assert console.view(run).state is RunState.PAUSED
    await first.until(lambda: said in "".join(first.troubles[-1:]))
    assert first.troubles[-1].startswith("run approved by lee, but ")
    # Nobody else's name is under what the console says.
    paused = [entry for entry in await stage.entries() if isinstance(entry.event, RunPaused)]
    assert [(entry.by.person, entry.by.role) for entry in paused] == [("tuiops", Role.VIEWER)]
    assert stage.service.done == []


def goes_deaf(console: Console, error: Exception) -> Callable[[], None]:
    """Have the console read no news any more; returns what mends it."""
    ledger = console.engine.ledger
    read = ledger.read

    def broken(**which: object) -> object:
        if "after" in which:
            raise error
        return read(**which)  # type: ignore[arg-type] # passed on

    ledger.read = broken  # type: ignore[method-assign, assignment] # the fault

    def mend() -> None:
        ledger.read = read  # type: ignore[method-assign] # the fault ends: as it was

    return mend


async def write(stage: Stage) -> None:
    """Something that another console writes."""
    ledger = opened(stage.home)
    said = Commented(subject=lit("x"), text=lit("y"))
    await ledger.append([Entry(at=stage.clock.now(), by=KIM, event=said)])
    await ledger.close()


@pytest.mark.parametrize(
    "error", [RuntimeError("a mistake"), LedgerError("the disk is broken")], ids=["fault", "ledger"]
)
async def test_a_console_that_does_not_hear_begins_no_step_and_hears_again(shared: Stage, error: Exception) -> None:
    shared.runbook(
        step("key", '{ kind = "manual", instructions = "turn it" }') + step("one", shared.append("one"), **NONE)
    )
    first, second = await shared.console(), await shared.console(person("lee"))
    run = await first.begun()
    await first.at(run, "key", StepState.ASKING)
    await second.at(run, "key", StepState.ASKING)
    mend = goes_deaf(first, error)
    await write(shared)
    await first.until(lambda: "no step is begun until that is well again" in "".join(first.troubles[-1:]))
    await first.sitting.settle(first.view(run), "key", succeeded=True, note="turned")
    await second.at(run, "key", StepState.SUCCEEDED)
    await second.sitting.abort(run, "enough")
    await second.comes_to(run, RunState.ABORTING)
    mend()

    await first.comes_to(run, RunState.ABORTED)
    assert [event.step for event in await shared.events(StepIntended) if isinstance(event, StepIntended)] == ["key"]
    assert shared.done == []
    await first.until(lambda: first.troubles[-1] == "")


async def test_what_a_command_printed_is_kept_in_the_record_alone_when_the_run_is_over(stage: Stage) -> None:
    script = stage.folder / "talk.py"
    script.write_text("import sys, time\nprint('hello', flush=True)\ntime.sleep(0.5)\n", encoding="utf-8")
    stage.runbook(step("talk", f'{{ kind = "command", argv = ["{sys.executable}", "{script}"] }}', **NONE))
    console = await stage.console()
    run = await console.begun()
    await console.until(lambda: console.engine.runs[0].steps[0].tail == ("hello",))
    await console.comes_to(run, RunState.SUCCEEDED)

    await console.until(lambda: console.engine.runs[0].steps[0].tail == ())
    assert console.step(run, "talk").evidence.output == ("hello",)


async def test_what_a_killed_console_wrote_last_is_anchored_by_the_next_one(shared: Stage) -> None:
    killed = opened(shared.home)
    said = Entry(at=shared.clock.now(), by=KIM, event=Commented(subject=lit("x"), text=lit("y")))
    for _ in range(2):
        await killed.append([said])
    # The first of all is anchored at once, and then one once in a while.
    assert (await killed.verify()).anchored == 1
    console = await shared.console()

    async def anchored() -> bool:
        return (await console.engine.ledger.verify()).anchored == 2

    await eventually_answers(anchored, "the anchor")
    await killed.close()


async def test_a_ledger_that_cannot_be_anchored_keeps_no_console_from_acting(stage: Stage) -> None:
    stage.two_steps()
    console = stage.prepared()
    tried: list[bool] = []

    async def fails() -> None:
        tried.append(True)
        raise LedgerError("the folder of anchors cannot be written")

    console.engine.ledger.anchor = fails  # type: ignore[method-assign] # the fault
    await console.engine.start()
    await eventually(lambda: tried == [True], "an attempt")
    run = await console.begun()
    await console.comes_to(run, RunState.SUCCEEDED)


async def test_a_console_that_ends_while_it_gives_a_run_back_gives_it_back(stage: Stage) -> None:
    stage.service.progress = Progress.UNKNOWN
    stage.runbook(step("shift", SHIFT, undo='"before"', timeout='"1s"'))
    console = await stage.console()
    ledger = console.engine.ledger
    park, may, asked = ledger.park, asyncio.Event(), asyncio.Event()

    async def slow(fence: Fence) -> None:
        asked.set()
        await may.wait()
        await park(fence)

    ledger.park = slow  # type: ignore[method-assign] # the slowness
    await console.begun()
    await asked.wait()
    closing = asyncio.ensure_future(console.close())
    await let_pass(0)
    may.set()
    await closing

    beside = opened(stage.home)
    assert {lock.gone for lock in await beside.locks()} == {True}
    await beside.close()
