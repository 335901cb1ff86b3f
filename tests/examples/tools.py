"""promtool and amtool, which come with the servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.servers.fixtures import program

if TYPE_CHECKING:
    from pathlib import Path


def run_tool(server: str, tool: str, *words: str | Path) -> tuple[int, str]:
    """Exit status and output of a tool from the package of a server; skips or fails as the server itself would."""
    found = program(server)
    path = found.path.with_name(tool)
    command = [str(path) if path.exists() else shutil.which(tool) or tool, *map(str, words)]
    done = subprocess.run(
        command,
        env={**os.environ, **found.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout
