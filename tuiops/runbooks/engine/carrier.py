"""Carries one run out, step by step, for as long as this console holds its locks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from tuiops.core.access import Danger
from tuiops.core.record import RunAborting, RunEnded, RunStarted, StepAttested, StepEnded, StepIntended
from tuiops.core.runs import RunState, StepState, StepView
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.engine.step import Doing, or_aborted
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    GateAction,
    HttpAction,
    ManualAction,
    NotifyAction,
    WaitAction,
)
from tuiops.runbooks.format.template import filled
from tuiops.runbooks.planning.wording import call_text, check_text, whole
from tuiops.runbooks.record.undoing import IN_PART, in_part, to_undo, way_back, why_it_stays

if TYPE_CHECKING:
    from tuiops.core.access import Principal
    from tuiops.core.record import AnyEvent
    from tuiops.runbooks.engine.listening import Attentive
    from tuiops.runbooks.engine.scribe import Scribe
    from tuiops.runbooks.engine.step import Means
    from tuiops.runbooks.planning.plan import PlannedStep
    from tuiops.runbooks.record.history import History
    from tuiops.runbooks.record.progress import Progress

_UNDONE = {StepState.UNDONE: End.SUCCEEDED, StepState.UNKNOWN: End.UNKNOWN}

_TICK = 0.5
"""Seconds between two looks at a countdown: the clock it counts by may be another than the loop's."""


class Carrier:
    """One run at work. `forward`, `backward`, `go_on` or `wind_up` is called once; the rest at any time."""

    def __init__(
        self, scribe: Scribe, means: Means, progress: Progress, by: Principal, since: int, attentive: Attentive
    ) -> None:
        """`by`: who asked for it to be carried out; `since`: number of the run's last entry before that.

        `attentive`: whether this console hears what is said of the run.
        """
        self.scribe = scribe
        self.by = by
        self.since = since
        self._means = means
        self._progress = progress
        self._attentive = attentive
        self._abort = asyncio.Event()
        self._told = asyncio.Event()
        self._doing = Doing(scribe, means, progress, self._abort)

    def hear(self, event: AnyEvent) -> None:
        """Heed what is said of the run, here or on another console."""
        match event:
            case RunAborting():
                self.abort()
            case StepAttested():
                self._told.set()
            case _:
                pass

    def abort(self) -> None:
        """Begin nothing more, and end what is under way. Who asked is in the record."""
        self._abort.set()

    @property
    def aborting(self) -> bool:
        """Whether nothing more is begun, and what is under way is ended."""
        return self._abort.is_set()

    async def go_on(self) -> None:
        """Do what is left of the plan, or of undoing it."""
        await (self.backward() if self.scribe.history.undoing else self.forward())

    async def forward(self) -> None:
        """Do what is left of the plan. When this returns, the record says how the run stands."""
        await self.scribe.write(self.by, RunStarted(resumed=self.scribe.history.started))
        await self.scribe.reread()
        if not self.scribe.history.view.live:
            # It was aborted or rejected between the look at it and this word, which does not count then.
            return
        self._heed()
        for step in self.scribe.history.plan.steps:
            if self._view(step).state.final:
                if self._stops(step):
                    await self._end(RunState.FAILED, self._failed(step))
                    return
                continue
            await or_aborted(self._attentive.wait(), self._abort)
            if self._abort.is_set():
                break
            await self._step(step)
            if self._view(step).state is StepState.UNKNOWN:
                return
            if self._stops(step) and not self._abort.is_set():
                await self._end(RunState.FAILED, self._failed(step))
                return
        if self._abort.is_set():
            await self._end(RunState.ABORTED, self._left())
        else:
            await self._end(RunState.SUCCEEDED)

    async def backward(self) -> None:
        """Undo what was done, last first, as far as there is a way."""
        await self.scribe.write(self.by, RunStarted(resumed=self.scribe.history.undoing, undoing=True))
        await self.scribe.reread()
        self._heed()
        stays: list[SafeText] = []
        for step in tuple(to_undo(self.scribe.history)):
            await or_aborted(self._attentive.wait(), self._abort)
            if self._abort.is_set():
                await self._end(RunState.ABORTED, fmt("the undo was aborted; {}", self._left()))
                return
            why, attempts = why_it_stays(self.scribe.history, step), self.scribe.history.attempts
            outcome = None if why else await self._undo(step)
            if outcome is None or self._is_kept(step):
                stays.append(fmt("{} ({})", step.title, why or why_it_stays(self.scribe.history, step)))
            elif outcome.end is End.UNKNOWN:
                return
            elif self._is_passed_over(step, outcome, attempts):
                stays.append(fmt("{} ({}; not undone: {})", step.title, IN_PART, outcome.text))
            elif outcome.end is not End.SUCCEEDED:
                end = RunState.ABORTED if self._abort.is_set() else RunState.FAILED
                text = fmt("could not undo {}: {}", step.title, outcome.text)
                await self._end(end, join("; ", (text, *self._in_part())))
                return
        left = fmt("left as it is: {}", join(", ", stays)) if stays else EMPTY
        await self._end(RunState.UNDONE, left)

    async def wind_up(self) -> None:
        """End a run that was cut off, as was asked: what it left running is ended, and nothing more is begun."""
        if await self._doing.ended(self.by) and self.scribe.history.view.live:
            await self._end(RunState.ABORTED, self._left())

    def _heed(self) -> None:
        """Abort when that was asked for before anybody here could hear it."""
        if self.scribe.history.abort:
            self._abort.set()

    def _view(self, step: PlannedStep) -> StepView:
        return next(view for view in self.scribe.history.view.steps if view.key == step.key)

    def _is_kept(self, step: PlannedStep) -> bool:
        return step.key in self.scribe.history.kept

    def _is_passed_over(self, step: PlannedStep, outcome: Outcome, attempts: int) -> bool:
        """Whether there was nothing to begin about what was perhaps done in part: that keeps nothing else undone."""
        begun = self.scribe.history.attempts > attempts
        return outcome.end is End.NOT_BEGUN and not begun and step.key in in_part(self.scribe.history)

    def _stops(self, step: PlannedStep) -> bool:
        return self._view(step).state in {StepState.FAILED, StepState.ABORTED} and not step.goes_on

    async def _end(self, state: RunState, reason: SafeText = EMPTY) -> None:
        await self.scribe.write(self.by, RunEnded(state=state.value, reason=reason))

    def _left(self) -> SafeText:
        """What an aborted run leaves behind, in a sentence."""
        history = self.scribe.history
        done = [step.title for step in _acting(history) if step.key in history.changed]
        said = [fmt("changed and not undone: {}", join(", ", done))] if done else []
        said += self._in_part()
        return join("; ", said) if said else lit("nothing was changed")

    def _failed(self, step: PlannedStep) -> SafeText:
        """Why a run has failed at a step, and what nobody has seen the end of, in a sentence."""
        return join("; ", (fmt("{}: {}", step.title, self._view(step).text), *self._in_part()))

    def _in_part(self) -> tuple[SafeText, ...]:
        """The steps of which nobody has seen that they worked, in a sentence; none when there are none."""
        history = self.scribe.history
        cut = [step.title for step in _acting(history) if step.key in history.doubtful - history.changed]
        return (fmt("begun, and {}: {}", IN_PART, join(", ", cut)),) if cut else ()

    async def _step(self, step: PlannedStep) -> None:
        """Do one step; how it ended is in the record then."""
        if not self._wanted(step):
            conditions = join(", ", (fmt("{} {}", safe(key), safe(how)) for key, how in step.when.items()))
            await self._ended(step, StepState.SKIPPED, fmt("only if {}", conditions))
            return
        try:
            await self._begin(step)
        except Refused as error:
            await self._ended(step, StepState.FAILED, safe(str(error), 1000))

    async def _begin(self, step: PlannedStep) -> None:
        """Refused, before anything is done, when a value of an earlier step cannot be used."""
        match step.do:
            case WaitAction(lasts=lasts):
                await self._wait(step, lasts)
            case GateAction():
                await self._gate(step, step.do)
            case ManualAction():
                await self._ask(step, call_text(filled(step.do, self.scribe.history.captured)))
            case NotifyAction():
                await self._notify(step, filled(step.do, self.scribe.history.captured))
            case CommandAction() | ApiAction() | HttpAction():
                await self._doing.do(self.by, step, step.do)

    async def _notify(self, step: PlannedStep, said: NotifyAction) -> None:
        became = await self._means.world.notify(said.channel, whole(said.message))
        await self._ended(step, StepState.SUCCEEDED, became)

    def _wanted(self, step: PlannedStep) -> bool:
        states = {view.key: view.state.value for view in self.scribe.history.view.steps}
        return all(states.get(key) == how for key, how in step.when.items())

    async def _ended(self, step: PlannedStep, state: StepState, text: SafeText = EMPTY) -> None:
        await self.scribe.write(self.by, StepEnded(step=step.key, state=state.value, text=text))

    async def _begun(
        self,
        step: PlannedStep,
        *,
        lasts: float | None = None,
        asks: bool = False,
        call: SafeText = EMPTY,
        undoes: str = "",
    ) -> StepIntended:
        """Record that a step without an effect of its own begins."""
        now = self._means.world.clock.now()
        intended = StepIntended(
            step=step.key,
            execution=f"{self.scribe.run}.{self.scribe.history.attempts + 1}",
            at=now,
            ends=now + timedelta(seconds=lasts) if lasts is not None else None,
            call=call or step.call.text,
            asks=asks,
            undoes=undoes,
        )
        await self.scribe.write(self.by, intended)
        return intended

    async def _wait(self, step: PlannedStep, seconds: float) -> None:
        # What was waited before the console was lost counts.
        clock = self._means.world.clock
        ends = self._view(step).ends or (await self._begun(step, lasts=seconds)).ends or clock.now()
        # A clock that is set makes no wait longer than it was to be, and none that has begun longer or shorter.
        over = clock.monotonic() + min((ends - clock.now()).total_seconds(), seconds)
        while (left := over - clock.monotonic()) > 0:
            await or_aborted(self._means.pause(min(left, _TICK)), self._abort)
            if self._abort.is_set():
                await self._ended(step, StepState.ABORTED, lit("cancelled"))
                return
        await self._ended(step, StepState.SUCCEEDED)

    async def _gate(self, step: PlannedStep, gate: GateAction) -> None:
        check = filled(gate.check, self.scribe.history.captured)
        intended = await self._begun(step, call=check_text(check))
        passed = await or_aborted(self._doing.watch(step, intended)(check).wait(), self._abort)
        if passed is None:
            await self._ended(step, StepState.ABORTED, lit("cancelled"))
            return
        state = StepState.SUCCEEDED if passed.held else StepState.FAILED
        await self.scribe.write(
            self.by, StepEnded(step=step.key, state=state.value, text=passed.text, evidence=passed.evidence)
        )

    async def _ask(self, step: PlannedStep, instructions: SafeText, undoes: str = "") -> None:
        """Wait for a person, whose word is recorded by the console that it is given on."""
        await self._begun(step, asks=True, call=instructions, undoes=undoes)
        while self._view(step).state is StepState.ASKING:
            self._told.clear()
            if self._view(step).state is not StepState.ASKING:
                break
            await or_aborted(self._told.wait(), self._abort)
            if self._abort.is_set() and self._view(step).state is StepState.ASKING:
                await self._ended(step, StepState.ABORTED, lit("cancelled"))

    async def _undo(self, step: PlannedStep) -> Outcome | None:
        """How undoing a step ended; None when there is no way."""
        undo = way_back(self.scribe.history, step)
        if undo is None:
            return None
        if isinstance(undo, ManualAction):
            try:
                instructions = call_text(filled(undo, self.scribe.history.captured))
            except Refused as error:
                return Outcome(end=End.NOT_BEGUN, text=safe(str(error), 1000))
            await self._ask(step, instructions, undoes=step.key)
            view = self._view(step)
            return Outcome(end=_UNDONE.get(view.state, End.FAILED), text=view.text)
        return await self._doing.do(self.by, step, undo, undoes=step.key)


def _acting(history: History) -> list[PlannedStep]:
    return [step for step in history.plan.steps if step.danger is not Danger.SAFE]
