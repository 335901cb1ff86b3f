"""The simulated sources: the opening scene, agreement between what they say, and their troubles."""

from __future__ import annotations

import asyncio
import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiops.config.sources import SimulationConfig
from tuiops.config.values import Duration
from tuiops.core.alerts import Alert, AlertState
from tuiops.core.clock import FakeClock
from tuiops.core.health import Measure, State, judge, worst
from tuiops.core.rollouts import GateResult, Phase, Rollout
from tuiops.core.severity import Severity
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.errors import QueryRefused, RateLimited
from tuiops.sim.alerts import alerts_at
from tuiops.sim.logs import LogStream
from tuiops.sim.simulation import Simulation, build_simulation
from tuiops.sim.sources import Cloud, Metrics, Rollouts
from tuiops.sources.base import ReadsAlerts, ReadsBudgets, ReadsHealth, ReadsHistory, ReadsRollouts, TailsLogs

if TYPE_CHECKING:
    from tuiops.core.updates import Budget

START = datetime(2025, 3, 6, 5, 2, 11, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


def simulate(clock: FakeClock, *, seed: int = 1, speed: float = 1.0) -> Simulation:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    return build_simulation(SimulationConfig(seed=seed, speed=speed, interval=Duration(1)), clock, sleep)


@pytest.fixture
def simulation(clock: FakeClock) -> Simulation:
    return simulate(clock)


def named(simulation: Simulation, name: str) -> object:
    return next(source for source in simulation.sources() if source.name == name)


def stream(simulation: Simulation, service: str) -> LogStream:
    source = named(simulation, f"sim-log-{service}")
    assert isinstance(source, LogStream)
    return source


async def all_alerts(simulation: Simulation) -> list[Alert]:
    return [
        alert
        for source in simulation.sources()
        if isinstance(source, ReadsAlerts)
        for alert in (await source.read_alerts()).alerts
    ]


async def all_rollouts(simulation: Simulation) -> list[Rollout]:
    return [
        rollout
        for source in simulation.sources()
        if isinstance(source, ReadsRollouts)
        for rollout in (await source.read_rollouts()).rollouts
    ]


async def all_budgets(simulation: Simulation) -> list[Budget]:
    return [
        budget
        for source in simulation.sources()
        if isinstance(source, ReadsBudgets)
        for budget in (await source.read_budgets()).budgets
    ]


def test_sources_have_the_abilities_of_what_they_stand_for(simulation: Simulation) -> None:
    names = [source.name for source in simulation.sources()]
    assert len(names) == len(set(names))
    prometheus, cloud = named(simulation, "sim-prometheus"), named(simulation, "sim-manga")
    assert isinstance(prometheus, ReadsHealth) and isinstance(prometheus, ReadsHistory)  # noqa: PT018 - one claim
    assert not isinstance(prometheus, ReadsAlerts)
    assert isinstance(named(simulation, "sim-alertmanager"), ReadsAlerts)
    assert isinstance(named(simulation, "sim-ecs"), ReadsRollouts)
    for ability in (ReadsHealth, ReadsAlerts, ReadsRollouts, ReadsBudgets, ReadsHistory):
        assert isinstance(cloud, ability)
    assert isinstance(named(simulation, "sim-log-pricealert-api"), TailsLogs)


async def test_opening_alerts(simulation: Simulation) -> None:
    alerts = await all_alerts(simulation)
    firing = [alert for alert in alerts if alert.active]
    assert sum(alert.state is AlertState.SILENCED for alert in alerts) == 2
    assert sum(alert.state is AlertState.INHIBITED for alert in alerts) == 1
    assert len(firing) == 7
    (page,) = [alert for alert in firing if alert.severity is Severity.P1]
    assert (page.system, page.service) == ("pricealert", "api")
    assert page.summary.startswith("error rate 6.")
    assert page.due == START + timedelta(minutes=12, seconds=31)
    assert {(alert.system, alert.service) for alert in firing if alert.severity is Severity.P2} == {
        ("pricealert", "rds"),
        ("manga", "phase6"),
    }


async def test_opening_health(simulation: Simulation) -> None:
    assert await verdict(simulation, "sim-prometheus", "api") is State.DOWN
    assert await verdict(simulation, "sim-prometheus", "rds") is State.DEGRADED
    assert await verdict(simulation, "sim-prometheus", "worker") is State.OK
    assert await verdict(simulation, "sim-manga", "phase6") is State.DEGRADED
    assert await verdict(simulation, "sim-omniy", "functions") is State.DEGRADED


async def verdict(simulation: Simulation, source: str, service: str) -> State:
    metrics = named(simulation, source)
    assert isinstance(metrics, Metrics)
    update = await metrics.read_health()
    status = SourceStatus(name=metrics.name, kind=metrics.kind, interval=1, answered=update.at)
    readings = {(reading.service, reading.indicator): reading for reading in update.readings}
    (found,) = [each for each in update.declares[0].services if each.service == service]
    return worst(
        judge(
            Measure(indicator=measure.indicator, reading=readings[found.service, measure.indicator.id]),
            status,
            update.at,
        )
        for measure in found.measures
    ).state


async def test_every_declared_indicator_has_a_reading(simulation: Simulation) -> None:
    for source in simulation.sources():
        if isinstance(source, ReadsHealth):
            update = await source.read_health()
            (system,) = update.declares
            declared = {
                (service.service, measure.indicator.id) for service in system.services for measure in service.measures
            }
            assert {(reading.service, reading.indicator) for reading in update.readings} == declared


async def test_opening_rollouts(simulation: Simulation, clock: FakeClock) -> None:
    rollouts = await all_rollouts(simulation)
    (canary,) = [rollout for rollout in rollouts if rollout.live]
    assert (canary.system, canary.service, canary.weight) == ("tokyo", "chat", 0.1)
    assert [step.phase for step in canary.steps][:4] == [Phase.SUCCEEDED] * 3 + [Phase.RUNNING]
    assert canary.steps[3].ends == START + timedelta(minutes=3, seconds=12)
    assert canary.gates[0].result is GateResult.PASS
    cause = next(rollout for rollout in rollouts if rollout.system == "pricealert" and rollout.new == "api:118")
    (page,) = [alert for alert in await all_alerts(simulation) if alert.severity is Severity.P1]
    assert page.started - cause.started == timedelta(minutes=7)
    clock.advance(200)
    tokyo = named(simulation, "sim-tokyo")
    assert isinstance(tokyo, Rollouts)
    (canary, *_) = (await tokyo.read_rollouts()).rollouts
    assert canary.live
    assert canary.share_set == 1.0
    assert canary.weight is not None
    assert 0.1 < canary.weight < 1.0


async def test_a_failed_gate_takes_the_release_back(simulation: Simulation, clock: FakeClock) -> None:
    clock.advance(7500 + 572)
    (failed,) = [
        rollout
        for rollout in await all_rollouts(simulation)
        if rollout.phase is Phase.ROLLED_BACK and rollout.ended == clock.now()
    ]
    assert failed.gates[0].result is GateResult.FAIL
    assert [step.phase for step in failed.steps][3:] == [Phase.FAILED, Phase.WAITING, Phase.WAITING]
    assert failed.weight == 0.0


async def test_budgets_shrink_while_an_incident_lasts(simulation: Simulation, clock: FakeClock) -> None:
    before = {str(budget.system): budget.left for budget in await all_budgets(simulation)}
    assert before["pricealert"] == pytest.approx(0.19)
    clock.advance(600)
    after = {str(budget.system): budget for budget in await all_budgets(simulation)}
    assert after["pricealert"].left < before["pricealert"] - 0.02
    assert after["pricealert"].gone_at is not None
    assert after["manga"].gone_at is None


async def test_one_vendor_refusing_silences_only_its_own_system(simulation: Simulation, clock: FakeClock) -> None:
    sagebase, omniy = named(simulation, "sim-sagebase"), named(simulation, "sim-omniy")
    assert isinstance(sagebase, Cloud)
    assert isinstance(omniy, Cloud)
    await sagebase.read_health()
    clock.advance(30)
    for read in (sagebase.read_health, sagebase.read_alerts, sagebase.read_rollouts, sagebase.read_budgets):
        with pytest.raises(RateLimited, match="429") as refused:
            await read()
        assert refused.value.retry_after == 60
    await omniy.read_health()
    clock.advance(420)
    await sagebase.read_health()


@settings(max_examples=60)
@given(st.integers(0, 99), st.floats(0, 72 * 3600))
def test_a_firing_alert_agrees_with_its_metric(seed: int, t: float) -> None:
    world = simulate(FakeClock(START), seed=seed).world
    for system in world.systems.values():
        rules = {alert.name: alert for incident in system.incidents for alert in incident.alerts}
        for alert in alerts_at(world, system, t, lit("sim")):
            if alert.state is AlertState.PENDING:
                continue
            rule = rules[alert.name]
            track = world.track(system.id, rule.service, rule.metric)
            assert track is not None
            # An alert ends a quarter of a minute after its incident.
            assert world.limit(track, rule.limit).crossed(world.value(track, t - 15))


async def test_history_is_what_was_read(simulation: Simulation, clock: FakeClock) -> None:
    metrics = named(simulation, "sim-prometheus")
    assert isinstance(metrics, Metrics)
    readings = (await metrics.read_health()).readings
    read = next(reading for reading in readings if (reading.service, reading.indicator) == ("api", "errors"))
    clock.advance(3600)
    end = clock.now()
    (series,) = await metrics.read_history("pricealert", "api", "errors", end - timedelta(hours=24), end, 60)
    assert len(series.points) == 24 * 60
    assert [point.at for point in series.points] == sorted(point.at for point in series.points)
    (series,) = await metrics.read_history("pricealert", "api", "errors", START, START, 1)
    assert [(point.at, point.value) for point in series.points] == [(START.timestamp(), read.value)]


async def test_history_refuses_what_it_cannot_answer(simulation: Simulation) -> None:
    metrics = named(simulation, "sim-prometheus")
    assert isinstance(metrics, Metrics)
    with pytest.raises(QueryRefused, match="knows no"):
        await metrics.read_history("pricealert", "api", "unheard", START, START, 1)
    with pytest.raises(QueryRefused, match="knows no"):
        await metrics.read_history("manga", "phase1", "errors", START, START, 1)
    with pytest.raises(QueryRefused, match="longer step"):
        await metrics.read_history("pricealert", "api", "errors", START - timedelta(days=2), START, 1)


async def test_no_traffic_is_nan_and_left_out_of_history(simulation: Simulation, clock: FakeClock) -> None:
    metrics = named(simulation, "sim-tokyo")
    assert isinstance(metrics, Metrics)
    seen: set[bool] = set()
    for _ in range(20):
        readings = (await metrics.read_health()).readings
        seen.add(any(math.isnan(reading.value) for reading in readings if reading.value is not None))
        clock.advance(240)
    assert seen == {True, False}
    end = clock.now()
    (series,) = await metrics.read_history("tokyo", "staging", "errors", end - timedelta(hours=2), end, 60)
    assert 0 < len(series.points) < 120


@pytest.mark.parametrize("seed", [1, 7])
async def test_equal_seeds_give_equal_worlds(seed: int) -> None:
    async def tell(seed: int) -> tuple[object, ...]:
        clock = FakeClock(START)
        simulation = simulate(clock, seed=seed)
        clock.advance(5 * 3600)
        lines = stream(simulation, "pricealert-api").lines(START, START + timedelta(minutes=1))
        return await all_alerts(simulation), await all_rollouts(simulation), await all_budgets(simulation), lines

    assert await tell(seed) == await tell(seed)
    assert await tell(seed) != await tell(seed + 1)


async def test_speed_compresses_time_everywhere(clock: FakeClock) -> None:
    simulation = simulate(clock, speed=60)
    (page,) = [alert for alert in await all_alerts(simulation) if alert.severity is Severity.P1]
    assert page.started == START - timedelta(seconds=149 / 60)
    assert page.due == page.started + timedelta(seconds=15)


async def test_a_day_is_never_without_incidents_for_long(clock: FakeClock) -> None:
    simulation = simulate(clock)
    names: set[str] = set()
    quiet = 0
    for _ in range(24 * 4):
        clock.advance(900)
        firing: set[str] = set()
        for source in simulation.sources():
            if isinstance(source, ReadsAlerts):
                try:
                    update = await source.read_alerts()
                except RateLimited:
                    continue
                assert update.watchdog is True
                firing |= {alert.name for alert in update.alerts if alert.active}
        names |= firing
        quiet = 0 if firing else quiet + 1
        assert quiet < 16
    assert {"ErrorBudgetBurnFast", "LongCeleryQueue", "PaymentFailure", "DatabaseConnectionFailures"} <= names


async def test_tail_is_the_stream_without_gaps_or_repeats(simulation: Simulation, clock: FakeClock) -> None:
    source = stream(simulation, "pricealert-api")
    data = b""
    async for chunk in source.tail():
        assert chunk.data.endswith(b"\n") or not chunk.data
        data += chunk.data
        if clock.now() >= START + timedelta(seconds=20):
            break
    assert data == source.lines(START - timedelta(seconds=180), clock.now())


async def test_tail_says_that_the_clock_jumped_and_stays_bounded(simulation: Simulation, clock: FakeClock) -> None:
    tail = stream(simulation, "pricealert-api").tail()
    await anext(tail)
    clock.advance(6 * 3600)
    chunk = await anext(tail)
    assert "jumped" in chunk.note
    assert chunk.data.count(b"\n") <= 181 * 40


async def test_tail_can_be_cancelled(clock: FakeClock) -> None:
    simulation = build_simulation(SimulationConfig(), clock)
    tail = stream(simulation, "pricealert-api").tail()
    await anext(tail)
    waiting = asyncio.ensure_future(anext(tail))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_logs_tell_of_the_incident(simulation: Simulation) -> None:
    source = stream(simulation, "pricealert-api")
    bad = source.lines(START, START + timedelta(minutes=2)).splitlines()
    good = source.lines(START + timedelta(hours=1), START + timedelta(hours=1, minutes=2)).splitlines()
    assert any(b"connection to rds-1 refused" in line for line in bad)
    assert any(b"Traceback" in line for line in bad)
    errors = [sum(json.loads(line)["level"] != "INFO" for line in lines) for lines in (bad, good)]
    assert errors[0] > 20 * max(1, errors[1])


def test_formats_of_the_streams(simulation: Simulation) -> None:
    record = json.loads(stream(simulation, "pricealert-api").lines(START, START + timedelta(minutes=1)).splitlines()[0])
    assert datetime.fromisoformat(record["timestamp"]).tzinfo is None
    assert {"level", "logger", "message", "module", "function", "line", "request_id", "user_id"} <= set(record)
    record = json.loads(stream(simulation, "tokyo-chat").lines(START, START + timedelta(minutes=1)).splitlines()[0])
    assert {"timestamp", "level", "message", "service", "requestId", "sessionId"} <= set(record)
    text = stream(simulation, "sagebase-streamlit").lines(START + timedelta(seconds=8300), START + timedelta(hours=3))
    assert b"\nTraceback (most recent call last):\n" in text
    assert "議事録".encode() in text


@pytest.mark.parametrize("system", ["pricealert", "manga", "tokyo", "omniy", "sagebase"])
def test_every_system_writes_whole_lines_at_a_bounded_rate(simulation: Simulation, system: str) -> None:
    for source in simulation.sources():
        if isinstance(source, LogStream) and source.system == system:
            data = source.lines(START, START + timedelta(minutes=2))
            assert data.endswith(b"\n")
            assert 5 <= data.count(b"\n") <= 120 * 40


async def test_closing_twice_is_harmless(simulation: Simulation) -> None:
    for source in simulation.sources():
        await source.close()
        await source.close()
