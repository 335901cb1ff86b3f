"""The signs and colours of runs, the same everywhere: colour says how one ended, or that it waits for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.access import Danger
from tuiops.core.health import State
from tuiops.core.runs import RunState, StepState
from tuiops.core.severity import Severity
from tuiops.core.text import EMPTY, SafeText, fmt
from tuiops.core.units import countdown
from tuiops.ui.format import cut

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rich.style import Style

    from tuiops.core.runs import RunView
    from tuiops.ui.glyphs import Glyphs
    from tuiops.ui.theme import Look, Palette

_TITLE = 28
"""Columns of a run's title where it is only mentioned."""
_URGENCY = (
    RunState.UNKNOWN, RunState.AWAITING_APPROVAL, RunState.PAUSED, RunState.ABORTING, RunState.HOLDING,
    RunState.RUNNING, RunState.WAITING,
)  # fmt: skip
"""Live states, those first that somebody has to do something about."""


def asks(run: RunView) -> bool:
    """Whether a run goes on only when a person says something."""
    if run.state in {RunState.UNKNOWN, RunState.PAUSED, RunState.AWAITING_APPROVAL}:
        return True
    return run.live and any(step.state is StepState.ASKING for step in run.steps)


def run_style(run: RunView, palette: Palette) -> Style:
    """What goes its way is plain; what asks for somebody and what failed has a colour."""
    match run.state:
        case RunState.UNKNOWN:
            return palette.severity[Severity.P2]
        case RunState.FAILED:
            return palette.state[State.DOWN]
        case RunState.SUCCEEDED:
            return palette.state[State.OK]
        case RunState.ABORTING | RunState.UNDONE:
            return palette.state[State.DEGRADED]
        case RunState.ABORTED | RunState.REJECTED:
            return palette.muted
        case _:
            return palette.state[State.DEGRADED] if asks(run) else palette.bold


def run_glyph(state: RunState, glyphs: Glyphs) -> SafeText:
    """One column for the state of a run."""
    return {
        RunState.AWAITING_APPROVAL: glyphs.waiting, RunState.RUNNING: glyphs.running, RunState.WAITING: glyphs.running,
        RunState.HOLDING: glyphs.running, RunState.PAUSED: glyphs.paused, RunState.ABORTING: glyphs.running,
        RunState.ABORTED: glyphs.failed, RunState.FAILED: glyphs.failed, RunState.UNDONE: glyphs.undone,
        RunState.SUCCEEDED: glyphs.done, RunState.REJECTED: glyphs.failed, RunState.UNKNOWN: glyphs.unknown,
    }[state]  # fmt: skip


def step_style(state: StepState, palette: Palette) -> Style:
    """The style of a step's sign and of its word."""
    match state:
        case StepState.SUCCEEDED:
            return palette.state[State.OK]
        case StepState.FAILED:
            return palette.state[State.DOWN]
        case StepState.UNKNOWN:
            return palette.severity[Severity.P2]
        case StepState.ASKING | StepState.UNDONE:
            return palette.state[State.DEGRADED]
        case StepState.RUNNING | StepState.COUNTING | StepState.HOLDING:
            return palette.bold
        case _:
            return palette.muted


def step_glyph(state: StepState, glyphs: Glyphs) -> SafeText:
    """One column for the state of a step."""
    return {
        StepState.PENDING: glyphs.waiting, StepState.RUNNING: glyphs.running, StepState.COUNTING: glyphs.running,
        StepState.HOLDING: glyphs.running, StepState.ASKING: glyphs.folded, StepState.SUCCEEDED: glyphs.done,
        StepState.SKIPPED: glyphs.dash, StepState.FAILED: glyphs.failed, StepState.ABORTED: glyphs.failed,
        StepState.UNDONE: glyphs.undone, StepState.UNKNOWN: glyphs.unknown,
    }[state]  # fmt: skip


def danger_style(danger: Danger, palette: Palette) -> Style:
    """The style of the letter S, C or X."""
    return {
        Danger.SAFE: palette.muted, Danger.CHANGES: palette.state[State.DEGRADED],
        Danger.DESTROYS: palette.severity[Severity.P2],
    }[danger]  # fmt: skip


def live_runs(runs: Iterable[RunView]) -> tuple[RunView, ...]:
    """The runs of which something can still come, those first that wait for somebody."""
    live = (run for run in runs if run.live)
    return tuple(sorted(live, key=lambda run: (not asks(run), _URGENCY.index(run.state))))


def progress(run: RunView) -> SafeText:
    """The step that it is at, of how many: `3/5`."""
    done = next((at for at, step in enumerate(run.steps) if not step.state.final), len(run.steps) - 1)
    return fmt("{}/{}", min(done + 1, len(run.steps)), len(run.steps))


def mentions(
    runs: Iterable[RunView], now: datetime, look: Look
) -> tuple[tuple[tuple[SafeText, Style], ...], ...]:  # fmt: skip
    """The live runs in one phrase, the longest form first; nothing when there are none."""
    live = live_runs(runs)
    if not live:
        return ()
    first, palette = live[0], look.palette
    style = run_style(first, palette)
    name = fmt("{} #{}", run_glyph(first.state, look.glyphs), first.number)
    others = fmt(" +{}", len(live) - 1) if len(live) > 1 else EMPTY
    left = _left(first, now)
    state = fmt(" {} {}{}", first.state.word, progress(first), fmt(" {}", left) if left else EMPTY)
    title = (fmt(" {}", cut(first.title, _TITLE, look.glyphs.cut)), palette.text)
    brief = (fmt("{} {}{}", name, first.state.word, others), style)
    return (
        ((name, style), title, (state, style), (others, palette.bold)),
        ((fmt("{}{}{}", name, state, others), style),),
        (brief,),
    )


def _left(run: RunView, now: datetime) -> SafeText:
    """What is left of a countdown; computed as it is shown."""
    step = run.step
    if run.state is not RunState.WAITING or step is None or step.ends is None:
        return EMPTY
    return countdown((step.ends - now).total_seconds())
