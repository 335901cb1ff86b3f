from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.hub.fakes import START, AlertSource, ScriptedSource, alert, reading, shop
from tests.ui.desk import run
from tests.waiting import eventually
from tuiops.core.clock import FakeClock
from tuiops.core.snapshot import Environment, Snapshot
from tuiops.core.text import lit
from tuiops.core.updates import AlertsUpdate, HealthUpdate, Series, SeriesPoint
from tuiops.errors import ConfigError, Fault, NotFound, Unreachable
from tuiops.hub.hub import Hub, Plan
from tuiops.hub.logbook import LogBook
from tuiops.hub.thread import HubThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from tuiops.sources.base import Source, TailsLogs

GOOD = HealthUpdate(at=START, readings=(reading("api", 0.3),))
ENVIRONMENT = Environment(lit("test"))


async def no_logs(source: TailsLogs) -> None:
    await asyncio.Event().wait()


def plan(*sources: Source, services: tuple[str, ...] = ("api",)) -> Plan:
    return Plan(environment=ENVIRONMENT, declared=(shop(*services),), sources=sources)


def make(*sources: Source) -> Hub:
    return Hub(plan(*sources), FakeClock(START), LogBook(), no_logs, chance=lambda: 0.0)


class Remembering(ScriptedSource):
    """Has a past."""

    async def read_history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        point = SeriesPoint((end - timedelta(minutes=5)).timestamp(), 0.42)
        return (Series(label=lit("past"), points=(point,)),)


async def test_the_first_round_ends_when_every_feed_has_answered_or_failed() -> None:
    bad = ScriptedSource("broken", Unreachable("refused"))
    hub = make(ScriptedSource("prom", GOOD), bad, AlertSource("am", AlertsUpdate(at=START, alerts=(alert("a"),))))
    await hub.start()
    await hub.first_round(5)
    await hub.stop()
    assert hub.snapshot.systems[0].services[0].measures[0].reading == GOOD.readings[0]
    assert [a.name for a in hub.snapshot.alerts] == ["a"]
    assert {name: feed.status.word for name, feed in hub.snapshot.feeds.items()} == {
        "prom": "",
        "broken": "unreachable",
        "am/alerts": "",
    }


async def test_stopping_closes_every_source_even_when_one_refuses() -> None:
    class Stuck(ScriptedSource):
        async def close(self) -> None:
            await asyncio.Event().wait()

    good = ScriptedSource("prom", GOOD)
    hub = make(Stuck("stuck", GOOD), good)
    await hub.start()
    await hub.stop()
    assert good.closed


async def test_another_plan_keeps_the_rows_of_feeds_that_stay() -> None:
    class Silent(ScriptedSource):
        async def read_health(self) -> HealthUpdate:
            await asyncio.Event().wait()
            raise AssertionError

    first = ScriptedSource("prom", GOOD)
    hub = make(first, ScriptedSource("gone", GOOD))
    await hub.start()
    await hub.first_round(5)
    await hub.replace(plan(Silent("prom", GOOD), services=("api", "web")))
    await hub.first_round(0)
    await hub.stop()
    assert first.closed
    assert list(hub.snapshot.feeds) == ["prom"]
    api, web = hub.snapshot.systems[0].services
    assert api.measures[0].reading == GOOD.readings[0]
    assert web.measures[0].reading is None


async def test_sparklines_begin_with_the_past_that_the_source_keeps() -> None:
    source = Remembering("prom", GOOD)
    hub = make(source)
    published = asyncio.Event()

    def look(snapshot: Snapshot) -> None:
        if 0.42 in snapshot.systems[0].services[0].measures[0].trend:
            published.set()
        else:
            hub.poke()

    hub.bus.subscribe(look)
    await hub.start()
    await eventually(published.is_set, "a trend with what was remembered")
    await hub.stop()


async def test_history_comes_from_the_source_of_the_indicator_or_says_that_there_is_none() -> None:
    hub = make(Remembering("prom", GOOD))
    (series,) = await hub.history("shop", "api", "errors", START, START, 30)
    assert series.label == "past"
    with pytest.raises(NotFound, match="prom keeps no history"):
        await make(ScriptedSource("prom", GOOD)).history("shop", "api", "errors", START, START, 30)


def in_thread(*sources: Source, reloads: list[Plan | ConfigError] | None = None) -> HubThread:
    async def build() -> Hub:
        return make(*sources)

    async def replay() -> AsyncIterator[Plan | ConfigError]:
        for change in reloads or []:
            yield change

    first = Snapshot(version=0, at=START, environment=ENVIRONMENT)
    return HubThread(first, LogBook(), FakeClock(START), build, replay if reloads is not None else None)


def test_a_thread_of_its_own_publishes_snapshots_and_ends_when_told() -> None:
    backend = in_thread(ScriptedSource("prom", GOOD))
    seen = threading.Event()
    threads: set[str] = set()

    def listen(snapshot: Snapshot) -> None:
        threads.add(threading.current_thread().name)
        if snapshot.systems and snapshot.systems[0].services[0].measures[0].reading is not None:
            seen.set()

    unsubscribe = backend.subscribe(listen)
    backend.start()
    backend.start()
    assert seen.wait(5)
    assert threads == {"hub"}
    unsubscribe()
    backend.stop()
    assert backend.snapshot.systems


def test_runs_are_published_like_other_news_from_whatever_thread() -> None:
    backend = in_thread(ScriptedSource("prom", GOOD))
    backend.set_runs((run(42),))
    came, there = threading.Event(), threading.Event()

    def listen(snapshot: Snapshot) -> None:
        if snapshot.systems:
            there.set()
        if snapshot.runs:
            came.set()

    backend.subscribe(listen)
    backend.start()
    assert there.wait(5)
    backend.set_runs((run(43),))
    assert came.wait(5)
    backend.stop()
    assert [one.number for one in backend.snapshot.runs] == [43]


async def test_trouble_with_the_record_stands_beside_other_notices_until_it_is_over() -> None:
    hub = make(ScriptedSource("prom", GOOD))
    hub.tell(lit("configuration not reloaded"))
    hub.set_trouble(lit("ledger: the disk is full"))
    await hub.start()
    await hub.first_round(5)
    assert list(hub.snapshot.notices) == ["configuration not reloaded", "ledger: the disk is full"]
    hub.set_trouble(lit(""))
    await hub.first_round(5)
    await hub.stop()
    assert list(hub.snapshot.notices) == ["configuration not reloaded"]


def test_before_the_hub_is_up_history_says_so_and_a_poke_does_nothing() -> None:
    backend = in_thread(ScriptedSource("prom", GOOD))
    backend.poke()
    with pytest.raises(Unreachable, match="still starting"):
        asyncio.run(backend.history("shop", "api", "errors", START, START, 30))
    backend.stop()


def test_a_hub_that_cannot_be_built_says_why_on_screen() -> None:
    async def build() -> Hub:
        raise ConfigError([Fault("config.toml", "sources.prom.bearer.env", "PROM_TOKEN is not set", "export it")])

    first = Snapshot(version=0, at=START, environment=ENVIRONMENT)
    backend = HubThread(first, LogBook(), FakeClock(START), build)
    said = threading.Event()
    backend.subscribe(lambda _: said.set())
    backend.start()
    assert said.wait(5)
    backend.stop()
    assert "PROM_TOKEN is not set" in backend.snapshot.notices[0]


def test_a_wrong_configuration_is_told_and_the_old_one_goes_on() -> None:
    wrong = ConfigError([Fault("config.toml", "sources.prom.url", "is not an address")])
    backend = in_thread(ScriptedSource("prom", GOOD), reloads=[wrong])
    told = threading.Event()

    def listen(snapshot: Snapshot) -> None:
        if snapshot.notices and snapshot.systems:
            told.set()

    backend.subscribe(listen)
    backend.start()
    assert told.wait(5)
    backend.stop()
    assert "sources.prom.url" in backend.snapshot.notices[1]
    assert "prom" in backend.snapshot.feeds


def test_a_listener_that_fails_harms_no_other() -> None:
    backend = in_thread(ScriptedSource("prom", GOOD))
    seen = threading.Event()

    def fail(_: Snapshot) -> None:
        raise RuntimeError

    backend.subscribe(fail)
    backend.subscribe(lambda _: seen.set())
    backend.start()
    assert seen.wait(5)
    backend.stop()
