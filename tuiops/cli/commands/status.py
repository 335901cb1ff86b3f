"""`tuiops status`: everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import tables, views, watching

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output

VIEW = watching.View(
    document=views.status, table=tables.status, code=views.status_exit,
    rows="systems", kind="system", names=("system",),
)  # fmt: skip


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
