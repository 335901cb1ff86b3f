"""What a ledger can do, whichever database keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from tuiops.core.text import EMPTY, SafeText
from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tuiops.core.record import Entry, Sealed


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process that holds locks, so that others can tell whether it still lives."""

    name: SafeText
    """For people, such as `kim on bastion-1`."""
    session: str
    host: str
    boot: str
    """Identity of the host's uptime, and of the process IDs in use: those of containers are their own."""
    pid: int
    born: float
    """When the process began, in the host's own terms: a process ID is used again, not with the same birth."""


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """Proof of having had a lock. Writes that show an older token than the lock's last one are refused."""

    key: str
    token: int


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A lock that somebody holds or held last."""

    key: str
    token: int
    holder: Holder
    run: str
    purpose: SafeText
    since: datetime
    gone: bool
    """Whether the holder is known to be dead, has left it to its run, or has been silent for longer than its lease."""


class Taken(LedgerError):
    """Somebody else has the lock."""

    def __init__(self, lock: Lock) -> None:
        super().__init__(f"{lock.holder.name} holds {lock.key}: {lock.purpose}")
        self.lock = lock


class FencedOut(LedgerError):
    """Another process has taken over since. Nothing was written, unless the connection broke at that very moment."""


class NoLedger(LedgerError):
    """There is none, and none is to be made."""


class AlreadyClaimed(LedgerError):
    """An execution was claimed before; it must not be carried out again."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` found."""

    entries: int
    faults: tuple[SafeText, ...]
    """Empty when nothing is wrong with what is there."""
    anchored: int
    """Up to which entry an anchor proves that nothing was changed or cut off."""
    noted: SafeText = EMPTY
    """When that anchor was noted; empty without one."""

    @property
    def whole(self) -> bool | None:
        """Whether it is whole; None when there is nothing that could tell: neither an entry nor an anchor."""
        return False if self.faults else True if self.entries else None


class Ledger(Protocol):
    """Every method raises LedgerError when the database cannot be written or read; nothing is half done then."""

    async def append(self, entries: Sequence[Entry], *, fences: Sequence[Fence] = ()) -> tuple[Sealed, ...]:
        """Add entries, all or none. They survive a power cut when this returns.

        Raises FencedOut when one of `fences` was given up, or is not the newest token of its lock any more.
        """
        ...

    async def claim(self, execution: str, entry: Entry, fences: Sequence[Fence]) -> Sealed:
        """Add the claim of an execution, which can be done once, ever. AlreadyClaimed, FencedOut."""
        ...

    async def probe(self) -> None:
        """Find out whether it can be written, by a write that says nothing."""
        ...

    async def next_run_number(self) -> int:
        """A number that no other run has."""
        ...

    def read(self, *, after: int = 0, until: int | None = None, run: str | None = None) -> AsyncIterator[Sealed]:
        """Entries in their order, those of one run or all; read in pieces, so any number will do."""
        ...

    async def last(self) -> int:
        """Number of the last entry; 0 when there is none."""
        ...

    async def acquire(self, key: str, holder: Holder, *, run: str, purpose: SafeText, seconds: float) -> Fence:
        """Take a lock for so long, and again with a newer token when this holder has it for this run already.

        Raises Taken while another holder or run has it, even one that is gone: its outcome may be unknown.
        """
        ...

    async def take_over(self, key: str, holder: Holder, *, run: str, seconds: float) -> Fence:
        """Take the lock of a run whose holder is gone. Taken when the holder lives or another run has it."""
        ...

    async def renew(self, fence: Fence, seconds: float) -> None:
        """Say that one lives. FencedOut when it was given up, or somebody has taken over."""
        ...

    async def park(self, fence: Fence) -> None:
        """Leave the lock to its run, for whoever takes it over: at once, whatever a clock says. FencedOut."""
        ...

    async def release(self, fence: Fence) -> None:
        """Give the lock back; does nothing when it is not ours any more."""
        ...

    async def locks(self) -> tuple[Lock, ...]:
        """All that are held."""
        ...

    async def verify(self) -> Verdict:
        """Check every entry against the chain, and the chain against its anchors."""
        ...

    async def anchor(self) -> None:
        """Note the end of the chain where an edit of the database does not reach, unless it is noted there already.

        What a console that was killed left behind comes under an anchor by this, whoever calls it.
        """
        ...

    def news(self) -> AsyncIterator[int]:
        """Yields the last entry's number whenever another process may have added some; a hint, bounded by a poll.

        LedgerError when it cannot be read: whoever waits for news hears none then, and must say so.
        """
        ...

    async def close(self) -> None: ...
