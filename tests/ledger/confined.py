"""How a process is begun that has little room, or little power."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.servers.fixtures import cannot_be_had
from tests.servers.packages import MissingServer

if TYPE_CHECKING:
    from pathlib import Path


def small_disk(folder: Path) -> list[str]:
    """How a child sees a disk of its own in place of a folder, a file `filler` on it, and nobody else does."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    make = f"mount -t tmpfs -o size=600k tmpfs '{folder}' && head -c 200000 /dev/zero > '{folder}/filler'"
    if shutil.which("unshare") is None:
        cannot_be_had(MissingServer("a small disk cannot be had without unshare (util-linux)"))
    tried = subprocess.run([*own, "sh", "-c", make], capture_output=True, text=True, check=False)
    if tried.returncode:
        cannot_be_had(MissingServer(f"a small disk cannot be had here: {tried.stderr.strip()}"))
    return [*own, "sh", "-c", f'{make} && exec "$@"', "sh"]


def unprivileged() -> list[str]:
    """How a child runs without root's power to write anywhere, though it may read the programs."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        cannot_be_had(MissingServer("root writes everywhere, and cannot be another user without setpriv (util-linux)"))
    reads = "+dac_read_search"
    found = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", reads,
             "--ambient-caps", reads, "--"]  # fmt: skip
    tried = subprocess.run([*found, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        cannot_be_had(MissingServer(f"root cannot be another user here: {tried.stderr.strip()}"))
    return found
