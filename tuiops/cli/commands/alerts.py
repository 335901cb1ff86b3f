"""`tuiops alerts`: one row for each alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import tables, views, watching

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from datetime import datetime

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output
    from tuiops.core.snapshot import Snapshot


def _document(snapshot: Snapshot, now: datetime, system: str | None) -> views.Row:
    rows = [views.alert_row(alert) for alert in views.alerts_of(snapshot, system)]
    proven = snapshot.quiet_is_proven(now)
    return {**views.head("alerts", snapshot, now), "quiet_is_proven": proven, "alerts": rows}


def _rows(document: views.Row) -> Iterator[views.Row]:
    for row in document["alerts"]:
        yield {"schema": views.SCHEMA, "kind": "alert", "at": document["at"], **row}


def _table(out: Output, snapshot: Snapshot, now: datetime, _zone: str, system: str | None) -> None:
    tables.alerts(out, snapshot, now, system)


VIEW = watching.View(document=_document, rows=_rows, table=_table, code=views.alerts_exit)


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
