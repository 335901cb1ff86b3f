"""The machine that the tests run on, as it really is."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from tuiops.config.sources import HostConfig
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.core.health import Indicator, Limit
from tuiops.core.text import fmt, lit, safe
from tuiops.core.units import Unit
from tuiops.errors import TimedOut
from tuiops.sources.base import ReadsHealth
from tuiops.sources.host.disks import Disks
from tuiops.sources.host.machine import Machine
from tuiops.sources.host.report import Reporter, Seen
from tuiops.sources.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.health import Reading
    from tuiops.core.updates import HealthUpdate


def _source(config: HostConfig | None = None) -> HostSource:
    return HostSource("here", config or HostConfig(), environment=lit("test"), clock=SystemClock())


def _readings(update: HealthUpdate) -> dict[tuple[str, str], Reading]:
    return {(reading.service, reading.indicator): reading for reading in update.readings}


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_the_first_answer_already_has_rates() -> None:
    update = await _source().read_health()
    readings = _readings(update)
    cpu = readings["cpu", "cpu"].value
    assert cpu is not None
    assert 0 <= cpu <= 1
    memory = readings["memory", "memory"].value
    assert memory is not None
    assert 0 < memory < 1
    processes = readings["processes", "processes"].value
    assert processes is not None
    assert processes >= 1
    used = readings["disk:/", "disk"].value
    assert used is not None
    assert 0 < used <= 1
    assert all(reading.value is not None for reading in update.readings)


async def test_what_is_read_is_declared_and_what_is_declared_is_read() -> None:
    source = _source(HostConfig(system="box", label="a\x1b[2Jbox", units=False))
    update = await source.read_health()
    (system,) = update.declares
    assert system.system == "box"
    assert system.label == safe("a\x1b[2Jbox")
    declared = {(s.service, m.indicator.id) for s in system.services for m in s.measures}
    assert declared == set(_readings(update))
    assert {m.indicator.source for s in system.services for m in s.measures} == {source.name}
    assert all(len(m.indicator.heading) <= 6 for s in system.services for m in s.measures)
    assert isinstance(source, ReadsHealth)


async def test_two_answers_declare_the_same() -> None:
    source = _source(HostConfig(mounts=("/",)))
    assert (await source.read_health()).declares == (await source.read_health()).declares


async def test_limits_come_from_the_configuration() -> None:
    update = await _source(HostConfig(disk="> 12%", disk_down="> 34%", mounts=("/",))).read_health()
    limits = {m.indicator.id: m.indicator for s in update.declares[0].services for m in s.measures}
    assert limits[lit("disk")].degraded == Limit.parse("> 12%", Unit.RATIO)
    assert limits[lit("disk")].down == Limit.parse("> 34%", Unit.RATIO)


async def test_a_process_that_must_run() -> None:
    name = psutil.Process().name()
    readings = _readings(await _source(HostConfig(processes=(name, "no-such-program"))).read_health())
    assert not readings[f"process:{name}", "running"].problem
    assert readings["process:no-such-program", "running"].problem == "not running"


async def test_when_the_machine_and_its_processes_were_started() -> None:
    name = psutil.Process().name()
    host = _source(HostConfig(processes=(name, "no-such-process")))
    first, second = await host.read_health(), await host.read_health()
    await host.close()
    assert first.happened == second.happened
    machine, process = first.happened
    assert (machine.system, machine.service, machine.text) == ("host", "", "machine started")
    assert abs(machine.at.timestamp() - psutil.boot_time()) < 2
    assert (process.service, process.text) == (f"process:{name}", f"process {name} started")
    assert machine.at <= process.at <= first.at


async def test_what_goes_up_and_down_by_the_second_is_held() -> None:
    update = await _source(HostConfig(hold=Duration(7))).read_health()
    held = {
        str(measure.indicator.id): measure.indicator.hold
        for service in update.declares[0].services
        for measure in service.measures
        if measure.indicator.degraded is not None
    }
    assert held["cpu"] == held["memory"] == 7
    assert held["disk"] == 0
    assert float(HostConfig().hold) == 60


async def test_a_port_that_must_be_listened_on(listener: int) -> None:
    source = _source(HostConfig(listeners=(listener, 1)))
    update = await source.read_health()
    readings = _readings(update)
    assert not readings[f"listener:{listener}", "listening"].problem
    assert readings["listener:1", "listening"].problem == "nothing listens on port 1"
    labels = {service.service: service.label for service in update.declares[0].services}
    assert labels[fmt("listener:{}", listener)] == f"{psutil.Process().name()} :{listener}"


async def test_a_listener_that_ends_keeps_the_name_of_who_is_missing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = _source(HostConfig(listeners=(port,)))
        before = await source.read_health()
    after = await source.read_health()
    assert _readings(after)[f"listener:{port}", "listening"].problem
    assert after.declares == before.declares


async def test_a_mount_that_must_be_there() -> None:
    readings = _readings(await _source(HostConfig(mounts=("/", "/no/such\x1b[2J"))).read_health())
    assert not readings["disk:/", "disk"].problem
    problem = next(r for (service, _), r in readings.items() if "such" in service)
    assert problem.problem == "not mounted"
    assert problem.service.isprintable()


def test_looks_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(HostConfig(), SystemClock())
    entered, leave = threading.Event(), threading.Event()

    def hang(self: Disks) -> Iterator[Seen]:
        entered.set()
        leave.wait(10)
        yield from ()

    monkeypatch.setattr(Disks, "look", hang)
    thread = threading.Thread(target=machine.look)
    thread.start()
    try:
        assert entered.wait(10)
        with pytest.raises(TimedOut):
            machine.look()
    finally:
        leave.set()
        thread.join()


@pytest.mark.parametrize("missing", ["cpu_times", "virtual_memory", "net_io_counters", "disk_io_counters"])
@pytest.mark.parametrize("error", [psutil.AccessDenied(), FileNotFoundError(), AttributeError(), RuntimeError()])
async def test_a_sensor_that_is_missing_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, missing: str, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    source = _source(HostConfig(units=False))
    before = await source.read_health()
    monkeypatch.setattr(psutil, missing, fail)
    after = await source.read_health()
    assert len(after.readings) < len(before.readings)
    assert after.declares == before.declares, "what could be read before stays on screen, grey"
    assert after.warnings
    fresh = await _source(HostConfig(units=False)).read_health()
    assert not fresh.warnings, "what never was there is not missed"


def test_a_measure_that_goes_missing_is_a_warning_and_a_file_system_that_goes_is_not() -> None:
    shapes = {
        name: Indicator(system=lit("box"), id=name, heading=name, unit=Unit.RATIO, source=lit("here"))
        for name in (lit("cpu"), lit("disk"))
    }
    reporter = Reporter(lit("box"), lit("box"), lit("test"), shapes)
    at = SystemClock().now()
    cpu = Seen(lit("cpu"), lit("CPU"), lit("cpu"), 0.5)
    stick = Seen(lit("disk:/mnt"), lit("/mnt"), lit("disk"), 0.5, lasting=False)
    both = reporter.update(at, (cpu, stick))
    assert [service.service for service in both.declares[0].services] == ["cpu", "disk:/mnt"]
    none = reporter.update(at, ())
    assert [service.service for service in none.declares[0].services] == ["cpu"]
    assert none.warnings == ("CPU: cpu cannot be read",)
    assert none.readings == ()
    again = reporter.update(at, (stick, cpu))
    assert [service.service for service in again.declares[0].services] == ["disk:/mnt", "cpu"]


async def test_the_loop_is_free_while_the_machine_is_looked_at() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await _source().read_health()
    ticking.cancel()
    assert ticks > 10


_HOSTILE = "\x1b]0;x\x07"


@pytest.fixture
def _hostile_process() -> Iterator[None]:
    """A process that took a name with control characters (Linux)."""
    program = f"open('/proc/self/comm', 'w').write({_HOSTILE!r}); print(flush=True); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()


@pytest.mark.usefixtures("_hostile_process")
async def test_the_name_of_a_hostile_process_comes_out_safe() -> None:
    source = _source(HostConfig(processes=(_HOSTILE,)))
    readings = _readings(await source.read_health())
    assert all(service.isprintable() for service, _ in readings)
    assert readings[f"process:{safe(_HOSTILE)}", "running"].value == 1
