"""Where the program's own diagnostics go while it owns the screen: a bounded file in the state folder."""

from __future__ import annotations

import logging
from contextlib import suppress
from logging.handlers import RotatingFileHandler

from tuiops.config.paths import state_dir

MOST_BYTES = 1_000_000
KEPT = 2
"""Older files kept beside the current one."""


def log_to_file() -> None:
    """Send warnings and errors to `tuiops.log`; where it cannot be written they are lost, never on the screen."""
    handler: logging.Handler = logging.NullHandler()
    with suppress(OSError):
        folder = state_dir()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "tuiops.log", maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
        )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
