"""A source made of parts: what one of them does to the others, and to the whole."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tuiops.config.clouds import GcpConfig
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.health import Reading
from tuiops.core.text import EMPTY, SafeText, lit, safe
from tuiops.errors import AccessDenied, SourceError
from tuiops.sources.assembled import AssembledSource
from tuiops.sources.parts import PartHealth
from tuiops.sources.quota import Quotas

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class Client:
    """Counts how often somebody logs in."""

    def __init__(self, clock: FakeClock) -> None:
        self.quotas = Quotas({}, {}, clock)
        self.requests = 0
        self.logins = 0

    async def log_in(self) -> None:
        self.logins += 1

    async def close(self) -> None: ...


class Kind:
    """A part with one reading."""

    def __init__(self, name: str, read: Callable[[], Awaitable[None]]) -> None:
        self.name = safe(name)
        self._read = read

    async def read_health(self, at: datetime) -> PartHealth:
        await self._read()
        return PartHealth(readings=(self._reading(at),))

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return (self._reading(at, reason),)

    def _reading(self, at: datetime, unknown: SafeText = EMPTY) -> Reading:
        return Reading(system=lit("shop"), service=self.name, indicator=lit("x"), at=at, value=0.0, unknown=unknown)


async def well() -> None: ...


async def refused() -> None:
    raise AccessDenied("not enabled")


async def silent() -> None:
    await asyncio.Event().wait()


def source(*parts: Kind) -> tuple[AssembledSource, Client]:
    clock = FakeClock(NOW)
    client = Client(clock)
    config = GcpConfig(project="shop-production", timeout=Duration(0.1))
    return AssembledSource((lit("cloud"), lit("gcp")), config, parts, client, clock), client


@pytest.mark.parametrize(
    ("trouble", "reason"), [(refused, "not enabled"), (silent, "silent gave no complete answer within 0.09s")]
)
async def test_a_part_in_trouble_takes_nothing_from_the_others(
    trouble: Callable[[], Awaitable[None]], reason: str
) -> None:
    made, _ = source(Kind("well", well), Kind("silent", trouble))

    update = await made.read_health()

    assert [one.unknown.partition(";")[0] for one in update.readings] == ["", reason]
    assert update.warnings[0].startswith(f"silent: {reason}")


async def test_when_all_fail_the_source_has_failed() -> None:
    made, _ = source(Kind("a", refused), Kind("b", silent))

    with pytest.raises(SourceError):
        await made.read_health()


async def test_a_source_without_parts_logs_in() -> None:
    made, client = source()

    assert (await made.read_health()).readings == ()
    assert client.logins == 1
