"""Commands as they are typed: completed as far as there is one way to go on, explained when it is clear which."""

from __future__ import annotations

import pytest

from tests.ui.acting.flow import console, press, with_runs
from tests.ui.desk import past, run, unknown
from tuiops.core.runs import RunState
from tuiops.ui.completion import candidates, completed, hint
from tuiops.ui.widgets.prompt import Line

KNOWN = with_runs(run(42), unknown(46), past(41, RunState.SUCCEEDED))


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("appr", "approve "), ("ru", "run"), ("runs", "runs"), ("abort 4", "abort 4"), ("abort 42", "abort 42"),
        ("abort 46", "abort 46"), ("why p", "why pricealert-rollback"), ("logs tok", "logs tokyo"),
        ("nosuch", "nosuch"), ("", ""), ("reject 42 becau", "reject 42 becau"), ("help x", "help x"),
    ],
)  # fmt: skip
def test_tab_goes_as_far_as_there_is_only_one_way(typed: str, whole: str) -> None:
    assert completed(typed, KNOWN) == whole


def test_a_run_that_is_over_is_offered_to_be_looked_at_and_no_more() -> None:
    assert candidates("run ", KNOWN) == ("41", "42", "46")
    assert candidates("abort ", KNOWN) == ("42", "46")


def test_what_a_command_does_is_said_when_it_is_clear_which_it_is() -> None:
    assert hint("abort", KNOWN) == "NUMBER Stop a run; it asks once."
    assert hint("appr", KNOWN).startswith("NUMBER Look at another person's run")
    assert hint("abort 4", KNOWN) == "42  46"
    assert "run  runs" in hint("ru", KNOWN)
    assert hint("nosuch", KNOWN) == ""


async def test_tab_in_the_prompt_completes_and_does_not_leave_it() -> None:
    app, _, _ = console(KNOWN)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "colon", *"appr")
        assert "Look at another person's run" in text
        await press(pilot, "tab", "4", "6")
        assert app.screen.query_one(Line).value == "approve 46"
