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
from tuiops.core.record import StepClaimed, StepEnded, StepIntended, StepReceipt
from tuiops.core.runs import StepState
from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.errors import ConfigError, LedgerError, Refused, SourceError
from tuiops.ledger.base import AlreadyClaimed
from tuiops.runbooks import abilities
from tuiops.runbooks.api import Following, facts_text
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.gates import Viewpoint
from tuiops.runbooks.gating import Gating
from tuiops.runbooks.model import ApiAction, CommandAction, HttpAction
from tuiops.runbooks.template import filled
from tuiops.runbooks.wording import call_text
from tuiops.sources.abilities import Prepared, Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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

_STATES = {
    End.SUCCEEDED: StepState.SUCCEEDED,
    End.FAILED: StepState.FAILED,
    End.NOT_BEGUN: StepState.FAILED,
    End.ABORTED: StepState.ABORTED,
    End.UNKNOWN: StepState.UNKNOWN,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What steps are carried out with."""

    world: World
    effects: Effects
    resolve: Callable[[Secret], str]
    """The value of a secret; errors.SourceError or ConfigError when it cannot be had."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


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

    async def do(self, by: Principal, step: PlannedStep, wanted: Reaching, undoes: str = "") -> StepState:
        """Carry out a step, or what undoes it; how it ended is recorded when this returns.

        Raises LedgerError when the record fails: then nothing further was done, and nobody knows more than it says.
        """
        history = self._scribe.history
        execution = await self._means.effects.name(self._scribe.run, history.attempts + 1)
        clock = self._means.world.clock
        try:
            prepared = await self._prepare(step, filled(wanted, history.captured), undoes)
        except (ConfigError, Refused, SourceError) as error:
            await self._scribe.write(by, StepEnded(step=step.key, state=_REFUSED, text=safe(str(error), 1000)))
            return StepState.FAILED
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
        await self._scribe.write(by, intended)
        outcome = await self._claimed(by, step, prepared, execution)
        if outcome.end is End.SUCCEEDED and step.confirm is not None and not undoes:
            outcome = await self._confirmed(step, outcome, intended)
        await self._scribe.write(
            by,
            StepEnded(
                step=step.key,
                state=_STATES[outcome.end].value,
                execution=execution,
                text=outcome.text,
                evidence=outcome.evidence,
                captured=outcome.captured,
            ),
        )
        await self._settle(execution, prepared.do, outcome)
        if step.danger is not Danger.SAFE:
            self._means.world.poke()
        return _STATES[outcome.end]

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
        key = history.executions[history.open]
        step = next(step for step in history.plan.steps if step.key == key)
        do = step.undo if history.open in history.undoes else step.do
        if not isinstance(do, CommandAction):
            text = lit("it cannot be ended from here; say how it came out")
            outcome = Outcome(end=End.UNKNOWN, text=text)
        else:
            outcome = await self._means.effects.abort(history.open, do)
        state = _STATES[outcome.end]
        await self._scribe.write(
            by,
            StepEnded(
                step=key, state=state.value, execution=history.open, text=outcome.text, evidence=outcome.evidence
            ),
        )
        return state is not StepState.UNKNOWN

    async def _prepare(self, step: PlannedStep, do: Reaching, undoes: str) -> Ready:
        """Read the state once more. Refused when it is not what was confirmed."""
        if not isinstance(do, ApiAction):
            return Ready(do=do, call=call_text(do))
        if do.value is not None:
            self._means.resolve(do.value)  # one that cannot be had must be known before anything is begun
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
        for other in self._scribe.history.plan.steps:
            if other.key == step.key:
                return False
            if isinstance(other.do, ApiAction) and other.do.resource == resource:
                return True
            if isinstance(other.do, CommandAction | HttpAction) and other.danger is not Danger.SAFE:
                return True
        return False

    async def _claimed(self, by: Principal, step: PlannedStep, ready: Ready, execution: str) -> Outcome:
        try:
            await self._scribe.claim(by, StepClaimed(execution=execution), execution)
        except AlreadyClaimed:
            return Outcome(end=End.UNKNOWN, text=lit("it was begun before, by another console"))
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
            return await self._means.effects.abort(execution, ready.do)
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
        value = self._means.resolve(api.value).encode() if api.value is not None else None
        following = Following(self._acts(api), world.clock, self._means.pause, told, step.timeout)
        return await following.perform(prepared, value)

    async def _confirmed(self, step: PlannedStep, outcome: Outcome, intended: StepIntended) -> Outcome:
        """What shows that it worked; without that it has failed, although it was done."""
        if step.confirm is None:
            return outcome
        viewpoint = self.viewpoint(intended)
        gating = Gating(
            step.confirm, viewpoint, self._means.pause, lambda held: self._progress.held(step.key, held)
        )  # fmt: skip
        passed = await or_aborted(gating.wait(), self._abort)
        if passed is None:
            return msgspec.structs.replace(outcome, text=lit("done; aborted before it was confirmed"))
        if passed.held:
            text = join(" · ", (part for part in (outcome.text, passed.text) if part))
            return msgspec.structs.replace(outcome, text=text)
        facts = (*outcome.evidence.facts, *passed.evidence.facts)
        return Outcome(
            end=End.FAILED,
            text=fmt("done, but {}", passed.text),
            evidence=msgspec.structs.replace(outcome.evidence, facts=facts),
            captured=outcome.captured,
        )

    def viewpoint(self, intended: StepIntended) -> Viewpoint:
        """From where conditions are looked at: nothing from before the step counts."""
        system = self._scribe.history.view.system
        return Viewpoint(
            world=self._means.world, system=system, since=intended.at, ask=self._means.effects.look
        )  # fmt: skip


_REFUSED = StepState.FAILED.value


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
        return Outcome(end=End.UNKNOWN, text=safe(f"{type(error).__name__}: {error}", 500))
