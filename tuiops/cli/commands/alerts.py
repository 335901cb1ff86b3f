"""`tuiops alerts`: one row for each alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import tables, views, watching

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output

VIEW = watching.View(
    document=views.alerts, table=tables.alerts, code=views.alerts_exit,
    rows="alerts", kind="alert", names=("name", "system", "service", "labels"), gone="resolved",
)  # fmt: skip


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
