"""Running a server: started in a session of its own, ready when it answers, ended by its process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Self

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_GRACE_SECONDS = 5.0


def listens(port: int) -> bool:
    """Whether something accepts connections on a port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class ServerProcess:
    """One process of a server. Its output goes to a file, which a failure to start quotes."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._command = [str(word) for word in command]
        self._environment = {**os.environ, **(environment or {})}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self.log = log

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def alive(self) -> bool:
        """Whether it runs at this moment."""
        return self._process is not None and self._process.poll() is None

    def logged(self, words: str) -> bool:
        """Whether it has written these words since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return words.encode() in log.read()

    def start(self, ready: Callable[[], bool]) -> Self:
        """Start it and return when `ready` says so."""
        assert not self.alive(), "started twice"
        command = self._command
        # A test run that is killed must not leave servers behind.
        if guard := shutil.which("setpriv"):
            command = [guard, "--pdeathsig", "KILL", "--", *command]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        try:
            wait_until(lambda: not self.alive() or ready(), "an answer")
            assert self.alive(), f"ended with status {self._process.returncode}"
        except BaseException as error:  # an interrupted start must leave no server behind; raised again below
            self.stop()
            error.add_note(f"{' '.join(self._command)}\n{self.log_tail()}")
            raise
        return self

    def stop(self) -> None:
        """End it and everything that it started; at once if it does not go by itself. Idempotent."""
        process = self._process
        if process is None:
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._signal(signal.SIGKILL)
            process.wait()
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGKILL)
        self.stop()

    def pause(self) -> None:
        """Stop it answering while its connections stay open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """The last of its output."""
        return self.log.read_bytes()[-4000:].decode("utf-8", "replace")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return
