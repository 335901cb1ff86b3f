"""The folder of an execution on this machine: a claim that succeeds once, ever, and what is known about it.

    executions/ID/            made whole beside its place and renamed into it, which only one can do
        order                 what was begun: JSON, without any secret
        lock                  held by the supervisor for as long as it lives
        control               a FIFO that the supervisor listens to
        out.N.BYTES.LINES     what is printed (see `segments`)
        stdout                the beginning of standard output alone, when captures are taken from it
        status                how it ended: JSON, renamed into its place when it is complete
        barred                instead of all of these: it was kept from beginning
        settled               its outcome is in the ledger, so all of it may go some day

The supervisor of a command imports it (see there). Folders are strings here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ORDER = "order"
LOCK = "lock"
CONTROL = "control"
OUTPUT = "out"
STDOUT = "stdout"
STATUS = "status"
BARRED = "barred"
SETTLED = "settled"

STDOUT_BYTES = 1024 * 1024
"""Bytes kept of standard output for captures, here and of a bastion."""

ABORT = b"abort\n"
"""What the FIFO understands."""

_STATUS_ROOM = 8192
"""Bytes that are reserved for the status before anything begins: a full disk must not swallow it."""
_ORIGIN = ".origin"
_UNFINISHED = ".new-"
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})


class Taken(Exception):
    """Somebody has claimed this execution before."""


def claim(base: str, execution: str, order: str) -> tuple[str, int]:
    """Take an execution and its lock; it survives a power cut. Taken; OSError when the disk does not take it.

    The descriptor that comes with the folder keeps the lock for as long as it is open.
    """
    staged = _staged(base, execution)
    try:
        write(f"{staged}/{ORDER}", order.encode())
        write(f"{staged}/{STATUS}.new", b" " * _STATUS_ROOM)
        os.mkfifo(f"{staged}/{CONTROL}", 0o600)
        lock = os.open(f"{staged}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _place(staged, f"{base}/{execution}"), lock
    except BaseException:  # whatever it was goes on; half a folder does not stay
        _remove(staged)
        raise


def bar(base: str, execution: str) -> None:
    """Keep an execution from ever beginning. Taken when it has begun, or was barred before."""
    staged = _staged(base, execution)
    try:
        write(f"{staged}/{BARRED}", b"")
        _place(staged, f"{base}/{execution}")
    except BaseException:  # whatever it was goes on; half a folder does not stay
        _remove(staged)
        raise


def write_status(folder: str, status: dict[str, Any]) -> None:
    """Say how it ended, once and whole."""
    import json

    data = json.dumps(status).encode()
    staged = f"{folder}/{STATUS}.new"
    descriptor = os.open(staged, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _write_whole(descriptor, data.ljust(_STATUS_ROOM))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(staged, f"{folder}/{STATUS}")
    _sync(folder)


def read_json(file: str) -> dict[str, Any] | None:
    """An order or a status; None when it is not there or is none."""
    import json

    try:
        with open(file, "rb") as stream:
            found = json.loads(stream.read())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def watched(folder: str) -> bool:
    """Whether the supervisor lives."""
    try:
        lock = os.open(f"{folder}/{LOCK}", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def ask(folder: str, word: bytes) -> bool:
    """Tell the supervisor something; False when there is none to hear it."""
    try:
        control = os.open(f"{folder}/{CONTROL}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.write(control, word) == len(word)
    except OSError:
        return False
    finally:
        os.close(control)


def origin(base: str) -> str:
    """What names this folder among those of all machines and users; made up when first asked for."""
    import secrets

    os.makedirs(base, mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        staged = _staged(base, "origin")
        write(f"{staged}/{_ORIGIN}", secrets.token_hex(4).encode())
        try:
            # Whole or not at all, and only if nobody was first.
            os.link(f"{staged}/{_ORIGIN}", f"{base}/{_ORIGIN}")
        finally:
            _remove(staged)
    with open(f"{base}/{_ORIGIN}", "rb") as file:
        return file.read().decode()


def settle(folder: str) -> None:
    """Note that the ledger has the outcome."""
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        write(f"{folder}/{SETTLED}", b"")


def prune(base: str, *, older: float, most: int) -> int:
    """Remove folders that are settled: those beyond the `most` newest, and those `older` than so many seconds.

    Returns how many are gone. What is not settled stays, however old it is.
    """
    now = time.time()
    settled: list[tuple[float, str]] = []
    gone: list[str] = []
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if watched(entry.path):
                    continue
                if not entry.name.startswith(_UNFINISHED):
                    settled.append((os.stat(f"{entry.path}/{SETTLED}").st_mtime, entry.path))
                elif now - entry.stat().st_mtime > older:
                    gone.append(entry.path)
    settled.sort(reverse=True)
    gone += [folder for place, (since, folder) in enumerate(settled) if place >= most or now - since > older]
    for folder in gone:
        _remove(folder)
    return len(gone)


def _remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _staged(base: str, execution: str) -> str:
    os.makedirs(base, mode=0o700, exist_ok=True)
    staged = f"{base}/{_UNFINISHED}{execution}-{os.getpid()}-{time.monotonic_ns()}"
    os.mkdir(staged, 0o700)
    return staged


def _place(staged: str, folder: str) -> str:
    """Rename a folder to a name that nobody has: renaming onto a folder that is not empty fails (rename(2))."""
    try:
        os.rename(staged, folder)
    except OSError as error:
        if error.errno in _TAKEN:
            raise Taken from None
        raise
    _sync(os.path.dirname(folder))
    return folder


def write(file: str, data: bytes | bytearray) -> None:
    """A file that only its owner can read, and that was not there before."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write_whole(descriptor, data)
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, data: bytes | bytearray) -> None:
    """All of it, or OSError: a disk that is nearly full takes a part without a word."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
