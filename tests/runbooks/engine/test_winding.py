"""An abort is carried out, whatever becomes of the console that was to do so."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ledger.homes import opened
from tests.runbooks.engine.stage import person, step
from tuiops.core.record import (
    Entry,
    RunAborting,
    RunEnded,
    RunPaused,
    RunStarted,
    StepClaimed,
    StepEnded,
    StepIntended,
)
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.ledger.holders import this_process
from tuiops.runbooks.engine.winding import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.core.record import AnyEvent, Sealed
    from tuiops.ledger.base import Fence

NONE = {"undo": '"none"', "undo_reason": '"a test"'}
SLEEP = '{ kind = "command", argv = ["sleep", "60"] }'


class Elsewhere:
    """A console on another machine, which writes what it is told to and hears nothing."""

    def __init__(self, stage: Stage) -> None:
        self.ledger = opened(stage.home, stage.clock)
        self._stage = stage
        self._run = ""
        self._fences: list[Fence] = []

    async def begin(self, console: Console) -> str:
        """Have it carry out the runbook, as far as its first step."""
        plan = (await console.card()).plan
        self._run = f"r{plan.digest[:20]}"
        holder = msgspec.structs.replace(this_process(lit("kim on bastion-1"), "s-kim"), host="bastion-1")
        for key in plan.locks:
            fence = await self.ledger.acquire(key, holder, run=self._run, purpose=lit("a run"), seconds=30)
            self._fences.append(fence)
        await self.write(plan.requested(1), RunStarted())
        return self._run

    async def write(self, *events: AnyEvent, by: str = "kim") -> None:
        now = self._stage.clock.now()
        await self.ledger.append([Entry(at=now, by=person(by), event=event, run=self._run) for event in events])

    async def claims(self, key: str) -> None:
        """Have it begin a step, which nobody sees the end of."""
        execution = f"{self._run}.1"
        await self.write(StepIntended(step=key, execution=execution, at=self._stage.clock.now(), call=lit("sleep 60")))
        await self.write(StepClaimed(execution=execution))

    async def die(self) -> None:
        """As when the lease is over."""
        for fence in self._fences:
            await self.ledger.park(fence)
        await self.ledger.close()


async def test_an_abort_outlives_the_console_that_was_to_hear_it(shared: Stage) -> None:
    shared.runbook(step("one", shared.append("one"), **NONE))
    lee, ann = await shared.console(person("lee")), await shared.console(person("ann"))
    dead = Elsewhere(shared)
    run = await dead.begin(lee)
    await lee.comes_to(run, RunState.RUNNING)
    await lee.sitting.abort(run, "wrong service, stop")
    seen = await ann.comes_to(run, RunState.ABORTING)
    assert seen.reason == "lee asked to abort it: wrong service, stop"

    await dead.die()

    for console in (ann, lee):
        assert (await console.comes_to(run, RunState.ABORTED)).reason == "nothing was changed"
        with pytest.raises(Refused, match="cannot be resumed; it is aborted"):
            await console.sitting.resume(console.view(run))
    assert [entry.by.person for entry in await shared.entries() if isinstance(entry.event, RunEnded)] == ["tuiops"]
    assert shared.done == []


async def test_nobody_resumes_what_was_aborted_and_has_not_ended(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.runbook(step("one", stage.append("one"), **NONE))
    ann = await stage.console(person("ann"))
    monkeypatch.setattr(ann.engine._winding, "begin", lambda _: None)
    dead = Elsewhere(stage)
    run = await dead.begin(ann)
    await dead.write(RunAborting(reason=lit("wrong service")), by="lee")
    await dead.die()
    await ann.comes_to(run, RunState.ABORTING)
    await ann.until(lambda: "gone" in ann.view(run).reason)

    view = ann.view(run)
    assert view.reason == "lee asked to abort it: wrong service; the console that carried it out is gone"
    with pytest.raises(Refused, match="run #1 is not resumed: lee asked to abort it: wrong service"):
        await ann.sitting.resume(view)
    with pytest.raises(Refused, match="there is nothing to say about it"):
        await ann.sitting.skip(view, "one", "not needed")
    await ann.sitting.abort(run)
    await ann.comes_to(run, RunState.ABORTED)


async def test_what_the_lost_console_had_begun_is_ended(stage: Stage) -> None:
    stage.runbook(step("slow", SLEEP, **NONE) + step("one", stage.append("one"), **NONE))
    first = await stage.console()
    run = await first.begun()
    await first.at(run, "slow", StepState.RUNNING)
    await first.until(lambda: any(stage.executions.glob("*/lock")))
    await first.close()
    late = Elsewhere(stage)
    late._run = run
    await late.write(RunAborting(reason=lit("stop")), by="lee")
    await late.ledger.close()

    second = await stage.console(person("ann"))
    view = await second.comes_to(run, RunState.ABORTED)

    assert view.reason == "begun, and perhaps done in part: Step slow"
    assert second.step(run, "slow").state is StepState.ABORTED
    assert stage.done == []


async def test_it_ends_as_soon_as_somebody_says_how_an_unknown_step_came_out(shared: Stage) -> None:
    shared.runbook(step("slow", SLEEP, **NONE) + step("one", shared.append("one"), **NONE))
    lee = await shared.console(person("lee"))
    dead = Elsewhere(shared)
    run = await dead.begin(lee)
    await dead.claims("slow")
    await lee.at(run, "slow", StepState.RUNNING)
    await lee.sitting.abort(run, "stop")
    await dead.die()
    view = await lee.comes_to(run, RunState.UNKNOWN)
    assert view.reason.startswith("lee asked to abort it: stop; ")

    # It is looked up and tried meanwhile: a word on what has moved on since is refused.
    told = False
    while not told:
        await lee.comes_to(run, RunState.UNKNOWN)
        await lee.until(lambda: run not in lee.engine._busy)
        with contextlib.suppress(Refused):
            await lee.sitting.settle(lee.view(run), "slow", succeeded=False, note="it is stuck")
            told = True

    await lee.comes_to(run, RunState.ABORTED)
    assert len(await shared.events(RunStarted)) == 1
    assert len(await shared.events(StepEnded)) <= ATTEMPTS
    assert shared.done == []


@pytest.mark.parametrize("undoing", [False, True], ids=["resume", "undo"])
async def test_an_abort_just_before_it_is_taken_up_counts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, undoing: bool
) -> None:
    stage.two_steps()
    ann = await stage.console(person("ann"))
    dead = Elsewhere(stage)
    run = await dead.begin(ann)
    execution = f"{run}.1"
    await dead.claims("one")
    await dead.write(StepEnded(step="one", state="succeeded", execution=execution), RunPaused(reason=lit("a break")))
    await dead.die()
    await ann.comes_to(run, RunState.PAUSED)
    late = Elsewhere(stage)
    late._run = run
    append = ann.engine.ledger.append

    async def beaten(entries: Sequence[Entry], *, fences: Sequence[Fence] = ()) -> tuple[Sealed, ...]:
        if any(isinstance(entry.event, RunStarted) for entry in entries):
            await late.write(RunAborting(reason=lit("stop")), by="lee")
        return await append(entries, fences=fences)

    monkeypatch.setattr(ann.engine.ledger, "append", beaten)
    go_on = ann.sitting.undo if undoing else ann.sitting.resume
    await go_on(ann.view(run))
    await ann.comes_to(run, RunState.ABORTED)
    await late.ledger.close()

    assert len(await stage.events(StepIntended)) == 1
    assert stage.done == []


async def test_whoever_does_not_see_who_carries_it_out_is_heard_there(
    shared: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.runbook(step("slow", SLEEP, **NONE))
    first, second = await shared.console(), shared.prepared(person("lee"))

    async def none() -> tuple[()]:
        return ()

    monkeypatch.setattr(second.engine.ledger, "locks", none)
    await second.engine.start()
    run = await first.begun()
    await first.at(run, "slow", StepState.RUNNING)
    await second.until(lambda: second.engine.find(run) is not None and not second.view(run).held_by)

    await second.sitting.abort(run, "enough")

    await first.comes_to(run, RunState.ABORTED)
    assert len(await shared.events(RunAborting)) == 1
