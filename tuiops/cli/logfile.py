"""Where diagnostics go while the program owns the screen, and when it fails: a bounded file in the state folder."""

from __future__ import annotations

import logging
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from tuiops.config.paths import state_dir

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 1_000_000
KEPT = 2
"""Older files kept beside the current one."""


def log_file() -> Path:
    """The file; it need not exist."""
    return state_dir() / "tuiops.log"


def log_to_file() -> None:
    """Send warnings and errors to the file; where it cannot be written they are lost, never on the screen."""
    handler: logging.Handler = logging.NullHandler()
    file = log_file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False


def record(error: Exception) -> None:
    """Write what ended the program to the file, with its traceback."""
    log_to_file()
    logging.getLogger(__name__).critical("the program failed", exc_info=error)
