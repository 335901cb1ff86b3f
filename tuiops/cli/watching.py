"""What `status`, `services` and `alerts` share: one round of polls, or every change, in one of three formats."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuiops import wiring
from tuiops.cli import settings
from tuiops.cli.exits import Exit
from tuiops.config.texts import nearest
from tuiops.core.text import EMPTY
from tuiops.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Iterable
    from datetime import datetime

    from tuiops.cli.output import Output
    from tuiops.cli.views import Row
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One command's way of looking at a snapshot; `system` is None for all systems."""

    document: Callable[[Snapshot, datetime, str | None], Row]
    rows: Callable[[Row], Iterable[Row]]
    """The lines of NDJSON in a document."""
    table: Callable[[Output, Snapshot, datetime, str, str | None], None]
    code: Callable[[Snapshot, datetime, str | None], Exit]


def run(view: View, arguments: argparse.Namespace, out: Output) -> Exit:
    """Look once, or until Ctrl-c with `--watch`; the exit code is that of the last look."""
    return asyncio.run(_run(view, settings.subject(arguments), arguments, out))


async def _run(view: View, subject: wiring.Subject, arguments: argparse.Namespace, out: Output) -> Exit:
    hub = await wiring.hub(subject)
    code, before = Exit.UNKNOWN, None
    async for snapshot in snapshots(hub, arguments.timeout, follow=arguments.watch):
        now = hub.clock.now()
        require_system(snapshot, arguments.system)
        code = view.code(snapshot, now, arguments.system)
        document = view.document(snapshot, now, arguments.system)
        said = {key: value for key, value in document.items() if key != "at"}
        if said != before:
            show(view, arguments, out, snapshot, now, subject.config.display.time_zone, again=before is not None)
            before = said
    return code


def show(
    view: View,
    arguments: argparse.Namespace,
    out: Output,
    snapshot: Snapshot,
    now: datetime,
    zone: str,
    *,
    again: bool = False,
) -> None:
    """One look, in the format that was asked for."""
    if arguments.output == "table":
        if again:
            out.line(EMPTY)
        view.table(out, snapshot, now, zone, arguments.system)
    else:
        document = view.document(snapshot, now, arguments.system)
        if arguments.output == "json":
            out.document(document, compact=arguments.watch)
        else:
            for row in view.rows(document):
                out.document(row, compact=True)
    out.flush()


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
    if system is not None and system not in known:
        raise UsageError(f"there is no system {system!r}: {nearest(system, known)}")
