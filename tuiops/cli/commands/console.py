"""`tuiops`: the console; without a terminal, the plain status."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    if arguments.plain:
        return _plain(arguments, out, follow=out.terminal)
    if not interactive(out):
        code = _plain(arguments, out, follow=False)
        _hint()
        return Exit.OK if arguments.demo else code
    # Nothing that a start makes is garbage: looking for it takes a tenth of the time. The first frame turns it on.
    gc.disable()
    from tuiops import wiring
    from tuiops.cli import reviews, settings

    subject = settings.subject(arguments, reviews.DRAWING)
    return ended(wiring.console(subject))


def ended(code: int) -> Exit:
    """What the end of a front end means; Textual says 1 for a fault of its own or ours."""
    return Exit.SOFTWARE if code == 1 else Exit(code)


def interactive(out: Output) -> bool:
    """Whether there is a terminal at both ends that can be drawn on. Textual draws on standard error."""
    terminal = out.terminal and sys.stdin.isatty() and sys.stderr.isatty()
    return terminal and os.environ.get("TERM", "dumb") != "dumb"


def _plain(arguments: argparse.Namespace, out: Output, *, follow: bool) -> Exit:
    from tuiops.cli import watching
    from tuiops.cli.commands.status import VIEW

    arguments.watch = follow
    return watching.run(VIEW, arguments, out)


def _hint() -> None:
    from tuiops.cli.output import Output, Tone
    from tuiops.core.text import lit

    said = lit("This is the plain status, because there is no terminal. Run tuiops in one for the console.")
    Output(sys.stderr, os.environ).line((said, Tone.FAINT))
