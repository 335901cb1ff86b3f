"""An undo goes back over what a later run has done only when somebody was shown that, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import person, step
from tuiops.core.runs import RunState
from tuiops.errors import Refused

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Console, Stage

LEE = person("lee")
BAD = '{ kind = "command", argv = ["false"] }'


async def ran(console: Console, state: RunState = RunState.SUCCEEDED) -> str:
    run = await console.begun()
    await console.comes_to(run, state)
    return run


async def undone(console: Console, run: str, typed: str = "") -> None:
    await console.sitting.undo(console.view(run), typed)
    await console.comes_to(run, RunState.UNDONE)


async def test_who_has_acted_on_the_same_since_is_named_and_the_place_is_typed(shared: Stage) -> None:
    shared.runbook(step("switch", shared.append("green"), undo=shared.append("blue")))
    first, second = await shared.console(), await shared.console(LEE)
    old = await ran(first)
    assert first.view(old).overtaken == ""
    new = await ran(second)
    await first.until(lambda: first.view(old).overtaken != "")
    view = first.view(old)
    assert view.overtaken.startswith("acted on the same target since: run #2 Mend the shop of lee (20")
    assert (view.must_type(undo=True), first.view(new).overtaken) == ("staging", "")
    for typed in ("", "production"):
        with pytest.raises(Refused, match=r"not undone: acted on the same target since: run #2 .* of lee .*: type sta"):
            await first.sitting.undo(view, typed)
    assert shared.done == ["green", "green"]

    await undone(first, old, "staging")
    assert shared.done == ["green", "green", "blue"]
    # Now the later one has been overtaken by what undid the earlier.
    await second.until(lambda: second.view(new).overtaken.startswith("acted on the same target since: run #1"))


async def test_what_was_not_shown_is_not_gone_over(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.two_steps()
    first, second = await stage.console(), await stage.console(LEE)
    old = await ran(first)
    shown = first.view(old)
    heard = first.engine.history(old)
    await ran(second)
    monkeypatch.setattr(first.engine, "history", lambda _: heard)

    with pytest.raises(Refused, match="run #1 is not as it was shown: acted on the same target since: run #2"):
        await first.sitting.undo(shown)
    assert stage.done == ["one", "two"] * 2


async def test_what_is_undone_or_has_changed_nothing_is_in_nobodys_way(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    old = await ran(console)
    await undone(console, await ran(console))
    assert console.view(old).overtaken == ""
    stage.runbook(step("look", BAD, danger="S") + step("one", stage.append("three"), undo='"none"', undo_reason='"x"'))
    await ran(console, RunState.FAILED)
    assert console.view(old).overtaken == ""
    await undone(console, old)
    assert stage.done == ["one", "two", "one", "two", "untwo", "unone", "untwo", "unone"]


async def test_what_failed_in_its_midst_is(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    old = await ran(console)
    stage.runbook(step("bad", BAD, undo=stage.append("unbad")))
    await ran(console, RunState.FAILED)
    assert "run #2" in console.view(old).overtaken


async def test_no_more_than_three_are_named(stage: Stage) -> None:
    stage.runbook(step("one", stage.append("one"), undo=stage.append("unone")))
    console = await stage.console()
    old = await ran(console)
    for _ in range(5):
        await ran(console)
    said = console.view(old).overtaken
    assert [f"run #{number}" in said for number in range(1, 7)] == [False, False, False, True, True, True]
    assert said.endswith(", 2 more")
