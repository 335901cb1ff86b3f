"""A source made of parts: what one of them does to the others, and to the whole."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.waiting import let_pass
from tuiops.config.clouds import GcpConfig
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.drift import Drift
from tuiops.core.health import Reading
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.text import EMPTY, SafeText, lit, safe
from tuiops.errors import AccessDenied, SourceError
from tuiops.sources.assembled import AssembledSource
from tuiops.sources.parts import PartHealth, PartRollouts
from tuiops.sources.quota import Quotas

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.sources.parts import Part

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


def source(*parts: Part) -> tuple[AssembledSource, Client]:
    clock = FakeClock(NOW)
    client = Client(clock)
    config = GcpConfig(project="shop-production", timeout=Duration(300))
    return AssembledSource((lit("cloud"), lit("gcp")), config, parts, client, clock), client


@pytest.mark.parametrize(
    ("trouble", "reason"), [(refused, "not enabled"), (silent, "silent gave no complete answer within 270s")]
)
async def test_a_part_in_trouble_takes_nothing_from_the_others(
    trouble: Callable[[], Awaitable[None]], reason: str
) -> None:
    made, _ = source(Kind("well", well), Kind("silent", trouble))

    reading = asyncio.create_task(made.read_health())
    await let_pass(285)
    update = await reading

    assert [one.unknown.partition(";")[0] for one in update.readings] == ["", reason]
    assert update.warnings[0].startswith(f"silent: {reason}")


async def test_when_all_fail_the_source_has_failed() -> None:
    made, _ = source(Kind("a", refused), Kind("b", silent))

    reading = asyncio.create_task(made.read_health())
    await let_pass(285)
    with pytest.raises(SourceError):
        await reading


async def test_a_source_without_parts_logs_in() -> None:
    made, client = source()

    assert (await made.read_health()).readings == ()
    assert client.logins == 1


class Rolls:
    """A part with a rollout under way, one that is over, and a drift."""

    def __init__(self, name: str) -> None:
        self.name = safe(name)
        self.trouble = well

    async def read_rollouts(self, at: datetime) -> PartRollouts:
        await self.trouble()
        phases = (Phase.RUNNING, Phase.SUCCEEDED)
        drift = Drift(
            system=lit("shop"), service=self.name, resource=self.name, what=lit("max instances"), expected=lit("20"),
            actual=lit("10"), source=lit("cloud/rollouts"),
        )  # fmt: skip
        return PartRollouts(
            rollouts=tuple(
                Rollout(
                    id=safe(f"{self.name} {phase.value}"), system=lit("shop"), service=self.name, phase=phase,
                    strategy=lit("canary"), started=NOW,
                )
                for phase in phases
            ),
            drifts=(drift,),
            moving=True,
        )  # fmt: skip


async def test_a_part_that_fails_ends_no_rollout_and_no_drift() -> None:
    run, hosting = Rolls("run"), Rolls("hosting")
    made, _ = source(run, hosting)
    before = await made.read_rollouts()
    run.trouble, hosting.trouble = refused, well

    during = await made.read_rollouts()

    assert [(one.id, one.phase, one.live) for one in during.rollouts if one.service == "run"] == [
        ("run running", Phase.UNKNOWN, True),
        ("run succeeded", Phase.SUCCEEDED, False),
    ]
    assert "not enabled" in next(one.message for one in during.rollouts if one.id == "run running")
    assert {drift.key for drift in during.drifts} == {drift.key for drift in before.drifts}
    assert during.again_in == before.again_in is not None
    assert during.warnings[0].startswith("run: not enabled")

    run.trouble = well
    assert await made.read_rollouts() == before


async def test_a_part_that_never_answered_has_no_rollouts() -> None:
    run = Rolls("run")
    run.trouble = refused
    made, _ = source(run, Rolls("hosting"))

    assert {one.service for one in (await made.read_rollouts()).rollouts} == {"hosting"}
