"""Runs from the card to the end: what is done, what is recorded, how a run stands when something goes otherwise."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import step
from tuiops.core.record import RunEnded, StepClaimed, StepEnded, StepIntended
from tuiops.core.runs import RunState, StepState
from tuiops.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runbooks.engine.stage import Stage

GATE = '{ kind = "gate", check = { by = "command", argv = ["test", "-e", "%s"], every = "100ms", within = "%s" } }'
WAIT = '{ kind = "wait", lasts = "%s" }'
NONE = {"undo": '"none"', "undo_reason": '"a test"'}
MANUAL = '{ kind = "manual", instructions = "turn the key" }'


async def test_every_step_is_done_once_in_its_order_and_recorded_before_and_after(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    run = await console.begun()
    view = await console.comes_to(run, RunState.SUCCEEDED)

    assert stage.done == ["one", "two"]
    assert [one.state for one in view.steps] == [StepState.SUCCEEDED] * 2
    kinds = [type(event) for event in await stage.events(StepIntended, StepClaimed, StepEnded)]
    assert kinds == [StepIntended, StepClaimed, StepEnded] * 2
    assert await console.engine.ledger.locks() == ()


async def test_conditions_skip_and_captures_go_on(stage: Stage) -> None:
    stage.runbook(
        step(
            "ask",
            '{ kind = "command", argv = ["echo", "id=42"], capture = { id = { line = "id=([0-9]+)", '
            'pattern = "[0-9]+" } } }',
            danger="S",
        )
        + step("no", '{ kind = "command", argv = ["false"] }', danger="S", on_failure='"continue"')
        + step("if-no", stage.append("{ask.id}"), **NONE, when='{ no = "failed" }')
        + step("if-yes", stage.append("yes"), **NONE, when='{ no = "succeeded" }')
    )
    console = await stage.console()
    view = await console.comes_to(await console.begun(), RunState.SUCCEEDED)

    assert [one.state.value for one in view.steps] == ["succeeded", "failed", "succeeded", "skipped"]
    assert stage.done == ["42"]


async def test_a_failure_stops_and_undo_goes_back_over_what_was_done(stage: Stage) -> None:
    stage.runbook(
        step("one", stage.append("one"), undo=stage.append("unone"))
        + step("two", stage.append("two"), undo=stage.append("untwo"))
        + step("bad", '{ kind = "command", argv = ["false"] }', undo=stage.append("unbad"))
        + step("never", stage.append("never"), undo=stage.append("unnever"))
    )
    console = await stage.console()
    run = await console.begun()
    view = await console.comes_to(run, RunState.FAILED)
    assert [one.state.value for one in view.steps] == ["succeeded", "succeeded", "failed", "pending"]

    await console.sitting.undo(console.view(run))
    await console.comes_to(run, RunState.UNDONE)
    assert stage.done == ["one", "two", "unbad", "untwo", "unone"]
    with pytest.raises(Refused, match="nothing that could be undone"):
        await console.sitting.undo(console.view(run))


async def test_what_was_done_and_not_confirmed_has_failed_and_is_undone(stage: Stage) -> None:
    never = '{ by = "command", argv = ["false"], within = "100ms", every = "100ms" }'
    stage.runbook(step("one", stage.append("one"), undo=stage.append("unone"), confirm=never))
    console = await stage.console()
    run = await console.begun()
    view = await console.comes_to(run, RunState.FAILED)
    assert view.steps[0].text.startswith("done, but not within")

    await console.sitting.undo(console.view(run))
    await console.comes_to(run, RunState.UNDONE)
    assert stage.done == ["one", "unone"]


async def test_an_undo_that_fails_leaves_the_step_done_and_can_be_tried_again(stage: Stage) -> None:
    flag = stage.folder / "flag"
    undo = f'{{ kind = "command", argv = ["rm", "{flag}"] }}'
    stage.runbook(
        step("one", stage.append("one"), undo=undo) + step("bad", '{ kind = "command", argv = ["false"] }', **NONE)
    )
    console = await stage.console()
    run = await console.begun()
    await console.comes_to(run, RunState.FAILED)
    await console.sitting.undo(console.view(run))
    await console.until(lambda: "could not undo" in console.view(run).reason)
    view = await console.comes_to(run, RunState.FAILED)
    assert view.steps[0].state is StepState.SUCCEEDED
    assert view.steps[0].text.startswith("not undone")

    flag.touch()
    await console.sitting.undo(console.view(run))
    await console.comes_to(run, RunState.UNDONE)
    assert not flag.exists()


async def test_a_gate_without_data_is_false(stage: Stage) -> None:
    check = (
        '{ by = "indicator", service = "api", indicator = "resource:api", limit = "ok", '
        'within = "300ms", every = "100ms" }'
    )
    stage.runbook(
        step("look", f'{{ kind = "gate", check = {check} }}', danger="") + step("one", stage.append("one"), **NONE)
    )
    console = await stage.console()
    view = await console.comes_to(await console.begun(), RunState.FAILED)

    assert view.steps[0].state is StepState.FAILED
    assert "no indicator" in view.steps[0].text
    assert stage.done == []


async def test_a_gate_goes_on_when_it_holds(stage: Stage) -> None:
    flag = stage.folder / "flag"
    stage.runbook(step("look", GATE % (flag, "30s"), danger="") + step("one", stage.append("one"), **NONE))
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "look", StepState.HOLDING)
    flag.touch()
    view = await console.comes_to(run, RunState.SUCCEEDED)

    assert any(fact.what == "condition" for fact in view.steps[0].evidence.facts)


async def test_a_person_attests_what_was_done_elsewhere(stage: Stage) -> None:
    stage.runbook(step("key", MANUAL) + step("one", stage.append("one"), **NONE))
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "key", StepState.ASKING)
    with pytest.raises(Refused, match="what you know"):
        await console.sitting.settle(console.view(run), "key", succeeded=True, note=" ")
    await console.sitting.settle(console.view(run), "key", succeeded=True, note="turned")
    view = await console.comes_to(run, RunState.SUCCEEDED)

    assert view.steps[0].text == "kim says: turned"
    assert stage.done == ["one"]


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        (GATE % ("/nowhere", "60s"), StepState.HOLDING),
        (WAIT % "60s", StepState.COUNTING),
        (MANUAL, StepState.ASKING),
        ('{ kind = "command", argv = ["sleep", "60"] }', StepState.RUNNING),
    ],
    ids=["gate", "wait", "manual", "command"],
)
async def test_abort_ends_whatever_is_under_way_and_says_what_is_left(stage: Stage, kind: str, at: StepState) -> None:
    danger = "" if kind.startswith(('{ kind = "gate"', '{ kind = "wait"')) else "C"
    undo = "" if not danger else '"none"'
    more = {"undo_reason": '"a test"'} if undo else {}
    stage.runbook(
        step("one", stage.append("one"), undo=stage.append("unone"))
        + step("long", kind, danger=danger, undo=undo, **more)
        + step("two", stage.append("two"), undo=stage.append("untwo"))
    )
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "long", at)
    await console.sitting.abort(run, "enough")
    view = await console.comes_to(run, RunState.ABORTED)

    assert view.steps[1].state is StepState.ABORTED
    assert view.reason.startswith("changed and not undone: Step one")
    assert stage.done == ["one"]
    await console.sitting.undo(console.view(run))
    await console.comes_to(run, RunState.UNDONE)
    assert stage.done == ["one", "unone"]


async def test_an_ability_is_told_once_and_put_back_as_it_was(stage: Stage) -> None:
    shift = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'
    stage.runbook(step("shift", shift, undo='"before"'))
    console = await stage.console()
    run = await console.begun()
    await console.comes_to(run, RunState.SUCCEEDED)
    await console.sitting.undo(console.view(run))
    await console.comes_to(run, RunState.UNDONE)

    assert stage.service.done == [{"two": 100}, {"one": 100}]
    assert len(set(stage.service.tokens)) == 2


async def test_each_goes_one_by_one_and_stops_at_the_first_that_fails(stage: Stage) -> None:
    head = """
version = 1
id = "mend"
title = "Mend {names}"
systems = ["shop"]
target = "shop"
[parameters.names]
type = "text"
pattern = "[a-z]+"
many = true
"""
    fails = '{ kind = "command", argv = ["test", "{name}", "!=", "bad"] }'
    stage.runbook(
        '[[steps]]\nid = "all"\ntitle = "All"\ndo = { kind = "each", over = "names", variable = "name", steps = ['
        f'{{ id = "ok", title = "Look at {{name}}", danger = "S", do = {fails} }}, '
        '{ id = "do", title = "Do {name}", danger = "C", undo = "none", undo_reason = "a test", '
        f"do = {stage.append('{name}')} }}] }}\n",
        head,
    )
    console = await stage.console()
    card = await console.sitting.plan("mend", "shop", {"names": ("a", "bad", "c")})
    view = await console.comes_to(await console.sitting.confirm(card), RunState.FAILED)

    assert stage.done == ["a"]
    assert [one.key for one in view.steps if one.state is StepState.FAILED] == ["all[bad].ok"]


async def test_the_record_is_whole_in_the_end(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    await console.comes_to(await console.begun(), RunState.SUCCEEDED)

    assert (await console.engine.ledger.verify()).faults == ()
    assert [event.state for event in await stage.events(RunEnded) if isinstance(event, RunEnded)] == ["succeeded"]


async def test_a_wait_that_was_cut_off_goes_on_with_what_is_left(stage: Stage) -> None:
    stage.runbook(step("rest", WAIT % "2s", danger="") + step("one", stage.append("one"), **NONE))
    first = await stage.console()
    run = await first.begun()
    await first.at(run, "rest", StepState.COUNTING)
    await first.close()
    second = await stage.console()
    await second.lost(run)
    ends = second.step(run, "rest").ends
    await second.sitting.resume(second.view(run))
    await second.at(run, "rest", StepState.COUNTING)
    assert second.step(run, "rest").ends == ends
    await second.comes_to(run, RunState.SUCCEEDED)

    assert len(await stage.events(StepIntended)) == 2


def waiting(stage: Stage) -> Path:
    """A runbook whose first step says that it has begun, and ends when there is the file that is returned."""
    flag, script = stage.folder / "flag", stage.folder / "wait.py"
    text = f"open({str(stage.effects)!r}, 'a').write('begun\\n')\nimport os, time\nuntil = time.time() + 60\n"
    text += f"while not os.path.exists({str(flag)!r}) and time.time() < until: time.sleep(0.02)\n"
    script.write_text(text, encoding="utf-8")
    waits = f'{{ kind = "command", argv = ["{sys.executable}", "{script}"] }}'
    stage.runbook(step("long", waits, **NONE) + step("one", stage.append("one"), **NONE))
    return flag


async def test_a_command_whose_console_left_goes_on_and_is_found_by_the_next(stage: Stage) -> None:
    flag = waiting(stage)
    first = await stage.console()
    run = await first.begun()
    await first.until(lambda: stage.done == ["begun"])
    await first.close()
    second = await stage.console()
    await second.until(lambda: second.engine.find(run) is not None)
    await second.comes_to(run, RunState.UNKNOWN)
    await second.until(lambda: "running" in second.step(run, "long").text)
    with pytest.raises(Refused, match="not done a second time"):
        await second.sitting.resume(second.view(run))
    flag.touch()
    view = await second.lost(run)
    assert "it has worked" in view.reason
    await second.sitting.resume(second.view(run))
    await second.comes_to(run, RunState.SUCCEEDED)
    assert stage.done == ["begun", "one"]


async def test_an_unknown_step_is_settled_by_a_person_or_ended(stage: Stage) -> None:
    waiting(stage)
    for how in ("settle", "abort"):
        first = await stage.console()
        run = await first.begun()
        await first.until(lambda: stage.done[-1:] == ["begun"])
        await first.close()
        second = await stage.console()
        await second.comes_to(run, RunState.UNKNOWN)
        if how == "settle":
            await second.sitting.settle(second.view(run), "long", succeeded=True, note="I looked")
            await second.lost(run)
            await second.sitting.resume(second.view(run))
            await second.comes_to(run, RunState.SUCCEEDED)
        else:
            await second.sitting.abort(run)
            await second.comes_to(run, RunState.ABORTED)
        await second.close()
    assert stage.done == ["begun", "one", "begun"]


async def test_an_undo_that_was_cut_off_goes_on_backwards(stage: Stage) -> None:
    flag = waiting(stage)
    waits = f'{{ kind = "command", argv = ["{sys.executable}", "{stage.folder / "wait.py"}"] }}'
    stage.runbook(
        step("zero", stage.append("zero"), undo=stage.append("unzero"))
        + step("one", stage.append("one"), undo=waits)
        + step("bad", '{ kind = "command", argv = ["false"] }', **NONE)
        + step("never", stage.append("never"), undo=stage.append("unnever"))
    )
    first = await stage.console()
    run = await first.begun()
    await first.comes_to(run, RunState.FAILED)
    await first.sitting.undo(first.view(run))
    await first.until(lambda: stage.done[-1:] == ["begun"])
    await first.close()

    second = await stage.console()
    await second.comes_to(run, RunState.UNKNOWN)
    flag.touch()
    view = await second.lost(run)
    assert [one.state.value for one in view.steps] == ["succeeded", "undone", "failed", "pending"]
    await second.sitting.resume(second.view(run))
    await second.comes_to(run, RunState.UNDONE)
    assert stage.done == ["zero", "one", "begun", "unzero"]
