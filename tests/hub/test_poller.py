from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub.fakes import START, FakeWait, ScriptedSource, reading
from tuiops.core.clock import FakeClock
from tuiops.core.snapshot import Topic
from tuiops.core.source import Freshness, SourceStatus
from tuiops.core.text import lit
from tuiops.core.updates import HealthUpdate, RolloutsUpdate
from tuiops.errors import AccessDenied, RateLimited, SourceError, Unreachable
from tuiops.hub.poller import FAILING_PAUSE, LONGEST_PAUSE, SOONEST, Poller, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GOOD = HealthUpdate(at=START, readings=(reading("api", 0.0),))


def make(
    source: ScriptedSource,
    clock: FakeClock,
    wait: Callable[[asyncio.Event, float], Awaitable[None]],
    results: list[Result],
    *,
    interval: float = 10.0,
    siblings: int = 1,
    chance: float = 0.0,
) -> Poller:
    status = SourceStatus(name=source.name, kind=source.kind, interval=interval, grace=5.0)
    return Poller(
        Topic.HEALTH,
        status,
        source.read_health,
        results.append,
        clock,
        siblings=siblings,
        wait=wait,
        chance=lambda: chance,
    )


async def run(
    source: ScriptedSource, rounds: int, *, interval: float = 10.0, siblings: int = 1, chance: float = 0.0
) -> tuple[list[Result], list[float]]:
    clock = FakeClock(START)
    wait = FakeWait(clock, rounds)
    results: list[Result] = []
    poller = make(source, clock, wait, results, interval=interval, siblings=siblings, chance=chance)
    task = asyncio.create_task(poller.run())
    await wait.done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return results, wait.pauses


async def test_a_good_source_is_polled_at_its_interval() -> None:
    results, pauses = await run(ScriptedSource("prom", GOOD), 3)
    assert pauses == [10.0, 10.0, 10.0]
    assert [result.update for result in results] == [GOOD, GOOD, GOOD]
    assert results[-1].status.answered is not None
    assert results[-1].status.requests == 3


async def test_a_failure_keeps_the_time_of_the_last_good_answer() -> None:
    results, _ = await run(ScriptedSource("prom", GOOD, Unreachable("refused")), 2)
    good, bad = results
    assert bad.update is None
    assert bad.status.answered == good.status.answered == START
    assert (bad.status.failing, bad.status.word, bad.status.error) == (1, "unreachable", "refused")


async def test_an_error_text_with_controls_cannot_reach_the_terminal() -> None:
    results, _ = await run(ScriptedSource("prom", Unreachable("\x1b]0;owned\x07")), 1)
    assert "\x1b" not in results[0].status.error


async def test_a_fault_of_ours_is_a_failure_of_the_feed_and_polling_goes_on() -> None:
    results, _ = await run(ScriptedSource("prom", KeyError("labels"), GOOD), 2)
    assert results[0].status.word == "failed"
    assert "internal error: KeyError" in results[0].status.error
    assert results[1].status.failing == 0


async def test_backoff_grows_to_its_bound_and_ends_with_the_first_good_answer() -> None:
    failures = [Unreachable("refused")] * 6
    _, pauses = await run(ScriptedSource("prom", *failures, GOOD), 7, interval=1.0)
    assert pauses == [5.0, 10.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, 1.0]


async def test_feeds_of_one_source_share_its_twelve_requests_a_minute() -> None:
    _, pauses = await run(ScriptedSource("prom", Unreachable("refused")), 3, interval=1.0, siblings=3)
    assert min(pauses) >= 3 * FAILING_PAUSE


async def test_retry_after_is_obeyed() -> None:
    results, pauses = await run(ScriptedSource("prom", RateLimited("slow down", retry_after=120)), 1)
    assert pauses[0] >= 120
    assert results[0].status.retry_at is not None


async def test_an_absurd_retry_after_is_bounded() -> None:
    _, pauses = await run(ScriptedSource("prom", RateLimited("go away", retry_after=1e12)), 1)
    assert pauses[0] <= 3600 * 1.25


@pytest.mark.parametrize(("answer", "ends"), [(GOOD, True), (AccessDenied("expired"), False)])
async def test_a_poke_ends_the_wait_of_a_good_source_and_cannot_hurry_a_failing_one(
    answer: HealthUpdate | AccessDenied, ends: bool
) -> None:
    clock = FakeClock(START)
    seen: list[bool] = []
    waiting = asyncio.Event()

    async def wait(event: asyncio.Event, seconds: float) -> None:
        poller.poke()
        seen.append(event.is_set())
        waiting.set()
        await asyncio.Event().wait()

    poller = make(ScriptedSource("prom", answer), clock, wait, [])
    task = asyncio.create_task(poller.run())
    await waiting.wait()
    task.cancel()
    assert seen == [ends]


async def test_a_fault_while_reporting_does_not_end_the_feed() -> None:
    clock = FakeClock(START)
    wait = FakeWait(clock, 3)
    source = ScriptedSource("prom", GOOD)
    status = SourceStatus(name=source.name, kind=source.kind, interval=1.0, grace=5.0)

    def report(_: Result) -> None:
        raise ValueError

    poller = Poller(Topic.HEALTH, status, source.read_health, report, clock, wait=wait, chance=lambda: 0.0)
    task = asyncio.create_task(poller.run())
    await wait.done.wait()
    task.cancel()
    assert source.reads == 3


async def test_polls_never_overlap() -> None:
    running = 0
    most = 0

    class Slow(ScriptedSource):
        async def read_health(self) -> HealthUpdate:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return GOOD

    await run(Slow("prom", GOOD), 5)
    assert most == 1


async def test_a_source_that_never_answers_is_cut_off_at_its_deadline() -> None:
    class Hung(ScriptedSource):
        async def read_health(self) -> HealthUpdate:
            await asyncio.Event().wait()
            raise AssertionError

    results: list[Result] = []
    clock = FakeClock(START)
    status = SourceStatus(name=lit("prom"), kind=lit("x"), interval=1.0, grace=0.01)
    poller = Poller(Topic.HEALTH, status, Hung("prom", GOOD).read_health, results.append, clock, chance=lambda: 0.0)
    await poller.poll()
    assert results[0].status.word == "timed out"


@given(failures=st.integers(1, 40), interval=st.floats(0.1, 600), chance=st.floats(0, 1))
def test_no_failing_source_is_asked_more_than_twelve_times_a_minute(
    failures: int, interval: float, chance: float
) -> None:
    async def check() -> None:
        script = [SourceError("no")] * failures
        _, pauses = await run(ScriptedSource("prom", *script), failures, interval=interval, chance=chance)
        assert all(pause >= FAILING_PAUSE for pause in pauses)
        assert all(pause <= max(LONGEST_PAUSE, interval) * 1.25 for pause in pauses)

    asyncio.run(check())


@given(interval=st.floats(1, 3600))
def test_a_feed_is_stale_within_its_second_missed_poll(interval: float) -> None:
    clock = FakeClock(START)
    status = SourceStatus(name=lit("prom"), kind=lit("x"), interval=interval, answered=START, failing=1)
    clock.advance(interval * 2)
    assert status.freshness(clock.now()) is not Freshness.LIVE


class Rolling:
    """A source of rollouts that wants to be asked again after so many seconds."""

    def __init__(self, again_in: float | None) -> None:
        self.again_in = again_in

    async def read_rollouts(self) -> RolloutsUpdate:
        return RolloutsUpdate(at=START, again_in=self.again_in)


@pytest.mark.parametrize(
    ("again_in", "pause"),
    [(None, 30.0), (5.0, 5.0), (60.0, 30.0), (0.0, SOONEST), (-1.0, SOONEST), (float("nan"), SOONEST)],
)
async def test_while_something_rolls_a_source_is_asked_sooner_but_never_faster_than_a_floor(
    again_in: float | None, pause: float
) -> None:
    clock = FakeClock(START)
    wait = FakeWait(clock, 2)
    status = SourceStatus(name=lit("run/rollouts"), kind=lit("gcp"), interval=30.0, grace=5.0)
    poller = Poller(
        Topic.ROLLOUTS, status, Rolling(again_in).read_rollouts, lambda _: None, clock, wait=wait, chance=lambda: 0.0
    )
    task = asyncio.create_task(poller.run())
    await wait.done.wait()
    task.cancel()
    assert wait.pauses == [pause, pause]
