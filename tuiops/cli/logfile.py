"""Where diagnostics of the program and its libraries go: a bounded file in the state folder, or standard error."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tuiops.config.paths import state_dir
from tuiops.core.text import ANNOTATION, safe

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 1_000_000
KEPT = 2
"""Older files kept beside the current one."""


def log_file() -> Path:
    """The file; it need not exist."""
    return state_dir() / "tuiops.log"


def begin(*, verbose: bool = False) -> None:
    """Send warnings and errors to the file; where it cannot be written they are lost, never on the screen.

    When `verbose`, they go to standard error instead, with what libraries say of each request. Whoever runs the
    program within another one that has handlers of its own keeps those.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr) if verbose else _File()
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False


def record(error: Exception) -> None:
    """Write what ended the program, with its traceback."""
    begin()
    logging.getLogger(__name__).critical("the program failed", exc_info=error)


class _File(logging.Handler):
    """Opens the file when there is something to write: few runs have, and what it takes is 5 ms to import."""

    _file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None:
            self._file = self._opened()
        self._file.handle(record)

    def _opened(self) -> logging.Handler:
        from logging.handlers import RotatingFileHandler

        file = log_file()
        opened: logging.Handler = logging.NullHandler()
        with suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = RotatingFileHandler(file, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
        opened.setFormatter(self.formatter)
        return opened


class _Lines(logging.Formatter):
    """What libraries repeat of a server's words must not control the terminal that shows it."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(safe(line, ANNOTATION) for line in super().format(record).splitlines())
