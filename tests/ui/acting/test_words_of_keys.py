"""Sentences name the keys in force, and only those that do something; what is typed counts alike wherever it is."""

from __future__ import annotations

import msgspec
import pytest

from tests.ui.acting.flow import console, press, told, with_runs
from tests.ui.desk import FakeDesk, card_of, past, rollback_plan, run, waiting_for_approval
from tests.ui.fakes import FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.core.access import Danger, Decision
from tuiops.core.runs import RunState
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.format.model import Runbook
from tuiops.ui.app import TuiopsApp
from tuiops.ui.keymap import build

BOUND = {
    "data.refresh": "f5", "card.change": "f6", "run.approve": "f7", "runs.list": "f8", "app.back": "f9",
}  # fmt: skip


def remapped() -> tuple[TuiopsApp, FakeDesk]:
    """A console whose person has other keys, and a run that waits for an approval."""
    backend = FakeBackend(with_runs(waiting_for_approval()))
    desk = FakeDesk(backend)
    return TuiopsApp(backend, Display(), build(bind=BOUND), desk=desk, own_process=False), desk


async def test_sentences_name_the_keys_in_force() -> None:
    app, desk = remapped()
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "f8", "enter")
        assert "F7 here, or :approve 45" in text
        assert "F9 leave it as it is" in text
        await press(pilot, "f9", "f9", "colon", *"run 99", "enter")
        assert "There is no run 99. F8 shows all of them." in told(app)
        desk.card = card_of(rollback_plan(), decision=Decision(allowed=True, reason=lit("rule"), second=True))
        assert ":approve NUMBER, or F7 in the run" in await press(pilot, "x", "a")
        desk.refusal = Refused("nothing answers")
        text = await press(pilot, "f5")
        assert "Nothing answers. Press F5 to read again." in text


@pytest.mark.parametrize("parameters", [True, False])
async def test_a_card_without_a_plan_names_only_what_can_be_done(parameters: bool) -> None:
    app, desk = remapped()
    if not parameters:
        known = desk.runbooks["pricealert-rollback"]
        desk.runbooks[known.id] = Runbook(
            version=1, id=known.id, title="Roll back", systems=known.systems, target="api", steps=known.steps
        )
    desk.refusal = Refused("nothing answers")
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x", "a")
        assert "There is no plan. Press F5 to read again" in text
        assert ("F6 for other values" in text) is parameters


async def test_blanks_around_what_is_typed_count_nowhere() -> None:
    app, _, desk = console(fleet())
    desk.card = card_of(rollback_plan(danger=Danger.DESTROYS))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a", "tab", *"production", "space", "tab", "enter")
        assert desk.calls[-1] == ("confirm", desk.card.digest, "production")
    failed = past(40, RunState.FAILED)
    steps = tuple(msgspec.structs.replace(step, danger=Danger.DESTROYS) for step in failed.steps)
    app, _, desk = console(with_runs(run(40, RunState.FAILED, steps=steps, ended=failed.ended)))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter", "U", "tab", *"production", "space", "tab", "enter")
        assert desk.calls[-1] == ("undo", "r40", "production")
