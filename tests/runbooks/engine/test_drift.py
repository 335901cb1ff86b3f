"""A resource that somebody else has changed since the card: earlier steps excuse only what they themselves did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import HEAD, step
from tuiops.core.runs import RunState, StepState
from tuiops.runbooks.engine.locks import Fences

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.core.runs import RunView

NONE = {"undo": '"none"', "undo_reason": '"a test"'}


OTHER = """
[systems.shop.resources.other]
kind = "cloud_run"
source = "cloud"
name = "other"
region = "europe-west1"
service = "api"
"""


def shift(shares: str) -> str:
    return f'{{ kind = "api", ability = "shift_traffic", resource = "api", arguments = {{ shares = "{shares}" }} }}'


def gate(stage: Stage) -> str:
    """A step that holds until there is a flag."""
    check = f'{{ by = "command", argv = ["test", "-e", "{stage.folder / "flag"}"], every = "100ms", within = "60s" }}'
    return step("look", f'{{ kind = "gate", check = {check} }}', danger="")


async def played(stage: Stage, steps: str, meanwhile: dict[str, int] | None, head: str = HEAD) -> RunView:
    """A run of these steps; while it is at its gate, somebody else changes the shares."""
    stage.runbook(steps, head)
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "look", StepState.HOLDING)
    if meanwhile is not None:
        stage.service.shares = meanwhile
    (stage.folder / "flag").touch()
    return await console.comes_to(run, RunState.SUCCEEDED, RunState.FAILED)


@pytest.mark.parametrize("head", [HEAD, HEAD + 'touches = ["other"]\n'], ids=["", "touches another"])
async def test_a_command_excuses_nothing_that_it_does_not_touch(stage: Stage, head: str) -> None:
    stage.configure(OTHER)
    steps = step("one", stage.append("one"), **NONE) + gate(stage) + step("shift", shift("two=100"), undo='"before"')
    view = await played(stage, steps, {"one": 50, "two": 50}, head)

    assert view.state is RunState.FAILED
    assert view.steps[2].text == "not done: it is not as it was confirmed any more (one 50%, two 50%)"
    assert stage.done == ["one"]
    assert stage.service.done == []


async def test_what_its_commands_touch_is_taken_as_it_comes(stage: Stage) -> None:
    steps = step("one", stage.append("one"), **NONE) + gate(stage) + step("shift", shift("two=100"), undo='"before"')
    view = await played(stage, steps, {"one": 50, "two": 50}, HEAD + 'touches = ["api"]\n')

    assert view.state is RunState.SUCCEEDED
    assert stage.service.done == [{"two": 100}]


async def test_a_command_that_changes_nothing_excuses_nothing(stage: Stage) -> None:
    steps = step("one", stage.append("one"), danger="S") + gate(stage) + step("shift", shift("two=100"), **NONE)
    view = await played(stage, steps, {"one": 50, "two": 50}, HEAD + 'touches = ["api"]\n')

    assert view.state is RunState.FAILED
    assert stage.service.done == []


TWO_SHIFTS = (step("tenth", shift("one=90,two=10"), **NONE), step("all", shift("two=100"), **NONE))


async def test_what_an_earlier_step_left_is_what_there_must_be(stage: Stage) -> None:
    view = await played(stage, TWO_SHIFTS[0] + gate(stage) + TWO_SHIFTS[1], None)

    assert view.state is RunState.SUCCEEDED
    assert stage.service.done == [{"one": 90, "two": 10}, {"two": 100}]


async def test_what_is_not_as_an_earlier_step_left_it_is_left_alone(stage: Stage) -> None:
    view = await played(stage, TWO_SHIFTS[0] + gate(stage) + TWO_SHIFTS[1], {"one": 50, "two": 50})

    assert view.state is RunState.FAILED
    assert "not as it was confirmed any more (one 50%, two 50%)" in view.steps[2].text
    assert stage.service.done == [{"one": 90, "two": 10}]


@pytest.mark.parametrize("what", ["command", "api"])
async def test_a_console_that_is_replaced_at_the_last_moment_sends_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A secret, a token or a connection took its time after the claim."""
    stage.runbook(step("one", stage.append("one") if what == "command" else shift("two=100"), **NONE))
    console: Console = await stage.console()
    card = await console.card()
    fresh = iter([True])
    monkeypatch.setattr(Fences, "fresh", property(lambda _: next(fresh, False)))
    run = await console.sitting.confirm(card)
    view = await console.comes_to(run, RunState.FAILED, RunState.SUCCEEDED, RunState.PAUSED)

    assert view.steps[0].text == "not begun: this console stood still for too long"
    assert stage.done == []
    assert stage.service.done == []
