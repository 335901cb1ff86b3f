"""Secrets by reference: where one is, whether it is kept well, and what it says.

A secret's value exists only in the return value of `resolve_secret`: no error text repeats any part of it.
"""

from __future__ import annotations

import os
import selectors
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.config import children
from tuiops.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.config.values import Secret

MAX_BYTES = 64 * 1024
"""Longest secret that is read."""

COMMAND_TIMEOUT = 10.0
"""Seconds that a command has to print its secret."""

_FOREIGN_WRITE = stat.S_IWGRP | stat.S_IWOTH
_FOREIGN_READ = stat.S_IRGRP | stat.S_IROTH
_ROOT = 0


def resolve_secret(secret: Secret, *, timeout: float = COMMAND_TIMEOUT) -> str:
    """The secret itself, without surrounding white space. Blocks while a command runs, `timeout` seconds at most.

    Raises ConfigError when it is missing, empty, too long, not one line of text, or kept where others can read it.
    """
    if secret.env is not None:
        place = f"environment variable {secret.env}"
        found = os.environ.get(secret.env)
        if found is None:
            raise _error(place, "is not set", f"export {secret.env} before starting tuiops")
        return _clean(found, place)
    if secret.file is not None:
        path = Path(secret.file).expanduser()
        return _clean(_read_private(path), str(path))
    if secret.command:
        return _clean(_output(secret.command, timeout), f"command {secret.command[0]}")
    raise _error("secret", "names no place", "give one of env, file, command")


def exposure(path: Path) -> Fault | None:
    """What is wrong with the permissions of a file that only its owner may read; None when nothing is.

    Files of root may be readable by a group, which is how a service gets its secrets. A file that does not
    exist is not exposed. Links are followed.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return _exposure(path, status)


def _exposure(path: Path, status: os.stat_result) -> Fault | None:
    if not stat.S_ISREG(status.st_mode):
        return Fault(str(path), "", "is not a regular file", "name a file that holds nothing but the secret")
    mode = stat.S_IMODE(status.st_mode)
    forbidden = _FOREIGN_WRITE | (stat.S_IROTH if status.st_uid == _ROOT else _FOREIGN_READ)
    if mode & forbidden:
        return Fault(str(path), "", f"others can read or change it (mode {mode:04o})", f"chmod 600 {path}")
    if status.st_uid not in {_ROOT, os.geteuid()}:
        return Fault(str(path), "", f"belongs to another user (uid {status.st_uid})", f"chown $USER {path}")
    return None


def _read_private(path: Path) -> bytes:
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer. It means nothing to a regular file.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _error(str(path), f"cannot be read: {reason or 'not a path'}", "check the path") from None
    try:
        fault = _exposure(path, os.fstat(descriptor))
        if fault is not None:
            raise ConfigError([fault])
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _output(command: Sequence[str], timeout: float) -> bytes:
    place = f"command {command[0]}"
    try:
        process = children.start(command, subprocess.PIPE)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a command"
        raise _error(place, f"cannot be started: {reason}", "check the path of the command") from None
    try:
        found = _read_until(process, time.monotonic() + timeout)
        if found is None:
            raise _error(place, f"printed no secret within {timeout:g} s", "run it by hand to see what it waits for")
        if len(found) <= MAX_BYTES and process.returncode:
            raise _error(place, f"failed with exit code {process.returncode}", "run it by hand to see why")
        return found
    finally:
        children.end(process)


def _read_until(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """All output once the command has ended; what there is when it is too long; None at the deadline.

    The end of the command counts, not the end of its output: a process that it left behind may hold the pipe.
    """
    stream = process.stdout
    if stream is None:
        return b""
    os.set_blocking(stream.fileno(), False)
    found = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            ended = process.poll() is not None
            if selector.get_map() and selector.select(0 if ended else min(left, 0.05)):
                chunk = os.read(stream.fileno(), MAX_BYTES + 1)
                found += chunk
                if not chunk:
                    selector.unregister(stream)
            elif ended:
                return found
            elif not selector.get_map():
                try:
                    process.wait(left)
                except subprocess.TimeoutExpired:
                    return None
            if len(found) > MAX_BYTES:
                return found
    return None


def _clean(raw: str | bytes, place: str) -> str:
    if len(raw) > MAX_BYTES:
        raise _error(place, f"is longer than {MAX_BYTES} bytes", "a secret is one short line")
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError:
        raise _error(place, "is not UTF-8", "a secret is one line of text") from None
    text = text.strip()
    if not text:
        raise _error(place, "is empty", "put the secret there")
    if not text.isprintable():
        raise _error(place, "holds line breaks or control characters", "a secret is one line of text")
    return text


def _error(place: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError([Fault(place, "", problem, remedy)])
