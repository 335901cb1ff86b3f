"""What is looked up of a console that is gone: as long as it takes, less and less often, and nothing is left lying."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import person, step
from tuiops.core.record import StepEnded
from tuiops.core.runs import RunState, StepState
from tuiops.errors import ConfigError, Fault, SourceError, Unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.runbooks.effects import Outcome
    from tuiops.runbooks.format.model import CommandAction, HttpAction

NONE = {"undo": '"none"', "undo_reason": '"a test"'}


class Pauses:
    """The pauses between the looks of a console; each lasts until the test lets it pass."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.asked: list[float] = []
        self._passed = asyncio.Event()
        self._others = console.engine.means.pause
        object.__setattr__(console.engine.means, "pause", self)

    async def __call__(self, seconds: float) -> None:
        task = asyncio.current_task()
        if task is None or not task.get_name().startswith("recovery"):
            await self._others(seconds)
            return
        self._passed.clear()
        self.asked.append(seconds)
        await self._passed.wait()

    async def come(self, count: int) -> None:
        """Until there have been so many."""
        await self.console.until(lambda: len(self.asked) >= count)

    def let_pass(self) -> None:
        self._passed.set()


class Asked:
    """Looks of a console at executions, which fail as long as the test says so."""

    def __init__(self, console: Console) -> None:
        self.fails: Exception | None = None
        self.times = 0
        self._find = console.engine.means.effects.find
        console.engine.means.effects.find = self  # type: ignore[method-assign] # the fault

    async def __call__(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        self.times += 1
        if self.fails is not None:
            raise self.fails
        return await self._find(execution, do)


async def left_behind(stage: Stage) -> str:
    """A run whose console is lost after a command that took its time has ended."""
    stage.runbook(step("one", stage.append("one"), **NONE))
    first = await stage.console()
    over = asyncio.Event()
    command = first.engine.means.effects.command

    async def unheard(*given: object, **more: object) -> Outcome:
        await command(*given, **more)  # type: ignore[arg-type] # passed on
        over.set()
        await asyncio.Event().wait()
        raise AssertionError

    first.engine.means.effects.command = unheard  # type: ignore[method-assign] # its end is never heard of
    run = await first.begun()
    await over.wait()
    await first.close()
    return run


def comes_back(stage: Stage) -> tuple[Console, Asked, Pauses]:
    """Another console, which has not begun yet."""
    console = stage.prepared(person("lee"))
    return console, Asked(console), Pauses(console)


@pytest.mark.parametrize(
    "error",
    [Unreachable("the bastion is down"), ConfigError([Fault("env TOKEN", "", "is not set", "set it")])],
    ids=["unreachable", "a secret is missing"],
)
async def test_what_cannot_be_asked_is_asked_again_and_again_less_and_less_often(
    stage: Stage, error: SourceError | ConfigError
) -> None:
    run = await left_behind(stage)
    console, asked, pauses = comes_back(stage)
    asked.fails = error
    await console.engine.start()
    for count in range(1, 9):
        await pauses.come(count)
        pauses.let_pass()
    await pauses.come(9)

    assert pauses.asked == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    view = console.view(run)
    assert view.state is RunState.UNKNOWN
    assert f"cannot be looked up at the moment: {str(error)[:10]}" in view.steps[0].text
    # It is said once, however often it is so.
    assert len(await stage.events(StepEnded)) == 1

    asked.fails = None
    pauses.let_pass()
    view = await console.lost(run)
    assert "it has worked" in view.reason
    assert stage.done == ["one"]


async def test_nobody_asks_any_more_of_a_run_that_a_person_has_settled(stage: Stage) -> None:
    run = await left_behind(stage)
    console, asked, pauses = comes_back(stage)
    asked.fails = Unreachable("the bastion is down")
    await console.engine.start()
    await pauses.come(1)
    await console.comes_to(run, RunState.UNKNOWN)
    await console.sitting.settle(console.view(run), "one", succeeded=True, note="I looked")
    pauses.let_pass()
    await console.until(lambda: not any(task.get_name().startswith("recovery") for task in asyncio.all_tasks()))

    assert asked.times == 1
    assert console.view(run).state is RunState.PAUSED


async def test_a_command_that_runs_on_is_asked_less_and_less_often(stage: Stage) -> None:
    stage.runbook(step("slow", '{ kind = "command", argv = ["sleep", "60"] }', **NONE))
    first = await stage.console()
    run = await first.begun()
    await first.at(run, "slow", StepState.RUNNING)
    await first.until(lambda: any((stage.executions / one / "lock").exists() for one in folders(stage)))
    await first.close()
    console, asked, pauses = comes_back(stage)
    await console.engine.start()
    for count in range(1, 8):
        await pauses.come(count)
        pauses.let_pass()
    await pauses.come(8)

    assert pauses.asked == [1, 2, 4, 8, 16, 32, 60, 60]
    assert asked.times == 8
    assert "running" in console.step(run, "slow").text
    assert console.engine.looks_up(run) is False
    await console.sitting.abort(run)
    await console.comes_to(run, RunState.ABORTED)


def folders(stage: Stage) -> list[str]:
    """Executions that have left something."""
    return sorted(one.name for one in stage.executions.iterdir() if not one.name.startswith("."))


def settled(stage: Stage) -> list[bool]:
    return [(stage.executions / one / "settled").exists() for one in folders(stage)]


async def test_the_files_of_what_was_found_are_let_go(stage: Stage) -> None:
    run = await left_behind(stage)
    assert settled(stage) == [False]
    console = await stage.console(person("lee"))
    await console.lost(run)

    await console.until(lambda: settled(stage) == [True])


async def test_the_files_of_what_was_ended_for_a_lost_console_are_let_go(stage: Stage) -> None:
    stage.runbook(step("slow", '{ kind = "command", argv = ["sleep", "60"] }', **NONE))
    first = await stage.console()
    run = await first.begun()
    await first.at(run, "slow", StepState.RUNNING)
    await first.until(lambda: any((stage.executions / one / "lock").exists() for one in folders(stage)))
    await first.close()
    second = await stage.console(person("lee"))
    await second.comes_to(run, RunState.UNKNOWN)
    assert settled(stage) == [False]
    await second.sitting.abort(run)
    await second.comes_to(run, RunState.ABORTED)

    assert settled(stage) == [True]


async def test_a_console_of_another_machine_leaves_nothing_and_says_that_it_cannot_tell(
    stage: Stage, tmp_path: Path
) -> None:
    run = await left_behind(stage)
    here, stage.executions = stage.executions, tmp_path / "another-machine"
    foreign = await stage.console(person("lee"))
    await foreign.comes_to(run, RunState.UNKNOWN)
    await foreign.until(lambda: "another machine" in foreign.step(run, "one").text)
    assert folders(stage) == []
    stage.executions = here

    own = await stage.console()
    await own.lost(run)
    assert stage.done == ["one"]
