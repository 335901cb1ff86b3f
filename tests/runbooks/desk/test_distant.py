"""A desk in another event loop: answers and refusals come back, what writes is done to its end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tests.ui.desk import KIM, ROLLBACK, FakeDesk, run
from tests.ui.fakes import FakeBackend, fleet
from tests.waiting import eventually
from tuiops.core.access import Danger, Deed, Place
from tuiops.core.clock import SystemClock
from tuiops.core.subject import Subject
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.desk.distant import DistantDesk

if TYPE_CHECKING:
    from collections.abc import Iterator


PLACE = Place(system=lit("pricealert"), environment=lit("production"), production=True)


class Elsewhere:
    """A thread with an event loop and a desk in it."""

    def __init__(self) -> None:
        self.desk = FakeDesk(FakeBackend(fleet()))
        self.distant = DistantDesk(KIM, SystemClock())
        self.loop = asyncio.new_event_loop()
        self.threads: list[int] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self) -> None:
        async def begin() -> None:
            self.distant.attach(self.desk)
            self._ready.set()

        asyncio.set_event_loop(self.loop)
        self.loop.create_task(begin())
        self.loop.run_forever()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    made.start()
    yield made
    made.stop()


async def test_every_call_reaches_the_desk_and_its_answer_comes_back(elsewhere: Elsewhere) -> None:
    distant, subject = elsewhere.distant, Subject(system=lit("pricealert"), service=lit("api"))
    assert await distant.offered((subject,)) == elsewhere.desk.offers
    assert await distant.runbook(ROLLBACK.id) == ROLLBACK
    card = await distant.plan(ROLLBACK.id, "pricealert", {"service": ("api",)}, lit("a1"))
    assert await distant.confirm(card) == "r42"
    await distant.approve("r1", "d")
    await distant.reject("r1", "why")
    await distant.abort("r1", "why")
    seen = run(1)
    await distant.resume(seen)
    await distant.settle(seen, "s", succeeded=True, note="n")
    await distant.skip(seen, "s", "why")
    await distant.undo(seen)
    assert await distant.asked_for("r1") == await elsewhere.desk.asked_for("r1")
    assert distant.may(Deed.RUN, PLACE, Danger.DESTROYS).allowed
    assert (await distant.why(subject, ""))[0].startswith("you are kim")
    assert await distant.choices(ROLLBACK.id, "pricealert", "service", {}) == ()
    await distant.forbid()
    assert elsewhere.desk.forbidden
    assert [call[0] for call in elsewhere.desk.calls] == [
        "plan", "confirm", "approve", "reject", "abort", "resume", "settle", "skip", "undo", "why", "choices",
    ]  # fmt: skip


async def test_a_refusal_comes_back_as_it_is(elsewhere: Elsewhere) -> None:
    elsewhere.desk.refusal = Refused("not run: the world moved")
    with pytest.raises(Refused, match="the world moved"):
        await elsewhere.distant.abort("r1")


async def test_a_fault_of_the_console_is_told_like_a_refusal_and_logged(
    elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere.desk.refusal = ZeroDivisionError("a bug")
    with pytest.raises(Refused, match="see its log"):
        await elsewhere.distant.abort("r1")
    assert "a bug" in caplog.text


async def test_what_writes_is_done_to_its_end_though_nobody_waits_for_it_any_more(elsewhere: Elsewhere) -> None:
    async def hold() -> asyncio.Event:
        elsewhere.desk.hold = asyncio.Event()
        return elsewhere.desk.hold

    held = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(hold(), elsewhere.loop))
    card = elsewhere.desk.card
    confirming = asyncio.ensure_future(elsewhere.distant.confirm(card))
    while not elsewhere.desk.calls:  # noqa: ASYNC110 - the desk is in another loop
        await asyncio.sleep(0)
    confirming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await confirming
    elsewhere.loop.call_soon_threadsafe(held.set)
    while not elsewhere.desk.backend.snapshot.runs:  # noqa: ASYNC110 - the desk is in another loop
        await asyncio.sleep(0)
    assert elsewhere.desk.backend.snapshot.runs[0].id == "r42"


async def test_whoever_asks_at_the_very_start_waits_for_the_desk() -> None:
    elsewhere = Elsewhere()
    asking = asyncio.ensure_future(elsewhere.distant.offered(()))
    await asyncio.sleep(0)
    elsewhere.start()
    assert await asking == elsewhere.desk.offers
    elsewhere.stop()


async def test_before_there_is_a_desk_and_after_its_loop_has_ended_everything_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuiops.runbooks.desk.distant.STARTING", 0.0)
    elsewhere = Elsewhere()
    with pytest.raises(Refused, match="still starting"):
        await elsewhere.distant.abort("r1")
    elsewhere.start()
    elsewhere.stop()
    with pytest.raises(Refused, match="being closed"):
        await elsewhere.distant.abort("r1")
    elsewhere.distant.detach(lit("the ledger cannot be opened"))
    with pytest.raises(Refused, match="the ledger cannot be opened"):
        await elsewhere.distant.offered(())


async def test_what_writes_is_done_to_its_end_though_the_loop_of_the_front_end_has_ended(elsewhere: Elsewhere) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        elsewhere.desk.hold = held

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(hold(), elsewhere.loop))

    def front_end() -> None:
        async def confirm_and_leave() -> None:
            asyncio.ensure_future(elsewhere.distant.confirm(elsewhere.desk.card))  # noqa: RUF006 - nobody waits for it
            while not elsewhere.desk.calls:  # noqa: ASYNC110 - the desk is in another loop
                await asyncio.sleep(0)

        # At its end a loop cancels whatever is still in it.
        asyncio.run(confirm_and_leave())

    await asyncio.to_thread(front_end)
    elsewhere.loop.call_soon_threadsafe(held.set)
    await eventually(lambda: bool(elsewhere.desk.backend.snapshot.runs), "the run that was confirmed")
    assert elsewhere.desk.backend.snapshot.runs[0].id == "r42"


async def test_what_was_forbidden_while_it_stood_nowhere_stays_so_wherever_it_stands() -> None:
    distant, desk = DistantDesk(KIM, SystemClock()), FakeDesk(FakeBackend(fleet()))
    await distant.forbid()
    distant.attach(desk)
    assert not distant.may(Deed.ABORT, PLACE, Danger.SAFE).allowed
    for deed in (
        distant.reject("r1", "because"),
        distant.abort("r1"),
        distant.confirm(desk.card),
        distant.undo(run(1)),
    ):
        with pytest.raises(Refused, match="read-only"):
            await deed
    await eventually(lambda: desk.forbidden, "the desk to be told")
    assert desk.calls == []


def test_nobody_may_anything_before_there_is_a_desk() -> None:
    decision = DistantDesk(KIM, SystemClock()).may(Deed.ABORT, PLACE, Danger.SAFE)
    assert (decision.allowed, decision.reason) == (False, "the console is still starting")
