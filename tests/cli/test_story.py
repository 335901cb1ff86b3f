"""The story of a run that went back: undoing a step is never told in the words of doing it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tuiops.cli.story import Story
from tuiops.core.record import AnyEvent, RunStarted, StepAttested, StepEnded, StepIntended
from tuiops.core.text import lit

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def intended(execution: str, undoes: str = "") -> StepIntended:
    return StepIntended(step="one", execution=execution, at=AT, call=lit("touch it"), undoes=undoes)


def told(*events: AnyEvent) -> list[str]:
    story = Story()
    return [story.sentence(event) for event in events]


def test_an_undo_is_told_as_one() -> None:
    assert told(
        RunStarted(),
        intended("r.1"),
        StepEnded(step="one", state="succeeded", execution="r.1"),
        RunStarted(undoing=True),
        intended("r.2", undoes="one"),
        StepEnded(step="one", state="succeeded", execution="r.2"),
        RunStarted(undoing=True, resumed=True),
    ) == [
        "began",
        "one: is about to do `touch it`",
        "one: succeeded",
        "goes back",
        "one: is about to undo it with `touch it`",
        "undone: one",
        "took it over and goes on going back",
    ]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (StepEnded(step="one", state="failed", text=lit("no")), "undoing one: failed: no"),
        (StepAttested(step="one", state="succeeded", note=lit("by hand")), "says: undone: one: by hand"),
        (StepAttested(step="one", state="skipped", note=lit("kept")), "says: undoing one: skipped: kept"),
    ],
)
def test_its_end_may_be_another_or_be_told_by_a_person(event: AnyEvent, said: str) -> None:
    assert told(intended("r.1", undoes="one"), event)[-1] == said


def test_a_late_word_on_what_was_done_is_not_one_on_undoing_it() -> None:
    assert told(
        intended("r.1"), intended("r.2", undoes="one"), StepEnded(step="one", state="succeeded", execution="r.1")
    )[-1] == ("one: succeeded")
