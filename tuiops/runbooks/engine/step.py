"""One step that reaches out: intent, claim, effect, confirmation, outcome, each recorded before the next."""

from __future__ import annotations

import asyncio
import logging
import shlex
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tuiops.core.access import Danger
from tuiops.core.record import StepClaimed, StepIntended, StepReceipt
from tuiops.core.runs import StepState
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import ConfigError, LedgerError, Refused, SourceError
from tuiops.ledger.base import AlreadyClaimed
from tuiops.runbooks.effects import STOOD_STILL, End, Outcome
from tuiops.runbooks.engine.ability import Following, facts_text
from tuiops.runbooks.engine.aborting import ABORT_GRACE
from tuiops.runbooks.engine.drift import drifted
from tuiops.runbooks.engine.outcomes import (
    STATES,
    UNCONFIRMED,
    done,
    ended,
    is_said,
    judged,
    known_to_be_done,
    open_action,
    settle,
    watch,
)
from tuiops.runbooks.format import abilities
from tuiops.runbooks.format.model import ApiAction, CommandAction, HttpAction
from tuiops.runbooks.format.template import filled
from tuiops.runbooks.planning.places import elsewhere
from tuiops.runbooks.planning.wording import call_text, whole
from tuiops.runbooks.record.undoing import moved
from tuiops.sources.abilities import Prepared, Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.config.values import Secret
    from tuiops.core.access import Principal
    from tuiops.runbooks.effects import Effects
    from tuiops.runbooks.engine.outcomes import Watch
    from tuiops.runbooks.engine.scribe import Scribe
    from tuiops.runbooks.planning.plan import PlannedStep
    from tuiops.runbooks.record.progress import Progress
    from tuiops.runbooks.world import World
    from tuiops.sources.abilities import Acts, Receipt

    Reaching = CommandAction | ApiAction | HttpAction

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


_STOOD_STILL = Outcome(end=End.NOT_BEGUN, text=STOOD_STILL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What steps are carried out with."""

    world: World
    effects: Effects
    resolve: Callable[[Secret], str]
    """The value of a secret; errors.SourceError or ConfigError when it cannot be had."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    fault: Callable[[str], None] = lambda _: None
    """Called with the name of each moment at which a crash would leave another trace; tests make it one."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A step with all that is needed to begin it."""

    do: CommandAction | ApiAction | HttpAction
    call: SafeText
    prepared: msgspec.Raw = msgspec.Raw(b"null")


class Doing:
    """Carries out the steps of one run that reach out."""

    def __init__(self, scribe: Scribe, means: Means, progress: Progress, abort: asyncio.Event) -> None:
        self._scribe = scribe
        self._means = means
        self._progress = progress
        self._abort = abort

    async def do(self, by: Principal, step: PlannedStep, wanted: Reaching, undoes: str = "") -> Outcome:
        """Carry out a step, or what undoes it; how it ended is recorded when this returns.

        An undo that cannot be begun leaves no trace: the step stands as it did. Raises LedgerError when the record
        fails: then nothing further was done, and nobody knows more than it says.
        """
        history = self._scribe.history
        clock = self._means.world.clock
        try:
            do = filled(wanted, history.captured)
            execution = await self._means.effects.name(self._scribe.run, history.attempts + 1, do)
            prepared = await self._prepare(step, do, undoes)
        except (ConfigError, OSError, Refused, SourceError) as error:
            outcome = Outcome(end=End.NOT_BEGUN, text=safe(str(error), 1000))
            if not undoes:
                await self._scribe.write(by, ended(step.key, "", outcome))
            return outcome
        now = clock.now()
        intended = StepIntended(
            step=step.key,
            execution=execution,
            at=now,
            ends=now + timedelta(seconds=step.timeout),
            call=prepared.call,
            undoes=undoes,
            prepared=prepared.prepared,
        )
        self._means.fault("before the intent")
        await self._scribe.write(by, intended)
        self._means.fault("after the intent")
        outcome = await self._claimed(by, step, prepared, execution)
        self._means.fault("after the effect")
        if outcome.end is End.SUCCEEDED and step.confirm is not None and not undoes:
            # To confirm it may take long, and nobody could be asked again how a call was answered.
            await self._scribe.write(by, done(self._scribe.history, execution, outcome))
        state, outcome = await self._judged(step, outcome, intended)
        self._means.fault("before the outcome")
        await self._scribe.write(by, ended(step.key, execution, outcome, state))
        await settle(self._means.effects, execution, prepared.do, outcome)
        if step.danger is not Danger.SAFE:
            self._means.world.poke()
        return outcome

    async def ended(self, by: Principal) -> bool:
        """End what a lost console had begun; whether it is known then how that came out. It is recorded."""
        history = self._scribe.history
        if not history.open:
            return True
        outcome, do = Outcome(end=End.UNKNOWN, text=lit("it cannot be ended from here; say how it came out")), None
        known = known_to_be_done(history)
        try:
            do = open_action(history)
            if known is not None:
                outcome = msgspec.structs.replace(known, text=UNCONFIRMED)
            elif isinstance(do, CommandAction):
                outcome = await self._means.effects.abort(history.open, do)
        except (Refused, SourceError) as error:
            outcome = Outcome(end=End.UNKNOWN, text=fmt("it could not be ended: {}", safe(str(error), 500)))
        state = StepState.PENDING if outcome.end is End.NOT_BEGUN else STATES[outcome.end]
        if known is not None:
            state = StepState.ABORTED
        if not is_said(history, state, outcome.text):
            await self._scribe.write(by, ended(history.executions[history.open], history.open, outcome, state))
        await settle(self._means.effects, history.open, do, outcome)
        return state is not StepState.UNKNOWN

    async def _prepare(self, step: PlannedStep, do: Reaching, undoes: str) -> Ready:
        """Read the state once more. Refused when it is not what was confirmed, or not where it was."""
        plan = self._scribe.history.plan
        for doing in (do,) if undoes else (do, step.confirm):
            if away := elsewhere(plan, self._means.world.config, doing):
                raise Refused(f"not done: {away}")
        if not isinstance(do, ApiAction):
            return Ready(do=do, call=call_text(do))
        if do.value is not None:
            # One that cannot be had must be known before anything is begun.
            await asyncio.to_thread(self._means.resolve, do.value)
        found = await self._prepared(do, self._scribe.history.plan.token(step.key, undo=bool(undoes)))
        if not undoes and drifted(self._scribe.history, step, found):
            raise Refused(f"not done: it is not as it was confirmed any more ({facts_text(found.before)})")
        if undoes and (otherwise := moved(self._scribe.history, step, found)):
            raise Refused(f"it is not as the step left it any more ({otherwise})")
        call = whole(shlex.join(found.argv))
        if not undoes and step.call.seen and call != step.call.text:
            raise Refused(f"not done: it would be another call by now than was confirmed ({call})")
        return Ready(do=do, call=call, prepared=msgspec.Raw(msgspec.json.encode(found)))

    async def _prepared(self, do: ApiAction, token: str) -> Prepared:
        plan = self._scribe.history.plan
        return await abilities.prepare(self._acts(do), Target(plan.system, do.resource), do, token, plan.at)

    def _acts(self, do: ApiAction) -> Acts:
        acts = self._means.world.acting(self._scribe.history.view.system, do.resource)
        if acts is None:
            raise Refused(f"no source that can act watches {safe(do.resource)}")
        return acts

    async def _claimed(self, by: Principal, step: PlannedStep, ready: Ready, execution: str) -> Outcome:
        self._means.fault("before the claim")
        try:
            await self._scribe.claim(by, StepClaimed(execution=execution), execution)
        except AlreadyClaimed:
            return Outcome(end=End.UNKNOWN, text=lit("it was begun before, by another console"))
        self._means.fault("after the claim")
        if not self._ours():
            return _STOOD_STILL
        if self._abort.is_set():
            return Outcome(end=End.NOT_BEGUN, text=lit("not begun: the run was aborted"))
        effect = asyncio.create_task(self._effect(by, step, ready, execution), name=execution)
        stop = asyncio.create_task(self._abort.wait())
        try:
            await asyncio.wait({effect, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not effect.done():
                return await self._aborted(effect, ready, execution)
            return await _outcome(effect)
        finally:
            await _over(effect, stop)

    def _ours(self) -> bool:
        """Whether no other console can have taken the run over by now."""
        return self._scribe.fences.fresh

    async def _aborted(self, effect: asyncio.Task[Outcome], ready: Ready, execution: str) -> Outcome:
        if isinstance(ready.do, CommandAction):
            try:
                return await self._means.effects.abort(execution, ready.do)
            except SourceError as error:
                return Outcome(end=End.UNKNOWN, text=fmt("it could not be ended: {}", safe(str(error), 500)))
        await asyncio.wait({effect}, timeout=ABORT_GRACE)
        if effect.done():
            return await _outcome(effect)
        return Outcome(end=End.UNKNOWN, text=lit("aborted while it was under way; what was sent cannot be called back"))

    async def _effect(self, by: Principal, step: PlannedStep, ready: Ready, execution: str) -> Outcome:
        match ready.do:
            case CommandAction() as command:
                return await self._means.effects.command(
                    execution,
                    command,
                    sec=step.sec,
                    seconds=step.timeout,
                    printed=lambda tail: self._progress.printed(step.key, tail),
                    ours=self._ours,
                )
            case HttpAction() as call:
                return await self._means.effects.http(
                    execution, call, sec=step.sec, seconds=step.timeout, ours=self._ours
                )
            case ApiAction() as api:
                return await self._ability(by, step, api, ready, execution)

    async def _ability(self, by: Principal, step: PlannedStep, api: ApiAction, ready: Ready, execution: str) -> Outcome:
        async def told(receipt: Receipt) -> None:
            operation = safe(receipt.operation, 500)
            await self._scribe.write(by, StepReceipt(execution=execution, operation=operation, text=receipt.text))

        world = self._means.world
        prepared = msgspec.json.decode(ready.prepared, type=Prepared)
        try:
            acts = self._acts(api)
            value = (await asyncio.to_thread(self._means.resolve, api.value)).encode() if api.value else None
        except (ConfigError, Refused, SourceError) as error:
            return Outcome(end=End.NOT_BEGUN, text=safe(str(error), 500))
        if not self._ours():
            # A secret may have taken its time.
            return _STOOD_STILL
        following = Following(acts, world.clock, self._means.pause, told, step.timeout)
        return await following.perform(prepared, value)

    async def _judged(self, step: PlannedStep, outcome: Outcome, intended: StepIntended) -> tuple[StepState, Outcome]:
        """How the step stands: what worked must show that it did."""
        if outcome.end is End.NOT_BEGUN and self._abort.is_set():
            return StepState.ABORTED, outcome
        if intended.undoes:
            return STATES[outcome.end], outcome
        found = await or_aborted(
            judged(step, outcome, self._scribe.history.captured, self.watch(step, intended)), self._abort
        )
        if found is None:
            return StepState.ABORTED, msgspec.structs.replace(outcome, text=UNCONFIRMED)
        return found

    def watch(self, step: PlannedStep, intended: StepIntended) -> Watch:
        """How conditions of a step are watched: nothing from before it counts, and every look is shown."""
        return watch(
            self._means, self._scribe.history, intended.at, lambda held: self._progress.held(step.key, held)
        )  # fmt: skip


async def or_aborted(work: Awaitable[_Found], abort: asyncio.Event) -> _Found | None:
    """What the work returns; None when the run was aborted first, and the work is cancelled and over then."""
    task = asyncio.ensure_future(work)
    stop = asyncio.create_task(abort.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        await _over(task, stop)


async def _over(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and return when they have come to their end: nothing of them goes on behind whoever waited."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(effect: asyncio.Task[Outcome]) -> Outcome:
    try:
        return await effect
    except LedgerError:
        raise
    except Exception as error:  # it was begun: whatever went wrong with us, nobody can say how it came out
        log.exception("an effect could not be followed")
        # Not its words: what is in them nobody knows.
        return Outcome(end=End.UNKNOWN, text=fmt("a fault of the console ({})", safe(type(error).__name__)))
