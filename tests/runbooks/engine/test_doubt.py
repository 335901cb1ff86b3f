"""What nobody knows, and what a person has left out: neither is forgotten, and neither is done a second time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import step
from tuiops.core.runs import RunState, StepState
from tuiops.errors import Refused
from tuiops.sources.abilities import Progress

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Stage

BREAK = """
import os, sys
os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), sys.argv[2].encode() + b"\\n")
sys.exit(1)
"""

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


def breaking(stage: Stage, word: str) -> str:
    """A command that has its effect and says that it failed."""
    script = stage.folder / "break.py"
    script.write_text(BREAK, encoding="utf-8")
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


class TestFailed:
    """What changed something and then failed is no less there."""

    async def test_it_is_named_and_undone(self, stage: Stage) -> None:
        stage.runbook(
            step("pin", stage.append("pin"), undo=stage.append("unpin"))
            + step("deploy", breaking(stage, "deploy"), danger="X", undo=stage.append("undeploy"))
        )
        console = await stage.console()
        run = await console.begun("staging")
        view = await console.comes_to(run, RunState.FAILED)
        assert view.reason == "Step deploy: ended with status 1; begun, and perhaps done in part: Step deploy"
        assert [(one.key, one.in_part) for one in view.changed] == [("deploy", True), ("pin", False)]
        assert view.changed[0].undo_call.endswith(" undeploy")
        assert view.must_type(undo=True) == "staging"

        await console.sitting.undo(view, "staging")
        view = await console.comes_to(run, RunState.UNDONE)
        assert stage.done == ["pin", "deploy", "undeploy", "unpin"]
        assert view.reason == ""
        assert [one.state for one in view.steps] == [StepState.UNDONE] * 2

    async def test_what_has_no_undo_stays_in_what_is_told(self, stage: Stage) -> None:
        none = {"undo": '"none"', "undo_reason": '"it is out"'}
        stage.runbook(
            step("pin", stage.append("pin"), undo=stage.append("unpin")) + step("mail", breaking(stage, "mail"), **none)
        )
        console = await stage.console()
        run = await console.begun()
        view = await console.comes_to(run, RunState.FAILED)
        why = "perhaps done in part; cannot be undone: it is out"
        assert view.changed[0].stays == why

        await console.sitting.undo(view)
        view = await console.comes_to(run, RunState.UNDONE)
        assert view.reason == f"left as it is: Step mail ({why})"
        with pytest.raises(Refused, match=f"nothing that could be undone; Step mail is left as it is: {why}"):
            await console.sitting.undo(view)

    async def test_an_undo_that_needs_what_was_never_captured_is_not_done(self, stage: Stage) -> None:
        do = breaking(stage, "made").replace(
            " }", ", capture = { name = { line = 'name=(.*)', pattern = '[a-z]+' } } }"
        )
        undo = stage.append("{make.name}")
        stage.runbook(step("make", do, undo=undo))
        console = await stage.console()
        run = await console.begun()
        view = await console.comes_to(run, RunState.FAILED)

        assert view.changed[0].undo_call == ""
        assert "perhaps done in part; it cannot be undone: " in view.changed[0].stays
        with pytest.raises(Refused, match="nothing that could be undone"):
            await console.sitting.undo(view)
        assert stage.done == ["made"]

    async def test_an_undo_of_it_that_fails_is_not_tried_again(self, stage: Stage) -> None:
        stage.runbook(
            step("pin", stage.append("pin"), undo=stage.append("unpin"))
            + step("deploy", breaking(stage, "deploy"), undo=breaking(stage, "undeploy"))
        )
        console = await stage.console()
        run = await console.begun()
        await console.comes_to(run, RunState.FAILED)
        await console.sitting.undo(console.view(run))
        await console.until(lambda: "could not undo" in console.view(run).reason)
        view = await console.comes_to(run, RunState.FAILED)
        assert view.reason.startswith(
            "could not undo Step deploy: ended with status 1; begun, and perhaps done in part"
        )

        await console.sitting.undo(view)
        view = await console.comes_to(run, RunState.UNDONE)
        assert stage.done == ["pin", "deploy", "undeploy", "unpin"]
        assert view.reason == "left as it is: Step deploy (perhaps done in part; not undone: ended with status 1)"

    @pytest.mark.parametrize(("now", "goes_back"), [({"two": 100}, True), ({"two": 70, "three": 30}, False)])
    async def test_what_a_vendor_calls_failed_is_put_back_if_it_is_as_it_was_seen_then(
        self, stage: Stage, now: dict[str, int], goes_back: bool
    ) -> None:
        shift = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'
        stage.runbook(
            step("pin", stage.append("pin"), undo=stage.append("unpin")) + step("shift", shift, undo='"before"')
        )
        stage.service.progress = Progress.FAILED
        console = await stage.console()
        run = await console.begun()
        await console.comes_to(run, RunState.FAILED)
        stage.service.progress = Progress.DONE
        stage.service.shares = now
        await console.sitting.undo(console.view(run))
        view = await console.comes_to(run, RunState.UNDONE)

        assert stage.done == ["pin", "unpin"]
        assert stage.service.done == [{"two": 100}, *([{"one": 100}] if goes_back else [])]
        left = "Step shift (perhaps done in part; not undone: it is not as the step left it any more (two is 70%"
        assert left in view.reason if not goes_back else view.reason == ""
