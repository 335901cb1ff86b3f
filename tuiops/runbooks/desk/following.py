"""Runs for those who only look on: read from the ledger, with nothing at hand that could write there or act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.runbooks.record.known import REMEMBERED, Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.core.runs import RunView
    from tuiops.ledger.base import Ledger

LOOK_EVERY = 1.0
"""Seconds between two looks at the ledger."""


async def follow(
    ledger: Ledger, published: Callable[[tuple[RunView, ...]], None], pause: Callable[[float], Awaitable[None]]
) -> None:
    """Tell of all runs, at first and whenever one of them changed, for ever. LedgerError when it cannot be read."""
    known = Known(ledger, "", (), lambda _: None, lambda _: None)
    after = max(0, await ledger.last() - REMEMBERED)
    told: tuple[RunView, ...] | None = None
    while True:
        async for sealed in ledger.read(after=after):
            known.book.take(sealed)
            after = sealed.number
        await known.look_at_locks()
        if told != known.runs:
            told = known.runs
            published(told)
        await pause(LOOK_EVERY)
