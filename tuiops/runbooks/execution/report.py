"""What a bastion says about an execution, taken in line by line and byte by byte."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import msgspec

from tuiops.core.record import NO_DIGEST
from tuiops.core.text import fmt, lit, safe
from tuiops.errors import BadAnswer
from tuiops.runbooks.execution import folder as folders
from tuiops.runbooks.execution import processes
from tuiops.runbooks.execution.base import (
    Finding,
    Kind,
    Left,
    Outcome,
    Output,
    Sight,
    begun_before,
    elsewhere,
    ended_outcome,
    left_process,
    left_text,
    not_begun,
    not_done,
)
from tuiops.runbooks.execution.output import Lines
from tuiops.runbooks.execution.redaction import Redactor

if TYPE_CHECKING:
    from tuiops.runbooks.execution.base import Command, Tail

_PREFIX: Final = b"tuiops:"
_LONGEST_FRAME: Final = 16 * 1024 * 1024
_MOST_LEFT: Final = 100
_FINAL: Final = frozenset({"taken", "absent", "failed", "elsewhere", "none", "running", "unknown", "ended"})
_ORIGIN: Final = re.compile(r"[0-9a-f]{8,64}")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_ANNOUNCED: Final = re.compile(r"(out|err) N\.(N)\.(N) (N) (N)".replace("N", "[0-9]{1,15}"))
"""`STREAM NUMBER.BYTES.LINES OFFSET COUNT`."""


class Report:
    """One conversation."""

    def __init__(self, command: Command, forms: frozenset[bytes]) -> None:
        self._command = command
        self.streams = bool(forms) and not command.sec
        """Whether output comes as it is and not in announced pieces."""
        self._redactor = Redactor(forms)
        self._lines = Lines()
        self._digest = hashlib.sha256()
        self._gaps = False
        self._streams_seen: set[str] = set()
        self._at: dict[str, tuple[int, int]] = {}
        """By stream: bytes and lines of it that came or are gone."""
        self._current = ""
        self._last = ("", True)
        """Which stream the last output came from, and whether it ended a line."""
        self._stdout = bytearray()
        self._stdout_cut = False
        self._said: dict[str, str] = {}
        self._left: list[Left] = []
        self._noise = b""

    @property
    def complete(self) -> bool:
        """Whether all is said."""
        return not _FINAL.isdisjoint(self._said)

    @property
    def complaint(self) -> str:
        """What the shell over there complained about, to be put behind a sentence."""
        return f": {safe(self._noise)}" if self._noise else ""

    @property
    def origin(self) -> str:
        """What names the folder of executions over there; empty when that was not said."""
        said = self._said.get("origin", "")
        return said if _ORIGIN.fullmatch(said) else ""

    @property
    def failed(self) -> bool:
        """Whether what was asked for failed over there."""
        return "failed" in self._said

    @property
    def failure(self) -> str:
        """What failed over there, to be put behind a sentence."""
        said = self._said.get("failed", "")
        return f": {safe(said, 300)}" if said else self.complaint

    def hear(self, line: bytes) -> int:
        """Take a line in. Returns how many bytes of output come next on the other stream."""
        if not line.startswith(_PREFIX) or not line.endswith(b"\n"):
            self._noise = line.strip() or self._noise
            return 0
        word, _, rest = line[len(_PREFIX) : -1].decode("utf-8", "replace").partition(" ")
        if word == "data":
            return self._announced(rest)
        if word == "left":
            if len(self._left) < _MOST_LEFT:
                self._left.append(_left(rest))
        else:
            self._said[word] = rest
        return 0

    def take(self, data: bytes) -> None:
        """Take output in."""
        before, lines = self._at.get(self._current, (0, 0))
        self._at[self._current] = (before + len(data), lines + data.count(b"\n"))
        self._keep(self._redactor.feed(data))

    def batch(self, *, last: bool) -> Tail | None:
        """What is new."""
        if last:
            self._keep(self._redactor.finish())
            self._lines.finish()
        return self._lines.batch()

    def output(self) -> Output:
        """All that came."""
        size = sum(before for before, _ in self._at.values())
        whole = not self._gaps and len(self._streams_seen) <= 1 and self._at
        return self._lines.output(size, self._digest.hexdigest() if whole else NO_DIGEST)

    def finding(self) -> Finding:
        """What was said in the end."""
        said, left = self._said, tuple(self._left)
        if "none" in said:
            return not_begun()
        if "elsewhere" in said:
            return elsewhere()
        if "ended" in said:
            outcome = self._outcome(left)
            return Finding(sight=Sight.ENDED, text=outcome.text, outcome=outcome, left=left)
        refusal = self._refusal()
        if refusal is not None:
            return Finding(sight=Sight.ENDED, text=refusal.text, outcome=refusal)
        if "running" in said:
            return Finding(sight=Sight.RUNNING, text=lit("it is running"))
        text = lit("whoever watched it is gone; nobody knows how it ended")
        if left:
            text = fmt("{}; of its processes live: {}", text, left_text(left))
        return Finding(sight=Sight.NOBODY_KNOWS, text=text, left=left)

    def _refusal(self) -> Outcome | None:
        """Why we have not begun it, when we have not."""
        if "taken" in self._said:
            return begun_before()
        if "absent" in self._said:
            return not_done(fmt("{}: there is no such program there", safe(self._command.argv[0])))
        if "failed" in self._said:
            return not_done(safe(self._said["failed"]))
        return None

    def _outcome(self, left: tuple[Left, ...]) -> Outcome:
        said = self._said
        how = "timed out" if "expired" in said else "aborted" if "aborted" in said else "ended"
        status = _number(said.get("status", ""))
        outcome = ended_outcome(how, status, left)
        if how == "ended" and status is None:
            outcome = Outcome(kind=Kind.UNKNOWN, text=lit("its status cannot be read"), left=left)
        return msgspec.structs.replace(
            outcome, output=self.output(), stdout=bytes(self._stdout), stdout_cut=self._stdout_cut
        )

    def _announced(self, rest: str) -> int:
        """How much comes. BadAnswer when that cannot be told: nor can what comes after it, then."""
        found = _ANNOUNCED.fullmatch(rest)
        if found is None:
            raise BadAnswer(f"output was announced in words that mean nothing: {safe(rest, 100)}")
        stream, (before, lines, offset, count) = found[1], map(int, found.groups()[1:])
        if count > _LONGEST_FRAME:
            raise BadAnswer(f"more output was announced than there can be: {count} bytes")
        at, seen = self._at.get(stream, (0, 0))
        start = before + offset
        if start > at:
            self._gaps = True
            missing = max(0, lines - seen)
            self._lines.missing(missing)
            self._at[stream] = (start, seen + missing)
            if stream == "out":
                self._stdout_cut = True
        self._current = stream
        self._streams_seen.add(stream)
        return count

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        if self._command.wants_stdout and self._current in {"", "out"} and not self._stdout_cut:
            room = folders.STDOUT_BYTES - len(self._stdout)
            self._stdout += data[:room]
            self._stdout_cut = len(data) > room
        last, ended = self._last
        if last != self._current and not ended:
            self._lines.feed(b"\n")
        self._last = (self._current, data.endswith(b"\n"))
        self._digest.update(data)
        self._lines.feed(data)


def _left(text: str) -> Left:
    """`PID STATE NAME`."""
    pid, state, name = (*text.split(" ", 2), "", "")[:3]
    return left_process(_number(pid) or 0, name, processes.why(state))


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None
