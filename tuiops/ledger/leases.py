"""Locks as a database holds them, and whether the holder of one is still there.

A lease must not end because somebody set a clock. Where all consoles are processes of one machine it is counted by the
machine's monotonic clock, which nobody sets, which begins anew with each boot, and which stands still while the
machine sleeps, as its processes do. Consoles of several machines have no such clock in common but the server's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from tuiops.core.text import LINE, safe
from tuiops.errors import LedgerError
from tuiops.ledger.base import Holder, Lock
from tuiops.ledger.chain import storable
from tuiops.ledger.database import CHANGED
from tuiops.ledger.holders import dead, of_this_boot

PARKED = 0.0
"""The end of a lease that its holder gave up: past by any clock."""

_LARGEST = 2**37
"""Of the numbers of a lock: seconds until the year 6325."""


class Moment(NamedTuple):
    """A time at which leases are judged."""

    day: float
    """Seconds since 1970, by the database's clock."""
    clock: float
    """Seconds by the clock that leases are counted by."""
    machine: bool
    """Whether that is the monotonic clock of this machine since its boot; else it is the database's."""


class LockRow(NamedTuple):
    """A row of the table of locks, in the order of its columns."""

    key: str
    token: int
    held: bool
    name: str
    session: str
    host: str
    boot: str
    pid: int
    born: float
    run: str
    purpose: str
    since: float
    """`Moment.day` when it was taken."""
    expires: float
    """`Moment.clock` when the lease ends; PARKED when nobody keeps it any more."""

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> LockRow:
        """Raises LedgerError when a hand has put something else there than locks are made of."""
        found = cls._make(row)
        texts = (found.key, found.name, found.session, found.host, found.boot, found.run, found.purpose)
        numbers = (found.token, found.pid, found.born, found.since, found.expires)
        if not all(isinstance(text, str) for text in texts) or not all(_is_number(number) for number in numbers):
            raise LedgerError(f"a lock is not what was recorded{CHANGED}")
        return found

    @property
    def holder(self) -> Holder:
        return Holder(
            name=safe(self.name, LINE),
            session=storable(self.session),
            host=storable(self.host),
            boot=storable(self.boot),
            pid=int(self.pid),
            born=self.born,
        )

    def is_of(self, holder: Holder) -> bool:
        """Whether this very process has it, whatever it calls itself."""
        mine = (storable(holder.session), storable(holder.host), storable(holder.boot), holder.pid, holder.born)
        return (self.session, self.host, self.boot, self.pid, self.born) == mine

    def lock(self, moment: Moment) -> Lock:
        """As others see it."""
        return Lock(
            key=storable(self.key),
            token=self.token,
            holder=self.holder,
            run=storable(self.run),
            purpose=safe(self.purpose, LINE),
            since=datetime.fromtimestamp(self.since, UTC),
            gone=self._expired(moment) or dead(self.holder),
        )

    def _expired(self, moment: Moment) -> bool:
        return self.expires <= moment.clock or (moment.machine and not of_this_boot(self.boot))


def _is_number(value: object) -> bool:
    """Whether it can be a time, a process or a token."""
    return isinstance(value, int | float) and 0 <= value < _LARGEST
