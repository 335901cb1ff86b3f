"""Every error that tuiops raises on purpose, as one tree.

    TuiopsError
    ├── UsageError               the command line asked for something that does not exist
    ├── ConfigError              one or more faults in configuration, theme, keymap or runbook files
    ├── LedgerError              the record cannot be written or read; nothing is done without it
    │   └── Unrecorded           something was ended all the same, and is yet to be recorded
    ├── Refused                  an action was not begun, for a reason that people are told
    │   └── Unresolved           a step was begun, and nobody can tell yet how it ended
    └── SourceError              a source could not answer; the console goes on with what it knew
        ├── Unreachable          nothing listens, no route, no such name, TLS refused
        ├── TimedOut             no complete answer before the deadline
        ├── AccessDenied         credentials are missing, wrong or expired (401, 403)
        ├── RateLimited          the vendor asked us to wait (429, 503 with Retry-After)
        ├── QueryRefused         the server understood us and said no (bad PromQL, unknown index)
        │   ├── NotFound         what was asked for does not exist
        │   └── Conflict         it is not, or no longer, what the request takes it to be
        └── BadAnswer            an answer that is not what the API promises: HTML, wrong types, too large

Sources translate their vendor's failures into this tree in one place each; nothing above them handles
a vendor's exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class TuiopsError(Exception):
    """The root: whatever tuiops raises on purpose is one of these."""


class UsageError(TuiopsError):
    """The command line asked for something that does not exist."""


class Fault(NamedTuple):
    """One mistake in a file: where it is, what is wrong, what to do about it. (Dataclasses are slow to import.)"""

    file: str
    key: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.problem}" + (f" → {self.remedy}" if self.remedy else "")


class Blank(Fault):
    """A value that its owner has yet to fill in: `remedy` says what. Nothing is wrong with it otherwise."""

    __slots__ = ()


class ConfigError(TuiopsError):
    """All the faults found in one reading, so that they can be mended in one go."""

    def __init__(self, faults: Sequence[Fault], warnings: Sequence[Fault] = ()) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
        self.warnings = tuple(warnings)
        """What would be amiss even without the faults."""

    @property
    def mistakes(self) -> tuple[Fault, ...]:
        """What is wrong."""
        return tuple(fault for fault in self.faults if not isinstance(fault, Blank))

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """What is not there yet."""
        return tuple(fault for fault in self.faults if isinstance(fault, Blank))


class LedgerError(TuiopsError):
    """The record cannot be written or read, or somebody else was first; nothing is done without it."""


class Unrecorded(LedgerError):
    """What a person wanted ended is being ended, which needs no record beforehand; it has none yet."""


class Refused(TuiopsError):
    """An action was not begun: no permission, another state than was confirmed, a lock. Nothing has happened."""


class Unresolved(Refused):
    """A step of the run was begun, and nobody can tell yet how it ended: nothing is begun beside it."""


class SourceError(TuiopsError):
    """A source could not answer. `retry_after` is in seconds, None when the vendor named no time."""

    word = "failed"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(SourceError):
    """Nothing listens, no route, no such name, TLS refused."""

    word = "unreachable"


class TimedOut(SourceError):
    """No complete answer before the deadline."""

    word = "timed out"


class AccessDenied(SourceError):
    """Credentials are missing, wrong or expired."""

    word = "access denied"


class RateLimited(SourceError):
    """The vendor asked us to wait."""

    word = "rate limited"


class QueryRefused(SourceError):
    """The server understood the request and said no."""

    word = "query refused"


class NotFound(QueryRefused):
    """What was asked for does not exist."""

    word = "not found"


class Conflict(QueryRefused):
    """What was to be changed is not, or no longer, what the request takes it to be."""

    word = "conflict"


class BadAnswer(SourceError):
    """An answer that is not what the API promises."""

    word = "bad answer"
