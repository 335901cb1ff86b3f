"""`tuiops services`: one row for each service."""

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
    statuses = snapshot.statuses
    rows = [views.service_row(service, statuses, now) for service in views.services_of(snapshot, system)]
    return {**views.head("services", snapshot, now), "services": rows}


def _rows(document: views.Row) -> Iterator[views.Row]:
    for row in document["services"]:
        yield {"schema": views.SCHEMA, "kind": "service", "at": document["at"], **row}


def _table(out: Output, snapshot: Snapshot, now: datetime, _zone: str, system: str | None) -> None:
    tables.services(out, snapshot, now, system)


VIEW = watching.View(document=_document, rows=_rows, table=_table, code=views.services_exit)


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
