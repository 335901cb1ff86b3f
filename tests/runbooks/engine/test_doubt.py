"""What nobody knows, and what a person has left out: neither is forgotten, and neither is done a second time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import step
from tuiops.core.runs import RunState, StepState

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Stage

LINGER = """
import os, sys, time
os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), sys.argv[2].encode() + b"\\n")
time.sleep(60)
"""


def lingering(stage: Stage, word: str) -> str:
    """A command that has its effect and does not come to its end in time, so that nobody knows how it came out."""
    script = stage.folder / "linger.py"
    script.write_text(LINGER, encoding="utf-8")
    return f'{{ kind = "command", argv = ["{sys.executable}", "{script}", "{stage.effects}", "{word}"] }}'


async def test_an_undo_that_was_left_out_is_not_done_again_and_is_told_of(stage: Stage) -> None:
    stage.runbook(
        step("zero", stage.append("zero"), undo=stage.append("unzero"))
        + step("one", stage.append("one"), undo=lingering(stage, "unone"), timeout='"1s"')
    )
    console = await stage.console()
    run = await console.begun()
    await console.comes_to(run, RunState.SUCCEEDED)
    await console.sitting.undo(console.view(run))
    await console.comes_to(run, RunState.UNKNOWN)
    await console.sitting.skip(console.view(run), "one", "undone by hand")
    await console.sitting.resume(console.view(run))
    view = await console.comes_to(run, RunState.UNDONE)

    assert stage.done == ["zero", "one", "unone", "unzero"]
    assert view.reason == "left as it is: Step one (its undo was left out: kim says: undone by hand)"
    assert view.steps[1].changed
    assert view.steps[1].undo_call == ""


async def test_an_undo_by_hand_that_is_left_out_is_passed_over(stage: Stage) -> None:
    by_hand = '{ kind = "manual", instructions = "turn it back" }'
    stage.runbook(
        step("zero", stage.append("zero"), undo=stage.append("unzero"))
        + step("one", stage.append("one"), undo=by_hand)
    )  # fmt: skip
    console = await stage.console()
    run = await console.begun()
    await console.comes_to(run, RunState.SUCCEEDED)
    await console.sitting.undo(console.view(run))
    await console.at(run, "one", StepState.ASKING)
    await console.sitting.skip(console.view(run), "one", "it may stay")
    view = await console.comes_to(run, RunState.UNDONE)

    assert stage.done == ["zero", "one", "unzero"]
    assert "Step one (its undo was left out: kim says: it may stay)" in view.reason


@pytest.mark.parametrize("said", ["skip", "it failed"])
async def test_what_a_person_says_of_an_unknown_step_does_not_take_the_doubt_away(stage: Stage, said: str) -> None:
    stage.runbook(step("one", lingering(stage, "one"), undo=stage.append("unone"), timeout='"1s"'))
    console = await stage.console()
    run = await console.begun()
    await console.comes_to(run, RunState.UNKNOWN)
    if said == "skip":
        await console.sitting.skip(console.view(run), "one", "go on")
    else:
        await console.sitting.settle(console.view(run), "one", succeeded=False, note="it broke")
    await console.sitting.abort(run)
    view = await console.comes_to(run, RunState.ABORTED)

    assert stage.done == ["one"]
    assert view.reason == "begun, and perhaps done in part: Step one"


async def test_nor_does_the_end_of_a_console(stage: Stage) -> None:
    stage.runbook(step("one", lingering(stage, "one"), undo=stage.append("unone")))
    first = await stage.console()
    run = await first.begun()
    await first.until(lambda: stage.done == ["one"])
    await first.close()
    second = await stage.console()
    await second.comes_to(run, RunState.UNKNOWN)
    await second.sitting.abort(run)
    view = await second.comes_to(run, RunState.ABORTED)

    assert view.reason == "begun, and perhaps done in part: Step one"
