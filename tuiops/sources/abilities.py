"""What can be done to the things that sources watch. Every ability only prepares; one place acts.

An action has three moments. `prepare_…` reads what is there and says exactly what would be done: the requests, the
command that an operator would type, the state before and the one to expect. `perform` does that and nothing else,
unless what was read has changed meanwhile. `look_up` says how far the vendor has come with it, by the vendor's own
operation or by reading the state again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import msgspec

from tuiops.core.text import EMPTY, SafeText
from tuiops.errors import BadAnswer, TimedOut, Unreachable

if TYPE_CHECKING:
    from datetime import datetime


class Target(msgspec.Struct, frozen=True):
    """What is acted on: a resource of a system, as the configuration names it."""

    system: str
    resource: str


class Fact(msgspec.Struct, frozen=True):
    """One line of a state: what, and how it stands."""

    what: SafeText
    value: SafeText


class Wish(msgspec.Struct, frozen=True):
    """An ability and what it is told, in the words that runbooks use (`runbooks.format.abilities`)."""

    ability: str
    arguments: Mapping[str, str] = {}


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An action that is ready and has not been begun. It holds no secret."""

    target: Target
    verb: SafeText
    """What is done, such as `shift traffic`."""
    argv: tuple[SafeText, ...]
    """The same as a command line of the vendor's own tool, one word each."""
    before: tuple[Fact, ...]
    after: tuple[Fact, ...]
    """The state to expect when it is done."""
    seen: str
    """Fingerprint of what `before` was read from; an action is refused when it is another by then."""
    token: str
    """Equal for every attempt at the same action; sent to the vendor where it knows idempotency tokens."""
    call: bytes
    """What `perform` will send, in the source's own form."""
    undo: SafeText = EMPTY
    """How it is undone, in a sentence; empty when it cannot be."""
    reversal: Wish | None = None
    """What to ask of the same target to get back to `before`; None when no ability does that."""


class Progress(Enum):
    """How far the vendor has come with what it was told."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The answer was lost: it may have happened or not."""


LOST = (TimedOut, Unreachable, BadAnswer)
"""Failures after which nobody knows whether the vendor did what it was told."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an action after it was begun."""

    prepared: Prepared
    progress: Progress
    operation: str = ""
    """The vendor's name for it; empty when it has none."""
    facts: tuple[Fact, ...] = ()
    """The state as it was read last."""
    text: SafeText = EMPTY
    """What the vendor says."""


class StateChanged(Exception):
    """What an action was prepared for is not what is there any more. `facts` are what is."""

    def __init__(self, facts: tuple[Fact, ...]) -> None:
        super().__init__("the state has changed since it was read")
        self.facts = facts


@runtime_checkable
class Acts(Protocol):
    """Carries out what its own `prepare_…` methods prepared."""

    async def perform(self, prepared: Prepared) -> Receipt:
        """Begin it. Raises StateChanged, or errors.SourceError when it certainly did not happen."""
        ...

    async def look_up(self, receipt: Receipt) -> Receipt:
        """How it stands by now. Raises errors.SourceError when that cannot be told at the moment."""
        ...


@runtime_checkable
class ShiftsTraffic(Protocol):
    """Shares traffic among revisions."""

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        """Percents by revision or tag; they add up to 100."""
        ...


@runtime_checkable
class Restarts(Protocol):
    """Replaces running instances by fresh ones of the same revision."""

    async def prepare_restart(self, target: Target, token: str) -> Prepared: ...


@runtime_checkable
class RollsBack(Protocol):
    """Returns to an earlier revision."""

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared: ...


@runtime_checkable
class Scales(Protocol):
    """Sets how many instances there are: the least and the most, equal where the number is fixed."""

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared: ...


@runtime_checkable
class TakesBackup(Protocol):
    """Takes a backup by hand."""

    async def prepare_backup(self, target: Target, note: str, token: str) -> Prepared: ...


@runtime_checkable
class RestoresBackup(Protocol):
    """Restores a backup into an instance of its own, never over one that is there."""

    async def prepare_restore(self, target: Target, backup: str | datetime, instance: str, token: str) -> Prepared:
        """`backup`: its ID, or the moment to restore to; `instance`: name of the one to be made."""
        ...


@runtime_checkable
class AddsSecretVersion(Protocol):
    """Adds a version to a secret. The value is handed to `perform_secret` alone and appears nowhere else."""

    async def prepare_secret_version(self, target: Target, token: str) -> Prepared: ...

    async def perform_secret(self, prepared: Prepared, value: bytes) -> Receipt: ...


@runtime_checkable
class Snoozes(Protocol):
    """Keeps an alert policy quiet until a moment."""

    async def prepare_snooze(
        self, policies: tuple[str, ...], start: datetime, end: datetime, comment: str, token: str
    ) -> Prepared: ...


Told = Literal["serving", "previous", "revisions", "backups", "secret_versions"]
"""What can be asked of a resource: the revision with most of the traffic, the older one that served before it, all
that there are of the others."""


@runtime_checkable
class Tells(Protocol):
    """Lists what an action can be done with."""

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Names, the newest first; of `serving` and `previous` one at most. QueryRefused where there are no such."""
        ...
