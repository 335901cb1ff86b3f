"""Runs that were cut off: what became of what they had begun is asked first, and what can be done then is said."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tuiops.cli.again import again, noted
from tuiops.cli.exits import Exit
from tuiops.cli.output import complain
from tuiops.core.runs import StepState
from tuiops.core.text import fmt, safe

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tuiops.core.runs import RunView
    from tuiops.core.text import SafeText
    from tuiops.errors import Unresolved
    from tuiops.runbooks.engine.engine import Engine


async def look_up(engine: Engine, view: RunView, seconds: float) -> None:
    """Wait, for so many seconds, for word of what a lost console had begun; at once over when there is nothing.

    Ctrl-c meanwhile cancels the command, which leaves the run as it is.
    """
    if not engine.looks_up(view.id):
        return
    gone = fmt("the console that carried out run #{} is gone", view.number)
    complain(fmt("{}; looking up what it had begun, for at most {} s (--timeout)", gone, safe(f"{seconds:g}")))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await engine.looked_up(view.id)


def unresolved(view: RunView, error: Unresolved, arguments: argparse.Namespace) -> Exit:
    """Say why nothing is begun beside a step that nobody saw the end of, and what can be done about it."""
    complain(safe(str(error), 2000), *_ways(view, arguments))
    return Exit.RUN_UNKNOWN


def _ways(view: RunView, arguments: argparse.Namespace) -> Iterator[SafeText]:
    def way(word: str, *more: str) -> SafeText:
        return again(arguments, "runbook", word, f"{view.number}", *more)

    yield fmt("{}: once more, when it has ended", way("resume"))
    yield fmt("{}: ends it, where that can be done, and the run", way("abort"))
    step = next((one for one in view.steps if one.state is StepState.UNKNOWN), None)
    if step is not None:
        yield fmt("{}: says how it came out; or --failed", noted(way("settle", step.key, "--succeeded")))
        yield fmt("{}: leaves it out", noted(way("skip", step.key)))
