"""`tuiops keys`: every action with its keys, as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import reviews, settings
from tuiops.cli.exits import Exit
from tuiops.cli.output import Tone
from tuiops.core.text import join, lit, safe
from tuiops.ui import keymap
from tuiops.ui.actions import ACTIONS

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    config = settings.read(arguments, (reviews.keys,)).config
    keys = keymap.build(config.keys.preset, config.keys.bind)
    out.table(
        (lit("ACTION"), lit("KEYS"), lit("WHERE"), lit("WHAT IT DOES")),
        [
            [
                (safe(action.id), Tone.PLAIN),
                (join(" ", keys.shown(action.id)), Tone.HEADING),
                (action.scope.word, Tone.FAINT),
                (action.help, Tone.PLAIN),
            ]
            for action in ACTIONS.values()
        ],
    )
    return Exit.OK
