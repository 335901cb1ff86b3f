"""Short commands of the system, bounded in time and output."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from tuiops.config import children

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 1 << 20
"""Bytes of output that are read."""


def output_of(command: Sequence[str], patience: float) -> bytes | None:
    """What the command prints; None when it cannot be started, fails, or is not done within `patience` seconds.

    Blocks. The output goes to a file rather than a pipe, so that nothing which the command leaves behind can
    hold up the end of it.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = children.start(command, output, {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"})
        except (OSError, ValueError):
            return None
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        finally:
            children.end(process)
        output.seek(0)
        return output.read(LONGEST) if status == 0 else None
