"""What a sitting offers for rows and says about permissions: the same rules that decide when it is confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import TWO_PERSONS, person, step
from tuiops.core.access import Danger, Role, Rule
from tuiops.core.runs import RunState, StepState
from tuiops.core.subject import Subject
from tuiops.core.text import EMPTY, lit
from tuiops.errors import Refused
from tuiops.runbooks.format.model import ListedParameter, TextParameter

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Stage

API = Subject(system=lit("shop"), service=lit("api"))
SLOW = '{ kind = "command", argv = ["sleep", "60"] }'
FOR_A_SERVICE = """
version = 1
id = "mend"
title = "Mend {name}"
systems = ["shop"]
target = "{name}"
[offer]
fills = { name = "service" }
[parameters.name]
type = "listed"
of = "services"
"""


async def test_a_runbook_is_offered_with_its_title_danger_and_what_the_row_fills_in(stage: Stage) -> None:
    stage.runbook(step("one", stage.append("one"), danger="X"), FOR_A_SERVICE)
    console = await stage.console()
    [line] = await console.sitting.offered((API,))
    assert (line.runbook, line.system, line.title, line.danger) == ("mend", "shop", "Mend api", Danger.DESTROYS)
    assert line.fills == (("name", ("api",)),)
    assert (line.reason, line.second, line.typical) == (EMPTY, False, None)


async def test_what_is_not_allowed_is_offered_with_the_reason_that_confirming_would_give(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console(person("vi", Role.VIEWER))
    [line] = await console.sitting.offered((API,))
    card = await console.card()
    assert line.reason == card.decision.reason
    with pytest.raises(Refused, match="vi is viewer; this takes operator"):
        await console.sitting.confirm(card)


async def test_that_a_second_person_is_needed_is_said_before(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console(rules=TWO_PERSONS)
    [line] = await console.sitting.offered((API,))
    assert line.second


async def test_a_run_that_has_the_target_is_named_in_the_menu(stage: Stage) -> None:
    slow = step("slow", SLOW, undo='"none"', undo_reason='"a test"')
    stage.runbook(slow, FOR_A_SERVICE)
    console = await stage.console()
    run = await console.begun(name="api")
    await console.at(run, "slow", StepState.RUNNING)
    [line] = await console.sitting.offered((API,))
    assert line.reason.startswith("run #1 of kim has api")
    await console.sitting.abort(run)
    await console.comes_to(run, RunState.ABORTED)
    [line] = await console.sitting.offered((API,))
    assert line.reason == EMPTY


async def test_how_long_it_usually_takes_is_known_from_past_runs(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    await console.comes_to(await console.begun(), RunState.SUCCEEDED)
    [line] = await console.sitting.offered((API,))
    assert line.typical is not None
    assert line.typical[1] == 1


async def test_a_sitting_that_gave_up_acting_offers_nothing_and_begins_nothing(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    card = await console.card()
    await console.sitting.forbid()
    [line] = await console.sitting.offered((API,))
    assert "read-only" in line.reason
    with pytest.raises(Refused, match="read-only"):
        await console.sitting.confirm(card)
    assert await stage.entries() == []


@pytest.mark.parametrize(
    ("subjects", "word"),
    [
        ((API, Subject(system=lit("cafe"))), "several systems: cafe, shop"),
        ((Subject(system=lit("nosuch")),), "no configured system"),
        ((Subject(system=EMPTY, alert_name=lit("Alone")),), "no configured system"),
        ((), "no configured system"),
    ],
)
async def test_rows_that_nothing_can_be_done_about_say_why(
    stage: Stage, subjects: tuple[Subject, ...], word: str
) -> None:
    stage.two_steps()
    console = await stage.console()
    with pytest.raises(Refused, match=word):
        await console.sitting.offered(subjects)


async def test_values_are_looked_at_as_they_are_typed(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    sitting = console.sitting
    assert sitting.objection(TextParameter(pattern="[a-z]+"), "abc") == EMPTY
    assert sitting.objection(TextParameter(pattern="[a-z]+"), "A") == "does not match [a-z]+"
    assert sitting.objection(TextParameter(pattern=".*"), "--force") == "begins with -, like an option"
    assert sitting.objection(ListedParameter(of="services"), "anything") == EMPTY, "what there is, its list says"


async def test_the_runbook_and_its_lists_are_those_of_the_planner(stage: Stage) -> None:
    stage.runbook(step("one", stage.append("one")), FOR_A_SERVICE)
    console = await stage.console()
    assert (await console.sitting.runbook("mend")).title == "Mend {name}"
    assert await console.sitting.choices("mend", "shop", "name", {}) == ("api",)
    with pytest.raises(Refused, match="no runbook nosuch"):
        await console.sitting.runbook("nosuch")


async def test_why_says_who_one_is_what_one_may_do_and_by_which_rule(stage: Stage) -> None:
    stage.two_steps()
    rules = (Rule(danger=Danger.CHANGES, second=Danger.CHANGES, place=lit("permissions.on-call")),)
    console = await stage.console(rules=rules)
    said = await console.sitting.why(API, "")
    assert said[0] == "you are kim, operator, as local:kim"
    assert "in shop, staging:" in said
    assert "run what changes (C): yes, allowed by permissions.on-call; a second person must approve" in said
    assert any(line.startswith("run what destroys (X): no, ") for line in said)
    assert any(line.startswith("approve another person's run: no, kim is operator") for line in said)
    said = await console.sitting.why(API, "mend")
    assert "mend: changes (C) in staging" in said
    await console.sitting.forbid()
    assert any("read-only" in line for line in await console.sitting.why(API, "mend"))
