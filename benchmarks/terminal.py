"""A program in a terminal of its own: what it writes, when, and what that costs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

QUIET = 0.01
"""Seconds without a byte after which a burst of output is over: a frame is written in one go."""


class Terminal:
    """Runs a program on a pseudo terminal of the given size; ends its whole process group at exit."""

    def __init__(
        self, argv: Sequence[str], *, columns: int = 200, rows: int = 50, env: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.started = time.perf_counter()
        # Without bytecode every start would compile the program anew, which an installed one never does.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        surroundings = {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=surroundings, start_new_session=True
        )
        os.close(slave)
        self.output = bytearray()
        self.last = self.started
        """When the last byte came."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)

    def read(self, patience: float) -> bytes:
        """What the program writes next; empty when nothing came for `patience` seconds or it ended."""
        ready, _, _ = select.select([self._master], [], [], patience)
        if not ready:
            return b""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # Linux says EIO when the other end is closed
            return b""
        self.last = time.perf_counter()
        self.output += data
        return data

    def until(self, marker: bytes, deadline: float) -> float | None:
        """Seconds from the start until the output since this call contains the marker; None when it never did."""
        seen = len(self.output)
        end = time.perf_counter() + deadline
        while time.perf_counter() < end:
            self.read(0.05)
            if marker in self.output[seen:]:
                return time.perf_counter() - self.started
        return None

    def drain(self, seconds: float) -> int:
        """Bytes that come within so many seconds."""
        end = time.perf_counter() + seconds
        count = 0
        while (left := end - time.perf_counter()) > 0:
            count += len(self.read(min(left, 0.1)))
        return count

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def key_latency(self, key: bytes, sign: bytes, patience: float = 1.0) -> float | None:
        """Seconds from a key to the last byte of the burst with a sign in it; None when there was none.

        Bursts without the sign have other causes, such as a clock that ticks, and are not counted.
        """
        pressed = time.perf_counter()
        self.type(key)
        while (left := pressed + patience - time.perf_counter()) > 0:
            burst = self.read(left)
            while more := self.read(QUIET):
                burst += more
            if sign in burst:
                return self.last - pressed
        return None

    def cpu_seconds(self) -> float:
        """CPU used by the program and its children so far."""
        return sum(_cpu(process) for process in self._family())

    def memory(self) -> int:
        """Resident bytes of the program and its children."""
        return sum(process.memory_info().rss for process in self._family())

    def _family(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
