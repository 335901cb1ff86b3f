"""Begins one command, watches it whatever becomes of the console, and says on disk how it ended.

A process of its own, in its own session. It is told what to do on its standard input (`marshal`), because that may
hold secrets, and answers with one line on its standard output: `begun`, `taken`, `unclaimed` and why its folder
cannot be made, or `failed` and why.

It must begin at once: of the standard library it imports as little as possible (without `re`, and so without `json`,
`pathlib` and `typing`, it starts in half the time), and nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import marshal
import os
import selectors
import signal
import sys
import time

from tuiops.runbooks.execution import folder as folders
from tuiops.runbooks.execution import processes
from tuiops.runbooks.execution.redaction import Redactor
from tuiops.runbooks.execution.segments import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from typing import Any, NoReturn

_BLOCK = 64 * 1024
_TICK = 0.05
"""Seconds between two writes of output to the disk."""
_QUIET = 1.0
"""Seconds without output after which a whole line is let go."""
_LONGEST_WAIT = 3600.0
"""Seconds of one wait: kernels refuse too many."""
_DRAIN = 1.0
"""Seconds that output may still come after the command has ended, from what it left behind."""
_KILLING = 3.0
"""Seconds that processes are being killed before they are named as left."""
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_NOT_FOUND = 127
_DEAF_TO = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE)


def main() -> NoReturn:
    """Carry out what standard input says, in the background: the process that was started ends at once."""
    try:
        order = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 # from the very console that started this
    except (EOFError, ValueError, TypeError):
        # Whoever asked died while asking. Nothing is claimed.
        os._exit(1)
    if os.fork():
        os._exit(0)
    with contextlib.suppress(OSError):
        os.setsid()
    os._exit(_supervise(order))


def _supervise(order: dict[str, Any]) -> int:
    for one in _DEAF_TO:
        signal.signal(one, signal.SIG_IGN)
    try:
        folder, _lock = folders.claim(order["base"], order["execution"], order["shown"])
    except folders.Taken:
        _answer("taken")
        return 0
    except OSError as error:
        _answer(f"unclaimed {error.strerror or error}")
        return 0
    _adopt_orphans()
    try:
        supervisor = Supervisor(folder, order)
        supervisor.begin()
    except OSError as error:
        # ENOENT and the like of the command itself, or no more processes or descriptors.
        with contextlib.suppress(OSError):
            folders.write_status(folder, {"kind": "not done", "text": error.strerror or str(error)})
        _answer(f"failed {error.strerror or error}")
        return 0
    _answer("begun")
    supervisor.watch()
    return 0


def _answer(line: str) -> None:
    """Tell whoever started this, who may be gone; then let go of everything that is theirs."""
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())
    # Without a descriptor to spare it keeps them: the command is watched all the same.
    with contextlib.suppress(OSError):
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)


def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end, so that none gets out of sight. Linux can.

    And leave no core file: secrets would be in it.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class _Stream:
    """One of the two outputs of the command."""

    def __init__(self, descriptor: int, forms: list[bytes]) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.redactor = Redactor(forms)
        self.open = True


class Supervisor:
    """Watches one command. Everything happens in one thread."""

    def __init__(self, folder: str, order: dict[str, Any]) -> None:
        self._folder = folder
        self._order = order
        self._writer = Writer(folder, folders.OUTPUT)
        self._stdout = bytearray()
        self._stdout_cut = False
        self._streams: list[_Stream] = []
        self._last: tuple[_Stream | None, bool] = (None, True)
        """Which stream the last output came from, and whether it ended a line."""
        self._selector = selectors.DefaultSelector()
        self._stdin = (-1, b"")
        """Where the command reads from, and what it has not taken yet."""
        self._child = -1
        self._status: int | None = None
        self._heard = time.monotonic()
        self._ended_at: float | None = None
        self._why = ""
        """Why its processes are being ended: `aborted` or `timed out`; empty when they are not."""
        self._asked_at = 0.0
        self._asked: set[int] = set()
        self._refused: dict[int, str] = {}
        self._living = True
        self._said = order["sec"]
        """Whether output is of no use any more."""
        self._flushed = 0.0

    def begin(self) -> None:
        """Start the command. OSError when it cannot be."""
        self._control = os.open(f"{self._folder}/{folders.CONTROL}", os.O_RDWR | os.O_NONBLOCK)
        self._selector.register(self._control, selectors.EVENT_READ)
        wake, woken = os.pipe()
        for descriptor in (wake, woken):
            os.set_blocking(descriptor, False)
        self._wake = wake
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        self._selector.register(wake, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end_all("aborted"))
        self._child = self._start()

    def watch(self) -> None:
        """Wait for its end, say how it was, and stay until nobody holds its output any more."""
        self._digest = _sha256()
        deadline = time.monotonic() + self._order["timeout"]
        while not self._over():
            busy = self._why or self._ended_at or self._writer.waiting
            held = any(stream.redactor.holds for stream in self._streams)
            left = min(max(0.0, deadline - time.monotonic()), _LONGEST_WAIT)
            self._step(_TICK if busy else min(_QUIET, left) if held else left)
            if not self._why and self._ended_at is None and time.monotonic() >= deadline:
                self._end_all("timed out")
        self._finish()
        # What the command left running may still print: a pipe that nobody reads would end it.
        while any(stream.open for stream in self._streams):
            self._step(None)

    def _start(self) -> int:
        """The process of the command. OSError when there is certainly none."""
        out, out_child = os.pipe()
        err, err_child = (out, out_child) if not self._order["wants_stdout"] else os.pipe()
        stdin = self._open_stdin()
        failure, failed = os.pipe()
        for descriptor in dict.fromkeys((out, err)):
            stream = _Stream(descriptor, self._order["hidden"])
            self._streams.append(stream)
            self._selector.register(descriptor, selectors.EVENT_READ, stream)
        child = os.fork()
        if child == 0:
            _become(self._order, (stdin, out_child, err_child), failed)
        # From here on the command may run: the only error is its own word that it could not become the command.
        for descriptor in {out_child, err_child, stdin, failed}:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        refused = _said(failure)
        if refused:
            os.waitpid(child, 0)
            raise OSError(int(refused), os.strerror(int(refused)))
        return child

    def _open_stdin(self) -> int:
        """What the command reads from: nothing, or a secret, which is on no disk."""
        text = self._order["stdin"]
        if text is None:
            return os.open(os.devnull, os.O_RDONLY)
        read, write = os.pipe()
        os.set_blocking(write, False)
        self._stdin = (write, text.encode())
        self._selector.register(write, selectors.EVENT_WRITE)
        return read

    def _feed(self) -> None:
        """Give the command what it reads; one that does not read it is none of our business."""
        write, text = self._stdin
        try:
            text = text[os.write(write, text) :]
        except BlockingIOError:
            return
        except OSError:
            text = b""
        self._stdin = (write, text)
        if not text:
            self._selector.unregister(write)
            os.close(write)

    def _step(self, seconds: float | None) -> None:
        """Take in whatever happens within so many seconds."""
        for key, _ in self._selector.select(seconds):
            if key.data is not None:
                self._read(key.data)
            elif key.fd == self._control:
                if folders.ABORT in os.read(self._control, _BLOCK):
                    self._end_all("aborted")
            elif key.fd == self._stdin[0]:
                self._feed()
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, _BLOCK)
        self._reap()
        if self._why:
            self._press()
        now = time.monotonic()
        if now - self._heard >= _QUIET:
            for stream in self._streams:
                self._keep(stream, stream.redactor.quiet())
        if now - self._flushed >= _TICK:
            self._flushed = now
            self._writer.flush()

    def _read(self, stream: _Stream) -> None:
        try:
            data = os.read(stream.descriptor, _BLOCK)
        except BlockingIOError:
            return
        self._heard = time.monotonic()
        if data:
            self._keep(stream, stream.redactor.feed(data))
            return
        self._selector.unregister(stream.descriptor)
        os.close(stream.descriptor)
        stream.open = False
        self._keep(stream, stream.redactor.finish())

    def _keep(self, stream: _Stream, data: bytes) -> None:
        if not data or self._said:
            return
        if self._order["wants_stdout"] and stream is self._streams[0]:
            room = folders.STDOUT_BYTES - len(self._stdout)
            self._stdout += data[:room]
            self._stdout_cut |= len(data) > room
        last, whole = self._last
        if last is not None and last is not stream and not whole:
            data = b"\n" + data
        self._last = (stream, data.endswith(b"\n"))
        self._digest.update(data)
        self._writer.write(data)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child:
                    code = os.waitstatus_to_exitcode(ended[1])
                    self._status = code if code >= 0 else 128 - code
                    self._ended_at = time.monotonic()

    def _over(self) -> bool:
        """Whether there is nothing more to wait for before it is said how it ended."""
        now = time.monotonic()
        if self._why:
            return not self._living or now - self._asked_at > self._order["grace"] + _KILLING
        if self._ended_at is None:
            return False
        return not any(stream.open for stream in self._streams) or now - self._ended_at > _DRAIN

    def _end_all(self, why: str) -> None:
        if not self._why and self._status is None:
            self._why = why
            self._asked_at = time.monotonic()

    def _press(self) -> None:
        """Ask all its processes to end, and end them when they have had their time."""
        tree = self._tree()
        self._living = bool(tree)
        if time.monotonic() - self._asked_at > self._order["grace"]:
            self._refused.update(processes.tell(tree, signal.SIGKILL))
        else:
            # A stopped process hears only once it goes on.
            unasked = [process for process in tree if process.pid not in self._asked]
            self._refused.update(processes.tell(unasked, signal.SIGTERM, signal.SIGCONT))
        self._asked |= {process.pid for process in tree}

    def _tree(self) -> list[processes.Process]:
        found = {process.pid: process for process in processes.descendants(os.getpid())}
        if not processes.has_proc():
            found |= {process.pid: process for process in processes.marked(self._order["execution"])}
        return list(found.values())

    def _finish(self) -> None:
        self._reap()
        for stream in self._streams:
            self._keep(stream, stream.redactor.finish())
        self._writer.close()
        if self._order["wants_stdout"]:
            with contextlib.suppress(OSError):
                folders.write(f"{self._folder}/{folders.STDOUT}", self._stdout)
        left = [
            {
                "pid": process.pid,
                "name": process.name,
                "why": self._refused.get(process.pid, processes.why(process.state)),
            }
            for process in self._tree()
        ]
        # Whatever was over before anything was asked to end has ended by itself.
        by_itself = not self._why or (not self._asked and self._status is not None)
        folders.write_status(
            self._folder,
            {
                "kind": "ended" if by_itself else self._why,
                "status": self._status,
                "left": left[:100],
                "size": self._writer.size,
                "lines": self._writer.lines,
                "digest": "" if self._order["sec"] else self._digest.hexdigest(),
                "stdout_cut": self._stdout_cut,
                "lost": self._writer.failed,
                "ended": time.time(),
            },
        )
        self._said = True


def _sha256() -> hashlib._Hash:
    import hashlib

    return hashlib.sha256()


def _said(failure: int) -> bytes:
    """What the child says before it turns into the command or ends; nothing when that cannot be read."""
    said = b""
    with contextlib.suppress(OSError):
        while word := os.read(failure, _BLOCK):
            said += word
    with contextlib.suppress(OSError):
        os.close(failure)
    return said


def _become(order: dict[str, Any], standard: tuple[int, int, int], failed: int) -> NoReturn:
    """In the child: turn into the command. Says on `failed` why it cannot."""
    try:
        os.setsid()
        # Python ignores two of them by itself, and what is ignored stays so in the command.
        for one in (*_DEAF_TO, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(one, signal.SIG_DFL)
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
        try:
            os.chdir(order["folder"])
        except OSError:
            os.chdir("/")
        os.execvpe(order["argv"][0], order["argv"], order["environment"])  # noqa: S606 # a shell is what it avoids
    except OSError as error:
        os.write(failed, str(error.errno).encode())
    finally:
        os._exit(_NOT_FOUND)
