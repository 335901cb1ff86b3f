"""What must go on while a console acts: it fails aloud, is begun again, and no step is begun meanwhile."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually
from tuiops.errors import LedgerError
from tuiops.runbooks.engine.listening import TRY_AGAIN, Attentive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.text import SafeText


class Work:
    """Something that fails for as long as the test says."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
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
    attentive = Attentive(heard.trouble, heard.pause)
    await asyncio.wait_for(attentive.wait(), 1)
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
    attentive = Attentive(heard.trouble, heard.pause)
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
