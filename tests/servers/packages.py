"""Finding server programs, and clients for them: on PATH, or in Debian packages unpacked into a private folder.

Unpacking needs no root, starts no service and leaves the system's package database alone. The folder is
$TUIOPS_TEST_CACHE, or tuiops-tests in the user's cache folder; deleting it is harmless.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class MissingServer(Exception):
    """A server program that is neither installed nor obtainable, and why."""


@dataclass(frozen=True)
class Package:
    """A program and the Debian packages that bring it."""

    programs: tuple[str, ...]
    """Names that it goes by, the first one being Debian's."""
    packages: tuple[str, ...]
    path: str
    """Where Debian's package puts it, relative to the root; a pattern where a version is part of it."""


@dataclass(frozen=True)
class Program:
    """A program that can be started."""

    path: Path
    root: Path | None = None
    """Where its package was unpacked; None when it is installed."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it needs beside the usual ones."""


PACKAGES: Mapping[str, Package] = {
    "prometheus": Package(("prometheus",), ("prometheus",), "usr/bin/prometheus"),
    "alertmanager": Package(
        ("prometheus-alertmanager", "alertmanager"), ("prometheus-alertmanager",), "usr/bin/prometheus-alertmanager"
    ),
    "node_exporter": Package(
        ("prometheus-node-exporter", "node_exporter"), ("prometheus-node-exporter",), "usr/bin/prometheus-node-exporter"
    ),
    "redis_exporter": Package(
        ("prometheus-redis-exporter", "redis_exporter"),
        ("prometheus-redis-exporter",),
        "usr/bin/prometheus-redis-exporter",
    ),
    "victoriametrics": Package(
        ("victoria-metrics", "victoria-metrics-prod"), ("victoria-metrics",), "usr/bin/victoria-metrics"
    ),
    "redis": Package(("redis-server",), ("redis-server",), "usr/bin/redis-server"),
    "postgresql": Package(("postgres",), ("postgresql",), "usr/lib/postgresql/*/bin/postgres"),
    "sshd": Package(("sshd",), ("openssh-server", "libnss-wrapper"), "usr/sbin/sshd"),
    "ssh": Package(("ssh",), ("openssh-client",), "usr/bin/ssh"),
    "busybox": Package(("busybox",), ("busybox",), "bin/busybox"),
    "strace": Package(("strace",), ("strace",), "usr/bin/strace"),
    "tmux": Package(("tmux",), ("tmux",), "usr/bin/tmux"),
}

_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_INSTALL_LINE = re.compile(r"Inst (?P<name>\S+) (?P<upgrade>\[[^\]]*\] )?\(\S+ .*\[(?P<architecture>\w+)\]\)")
_DOWNLOAD_SECONDS = 300


def cache_folder() -> Path:
    """Where unpacked servers are kept between runs."""
    if chosen := os.environ.get("TUIOPS_TEST_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tuiops-tests"


def locate(name: str) -> Program:
    """The program called `name` in PACKAGES. Raises MissingServer, which says what would help."""
    package = PACKAGES[name]
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS))
    for program in package.programs:
        if found := shutil.which(program, path=search):
            return Program(Path(found))
    if there := sorted(Path("/").glob(package.path)):
        return Program(there[-1])
    return _unpacked(package)


def _unpacked(package: Package) -> Program:
    folder = cache_folder() / _release()
    root = folder / "root"
    stamp = folder / f"{package.packages[0]}.unpacked"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        if not stamp.exists():
            _fetch(package, folder, root)
            stamp.touch()
    libraries = [str(path) for path in (*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*"))]
    path = max(root.glob(package.path), default=root / package.path)
    return Program(path, root, {"LD_LIBRARY_PATH": os.pathsep.join(libraries)})


def _release() -> str:
    """One folder for each release and architecture, such as `bookworm-x86_64`."""
    codename = "unknown"
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        if key == "VERSION_CODENAME":
            codename = value.strip('"')
    return f"{codename}-{os.uname().machine}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Tests run in several processes; one of them unpacks."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(package: Package, folder: Path, root: Path) -> None:
    wanted = package.packages[0]
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise MissingServer(f"{package.programs[0]} is not on PATH, and without {tool} it cannot be fetched")
    debs = folder / "debs" / wanted
    debs.mkdir(parents=True, exist_ok=True)
    private = _private_state(folder)
    try:
        _download(package, debs, ())
    except MissingServer:
        # A fresh machine has no package lists. Those of the system belong to root: read our own.
        _run(["apt-get", *private, "update"], debs, wanted)
        _download(package, debs, private)
    for deb in sorted(debs.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(deb), str(root)], debs, wanted)
    shutil.rmtree(debs)


def _private_state(folder: Path) -> tuple[str, ...]:
    state, cache = folder / "apt" / "state", folder / "apt" / "cache"
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = (f"Dir::State={state}", f"Dir::Cache={cache}", "Dir::State::status=/var/lib/dpkg/status")
    return tuple(word for option in options for word in ("--option", option))


def _download(package: Package, debs: Path, options: Sequence[str]) -> None:
    wanted = package.packages[0]
    simulation = _run(
        ["apt-get", *options, "--simulate", "--no-install-recommends", "install", *package.packages], debs, wanted
    )
    # Programs and shared libraries only: no fonts and scripts (architecture `all`), nothing that is here already.
    names = [
        match["name"]
        for match in map(_INSTALL_LINE.match, simulation.splitlines())
        if match and not match["upgrade"] and match["architecture"] != "all"
    ]
    # apt's sandbox user may not write where we may.
    _run(["apt-get", *options, "--option", "APT::Sandbox::User=root", "--quiet", "download", *names], debs, wanted)


def _run(command: Sequence[str], folder: Path, wanted: str) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MissingServer(f"{wanted}: {' '.join(command[:2])} took over {_DOWNLOAD_SECONDS} s") from error
    if done.returncode:
        reason = done.stderr.strip() or done.stdout.strip()
        raise MissingServer(f"{wanted}: `{' '.join(command)}` failed: {reason[-500:]}")
    return done.stdout
