from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops import wiring
from tuiops.config.logs import FileLog
from tuiops.config.model import Config
from tuiops.config.sources import Bastion, HostConfig, PrometheusConfig
from tuiops.config.systems import RatioIndicator, Service, System, TcpProbe
from tuiops.config.values import Duration, Size
from tuiops.core.clock import SystemClock
from tuiops.hub.hub import Hub
from tuiops.hub.logbook import LogBook
from tuiops.hub.tail import LogPump
from tuiops.sources.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tuiops.hub.hub import Plan

CLOCK = SystemClock()
DEAD = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


def shop(**given: object) -> System:
    errors = RatioIndicator(source="prom", heading="ERR%", total="all", bad="bad", degraded="> 1%")
    parts: dict[str, object] = {"services": {"api": Service()}, "indicators": {"errors": errors}, **given}
    return System(**parts)  # type: ignore[arg-type] # the parts differ by test


def config(system: System, url: str = DEAD) -> Config:
    return Config(systems={"shop": system}, sources={"prom": PrometheusConfig(url=url), "host": HostConfig()})


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread or another task brings about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a book has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_reload_reads_no_log_again_and_old_lines_stay_readable(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    stream = FileLog(service="api", paths=(str(log),), history=Size(1_000_000))
    book = LogBook()
    shared = Shared()
    before = wiring.plan(config(shop(logs={"api": stream})), CLOCK, shared)
    hub = Hub(before, CLOCK, book, LogPump(book, CLOCK))
    await hub.start()
    await until(lambda: book.end - book.first == 100)
    relabelled = wiring.plan(config(shop(logs={"api": stream}, label="The shop")), CLOCK, shared)
    await hub.replace(relabelled)
    with log.open("a") as file:
        file.write("one more\n")
    await until(lambda: book.end - book.first > 100)
    assert book.end - book.first == 101
    first = book.line(book.first)
    assert first is not None
    assert first.raw == b"line 0"
    await hub.stop()


async def test_a_log_stream_that_is_no_longer_wanted_is_no_longer_named(tmp_path: Path) -> None:
    book = LogBook()
    missing = FileLog(paths=(str(tmp_path / "nothing.log"),))
    hub = Hub(wiring.plan(config(shop(logs={"gone": missing})), CLOCK), CLOCK, book, LogPump(book, CLOCK))
    await hub.start()
    await until(lambda: any(status.error for status in book.statuses()))
    await hub.replace(wiring.plan(config(shop()), CLOCK))
    await hub.stop()
    assert book.statuses() == ()


def test_what_is_wished_for_as_before_is_told_from_what_is_not() -> None:
    shared = Shared()
    first = wiring.plan(config(shop()), CLOCK, shared)
    same = wiring.plan(config(shop()), CLOCK, shared)
    relabelled = wiring.plan(config(shop(label="Another")), CLOCK, shared)
    elsewhere = wiring.plan(config(shop(), url="http://127.0.0.1:19"), CLOCK, shared)
    assert first.wishes == same.wishes
    assert relabelled.wishes["prom"] != first.wishes["prom"]
    assert relabelled.origins["prom"] == first.origins["prom"]
    assert elsewhere.origins["prom"] != first.origins["prom"]


def test_a_bastion_that_is_configured_as_before_stays_the_same_connection() -> None:
    shared = Shared()
    probe = TcpProbe(service="api", host="db", port=5432, via="tokyo")

    def through(port: int) -> Plan:
        system = shop(probes={"db": probe}, indicators={})
        return wiring.plan(
            Config(systems={"shop": system}, bastions={"tokyo": Bastion(host="b", port=port)}), CLOCK, shared
        )

    first, second, third = through(22), through(22), through(2222)
    assert first.shared == second.shared
    assert third.shared != first.shared
    assert first.wishes == second.wishes
    assert third.wishes != first.wishes


async def test_a_source_that_speaks_of_another_server_says_nothing_of_the_former_one() -> None:
    book = LogBook()
    hub = Hub(wiring.plan(config(shop()), CLOCK), CLOCK, book, LogPump(book, CLOCK))
    await hub.start()
    await hub.first_round(10)
    failed = hub.snapshot.feeds["prom"].status
    assert failed.failing == 1
    slower = PrometheusConfig(url=DEAD, interval=Duration(60))
    await hub.replace(wiring.plan(Config(systems={"shop": shop()}, sources={"prom": slower}), CLOCK))
    kept = hub._board.feed("prom")
    await hub.replace(wiring.plan(config(shop(), url="http://127.0.0.1:19"), CLOCK))
    fresh = hub._board.feed("prom")
    await hub.stop()
    assert kept is not None
    assert kept.status.tried is not None
    assert fresh is not None
    assert fresh.status.tried is None
