"""What the commands that print a snapshot share: one round of polls, or every change, in one of three formats."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tuiops import wiring
from tuiops.cli import loop, settings
from tuiops.cli.exits import Exit
from tuiops.cli.views import SCHEMA
from tuiops.config.texts import nearest
from tuiops.core.text import EMPTY
from tuiops.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Iterator
    from datetime import datetime

    from tuiops.cli.output import Output
    from tuiops.cli.views import Row
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.hub import Hub

_TIMES = frozenset({"at", "answered"})
"""Keys that say when something was looked at, which every poll changes."""
_FOREIGN = frozenset({"labels", "annotations", "links"})
"""Keys whose tables have keys from outside."""
_AGE = re.compile(r"\d+[smhd](?:\d+h?)?\b|\d+:\d\d\b")
"""What `core.units.span` and `countdown` write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One command's way of looking at a snapshot; `system` is None for all systems."""

    document: Callable[[Snapshot, datetime, str | None], Row]
    table: Callable[[Output, Snapshot, datetime, str, str | None], None]
    code: Callable[[Snapshot, datetime, str | None], Exit]
    rows: str
    """Where a document keeps the rows that NDJSON prints."""
    kind: str
    names: tuple[str, ...]
    """Keys that tell one row from another."""
    also: str = ""
    """Where a document keeps further rows, which say their own kind; empty when there are none."""
    gone: str = "gone"
    """The state in which a row that is no longer there is printed for the last time."""


def run(view: View, arguments: argparse.Namespace, out: Output) -> Exit:
    """Look once, or until Ctrl-c with `--watch`; the exit code is that of the last look."""
    return loop.run(_run(view, settings.subject(arguments), arguments, out))


async def _run(view: View, subject: wiring.Subject, arguments: argparse.Namespace, out: Output) -> Exit:
    hub = await wiring.hub(subject)
    code, seen = Exit.UNKNOWN, Seen(view)
    async for snapshot in snapshots(hub, arguments.timeout, follow=arguments.watch):
        now = hub.clock.now()
        require_system(snapshot, arguments.system)
        code = view.code(snapshot, now, arguments.system)
        again = seen.document is not None
        document = view.document(snapshot, now, arguments.system)
        if arguments.output == "ndjson":
            for row in seen.rows(document):
                out.document(row, compact=True)
        elif not seen.changed(document):
            continue
        elif arguments.output == "json":
            out.document(document, compact=arguments.watch)
        else:
            if again:
                out.line(EMPTY)
            view.table(out, snapshot, now, subject.config.display.time_zone, arguments.system)
        out.flush()
    return code


@dataclass(slots=True)
class Seen:
    """What was printed last, so that only changes are printed after it. The passing of time is no change."""

    view: View
    document: Any = None
    """None before the first."""
    _rows: dict[str, Row] = field(default_factory=dict)

    def changed(self, document: Row) -> bool:
        """Whether the document says anything that the one before did not."""
        before, self.document = self.document, timeless(document)
        return bool(self.document != before)

    def rows(self, document: Row) -> Iterator[Row]:
        """The rows that are other than before, then those that are no longer there, in their last state."""
        head = {"schema": SCHEMA, "kind": self.view.kind, "at": document["at"]}
        before, self._rows = self._rows, {self._name(row): row for row in self._all(document)}
        for name, row in self._rows.items():
            if name not in before or timeless(row) != timeless(before[name]):
                yield {**head, **row}
        for name, row in before.items():
            if name not in self._rows and row["state"] != self.view.gone:
                yield {**head, **row, "state": self.view.gone}

    def _all(self, document: Row) -> list[Row]:
        keys = (self.view.rows, self.view.also) if self.view.also else (self.view.rows,)
        return [row for key in keys for row in document[key]]

    def _name(self, row: Row) -> str:
        return json.dumps([row.get(key) for key in self.view.names], sort_keys=True)


def timeless(value: Any) -> Any:
    """A document or a row without what changes by the mere passing of time."""
    if isinstance(value, list):
        return [timeless(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: item if key in _FOREIGN else timeless(item) for key, item in value.items() if key not in _TIMES}
    if kept.get("state") == "unknown" and "reason" in kept:
        # It says how long there has been no data.
        kept["reason"] = _AGE.sub("", kept["reason"])
    if "warnings" in kept:
        # One that names a vendor's limit says how long it still holds.
        kept["warnings"] = [_AGE.sub("", warning) for warning in kept["warnings"]]
    return kept


async def snapshots(hub: Hub, patience: float, *, follow: bool) -> AsyncIterator[Snapshot]:
    """The snapshot after the first round of polls, of `patience` seconds at most; every later one with `follow`."""
    changed = asyncio.Event()
    unsubscribe = hub.bus.subscribe(lambda _: changed.set())
    await hub.start()
    try:
        await hub.first_round(patience)
        yield hub.snapshot
        while follow:
            changed.clear()
            await changed.wait()
            yield hub.snapshot
    finally:
        unsubscribe()
        await hub.stop()


def require_system(snapshot: Snapshot, system: str | None) -> None:
    """Raises UsageError when a system is asked for that nothing watches."""
    known = {str(each.system) for each in snapshot.systems} | {str(alert.system) for alert in snapshot.alerts}
    known |= {str(rollout.system) for rollout in snapshot.rollouts}
    if system is not None and system not in known:
        raise UsageError(f"there is no system {system!r}: {nearest(system, known)}")
