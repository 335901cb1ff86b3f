"""Runs as they stand at one moment: for what is planned and not done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import fmt, safe
from tuiops.errors import LedgerError
from tuiops.ledger.base import NoLedger
from tuiops.runbooks.engine.reading import Reader
from tuiops.runbooks.record.known import REMEMBERED, Known

if TYPE_CHECKING:
    from tuiops.ledger.base import Ledger
    from tuiops.runbooks.engine.permits import Permits
    from tuiops.runbooks.engine.step import Means

LEDGER = ""
"""Stands for the ledger where troubles are named: no run has an empty identity."""


class Onlooker(Reader):
    """Reads once what the ledger tells of runs. It has nothing to write there with, and nothing to act with.

    Where the ledger cannot be read, that is its trouble; where there is none, nothing is held.
    """

    def __init__(self, ledger: Ledger, means: Means, permits: Permits) -> None:
        super().__init__(Known(ledger, "", (), lambda _: None, lambda _: None), means, permits)

    async def look(self) -> None:
        """Read what there is."""
        try:
            await self._catch_up(max(0, await self._known.ledger.last() - REMEMBERED))
            await self._look_at_locks()
        except NoLedger:
            pass
        except LedgerError as error:
            self._known.trouble(LEDGER, fmt("ledger: {}", safe(str(error), 500)))
