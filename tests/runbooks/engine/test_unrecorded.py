"""While the ledger is away: what runs is ended all the same, and once it is back the record says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.runbooks.engine.stage import person, step
from tests.runbooks.records import KIM, RUN, begun, plan
from tests.runbooks.records import step as planned
from tests.waiting import eventually, let_pass
from tuiops.core.access import Role
from tuiops.core.record import Entry, RunAborting, RunEnded, RunStarted, Sealed
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import LedgerError, Refused, Unrecorded
from tuiops.runbooks.engine import locks
from tuiops.runbooks.engine.late import Late
from tuiops.runbooks.record.known import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.runbooks.engine.late import Fits

NONE = {"undo": '"none"', "undo_reason": '"a test"'}
SLEEP = ("sleep", "7349")
COMMAND = step("slow", f'{{ kind = "command", argv = ["{SLEEP[0]}", "{SLEEP[1]}"] }}', **NONE)
WAIT = step("slow", '{ kind = "wait", lasts = "10m" }', danger="")
ASKS = step("slow", '{ kind = "manual", instructions = "turn it" }')
GATE = step(
    "slow", '{ kind = "gate", check = { by = "command", argv = ["false"], every = "1s", within = "1h" } }', danger=""
)  # fmt: skip


def goes_away(console: Console) -> Callable[[], None]:
    """Have the ledger answer nothing any more; returns what brings it back."""
    ledger = console.engine.ledger
    workers = (ledger._writer, ledger._reader)  # type: ignore[attr-defined] # what every call goes through
    before = [worker.run for worker in workers]

    async def away(_: object) -> object:
        raise LedgerError("the server is away")

    for worker in workers:
        worker.run = away

    def back() -> None:
        for worker, run in zip(workers, before, strict=True):
            worker.run = run

    return back


def sleeps() -> bool:
    return any(tuple(found.info["cmdline"] or ()) == SLEEP for found in psutil.process_iter(["cmdline"]))


async def told(stage: Stage) -> list[tuple[str, str]]:
    """Who wanted it ended, and how the record says that it did."""
    return [
        (entry.by.person, type(entry.event).__name__)
        for entry in await stage.entries()
        if isinstance(entry.event, RunAborting | RunEnded)
    ]


@pytest.mark.parametrize(
    ("do", "state"),
    [
        (COMMAND, StepState.RUNNING),
        (WAIT, StepState.COUNTING),
        (ASKS, StepState.ASKING),
        (GATE, StepState.HOLDING),
    ],
    ids=["command", "wait", "manual", "gate"],
)
async def test_an_abort_waits_for_no_record_and_is_in_it_when_the_ledger_is_back(
    shared: Stage, do: str, state: StepState
) -> None:
    shared.runbook(do + step("one", shared.append("one"), **NONE))
    console = await shared.console()
    run = await console.begun()
    await console.at(run, "slow", state)
    if do is COMMAND:
        await eventually(sleeps, "the command")
    back = goes_away(console)
    with pytest.raises(
        Unrecorded, match=r"run #1 was aborted here \(it is being ended\), which is not recorded yet: the"
    ):
        await console.sitting.abort(run, "enough")
    await console.until(lambda: not console.engine.in_hand(run))
    assert not sleeps()
    assert "was aborted here" in console.engine.troubles(run)[0]

    back()
    view = await console.comes_to(run, RunState.ABORTED)
    assert await told(shared) == [("kim", "RunAborting"), ("kim", "RunEnded")]
    assert (shared.done, view.steps[1].state) == ([], StepState.PENDING)
    await console.until(lambda: console.engine.troubles(run)[0] == "")


async def test_what_was_cut_off_with_the_ledger_can_be_ended_without_it(
    shared: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "RENEW", 0.05)
    shared.runbook(COMMAND)
    console = await shared.console()
    run = await console.begun()
    await console.at(run, "slow", StepState.RUNNING)
    await eventually(sleeps, "the command")
    back = goes_away(console)
    with monkeypatch.context() as patched:
        # The lease is over without another word.
        patched.setattr(locks, "_MARGIN", locks.LEASE)
        await console.until(lambda: not console.engine.in_hand(run))
    await console.until(lambda: "run cut off" in console.engine.troubles(run)[0])
    assert sleeps()

    with pytest.raises(Unrecorded, match="is not recorded yet: the server is away"):
        await console.sitting.abort(run, "enough")
    assert not sleeps()

    back()
    view = await console.comes_to(run, RunState.ABORTED)
    assert view.steps[0].state is StepState.ABORTED
    assert await told(shared) == [("kim", "RunAborting"), ("kim", "RunEnded")]


async def test_who_may_not_abort_ends_nothing_whatever_the_ledger_does(stage: Stage) -> None:
    stage.runbook(COMMAND)
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "slow", StepState.RUNNING)
    back = goes_away(console)
    with pytest.raises(Refused, match="not allowed"):
        await console.seat(person("eve", Role.VIEWER)).abort(run)
    await let_pass(0)
    assert console.engine.carrier(run) is not None
    back()
    await console.sitting.abort(run)
    await console.comes_to(run, RunState.ABORTED)


async def test_what_was_to_be_ended_then_does_not_end_what_somebody_has_taken_up_since(tmp_path: Path) -> None:
    from tests.ledger.homes import FileHome, opened

    ledger = opened(FileHome(tmp_path))
    known = Known(ledger, KIM.session, (), lambda _: None, lambda _: None)
    written = begun(plan(planned("one")))
    for number, entry in enumerate(written, 1):
        known.book.take(Sealed(number=number, digest="", entry=entry))
    tasks: list[asyncio.Task[None]] = []
    tried: list[str] = []

    def spawn(work: Coroutine[None, None, None], name: str) -> None:
        tasks.append(asyncio.create_task(work, name=name))

    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    async def record(entry: Entry, fits: Fits) -> None:
        fits(known.book.history(entry.run))
        tried.append(entry.run)
        if len(tried) > 1:
            return
        taken_up = Entry(at=entry.at, by=person("lee"), event=RunStarted(resumed=True), run=entry.run)
        known.book.take(Sealed(number=len(written) + 1, digest="", entry=taken_up))
        raise LedgerError("it is away")

    async def add(_: Entry) -> None: ...

    late = Late(known, pause, None, {}, add, record, spawn)  # type: ignore[arg-type] # nothing is ended here
    late.owe(Entry(at=written[0].at, by=KIM, event=RunAborting(reason=lit("enough")), run=RUN))
    await asyncio.gather(*tasks)
    assert tried == [RUN]
    await ledger.close()
