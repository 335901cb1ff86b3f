"""File systems: how full they are, and whether they still answer and can be written."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.sources.host.attempt import attempt
from tuiops.sources.host.indicators import DISK, INODES
from tuiops.sources.host.report import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "devfs"})
"""Read-only by nature and always full."""
_PATIENCE = 1.0
"""Seconds that all file systems together have to answer: a dead NFS server never does."""

Answer = os.statvfs_result | OSError | None
"""What a file system said, how it failed, or nothing within the time."""


class Disks:
    """The file systems of this machine, found anew at each look; `configured` ones are missed when they are gone."""

    def __init__(self, configured: Sequence[str] = ()) -> None:
        self._configured = tuple(configured)
        self._asked: dict[str, threading.Thread] = {}
        self._writable: set[str] = set()

    def look(self) -> Iterator[Seen]:
        """Blocks for at most a second."""
        points = self._configured or mount_points()
        names: dict[SafeText, int] = {}
        for point, answer in self._ask(points).items():
            label = safe(point)
            count = names[label] = names.get(label, 0) + 1
            # Different bytes may look the same once they are printable.
            yield from self._seen(point, label if count == 1 else fmt("{} ({})", label, count), answer)

    def _seen(self, point: str, label: SafeText, answer: Answer) -> Iterator[Seen]:
        service, lasting = fmt("disk:{}", label), bool(self._configured)
        if answer is None:
            yield Seen(service, label, DISK, problem=lit("does not answer"), lasting=lasting)
        elif isinstance(answer, OSError):
            gone = isinstance(answer, (FileNotFoundError, NotADirectoryError, PermissionError))
            if not gone or self._configured:
                reason = safe(answer.strerror or str(answer)).lower()
                yield Seen(service, label, DISK, problem=safe(reason), lasting=lasting)
        else:
            yield from self._measured(point, service, label, answer)

    def _measured(self, point: str, service: SafeText, label: SafeText, answer: os.statvfs_result) -> Iterator[Seen]:
        lasting = bool(self._configured)
        problem, note = EMPTY, EMPTY
        if not answer.f_flag & os.ST_RDONLY:
            self._writable.add(point)
        elif point in self._writable:
            problem = lit("became read-only")
        else:
            note = lit("read-only")
        if (used := space_used(answer)) is not None:
            yield Seen(service, label, DISK, used, problem, note, lasting)
        if answer.f_files > 0:
            yield Seen(service, label, INODES, (answer.f_files - answer.f_ffree) / answer.f_files, lasting=lasting)

    def _ask(self, points: Sequence[str]) -> dict[str, Answer]:
        """Ask each in a thread of its own, which is left behind when the file system hangs.

        A daemon thread, so that it does not hold up the end of the program; one that still hangs is not joined
        by a second one.
        """
        answers: dict[str, Answer] = {}
        for point in points:
            before = self._asked.get(point)
            if before is None or not before.is_alive():
                thread = threading.Thread(target=_ask_one, args=(point, answers, self._configured), daemon=True)
                self._asked[point] = thread
                thread.start()
        deadline = time.monotonic() + _PATIENCE
        for point in points:
            self._asked[point].join(max(0.0, deadline - time.monotonic()))
        self._asked = {point: thread for point, thread in self._asked.items() if thread.is_alive()}
        return {point: answers.get(point) for point in points}


def _ask_one(point: str, answers: dict[str, Answer], configured: Sequence[str]) -> None:
    try:
        if configured and not os.path.ismount(point):
            answers[point] = FileNotFoundError(2, "not mounted")
        else:
            answers[point] = os.statvfs(point)
    except OSError as error:
        answers[point] = error


def mount_points() -> tuple[str, ...]:
    """Where real file systems are mounted, the root first; a device that is mounted twice is named once."""
    by_device: dict[str, str] = {}
    for device, point in attempt(_partitions) or ():
        known = by_device.get(device)
        if known is None or len(point) < len(known):
            by_device[device] = point
    points = dict.fromkeys(sorted(by_device.values()))
    # The root of a container is an overlay, which has no device; it is real enough.
    return ("/", *(point for point in points if point != "/"))


def _partitions() -> list[tuple[str, str]]:
    import psutil

    return [
        (partition.device, partition.mountpoint)
        for partition in psutil.disk_partitions(all=False)
        # Containers have single files mounted, such as /etc/hosts.
        if partition.fstype not in _IMAGES and not Path(partition.mountpoint).is_file()
    ]


def space_used(answer: os.statvfs_result) -> float | None:
    """Share in use of what an ordinary user could use, 0–1, as df(1) has it; None for a file system without blocks."""
    used = answer.f_blocks - answer.f_bfree
    usable = used + answer.f_bavail
    return used / usable if answer.f_blocks > 0 and usable > 0 else None
