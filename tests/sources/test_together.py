"""Requests side by side, of which one that fails takes nothing from the others."""

from __future__ import annotations

import asyncio

import pytest

from tuiops.core.text import fmt, safe
from tuiops.errors import AccessDenied, SourceError, TimedOut
from tuiops.sources.together import raise_if_all, together


async def answer(text: str) -> str:
    return text


async def refuse(text: str) -> str:
    raise AccessDenied(text)


async def silent() -> str:
    await asyncio.Event().wait()
    raise AssertionError


async def fail() -> str:
    raise RuntimeError("a fault of the program")


async def test_what_was_found_and_what_failed_come_in_the_order_of_the_jobs() -> None:
    jobs = {"b": answer("1"), "d": refuse("first"), "a": answer("2"), "c": refuse("second")}

    found, failed = await together(jobs, 10.0, safe)

    assert list(found.items()) == [("b", "1"), ("a", "2")]
    assert [(key, str(error)) for key, error in failed.items()] == [("d", "first"), ("c", "second")]


async def test_one_that_hangs_is_told_by_its_own_name() -> None:
    found, failed = await together({1: silent(), 2: answer("x")}, 0.0, lambda key: fmt("door {}", key))

    assert found == {2: "x"}
    assert isinstance(failed[1], TimedOut)
    assert str(failed[1]).startswith("door 1 gave no complete answer within 0s")


async def test_a_fault_of_the_program_is_no_answer() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await together({1: fail(), 2: silent()}, 10.0, lambda _: safe("x"))

    assert caught.group_contains(RuntimeError)


async def test_nothing_to_ask_is_nothing_found() -> None:
    assert await together({}, 10.0, safe) == ({}, {})


def test_only_when_all_fail_the_first_failure_is_raised() -> None:
    first, second = SourceError("first"), SourceError("second")
    raise_if_all({}, {})
    raise_if_all({1: "x"}, {2: first})
    with pytest.raises(SourceError, match="first"):
        raise_if_all({}, {1: first, 2: second})
