"""What carries out commands and calls, as the engine sees it.

Every execution has an id that is used once, ever. Whoever begins one claims the id where the effect happens, and
a second claim is refused there; so a crash, a lost link or a double key cannot make it happen twice. When nobody
can say how it ended, that is said (`Kind.UNKNOWN`), and `find` asks the place itself later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, Protocol

import msgspec

from tuiops.config.values import Secret
from tuiops.core.record import NO_DIGEST, Digest, Evidence
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import NotFound
from tuiops.runbooks.effects import STOOD_STILL
from tuiops.runbooks.format.model import HttpAction

EXECUTION_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,199}"
"""What an execution id looks like: a file name, an HTTP header and a word of a shell at once."""

GRACE: Final = 10.0
"""Seconds between asking processes to end and ending them."""

_EXECUTION: Final = re.compile(EXECUTION_PATTERN)


def is_execution(text: str) -> bool:
    """Whether a text can be an execution id."""
    return _EXECUTION.fullmatch(text) is not None


def known_execution(text: str) -> str:
    """The text itself. NotFound when it can be no execution id: then it is no name of a folder either."""
    if not is_execution(text):
        raise NotFound(f"{safe(text)} can be no execution id")
    return text


def origin_of(execution: str) -> str:
    """What names the folder in which an execution is claimed; empty when the id does not say."""
    return execution.rpartition("@")[2] if "@" in execution else ""


def always() -> bool:
    """For what nobody can take out of our hands."""
    return True


class Kind(Enum):
    """How an execution came out, as far as anybody can tell."""

    ENDED = "ended"
    """It ended by itself; `status` says how."""
    ABORTED = "aborted"
    """It was ended on demand; `left` names what would not end."""
    UNKNOWN = "unknown"
    """It was, or may have been, begun; nobody can tell how it ended. Also after its time was up."""
    NOT_DONE = "not done"
    """It was certainly not begun, and under this id never will be."""


class Left(msgspec.Struct, frozen=True):
    """A process that an execution left behind."""

    pid: int
    name: SafeText
    """Its program, and why it could not be ended when that was tried."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What was printed, cleaned and redacted: its first and its last lines."""

    head: tuple[SafeText, ...] = ()
    tail: tuple[SafeText, ...] = ()
    left_out: int = 0
    """Lines between them that are not here."""
    size: int = 0
    """Bytes that were printed in all."""
    digest: Digest = NO_DIGEST
    """Of all that was printed, redacted; NO_DIGEST when not all of it was seen or it may not be recorded."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an execution came out."""

    kind: Kind
    text: SafeText
    """A sentence for people."""
    status: int | None = None
    """Exit status, 128 and the number of the signal that ended it (as shells count), or status of an HTTP answer."""
    timed_out: bool = False
    """Whether it was ended because its time was up; its kind is UNKNOWN then."""
    left: tuple[Left, ...] = ()
    """Processes of it that live on."""
    output: Output = Output()
    stdout: bytes = b""
    """What captures are taken from, redacted and bounded; empty unless it was asked for."""
    stdout_cut: bool = False
    """Whether there was more of it than is kept."""

    def evidence(self) -> Evidence:
        """What the record keeps of it."""
        output = self.output
        return Evidence(
            output=(*output.head, *output.tail), left_out=output.left_out, digest=output.digest, status=self.status
        )


class Sight(Enum):
    """What a look-up came to."""

    RUNNING = "running"
    ENDED = "ended"
    """`outcome` says how."""
    NOBODY_KNOWS = "nobody knows"
    """It was begun, and whoever watched it is gone; `left` names processes of it that live."""
    NOT_BEGUN = "not begun"
    """Nobody had claimed it; the look-up has claimed it, so that it cannot begin any more."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a look-up."""

    sight: Sight
    text: SafeText
    outcome: Outcome | None = None
    left: tuple[Left, ...] = ()


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What was printed since the last batch, cleaned and redacted; at most ten batches come in a second."""

    lines: tuple[SafeText, ...] = ()
    """The last ones; at most `output.BATCH_LINES`."""
    skipped: int = 0
    """Lines before them that came too fast to be shown."""
    partial: SafeText = EMPTY
    """The beginning of a line that is not complete yet."""


Tell = Callable[[Tail], None]
"""Called in the event loop; must return at once."""

StillOurs = Callable[[], bool]
"""Asked at the last moment before something begins, from any thread: whether it is still for this console to begin."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command to carry out. Holds references to secrets, never their values."""

    execution: str
    argv: tuple[str, ...]
    environment: Mapping[str, str | Secret] = {}
    """Variables besides the few that every command gets."""
    stdin: Secret | None = None
    timeout: float = 600.0
    """Seconds; then its processes are ended and its outcome is unknown."""
    grace: float = GRACE
    """Seconds that its processes have to end when they are told to."""
    sec: bool = False
    """Whether what it prints is thrown away unseen."""
    wants_stdout: bool = False
    """Whether `Outcome.stdout` is asked for; without it standard output and standard error are one stream."""

    @property
    def secrets(self) -> bool:
        """Whether it is given anything that must not be seen."""
        return bool(self.stdin) or any(isinstance(one, Secret) for one in self.environment.values())


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP call to make. Its words are final; secrets in its headers are references."""

    execution: str
    action: HttpAction
    timeout: float = 60.0
    """Seconds for all of it."""
    sec: bool = False


class Commands(Protocol):
    """A place where commands are carried out: this machine, or a bastion."""

    async def run(self, command: Command, tell: Tell, ours: StillOurs = always) -> Outcome:
        """Claim its id, begin it, and wait for its end. One that was begun before is left alone, and unknown.

        Secrets may take their time before that, or a link: what is not `ours` any more by then is not begun.
        Never raises for what goes wrong: that is an outcome. When its task is cancelled, or this program dies, the
        command goes on; `abort` ends it.
        """
        ...

    async def find(self, execution: str) -> Finding:
        """What became of an execution, asked when nobody here is waiting for it.

        One that was not begun is kept from beginning later, in the folder that its id names: elsewhere nobody can
        tell. Raises errors.SourceError when the place cannot be asked, NotFound for what can be no id.
        """
        ...

    async def follow(self, command: Command, tell: Tell) -> Outcome:
        """Wait for the end of an execution that was begun before, telling its output from the beginning on."""
        ...

    async def abort(self, execution: str) -> Finding:
        """End all processes of an execution and say what is left. Raises errors.SourceError as `find` does.

        Whoever waits in `run` or `follow` is given the same outcome.
        """
        ...

    async def settle(self, execution: str) -> None:
        """Let its files go some day: how it came out is in the ledger. Does nothing when there are none."""
        ...


def not_done(text: SafeText) -> Outcome:
    """The outcome of what was certainly not begun."""
    return Outcome(kind=Kind.NOT_DONE, text=text)


def unknown(text: SafeText) -> Outcome:
    """The outcome of what nobody can tell."""
    return Outcome(kind=Kind.UNKNOWN, text=text)


def begun_before() -> Outcome:
    """The outcome for somebody who would begin what was begun before: not for them to say."""
    return unknown(lit("this execution was begun before; it is not begun again"))


def stood_still() -> Outcome:
    """The outcome for a console whose run may be in other hands by now."""
    return not_done(STOOD_STILL)


def elsewhere() -> Finding:
    """The answer of a place that has another folder than the one in which it was begun."""
    text = lit("there is no trace of it here; it was begun from another machine or by another user")
    return Finding(sight=Sight.NOBODY_KNOWS, text=text)


def not_begun() -> Finding:
    """The answer when nobody had begun it, and from now on nobody can."""
    return Finding(sight=Sight.NOT_BEGUN, text=lit("it was not begun, and cannot begin any more"))


def lost(finding: Finding, output: Output) -> Outcome:
    """The outcome for somebody who waits for one that is not to be had, from what a look-up came to."""
    kind = Kind.NOT_DONE if finding.sight is Sight.NOT_BEGUN else Kind.UNKNOWN
    return Outcome(kind=kind, text=finding.text, left=finding.left, output=output)


def ended_outcome(how: str, status: int | None, left: tuple[Left, ...]) -> Outcome:
    """The outcome from what a supervisor says: `ended`, `aborted` or `timed out`, and the exit status."""
    if how == "ended" and status is not None:
        text = ended_text(status)
        text = fmt("{}; it left running: {}", text, left_text(left)) if left else text
        return Outcome(kind=Kind.ENDED, text=text, status=status, left=left)
    rest = fmt("these processes would not end: {}", left_text(left)) if left else lit("all its processes have ended")
    if how == "aborted":
        return Outcome(kind=Kind.ABORTED, text=fmt("aborted; {}", rest), status=status, left=left)
    text = fmt("its time was up; {}; what it did by then is unknown", rest)
    return Outcome(kind=Kind.UNKNOWN, text=text, status=status, timed_out=True, left=left)


def ended_text(status: int) -> SafeText:
    """An exit status in words."""
    if status == 0:
        return lit("ended with status 0")
    if status > 128:
        return fmt("ended by signal {}", status - 128)
    return fmt("ended with status {}", status)


def left_process(pid: int, name: str, why: str) -> Left:
    """A process, and why it may still be there when that is known."""
    return Left(pid, fmt("{}, {}", safe(name), safe(why)) if why else safe(name))


def left_text(left: tuple[Left, ...]) -> SafeText:
    """Processes in words; empty for none."""
    return join(", ", [fmt("{} ({})", one.name, one.pid) for one in left])
