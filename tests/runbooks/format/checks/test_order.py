"""Conditions name earlier steps and can come true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import MANY, command, each, faults, found, step

if TYPE_CHECKING:
    from pathlib import Path


def one(name: str, when: str = "", on_failure: str = "stop") -> str:
    more = {"when": f"{{ {when} }}"} if when else {}
    return step(name, command("true"), danger='"S"', on_failure=f'"{on_failure}"', **more)


GOES_ON = one("a", on_failure="continue")


@pytest.mark.parametrize(
    "text",
    [
        one("a") + one("b", "a = 'succeeded'"),
        GOES_ON + one("b", "a = 'failed'"),
        GOES_ON + one("b", "a = 'failed'") + one("c", "b = 'skipped'"),
        GOES_ON + one("b", "a = 'failed'") + one("c", "a = 'failed', b = 'succeeded'"),
        MANY
        + one("x")
        + each(one("a").replace('title = "a"', 'title = "{each}"'), one("b", "a = 'succeeded', x = 'succeeded'")),
    ],
)
def test_conditions_that_can_be(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        (one("a", "b = 'succeeded'") + one("b"), "steps[0].when.b", "names a step that comes later", "no step"),
        (one("a") + one("b", "c = 'failed'"), "steps[1].when.c", "names a step that does not exist", "a"),
        (one("a", "a = 'failed'"), "steps[0].when.a", "names a step that comes later", "no step is earlier"),
        (one("a") + one("b", "a = 'failed'"), "steps[1].when", "can never be", "a failure of a ends the run"),
        (one("a") + one("b", "a = 'skipped'"), "steps[1].when", "can never be", "never skipped"),
        (
            GOES_ON + one("b", "a = 'failed'") + one("c", "a = 'succeeded', b = 'succeeded'"),
            "steps[2].when",
            "can never be",
            "exclude each other",
        ),
        (
            GOES_ON + one("b", "a = 'failed'") + one("c", "b = 'skipped', a = 'failed'"),
            "steps[2].when",
            "can never be",
            "exclude each other",
        ),
    ],
)
def test_conditions_that_can_never_be(tmp_path: Path, text: str, key: str, problem: str, remedy: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert (fault.key, problem in fault.problem, remedy in fault.remedy) == (key, True, True)


def test_a_step_on_an_unreachable_one_is_unreachable(tmp_path: Path) -> None:
    text = one("a") + one("b", "a = 'failed'") + one("c", "b = 'succeeded'") + one("d", "b = 'skipped'")
    assert [key for key, _ in found(tmp_path, text)] == ["steps[1].when", "steps[2].when"]


def test_an_each_is_no_one_step(tmp_path: Path) -> None:
    inner = step("in", command("echo", "{each}"), danger='"S"')
    text = MANY + each(inner) + one("b", "all = 'succeeded'") + one("c", "in = 'succeeded'")
    assert found(tmp_path, text) == [
        ("steps[1].when.all", "names an `each`, whose steps end one by one"),
        ("steps[2].when.in", "names a step within an `each`, which ends many times"),
    ]


def test_the_conditions_of_an_each_count_for_its_steps(tmp_path: Path) -> None:
    inner = step("in", command("echo", "{each}"), danger='"S"', when="{ a = 'failed' }")
    text = MANY + GOES_ON + each(inner).replace('title = "All"', "title = \"All\"\nwhen = { a = 'succeeded' }")
    assert found(tmp_path, text) == [("steps[1].do.steps[0].when", "can never be")]


def test_a_great_many_conditions_are_not_followed_for_ever(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(40)]
    text = "".join(one(name, on_failure="continue") for name in names)
    text += one("last", ", ".join(f"{name} = 'failed'" for name in names))
    assert found(tmp_path, text) == []
