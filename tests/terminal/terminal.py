"""A pseudo terminal with the program in it: keys go in, an emulated screen and the raw bytes come out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING, Self

import psutil
import pyte

from tests.terminal.sequences import common, finished
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

_POLL_SECONDS = 0.03
_STARTER = (
    "import fcntl, os, signal, sys, termios\n"
    "os.setsid()\n"
    # Whoever runs the tests may ignore it, as under nohup.
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execve(sys.argv[1], sys.argv[1:], os.environ)\n"
)
"""Makes the pseudo terminal the controlling one, as a login does."""

ESCAPE, ENTER, TAB, CTRL_C, CTRL_L = "\x1b", "\r", "\t", "\x03", "\x0c"


def environment(home: Path, **changes: str | None) -> dict[str, str]:
    """The surroundings of a person who has set up nothing; a change of None takes a variable away."""
    kept = ("PATH", "LANG", "LC_ALL", "COVERAGE_PROCESS_START")
    given: dict[str, str | None] = {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


class Terminal:
    """Runs `tuiops WORDS` on a terminal of its own; ends it when the block ends."""

    def __init__(
        self,
        *words: str | Path,
        home: Path,
        columns: int = 120,
        rows: int = 40,
        variables: Mapping[str, str | None] | None = None,
    ) -> None:
        self._master, self._slave = pty.openpty()
        self._set_size(columns, rows)
        self.settings = termios.tcgetattr(self._slave)
        """Line settings before the program came."""
        program = [sys.executable, "-m", "tuiops", *(str(word) for word in words)]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _STARTER, *program],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=environment(home, **(variables or {})),
        )
        self._bytes = bytearray()
        self._fed = 0
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if value is not None:
            value.add_note(f"the screen:\n{self.text}")
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._closing.set()
        self._reader.join()
        if self._master >= 0:
            os.close(self._master)
        os.close(self._slave)

    # What it shows

    @property
    def output(self) -> bytes:
        """Every byte written so far."""
        return bytes(self._bytes)

    @property
    def lines(self) -> list[str]:
        """The screen as an emulator draws it."""
        data = bytes(self._bytes[self._fed :])
        ready = data[: finished(data)]
        self._fed += len(ready)
        self._stream.feed(common(ready))
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def shows(self, *pieces: str) -> bool:
        """Whether all the pieces are on screen at this moment."""
        text = self.text
        return all(piece in text for piece in pieces)

    def line(self, piece: str) -> str:
        """The first line of the screen with this in it; empty without one."""
        return next((line for line in self.lines if piece in line), "")

    def background(self, piece: str) -> str:
        """The colour behind the first place that shows this, in the emulator's words."""
        for row, line in enumerate(self.lines):
            if piece in line:
                return str(self._screen.buffer[row][line.index(piece)].bg)
        raise AssertionError(f"{piece} is not on screen:\n{self.text}")

    # What is done to it

    def press(self, *keys: str) -> None:
        """Press keys, one write each, as fingers do."""
        for key in keys:
            os.write(self._master, key.encode())

    def prompt(self, sign: str, text: str) -> None:
        """Open the prompt with its key, type, and press Enter when all of it stands there."""
        self.press(sign)
        self.until(lambda: self.lines[-1].startswith(f" {sign}"), f"the prompt {sign}")
        self.press(*text)
        typed = f" {sign}{text}".rstrip()
        self.until(lambda: self.lines[-1].startswith(typed), f"{text} in the prompt")
        self.press(ENTER)
        # A footer may begin with the sign as well.
        closed = f"the prompt {sign}{text} to close"
        self.until(lambda: self.process.poll() is not None or not self.lines[-1].startswith(typed), closed)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        self._closing.set()
        self._reader.join()
        os.close(self._master)
        self._master = -1

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, on which nothing is left; the program gets SIGWINCH."""
        _ = self.lines
        # Before the program hears of it: what it draws then is drawn on this size.
        self._screen.resize(max(1, rows), max(1, columns))
        self._screen.erase_in_display(2)
        self._screen.cursor_position()
        self._set_size(columns, rows)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    # What is waited for

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Return when it is true. AssertionError with the screen when it is not in time, or the program ended."""
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self.process.poll()
            assert ended is None or condition(), f"ended with {ended}, waiting for {what}:\n{self.text}"
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}:\n{self.text}"
            time.sleep(_POLL_SECONDS)

    def wait_for(self, *pieces: str, seconds: float = PATIENCE) -> None:
        """Return when all the pieces are on screen at once."""
        self.until(lambda: self.shows(*pieces), f"{pieces} on screen", seconds)

    def wait_gone(self, *pieces: str, seconds: float = PATIENCE) -> None:
        """Return when none of the pieces is on screen."""
        self.until(lambda: not any(self.shows(piece) for piece in pieces), f"{pieces} gone", seconds)

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit code, once it has ended by itself and everything that it wrote was read."""
        code = self.process.wait(seconds)
        self._closing.set()
        self._reader.join()
        return code

    @property
    def stopped(self) -> bool:
        """Whether the process is stopped, as a shell's job is by Ctrl-z."""
        return psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED

    @property
    def line_settings(self) -> list[object]:
        """Line settings of this moment, to compare with `settings`."""
        return termios.tcgetattr(self._slave)

    @property
    def cooked(self) -> bool:
        """Whether the line discipline still edits lines, as it does until a program takes the single keys."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ICANON)

    @property
    def memory(self) -> int:
        """Resident bytes of the program."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        """Keep reading, so that the program never waits for the test; on closing, read what is left."""
        while True:
            closing = self._closing.is_set()
            ready, _, _ = select.select([self._master], [], [], 0 if closing else _POLL_SECONDS)
            if ready:
                self._bytes += os.read(self._master, 1 << 16)
            elif closing:
                return
