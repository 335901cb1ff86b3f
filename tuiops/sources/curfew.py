"""An end to blocking reads. Their own timeout sets none: it is of each read, and a byte now and then is one."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Curfew:
    """As a context manager: connections that are watched inside are shut when the time is up.

    What that looks like inside, as if the server had ended them, becomes a TimeoutError outside.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._late = False
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for connected in self._watched:
                connected.close()
            self._watched.clear()
        if self._late and (error is None or isinstance(error, Exception)):
            raise TimeoutError(errno.ETIMEDOUT, f"no complete answer within {self._seconds:g}s") from None

    def watch(self, connected: socket.socket) -> None:
        """Shut this connection too; at once, when it is late already."""
        # A descriptor of our own: TLS takes over a socket, and whoever opened it may close it.
        own = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._watched.append(own)
            if self._late:
                _shut(own)

    def _ring(self) -> None:
        with self._lock:
            self._late = True
            for connected in self._watched:
                _shut(connected)


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
