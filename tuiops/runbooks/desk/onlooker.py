"""An engine that only looks on: for what is planned and not done."""

from __future__ import annotations

from tuiops.core.text import fmt, safe
from tuiops.errors import LedgerError
from tuiops.ledger.base import NoLedger
from tuiops.runbooks.engine.engine import Engine
from tuiops.runbooks.record.known import REMEMBERED

LEDGER = ""
"""Stands for the ledger where troubles are named: no run has an empty identity."""


class Onlooker(Engine):
    """Reads once what the ledger tells of runs, and writes nothing there: it takes no lock, and looks after no run.

    Where the ledger cannot be read, that is its trouble; where there is none, nothing is held.
    """

    async def start(self) -> None:
        try:
            await self._catch_up(max(0, await self.ledger.last() - REMEMBERED))
            await self._known.look_at_locks()
        except NoLedger:
            pass
        except LedgerError as error:
            self._known.trouble(LEDGER, fmt("ledger: {}", safe(str(error), 500)))
