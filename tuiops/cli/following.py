"""A run on the command line: a line for each change until it is over, or until it waits for somebody."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from tuiops.cli import loop
from tuiops.cli.again import again, noted
from tuiops.cli.exits import Exit
from tuiops.cli.output import Tone, complain
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import EMPTY, fmt, lit, safe
from tuiops.errors import LedgerError, Refused, Unrecorded
from tuiops.runbooks.engine.aborting import abort_text
from tuiops.runbooks.record.history import in_time

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output
    from tuiops.core.runs import RunView, StepView
    from tuiops.runbooks.desk.session import Sitting
    from tuiops.runbooks.engine.engine import Engine

_LOOK_EVERY = 0.1

_EXITS = {
    RunState.SUCCEEDED: Exit.OK,
    RunState.UNDONE: Exit.OK,
    RunState.FAILED: Exit.RUN_FAILED,
    RunState.REJECTED: Exit.RUN_FAILED,
    RunState.ABORTED: Exit.RUN_ABORTED,
    RunState.UNKNOWN: Exit.RUN_UNKNOWN,
    RunState.PAUSED: Exit.RUN_WAITS,
}
_AT_WORK = {RunState.RUNNING, RunState.WAITING, RunState.HOLDING}
_TONES = {
    StepState.SUCCEEDED: Tone.GOOD,
    StepState.FAILED: Tone.WORST,
    StepState.UNKNOWN: Tone.WORST,
    StepState.ABORTED: Tone.BAD,
}


async def follow(engine: Engine, sitting: Sitting, run: str, arguments: argparse.Namespace, out: Output) -> Exit:
    """Tell how a run goes until nobody carries it out any more; the exit code says how it stands then.

    The first Ctrl-c aborts it; the second leaves: what was begun goes on, and the next console finds it. When it may
    not be aborted, why is said, and the next Ctrl-c leaves.
    """
    follower = _Follower(engine, sitting, run, arguments, out)
    with loop.interrupts(follower.interrupted):
        return await follower.to_the_end()


def tell(view: RunView, output: str, out: Output) -> None:
    """How a run stands."""
    if output != "table":
        out.exact(_document(view))
        return
    reason = fmt(": {}", view.reason) if view.reason else EMPTY
    out.line(fmt("#{} {}  {}{}", view.number, view.title, view.state.word, reason))


class _Follower:
    """Prints what changes."""

    def __init__(self, engine: Engine, sitting: Sitting, run: str, arguments: argparse.Namespace, out: Output) -> None:
        self._engine = engine
        self._sitting = sitting
        self._run = run
        self._arguments = arguments
        self._output: str = arguments.output
        self._out = out
        self._told: dict[str, StepState] = {}
        self._state: RunState | None = None
        self._left = asyncio.Event()
        self._aborting: asyncio.Task[None] | None = None
        self._ended = False
        """Whether it was aborted with nothing in the record about that."""
        self._trouble = EMPTY

    def interrupted(self) -> None:
        """Ctrl-c."""
        if self._aborting is not None:
            self._left.set()
            return
        if self._output == "table":
            self._out.line(lit("aborting; once more leaves the run as it is"))
            for line in abort_text(self._engine.history(self._run).view):
                self._out.line(fmt("  {}", line))
            self._out.flush()
        self._aborting = asyncio.create_task(self._abort())

    async def _abort(self) -> None:
        try:
            await self._sitting.abort(self._run, "ended by Ctrl-c")
        except Unrecorded:
            # It is the run's trouble, too, and said as that.
            self._ended = True
        except (LedgerError, Refused) as error:
            complain(fmt("not aborted: {}; Ctrl-c once more leaves the run as it is", safe(str(error), 500)))

    async def to_the_end(self) -> Exit:
        while True:
            view = self._engine.history(self._run).view
            self._tell_changes(view)
            rests, broke_off = self._rests(view), self._broke_off(view)
            if rests:
                self._tell_end(view)
            if broke_off:
                shows = again(self._arguments, "ledger", "show", f"{view.number}")
                begun = lit("nothing more is begun") if self._ended else lit("what was begun goes on")
                complain(fmt("{}; how it stands: {}", begun, shows))
            if rests or broke_off:
                return _EXITS.get(view.state, Exit.RUN_WAITS) if rests else Exit.RUN_UNKNOWN
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), _LOOK_EVERY)
                return Exit.INTERRUPTED

    def _tell_end(self, view: RunView) -> None:
        if self._output == "json":
            self._out.exact(_document(view))
        if view.state is RunState.AWAITING_APPROVAL:
            complain(fmt("nobody has approved run #{} in time; plan it again", view.number))

    def _rests(self, view: RunView) -> bool:
        """Whether nothing more comes without somebody's word."""
        if view.state is RunState.AWAITING_APPROVAL:
            return not in_time(view.requested, self._engine.means.world.clock.now())
        if self._engine.in_hand(self._run) or view.held_by or view.state not in _EXITS:
            return False
        # One that was just approved is about to begin here.
        return view.state is not RunState.PAUSED or view.started is not None or bool(view.reason)

    def _broke_off(self, view: RunView) -> bool:
        """Say what is wrong; whether nobody goes on with the run for that reason."""
        of_run, of_ledger = self._engine.troubles(self._run)
        trouble = of_run or of_ledger
        if trouble and trouble != self._trouble:
            complain(trouble)
        self._trouble = trouble
        taken_over = bool(view.held_by) and not view.mine
        return bool(of_run) and not self._engine.in_hand(self._run) and not taken_over

    def _tell_changes(self, view: RunView) -> None:
        steps = [step for step in view.steps if self._told.get(step.key, StepState.PENDING) is not step.state]
        self._told.update((step.key, step.state) for step in steps)
        if self._output == "ndjson":
            for step in steps:
                self._out.exact({"schema": 1, "kind": "step", "run": view.id, **_step(step)})
        elif self._output == "table":
            for step in steps:
                self._line(view, step)
        # What is about to begin is paused by the record alone.
        begins = view.state is RunState.PAUSED and view.started is None and not view.reason
        turned = view.state is not self._state and not begins
        if self._output == "table" and {view.state, self._state} <= _AT_WORK:
            # Its steps say so, line by line.
            turned = False
        if turned:
            self._state = view.state
            if self._output != "json":
                tell(view, self._output, self._out)
        if steps or turned:
            self._out.flush()

    def _line(self, view: RunView, step: StepView) -> None:
        text = fmt("  {}", step.text) if step.text else EMPTY
        self._out.line((step.state.word, _TONES.get(step.state, Tone.FAINT)), fmt("  {}{}", step.title, text))
        if step.state is StepState.ASKING:
            self._out.line(fmt("  {}", step.call))
            settle = again(self._arguments, "runbook", "settle", f"{view.number}", step.key, "--succeeded")
            self._out.line((fmt("  when it is done, from another terminal: {}", noted(settle)), Tone.FAINT))
        if step.state is StepState.FAILED:
            for line in step.evidence.output[-10:]:
                self._out.line((fmt("  | {}", line), Tone.FAINT))


def _document(view: RunView) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "run-state",
        "run": view.id,
        "number": view.number,
        "runbook": view.runbook,
        "title": view.title,
        "system": view.system,
        "environment": view.environment,
        "target": view.target,
        "state": view.state.value,
        "reason": view.reason,
        "by": view.by,
        "approved_by": view.approved_by or None,
        "digest": view.plan_digest,
        "steps": [_step(step) for step in view.steps],
    }


def _step(step: StepView) -> dict[str, Any]:
    return {
        "step": step.key,
        "title": step.title,
        "danger": step.danger.value,
        "state": step.state.value,
        "execution": step.execution or None,
        "text": step.text,
    }
