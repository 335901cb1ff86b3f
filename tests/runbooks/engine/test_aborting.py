"""An abort does what is said before it: a call that was sent is followed for a while, and unknown after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import step
from tuiops.core.runs import RunState, StepState
from tuiops.runbooks.engine.aborting import abort_text
from tuiops.sources.abilities import Progress

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Stage

SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'


@pytest.mark.parametrize("ends", [True, False])
async def test_a_call_is_not_called_back(stage: Stage, monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> None:
    monkeypatch.setattr("tuiops.runbooks.engine.step.ABORT_GRACE", 3600.0 if ends else 0.1)
    stage.runbook(step("shift", SHIFT, undo='"before"') + step("two", stage.append("two"), undo=stage.append("untwo")))
    stage.service.progress = Progress.RUNNING
    console = await stage.console()
    run = await console.begun()
    await stage.service.begun.wait()
    await console.at(run, "shift", StepState.RUNNING)
    said = " ".join(abort_text(console.view(run)))
    assert "has sent cannot be called back" in said
    assert "No later step begins" in said
    await console.sitting.abort(run)
    if ends:
        stage.service.progress = Progress.DONE
    view = await console.comes_to(run, RunState.ABORTED if ends else RunState.UNKNOWN)
    assert view.steps[0].state is (StepState.SUCCEEDED if ends else StepState.UNKNOWN)
    assert (stage.service.done, stage.done) == ([{"two": 100}], [])
    if not ends:
        assert "cannot be ended from here" in " ".join(abort_text(view))
