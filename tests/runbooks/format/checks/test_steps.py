"""What steps must say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import DONE, MANY, command, each, faults, found, step

if TYPE_CHECKING:
    from pathlib import Path

API = '{ kind = "api", ability = "restart", resource = "api" }'
GATE = '{ kind = "gate", check = { by = "rollout", service = "api" } }'
MANUAL = '{ kind = "manual", instructions = "do it" }'
WAIT = '{ kind = "wait", lasts = "5m" }'


def http(method: str) -> str:
    return f'{{ kind = "http", method = "{method}", url = "https://shop.example/" }}'


@pytest.mark.parametrize(
    "text",
    [
        step("a", command("true"), danger='"S"'),
        step("a", API, danger='"C"'),
        step("a", API, danger='"C"', undo='"before"'),
        step("a", API, danger='"X"', undo='"none"', undo_reason='"gone is gone"'),
        step("a", API, danger='"X"', undo=MANUAL),
        step("a", http("GET"), danger='"S"'),
        step("a", MANUAL, danger='"S"'),
        step("a", GATE),
        step("a", WAIT, danger='"S"'),
        step("a", command("true"), danger='"S"', sec="true"),
    ],
)
def test_steps_that_say_all_they_must(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (step("a", command("true")), "danger", "is missing"),
        (step("a", API), "danger", "is missing"),
        (step("a", http("GET")), "danger", "is missing"),
        (step("a", MANUAL), "danger", "is missing"),
        (step("a", API, danger='"S"'), "danger", "is S, but every ability changes something"),
        (step("a", http("DELETE"), danger='"S"'), "danger", "is S, but DELETE changes something"),
        (step("a", GATE, danger='"C"'), "danger", "is of a step that changes nothing"),
        (step("a", API, danger='"X"'), "undo", "is missing, and the step destroys"),
        (step("a", API, danger='"X"', undo='"none"'), "undo_reason", "is missing"),
        (step("a", API, danger='"C"', undo_reason='"why"'), "undo_reason", 'is given without undo = "none"'),
        (step("a", MANUAL, danger='"C"', undo='"before"'), "undo", "is of a step that is no ability"),
        (step("a", WAIT, undo=MANUAL), "undo", "undoes a step that changes nothing"),
        (step("a", GATE, confirm='{ by = "rollout", service = "api" }'), "confirm", "confirms nothing"),
        (step("a", API, danger='"C"', sec="true"), "sec", "is of a step without output"),
        (
            step("a", command("id", capture='{ u = { line = "(.*)", pattern = "a" } }'), danger='"S"', sec="true"),
            "do.capture",
            "would keep a part of what `sec` says is not kept",
        ),
    ],
)
def test_what_a_step_must_say(tmp_path: Path, text: str, key: str, problem: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert (fault.key, problem in fault.problem, bool(fault.remedy)) == (f"steps[0].{key}", True, True)


def test_ids_are_unique_within_all_steps(tmp_path: Path) -> None:
    text = MANY + DONE + each(step("done", command("echo", "{each}"), danger='"S"'))
    assert found(tmp_path, text) == [("steps[1].do.steps[0].id", "done is another step's already")]


def test_an_id_is_none_that_placeholders_use(tmp_path: Path) -> None:
    assert found(tmp_path, step("secret", WAIT)) == [
        ("steps[0].id", "secret is what placeholders of secrets begin with")
    ]


@pytest.mark.parametrize(("over", "problem"), [("nothing", "nothing is no parameter"), ("one", "one is one value")])
def test_an_each_goes_over_a_list(tmp_path: Path, over: str, problem: str) -> None:
    one = "[parameters.one]\ntype = 'enum'\noptions = ['a']\n"
    text = MANY + one + each(step("a", command("echo", "{each}", "{one}"), danger='"S"'), over=over)
    text += step("b", '{ kind = "notify", message = "{many}" }')
    (fault,) = faults(tmp_path, text)
    assert (fault.key, problem in fault.problem) == ("steps[0].do.over", True)


def test_the_variable_of_an_each_means_nothing_else(tmp_path: Path) -> None:
    text = MANY + each(step("a", '{ kind = "notify", message = "{many}" }'), variable="many")
    assert ("steps[0].do.variable", "many means something else already") in found(tmp_path, text)


@pytest.mark.parametrize("key", ["danger", "undo", "timeout", "on_failure", "sec", "confirm"])
def test_what_an_each_says_is_for_the_steps_within_to_say(tmp_path: Path, key: str) -> None:
    value = {
        "danger": '"C"', "undo": MANUAL, "timeout": '"1m"', "on_failure": '"continue"', "sec": "true",
        "confirm": '{ by = "rollout", service = "api" }',
    }[key]  # fmt: skip
    text = MANY + each(step("a", command("echo", "{each}"), danger='"S"'))
    wrong = found(tmp_path, text.replace('title = "All"', f'title = "All"\n{key} = {value}'))
    assert (f"steps[0].{key}", "means nothing for an `each`") in wrong
