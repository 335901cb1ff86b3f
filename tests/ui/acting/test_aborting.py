"""What the question before an abort says: only what becomes true of the step that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.acting.flow import console, press, with_runs
from tests.ui.desk import asking, printing, run, unknown, waiting_for_approval, with_step
from tests.ui.fakes import NOW
from tuiops.core.runs import RunState, StepKind, StepState
from tuiops.core.text import EMPTY
from tuiops.runbooks.engine.aborting import ABORT_GRACE, abort_text

if TYPE_CHECKING:
    from tuiops.core.runs import RunView

ENDED = "is ended, with all that it started"
NOT_BACK = "cannot be called back"
STAYS = "stays unknown until somebody says how that came out"
NOTHING = "No step of it has begun"


def calling(kind: StepKind = StepKind.API, **changes: object) -> RunView:
    """A run in the midst of its first step."""
    return with_step(printing(), 0, kind=kind, state=StepState.RUNNING, tail=(), **changes)


HELD = run().steps[2].held


@pytest.mark.parametrize(
    ("view", "said", "unsaid"),
    [
        pytest.param(printing(), [ENDED], [NOT_BACK, STAYS], id="command"),
        pytest.param(calling(), [NOT_BACK, f"followed for {ABORT_GRACE:g} s", "unknown how it ends"], [ENDED],
                     id="call"),
        pytest.param(calling(held=HELD), ["was done; whether that worked"], [ENDED, NOT_BACK],
                     id="confirmed by a gate"),
        pytest.param(run(), ["“The error rate is back” is cancelled."], [ENDED, NOT_BACK], id="gate"),
        pytest.param(asking(), ["“Look at the data” is not asked for any more."], [ENDED, NOT_BACK], id="manual"),
        pytest.param(unknown(), ["cannot be ended from here", NOT_BACK, STAYS], [ENDED], id="unknown call"),
        pytest.param(with_step(unknown(), 0, kind=StepKind.COMMAND), ["if it still runs and can be reached", STAYS],
                     [ENDED, NOT_BACK], id="unknown command"),
        pytest.param(waiting_for_approval(), [NOTHING], [ENDED, NOT_BACK, "undone"], id="awaiting approval"),
        pytest.param(run(state=RunState.PAUSED, started=None), [NOTHING], [ENDED, "undone"], id="approved"),
        pytest.param(
            with_step(calling(), 0, state=StepState.SUCCEEDED, ended=NOW), ["No later step begins"],
            [ENDED, NOT_BACK, "cancelled", NOTHING], id="between two steps",
        ),
    ],
)  # fmt: skip
def test_only_what_becomes_true_is_said(view: RunView, said: list[str], unsaid: list[str]) -> None:
    text = " ".join(abort_text(view))
    for piece in said:
        assert piece in text
    for piece in unsaid:
        assert piece not in text


@pytest.mark.parametrize("state", [StepState.RUNNING, StepState.UNKNOWN])
@pytest.mark.parametrize("kind", [StepKind.COMMAND, StepKind.API])
def test_of_an_undo_no_more_is_promised_than_holds_for_calls_and_commands(state: StepState, kind: StepKind) -> None:
    view = with_step(run(undoing=True), 0, kind=kind, state=state, ended=None, text=EMPTY)
    text = " ".join(abort_text(view))
    assert "is ended if it is a command" in text
    assert "Nothing further is undone" in text
    assert "No later step" not in text


async def test_it_is_what_the_question_says() -> None:
    app, _, desk = console(with_runs(calling()))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "X", "enter", "K")
        assert NOT_BACK in text
        assert ENDED not in text
        assert desk.calls == []
