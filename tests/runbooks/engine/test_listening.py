"""What must go on while a console acts: it fails aloud, is begun again, and no step is begun meanwhile."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually, let_pass
from tuiops.errors import LedgerError
from tuiops.runbooks.engine.listening import TRY_AGAIN, Attentive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.core.text import SafeText


class Work:
    """Something that fails for as long as the test says."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.begun = 0

    async def __call__(self, well: Callable[[], None]) -> None:
        self.begun += 1
        if self.error is not None:
            raise self.error
        well()
        await asyncio.Event().wait()


class Heard:
    """What is said of it, and pauses that pass when the test lets them."""

    def __init__(self) -> None:
        self.troubles: dict[str, SafeText] = {}
        self.paused: list[float] = []
        self.passes = asyncio.Event()

    def trouble(self, about: str, text: SafeText) -> None:
        self.troubles[about] = text

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.passes.clear()
        await self.passes.wait()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LedgerError("the ledger cannot be read"), "news: the ledger cannot be read; no step is begun"),
        (RuntimeError("secret"), r"news: a fault of the console \(RuntimeError\), see its log; no step is begun"),
    ],
    ids=["ledger", "fault"],
)
async def test_it_says_what_is_wrong_and_waits_until_it_is_well_again(error: Exception, said: str) -> None:
    heard, work = Heard(), Work(error)
    attentive = Attentive(heard.trouble, ("news",), heard.pause)
    going = asyncio.create_task(attentive.keep_up("news", work))
    await eventually(lambda: heard.paused == [TRY_AGAIN], "the first failure")
    waiting = asyncio.create_task(attentive.wait())
    heard.passes.set()
    await eventually(lambda: heard.paused == [TRY_AGAIN] * 2, "the second failure")

    assert not waiting.done()
    assert re.search(said, heard.troubles["news"])
    assert attentive.failing == heard.troubles["news"]
    assert "secret" not in attentive.failing

    work.error = None
    heard.passes.set()
    await waiting
    assert work.begun == 3
    assert (attentive.failing, heard.troubles["news"]) == ("", "")
    going.cancel()


async def test_one_that_is_well_does_not_speak_for_another() -> None:
    heard = Heard()
    attentive = Attentive(heard.trouble, ("news", "locks"), heard.pause)
    works = {"news": Work(LedgerError("no news")), "locks": Work(LedgerError("no locks"))}
    tasks = [asyncio.create_task(attentive.keep_up(what, work)) for what, work in works.items()]
    await eventually(lambda: len(heard.paused) == 2, "both have failed")
    waiting = asyncio.create_task(attentive.wait())
    works["news"].error = None
    heard.passes.set()
    await eventually(lambda: heard.troubles["news"] == "", "one is well")

    assert not waiting.done()
    assert attentive.failing.startswith("locks: no locks")
    works["locks"].error = None
    heard.passes.set()
    await waiting
    for task in tasks:
        task.cancel()


async def test_all_is_well_only_when_all_that_is_needed_has_been_so_once() -> None:
    heard = Heard()
    attentive = Attentive(heard.trouble, ("news", "locks"), heard.pause)
    waiting = asyncio.create_task(attentive.wait())
    heard_now, held_now = asyncio.Event(), asyncio.Event()

    def begins(event: asyncio.Event) -> Callable[[Callable[[], None]], Awaitable[None]]:
        async def work(well: Callable[[], None]) -> None:
            await event.wait()
            well()
            await asyncio.Event().wait()

        return work

    works: dict[str, Callable[[Callable[[], None]], Awaitable[None]]] = {
        "news": begins(heard_now), "locks": begins(held_now), "what is shown": Work(None),
    }  # fmt: skip
    tasks = [asyncio.create_task(attentive.keep_up(what, work)) for what, work in works.items()]
    heard_now.set()
    await eventually(lambda: {"news", "what is shown"} <= heard.troubles.keys(), "two of them are at work")
    await let_pass(0)
    assert not waiting.done()
    assert attentive.failing == ""

    held_now.set()
    await waiting
    for task in tasks:
        task.cancel()
