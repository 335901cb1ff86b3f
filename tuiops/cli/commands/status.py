"""`tuiops status`: everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import tables, views, watching

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output


def _rows(document: views.Row) -> Iterator[views.Row]:
    for row in document["systems"]:
        yield {"schema": views.SCHEMA, "kind": "system", "at": document["at"], **row}


VIEW = watching.View(document=views.status, rows=_rows, table=tables.status, code=views.status_exit)


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
