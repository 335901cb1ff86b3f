"""Other people's programs, installed beside the project so that one run measures both."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

_BESIDE = {"posting": ("tree-sitter<0.26",)}
"""What a peer must be installed with: from 0.26 on, tree-sitter crashes under the Textual that posting asks for."""
_INSTALL_TIMEOUT = 600


def cache() -> Path:
    """Where peers are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tuiops-bench"


@functools.cache
def peer(package: str, command: str) -> str | None:
    """The path of a peer's command, installed into its own environment if need be; None when it cannot be had."""
    folder = cache() / package
    path = folder / "bin" / command
    if path.exists():
        return str(path)
    try:
        venv.create(folder, with_pip=True, clear=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", package]
        subprocess.run([*install, *_BESIDE.get(package, ())], check=True, capture_output=True, timeout=_INSTALL_TIMEOUT)
        # Imports of uncompiled modules would be measured as the peer's own slowness.
        subprocess.run([str(folder / "bin" / "python"), "-m", "compileall", "-q", str(folder)], check=False)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return str(path) if path.exists() else None


def system(command: str) -> str | None:
    """A program of the operating system, None when it is not installed."""
    return shutil.which(command)


def this_python() -> str:
    """The interpreter that runs the benchmarks, and so the console."""
    return sys.executable
