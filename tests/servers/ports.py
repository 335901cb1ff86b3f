"""TCP ports for servers that are told theirs, and for what nobody may listen on."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from functools import cache
from itertools import chain
from pathlib import Path

_PORTS = range(10_000, 32_768)
"""Below those that systems give to whoever connects (from 32768 on Linux): a client's own port can be neither in the
way of a server, nor be what a client meets that asks a port on which nobody listens."""
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback that nothing listens on, and that nobody else is given before this process ends."""
    begin = os.getpid() * 97 % len(_PORTS)
    for port in chain(_PORTS[begin:], _PORTS[:begin]):
        if port not in _given and _claimed(port) and _unused(port):
            _given.add(port)
            return port
    raise AssertionError("no port is free")


@cache
def _claims() -> int:
    """A file of whose bytes each stands for a port; test runs side by side lock those that they give away."""
    path = Path(tempfile.gettempdir()) / f"tuiops-test-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _claimed(port: int) -> bool:
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _unused(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
