"""The parts of a look at the machine, where the machine of the tests cannot be made to misbehave."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.config.sources import HostConfig
from tuiops.core.clock import SystemClock
from tuiops.core.health import Measure, Reading, State, judge
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.sources.host.counters import Counters, Disk, Traffic, cpu_between, disk_between, traffic_between
from tuiops.sources.host.disks import Disks, mount_points, space_used
from tuiops.sources.host.indicators import host_indicators
from tuiops.sources.host.machine import parse_pressure
from tuiops.sources.host.units import failed_units, look_at_units

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COUNTS = st.floats(0, 1e12)


def _statvfs(*, blocks: int = 100, free: int = 50, files: int = 10, read_only: bool = False) -> os.statvfs_result:
    flags = os.ST_RDONLY if read_only else 0
    return os.statvfs_result((4096, 4096, blocks, free, free, files, files // 2, files // 2, flags, 255))


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], os.statvfs_result]]:
    """File systems by mount point; the test decides what each answers."""
    answers: dict[str, Callable[[], os.statvfs_result]] = {}
    monkeypatch.setattr("tuiops.sources.host.disks.mount_points", lambda: tuple(answers))
    monkeypatch.setattr(os, "statvfs", lambda point: answers[point]())
    return answers


# --- counters


@given(before=st.lists(_COUNTS, min_size=6, max_size=6), after=st.lists(_COUNTS, min_size=6, max_size=6))
def test_shares_of_the_processors_are_shares(before: list[float], after: list[float]) -> None:
    names = ("user", "nice", "system", "idle", "iowait", "steal")
    first = Counters(0, dict(zip(names, before, strict=True)), {}, None)
    second = Counters(1, dict(zip(names, after, strict=True)), {}, None)
    cpu = cpu_between(first, second)
    if cpu is not None:
        assert 0 <= cpu.busy <= 1
        assert cpu.iowait is not None
        assert 0 <= cpu.iowait <= 1


def test_use_of_the_processors_leaves_out_waiting_and_counts_guests_once() -> None:
    before = Counters(0, {"user": 0, "idle": 0, "iowait": 0, "guest": 0}, {}, None)
    after = Counters(1, {"user": 30, "idle": 60, "iowait": 10, "guest": 30}, {}, None)
    cpu = cpu_between(before, after)
    assert cpu is not None
    assert cpu.busy == pytest.approx(0.3)
    assert cpu.iowait == pytest.approx(0.1)
    assert cpu.steal is None


def test_no_time_between_two_looks_is_no_answer() -> None:
    same = Counters(5, {"user": 1, "idle": 1}, {"eth0": Traffic(1, 1, 0, 0)}, Disk(1, 1))
    assert cpu_between(same, same) is None
    assert traffic_between(same, same) is None
    assert disk_between(same, same) is None


def test_interfaces_that_come_go_or_begin_anew_make_no_peak() -> None:
    before = Counters(
        0, None, {"eth0": Traffic(0, 0, 0, 0), "gone": Traffic(9, 9, 9, 9), "reset": Traffic(5, 5, 5, 5)}, None
    )
    after = Counters(
        2, None, {"eth0": Traffic(200, 20, 2, 0), "fresh": Traffic(1e12, 0, 0, 0), "reset": Traffic(0, 0, 0, 0)}, None
    )
    assert traffic_between(before, after) == Traffic(100, 10, 1, 0)


@pytest.mark.parametrize(
    ("text", "share"), [("some avg10=1.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=9.00", 0.015)]
)
def test_pressure_is_a_share(text: str, share: float) -> None:
    assert parse_pressure(text) == share


@pytest.mark.parametrize("text", ["", "some avg10", "some avg10=x avg60=1"])
def test_pressure_of_another_form_is_refused(text: str) -> None:
    with pytest.raises((IndexError, ValueError)):
        parse_pressure(text)


# --- file systems


def test_use_is_what_df_says() -> None:
    answer = os.statvfs_result((4096, 4096, 100, 30, 20, 0, 0, 0, 0, 255))
    assert space_used(answer) == pytest.approx(70 / 90)
    assert space_used(_statvfs(blocks=0, free=0)) is None


def test_a_file_system_that_became_read_only_is_down(mounted: dict[str, Callable[[], os.statvfs_result]]) -> None:
    disks = Disks()
    mounted["/data"] = _statvfs
    assert not next(iter(disks.look())).problem
    mounted["/data"] = lambda: _statvfs(read_only=True)
    assert next(iter(disks.look())).problem == "became read-only"


def test_one_that_always_was_read_only_is_not(mounted: dict[str, Callable[[], os.statvfs_result]]) -> None:
    mounted["/media"] = lambda: _statvfs(read_only=True)
    seen = next(iter(Disks().look()))
    assert not seen.problem
    assert seen.note == "read-only"


def test_file_systems_come_and_go(mounted: dict[str, Callable[[], os.statvfs_result]]) -> None:
    disks = Disks()
    mounted["/a"] = _statvfs
    assert {seen.label for seen in disks.look()} == {"/a"}
    mounted["/b"] = _statvfs
    assert {seen.label for seen in disks.look()} == {"/a", "/b"}
    mounted["/a"] = _failing(FileNotFoundError(2, "No such file or directory"))
    assert {seen.label for seen in disks.look()} == {"/b"}


def test_one_without_inodes_has_no_such_measure(mounted: dict[str, Callable[[], os.statvfs_result]]) -> None:
    mounted["/efi"] = lambda: _statvfs(files=0)
    assert [seen.indicator for seen in Disks().look()] == ["disk"]


def test_one_that_fails_is_down(mounted: dict[str, Callable[[], os.statvfs_result]]) -> None:
    mounted["/stale"] = _failing(OSError(116, "Stale file handle"))
    assert next(iter(Disks().look())).problem == "stale file handle"


def test_one_that_hangs_is_down_alone_and_is_asked_by_one_thread_only(
    mounted: dict[str, Callable[[], os.statvfs_result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiops.sources.host.disks._PATIENCE", 0.05)
    release, asked = threading.Event(), []

    def hang() -> os.statvfs_result:
        asked.append(1)
        release.wait(30)
        return _statvfs()

    mounted["/nfs"] = hang
    mounted["/"] = _statvfs
    disks = Disks()
    try:
        for _ in range(3):
            seen = {item.label: item for item in disks.look() if item.indicator == "disk"}
            assert seen[lit("/nfs")].problem == "does not answer"
            assert not seen[lit("/")].problem
        assert asked == [1]
    finally:
        release.set()


def test_mount_points_that_look_the_same_stay_apart(mounted: dict[str, Callable[[], os.statvfs_result]]) -> None:
    mounted["/mnt/\x1b[2J"] = _statvfs
    mounted["/mnt/\u241b[2J"] = _statvfs
    services = {seen.service for seen in Disks().look()}
    assert len(services) == 2
    assert all(service.isprintable() for service in services)


def test_images_double_mounts_and_single_files_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.touch()
    found = [
        SimpleNamespace(device="/dev/sda1", mountpoint="/data/bind", fstype="ext4"),
        SimpleNamespace(device="/dev/sda1", mountpoint="/data", fstype="ext4"),
        SimpleNamespace(device="/dev/loop0", mountpoint="/snap/core", fstype="squashfs"),
        SimpleNamespace(device="/dev/vdb", mountpoint=str(hosts), fstype="ext4"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: found)
    assert mount_points() == ("/", "/data")


def _failing(error: OSError) -> Callable[[], os.statvfs_result]:
    def fail() -> os.statvfs_result:
        raise error

    return fail


# --- units


def _systemctl(folder: Path, script: str) -> tuple[str, ...]:
    """A stand-in for systemctl: no container of the tests is booted by systemd."""
    file = folder / "systemctl"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o700)
    return (str(file),)


async def test_failed_units_are_counted_and_named(tmp_path: Path) -> None:
    output = r'[{"unit":"nginx.service","load":"loaded"},{"unit":"x\u001b[2J.service"}]'
    (seen,) = await look_at_units(_systemctl(tmp_path, f"cat <<'END'\n{output}\nEND"), tmp_path)
    assert seen.value == 2
    assert seen.note.startswith("nginx.service, ")
    assert seen.note.isprintable()


async def test_failed_units_degrade_the_machine_by_name(tmp_path: Path) -> None:
    (seen,) = await look_at_units(_systemctl(tmp_path, """echo '[{"unit":"nginx.service"}]'"""), tmp_path)
    indicator = host_indicators(HostConfig(), lit("here"))[seen.indicator]
    now = SystemClock().now()
    reading = Reading(
        system=lit("box"), service=seen.service, indicator=seen.indicator, at=now, value=seen.value, note=seen.note
    )
    status = SourceStatus(name=lit("here"), kind=lit("host"), interval=15, answered=now)
    verdict = judge(Measure(indicator=indicator, reading=reading), status, now)
    assert verdict.state is State.DEGRADED
    assert verdict.reason == "FAILED 1 > 0 · nginx.service"


async def test_no_failed_units(tmp_path: Path) -> None:
    (seen,) = await look_at_units(_systemctl(tmp_path, "echo '[]'"), tmp_path)
    assert seen.value == 0


async def test_many_failed_units_are_summed_up(tmp_path: Path) -> None:
    output = "[" + ",".join(f'{{"unit":"u{n}.service"}}' for n in range(9)) + "]"
    (seen,) = await look_at_units(_systemctl(tmp_path, f"echo '{output}'"), tmp_path)
    assert seen.note.endswith("u4.service and 4 more")


@pytest.mark.parametrize("script", ["exit 1", "echo '[{'", "echo '[{\"unit\":5}]'"])
async def test_a_systemctl_that_fails_leaves_the_units_unknown(tmp_path: Path, script: str) -> None:
    (seen,) = await look_at_units(_systemctl(tmp_path, script), tmp_path)
    assert seen.value is None


async def test_a_systemctl_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuiops.sources.host.units._PATIENCE", 0.2)
    pid = tmp_path / "pid"
    (seen,) = await look_at_units(_systemctl(tmp_path, f"echo $$ > {pid}; sleep 60"), tmp_path)
    assert seen.value is None
    assert not psutil.pid_exists(int(pid.read_text(encoding="ascii")))


async def test_a_missing_systemctl_leaves_the_units_unknown(tmp_path: Path) -> None:
    (seen,) = await look_at_units((str(tmp_path / "missing"),), tmp_path)
    assert seen.value is None


async def test_a_machine_without_systemd_has_no_units(tmp_path: Path) -> None:
    assert await look_at_units(("false",), tmp_path / "missing") == ()


def test_columns_of_an_older_systemd_are_read_too() -> None:
    assert failed_units(b"nginx.service loaded failed failed A web server\n") == ("nginx.service",)
    assert failed_units(b"") == ()
