"""Counters that only grow, and what two looks at them say about the time between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tuiops.sources.host.attempt import attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

_PHYSICAL = "/sys/class/net/{}/device"
_WITHIN_USER = frozenset({"guest", "guest_nice"})
"""Linux counts the time of guests in `user` and `nice` too (proc(5), /proc/stat)."""


class Traffic(NamedTuple):
    """Of network interfaces: bytes, errors and dropped packets; counted, or per second."""

    received: float
    sent: float
    errors: float
    drops: float


class Disk(NamedTuple):
    """Of all disks: bytes read and written; counted, or per second."""

    read: float
    written: float


class Cpu(NamedTuple):
    """Shares of all processors' time, 0–1. None where the system does not tell."""

    busy: float
    iowait: float | None
    steal: float | None


class Counters(NamedTuple):
    """All counters at one moment of the monotonic clock; None or empty where the system has none."""

    at: float
    cpu: Mapping[str, float] | None
    interfaces: Mapping[str, Traffic]
    disk: Disk | None


def read_counters(at: float) -> Counters:
    """Look at the counters. Blocks for a millisecond or so; never raises."""
    cpu = attempt(_cpu)
    return Counters(at, cpu, attempt(_interfaces) or {}, attempt(_disk))


def _cpu() -> dict[str, float]:
    import psutil

    return dict(psutil.cpu_times()._asdict())


def _interfaces() -> dict[str, Traffic]:
    """Those with a device behind them, so that bridges and tunnels are not counted twice; else all but loopback."""
    import psutil

    found = {
        name: Traffic(nic.bytes_recv, nic.bytes_sent, nic.errin + nic.errout, nic.dropin + nic.dropout)
        for name, nic in psutil.net_io_counters(pernic=True, nowrap=False).items()
        if name not in {"lo", "lo0"}
    }
    physical = {name: traffic for name, traffic in found.items() if Path(_PHYSICAL.format(name)).exists()}
    return physical or found


def _disk() -> Disk | None:
    import psutil

    found = psutil.disk_io_counters(nowrap=False)
    return None if found is None else Disk(found.read_bytes, found.write_bytes)


def cpu_between(before: Counters, after: Counters) -> Cpu | None:
    """How the processors spent the time between two looks; None when there was none to spend."""
    if before.cpu is None or after.cpu is None:
        return None
    spent = {
        name: max(0.0, value - before.cpu.get(name, 0.0))
        for name, value in after.cpu.items()
        if name not in _WITHIN_USER
    }
    total = sum(spent.values())
    if total <= 0:
        return None
    shares = {name: value / total for name, value in spent.items()}
    idle = shares.get("idle", 0.0) + shares.get("iowait", 0.0)
    return Cpu(max(0.0, 1.0 - idle), shares.get("iowait"), shares.get("steal"))


def traffic_between(before: Counters, after: Counters) -> Traffic | None:
    """Per second, over the interfaces that were there at both looks."""
    both = [(before.interfaces[name], now) for name, now in after.interfaces.items() if name in before.interfaces]
    rates = [rate for then, now in both if (rate := _rates(then, now, after.at - before.at)) is not None]
    return Traffic(*map(sum, zip(*rates, strict=True))) if rates else None


def disk_between(before: Counters, after: Counters) -> Disk | None:
    """Per second."""
    if before.disk is None or after.disk is None:
        return None
    rates = _rates(before.disk, after.disk, after.at - before.at)
    return None if rates is None else Disk(*rates)


def _rates(before: tuple[float, ...], after: tuple[float, ...], seconds: float) -> tuple[float, ...] | None:
    """None when no time passed, or when a counter began anew and the difference means nothing."""
    grown = tuple(now - then for then, now in zip(before, after, strict=True))
    if seconds <= 0 or any(step < 0 for step in grown):
        return None
    return tuple(step / seconds for step in grown)
