"""`tuiops services`: one row for each service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import tables, views, watching

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output

VIEW = watching.View(
    document=views.services, table=tables.services, code=views.services_exit,
    rows="services", kind="service", names=("system", "service"),
)  # fmt: skip


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
