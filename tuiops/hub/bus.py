"""Who wants to know of new snapshots."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.snapshot import Snapshot

log = logging.getLogger(__name__)


class Bus:
    """Calls every listener with every snapshot; a listener that fails harms nobody else."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[Snapshot], None], ...] = ()

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Add a listener, from any thread; returns what removes it."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def publish(self, snapshot: Snapshot) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            try:
                listener(snapshot)
            except Exception:  # one front end's fault must not end the read side for the others
                log.exception("a listener failed")
