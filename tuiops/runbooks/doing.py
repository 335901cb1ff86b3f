"""One step that reaches out: intent, claim, effect, confirmation, outcome, each recorded before the next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tuiops.core.access import Danger
from tuiops.core.record import StepClaimed, StepIntended, StepReceipt
from tuiops.core.runs import StepState
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import ConfigError, LedgerError, Refused, SourceError
from tuiops.ledger.base import AlreadyClaimed
from tuiops.runbooks import abilities
from tuiops.runbooks.api import Following, facts_text
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.gates import Viewpoint
from tuiops.runbooks.gating import Gating
from tuiops.runbooks.model import ApiAction, CommandAction, HttpAction
from tuiops.runbooks.outcomes import STATES, confirmed, ended, open_action
from tuiops.runbooks.template import filled
from tuiops.runbooks.wording import call_text
from tuiops.sources.abilities import Prepared, Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tuiops.config.values import Secret
    from tuiops.core.access import Principal
    from tuiops.runbooks.effects import Effects
    from tuiops.runbooks.plan import PlannedStep
    from tuiops.runbooks.progress import Progress
    from tuiops.runbooks.scribe import Scribe
    from tuiops.runbooks.world import World
    from tuiops.sources.abilities import Acts, Receipt

    Reaching = CommandAction | ApiAction | HttpAction

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

ABORT_GRACE = 10.0
"""Seconds that what cannot be stopped, such as an API call, gets to tell how it came out when a run is aborted."""


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
            execution = await self._means.effects.name(self._scribe.run, history.attempts + 1)
            prepared = await self._prepare(step, filled(wanted, history.captured), undoes)
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
        state, outcome = await self._judged(step, outcome, intended)
        self._means.fault("before the outcome")
        await self._scribe.write(by, ended(step.key, execution, outcome, state))
        await self._settle(execution, prepared.do, outcome)
        if step.danger is not Danger.SAFE:
            self._means.world.poke()
        return outcome

    async def _settle(self, execution: str, do: Reaching, outcome: Outcome) -> None:
        """Let go of what helps to find out how it ended, now that the record says so; of what is unknown nothing."""
        if outcome.end is not End.UNKNOWN and not isinstance(do, ApiAction):
            with contextlib.suppress(SourceError):
                await self._means.effects.settle(execution, do)

    async def ended(self, by: Principal) -> bool:
        """End what a lost console had begun; whether it is known then how that came out. It is recorded."""
        history = self._scribe.history
        if not history.open:
            return True
        outcome = Outcome(end=End.UNKNOWN, text=lit("it cannot be ended from here; say how it came out"))
        try:
            do = open_action(history)
            if isinstance(do, CommandAction):
                outcome = await self._means.effects.abort(history.open, do)
        except (Refused, SourceError) as error:
            outcome = Outcome(end=End.UNKNOWN, text=fmt("it could not be ended: {}", safe(str(error), 500)))
        state = StepState.PENDING if outcome.end is End.NOT_BEGUN else STATES[outcome.end]
        await self._scribe.write(by, ended(history.executions[history.open], history.open, outcome, state))
        return state is not StepState.UNKNOWN

    async def _prepare(self, step: PlannedStep, do: Reaching, undoes: str) -> Ready:
        """Read the state once more. Refused when it is not what was confirmed."""
        if not isinstance(do, ApiAction):
            return Ready(do=do, call=call_text(do))
        if do.value is not None:
            # One that cannot be had must be known before anything is begun.
            await asyncio.to_thread(self._means.resolve, do.value)
        found = await self._prepared(do, self._scribe.history.plan.token(step.key, undo=bool(undoes)))
        if step.call.seen and not undoes and found.seen != step.call.seen and not self._touched(step, do.resource):
            raise Refused(f"not done: it is not as it was confirmed any more ({facts_text(found.before)})")
        call = safe(shlex.join(found.argv), 4000)
        return Ready(do=do, call=call, prepared=msgspec.Raw(msgspec.json.encode(found)))

    async def _prepared(self, do: ApiAction, token: str) -> Prepared:
        plan = self._scribe.history.plan
        return await abilities.prepare(self._acts(do), Target(plan.system, do.resource), do, token, plan.at)

    def _acts(self, do: ApiAction) -> Acts:
        acts = self._means.world.acting(self._scribe.history.view.system, do.resource)
        if acts is None:
            raise Refused(f"no source that can act watches {safe(do.resource)}")
        return acts

    def _touched(self, step: PlannedStep, resource: str) -> bool:
        """Whether an earlier step of this run acted on the resource, so that it may be otherwise than planned."""
        begun = self._scribe.history.forward.keys()
        for other in self._scribe.history.plan.steps:
            if other.key == step.key:
                return False
            if other.key not in begun:
                continue
            if isinstance(other.do, ApiAction) and other.do.resource == resource:
                return True
            if isinstance(other.do, CommandAction | HttpAction) and other.danger is not Danger.SAFE:
                return True
        return False

    async def _claimed(self, by: Principal, step: PlannedStep, ready: Ready, execution: str) -> Outcome:
        self._means.fault("before the claim")
        try:
            await self._scribe.claim(by, StepClaimed(execution=execution), execution)
        except AlreadyClaimed:
            return Outcome(end=End.UNKNOWN, text=lit("it was begun before, by another console"))
        self._means.fault("after the claim")
        if not self._scribe.fences.fresh:
            return Outcome(end=End.NOT_BEGUN, text=lit("not begun: this console stood still for too long"))
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
            stop.cancel()
            effect.cancel()

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
                )
            case HttpAction() as call:
                return await self._means.effects.http(execution, call, sec=step.sec, seconds=step.timeout)
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
        following = Following(acts, world.clock, self._means.pause, told, step.timeout)
        return await following.perform(prepared, value)

    async def _judged(self, step: PlannedStep, outcome: Outcome, intended: StepIntended) -> tuple[StepState, Outcome]:
        """How the step stands: what worked must show that it did."""
        if outcome.end is End.NOT_BEGUN and self._abort.is_set():
            return StepState.ABORTED, outcome
        if outcome.end is not End.SUCCEEDED or step.confirm is None or intended.undoes:
            return STATES[outcome.end], outcome
        try:
            check = filled(step.confirm, {**self._scribe.history.captured, **_named(step.key, outcome.captured)})
        except Refused as error:
            said = fmt("done, but it cannot be confirmed: {}", safe(str(error), 500))
            return StepState.FAILED, msgspec.structs.replace(outcome, text=said)
        gating = Gating(
            check, self.viewpoint(intended), self._means.pause, lambda held: self._progress.held(step.key, held)
        )  # fmt: skip
        judged = await or_aborted(confirmed(outcome, gating), self._abort)
        if judged is None:
            said = lit("done; aborted before it was confirmed")
            return StepState.ABORTED, msgspec.structs.replace(outcome, text=said)
        return judged

    def viewpoint(self, intended: StepIntended) -> Viewpoint:
        """From where conditions are looked at: nothing from before the step counts."""
        system = self._scribe.history.view.system
        return Viewpoint(
            world=self._means.world, system=system, since=intended.at, ask=self._means.effects.look
        )  # fmt: skip


def _named(step: str, captured: Mapping[str, str]) -> dict[str, str]:
    """Captures by the names that placeholders have for them."""
    return {f"{step}.{name}": value for name, value in captured.items()}


async def or_aborted(work: Awaitable[_Found], abort: asyncio.Event) -> _Found | None:
    """What the work returns; None when the run was aborted first, and the work is cancelled then."""
    task = asyncio.ensure_future(work)
    stop = asyncio.create_task(abort.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        stop.cancel()
        task.cancel()


async def _outcome(effect: asyncio.Task[Outcome]) -> Outcome:
    try:
        return await effect
    except LedgerError:
        raise
    except Exception as error:  # it was begun: whatever went wrong with us, nobody can say how it came out
        log.exception("an effect could not be followed")
        # Not its words: what is in them nobody knows.
        return Outcome(end=End.UNKNOWN, text=fmt("a fault of the console ({})", safe(type(error).__name__)))
