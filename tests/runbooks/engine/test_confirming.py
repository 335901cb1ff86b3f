"""What was done is known from the moment that it was, however long it takes to see whether it worked."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.engine.stage import person, step
from tests.sources.hostile import Hostile, Request
from tuiops.config.secrets import resolve_secret
from tuiops.core.clock import SystemClock
from tuiops.core.record import AnyEvent, StepClaimed, StepEnded, StepReceipt
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import Unresolved
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Console, Stage

LEE = person("lee")


def confirmed_by(stage: Stage) -> str:
    """A confirmation that waits for the file `worked`."""
    return f'{{ by = "command", argv = ["test", "-e", "{stage.folder}/worked"], within = "1h", every = "100ms" }}'


async def cut_off(stage: Stage, console: Console) -> str:
    """A run whose console is gone while it confirmed step `one`."""
    run = await console.begun()
    await console.until(lambda: bool(console.engine.history(run).receipts))
    assert console.step(run, "one").state is StepState.RUNNING
    await console.close()
    for folder in stage.executions.glob(f"{run}.*"):
        # Whatever helps to find out how a command ended.
        shutil.rmtree(folder)
    return run


async def test_what_was_done_is_confirmed_by_the_next_console_and_its_values_are_kept(shared: Stage) -> None:
    capture = ", capture = { name = { line = '(.*)', pattern = '[a-z]+' } } }"
    say = '{ kind = "command", argv = ["echo", "pinned"]' + capture
    shared.runbook(
        step("one", say, undo=shared.append("unone"), confirm=confirmed_by(shared))
        + step("two", shared.append("{one.name}"))
    )
    first = await shared.console()
    run = await cut_off(shared, first)
    second = await shared.console(LEE)
    view = await second.comes_to(run, RunState.UNKNOWN)
    assert view.reason == "it was done (ended with status 0); whether it worked has yet to be seen"
    with pytest.raises(Unresolved, match="nobody saw how `Step one` ended: it was done"):
        await second.sitting.resume(view)

    (shared.folder / "worked").touch()
    await second.comes_to(run, RunState.PAUSED)
    await second.sitting.resume(second.view(run))
    view = await second.comes_to(run, RunState.SUCCEEDED)
    assert shared.done == ["pinned"]
    assert len(await shared.events(StepClaimed)) == 2


async def test_how_a_call_was_answered_is_known_to_the_next_console(stage: Stage) -> None:
    async def answer(request: Request) -> None:
        await request.answer(b"ok")

    def reached(console: Console) -> Console:
        connector = HttpConnector(resolve_secret, SystemClock(), {})
        console.engine.means.effects._connector = lambda: connector  # type: ignore[attr-defined] # of the real one
        return console

    async with Hostile(answer) as server:
        post = f'{{ kind = "http", method = "POST", url = "{server.url}/deploy" }}'
        stage.runbook(step("one", post, undo=post.replace("/deploy", "/back"), confirm=confirmed_by(stage)))
        run = await cut_off(stage, reached(await stage.console()))
        second = reached(await stage.console(LEE))
        view = await second.comes_to(run, RunState.UNKNOWN)
        assert view.steps[0].text == "it was done (answered 200); whether it worked has yet to be seen"

        (stage.folder / "worked").touch()
        await second.comes_to(run, RunState.PAUSED)
        assert second.step(run, "one").state is StepState.SUCCEEDED
        assert [request.target for request in server.requests] == ["/deploy"]


@pytest.mark.parametrize("deed", ["abort", "fail"])
async def test_what_was_done_stays_done_whatever_is_said_of_it(stage: Stage, deed: str) -> None:
    stage.runbook(step("one", stage.append("one"), undo=stage.append("unone"), confirm=confirmed_by(stage)))
    run = await cut_off(stage, await stage.console())
    second = await stage.console(LEE)
    view = await second.comes_to(run, RunState.UNKNOWN)
    if deed == "fail":
        await second.sitting.settle(view, "one", succeeded=False, note="it does not answer")
    await second.sitting.abort(run)
    view = await second.comes_to(run, RunState.ABORTED)
    assert view.reason == "changed and not undone: Step one"
    if deed == "abort":
        assert view.steps[0].text == "done; aborted before it was confirmed"
        (ended,) = await stage.events(StepEnded)
        assert isinstance(ended, StepEnded)
        assert (ended.state, ended.effect) == ("aborted", "succeeded")

    await second.sitting.undo(view)
    await second.comes_to(run, RunState.UNDONE)
    assert stage.done == ["one", "unone"]


async def test_nothing_more_is_recorded_of_what_has_nothing_to_be_confirmed_by(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    await console.comes_to(await console.begun(), RunState.SUCCEEDED)
    assert await stage.events(StepReceipt) == []


def test_receipts_of_earlier_versions_are_read() -> None:
    old = b'{"event":"step.receipt","execution":"r.1","operation":"operations/7","text":"under way"}'
    receipt = StepReceipt(execution="r.1", operation=lit("operations/7"), text=lit("under way"))
    assert msgspec.json.decode(old, type=AnyEvent) == receipt
