"""`tuiops rollouts`: what is being deployed, what was, and what has drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import rollouts, watching

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output

VIEW = watching.View(
    document=rollouts.rollouts, table=rollouts.table, code=rollouts.rollouts_exit,
    rows="rollouts", kind="rollout", names=("kind", "system", "service", "id"), also="drifts",
)  # fmt: skip


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return watching.run(VIEW, arguments, out)
