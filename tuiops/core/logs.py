"""Log records: what a line says once it is parsed, whatever format it came in."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Protocol

import msgspec

from tuiops.core.text import EMPTY, SafeText, lit


class Level(IntEnum):
    """Ordered by gravity; NONE is a line that states no level."""

    NONE = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARNING = 4
    ERROR = 5
    FATAL = 6

    @property
    def letter(self) -> SafeText:
        """One column."""
        return _LETTERS[self]


_LETTERS = {
    Level.NONE: lit(" "), Level.TRACE: lit("T"), Level.DEBUG: lit("D"), Level.INFO: lit("I"),
    Level.WARNING: lit("W"), Level.ERROR: lit("E"), Level.FATAL: lit("F"),
}  # fmt: skip

LEVEL_WORDS: dict[str, Level] = {
    "trace": Level.TRACE, "finest": Level.TRACE, "verbose": Level.TRACE,
    "debug": Level.DEBUG, "dbg": Level.DEBUG, "fine": Level.DEBUG,
    "info": Level.INFO, "information": Level.INFO, "notice": Level.INFO, "default": Level.INFO, "log": Level.INFO,
    "warn": Level.WARNING, "warning": Level.WARNING,
    "error": Level.ERROR, "err": Level.ERROR, "severe": Level.ERROR, "failure": Level.ERROR,
    "fatal": Level.FATAL, "critical": Level.FATAL, "crit": Level.FATAL, "alert": Level.FATAL,
    "emerg": Level.FATAL, "emergency": Level.FATAL, "panic": Level.FATAL,
}  # fmt: skip


class Backing(Protocol):
    """Something that the bytes of log lines can be read from again, such as an open file."""

    def read(self, offset: int, size: int) -> bytes | None:
        """The bytes, or None when they are gone. Never raises."""
        ...


class LogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record; `at` is None when the line carries no time that can be read."""

    at: datetime | None = None
    level: Level = Level.NONE
    service: SafeText = EMPTY
    message: SafeText = EMPTY
    fields: tuple[tuple[SafeText, SafeText], ...] = ()
    """Everything else that the record carries, in its own order."""


class StreamStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One log stream as a pane's border and the log pane's menu show it."""

    name: SafeText
    system: SafeText = EMPTY
    service: SafeText = EMPTY
    kind: SafeText = EMPTY
    lines: int = 0
    """Lines received since the start."""
    dropped: int = 0
    """Lines that were lost to a bound or to the sender's own sampling."""
    uncounted: bool = False
    """Whether more may be lost than `dropped` says."""
    late: float | None = None
    """Seconds from when the newest line was written until it came; None where lines come as they are written."""
    thinned: SafeText = EMPTY
    """Why the sender leaves out lines now, such as `sampled`; empty when it does not."""
    last: datetime | None = None
    """When the last line arrived."""
    opened: bool = False
    """Whether the stream is being read now."""
    error: SafeText = EMPTY
