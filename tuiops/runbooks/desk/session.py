"""One person at the engine: what they are shown, what they confirm by it, and why something is refused.

What they may do is decided by the engine alone. It is asked here beforehand, in the same words, where the world would
be read for nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.access import Danger, Decision, Deed, Place
from tuiops.core.record import RunAborting, RunApproved, RunRejected, StepAttested
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.desk import offers
from tuiops.runbooks.engine import preconditions
from tuiops.runbooks.engine.permits import READ_ONLY, place_of
from tuiops.runbooks.format import parameters
from tuiops.runbooks.planning import places
from tuiops.runbooks.planning.plan import Card, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from tuiops.core.access import Principal
    from tuiops.core.runs import RunView
    from tuiops.core.subject import Subject
    from tuiops.runbooks.desk.desk import Offered
    from tuiops.runbooks.engine.engine import Engine, Fits
    from tuiops.runbooks.engine.reading import Reader
    from tuiops.runbooks.format.model import AnyParameter, Runbook
    from tuiops.runbooks.planning.planner import Planner
    from tuiops.runbooks.record.history import History

_OTHER_DEEDS = {
    Deed.APPROVE: lit("approve another person's run"),
    Deed.RESOLVE: lit("say how an interrupted run goes on"),
    Deed.ABORT: lit("abort a run"),
}

_PAST_RUNS = 20
"""Runs that the typical duration is the median of, at most."""


class Seat:
    """What one person is shown: what could be done, what exactly it would be, and whether they may. Begins nothing."""

    def __init__(self, runs: Reader, planner: Planner, who: Callable[[], Principal]) -> None:
        """`who`: the person, with the role that they have at this moment."""
        self._runs = runs
        self._planner = planner
        self._who = who
        self._read_only = False

    @property
    def principal(self) -> Principal:
        """Who sits here."""
        return self._who()

    async def forbid(self) -> None:
        self._read_only = True

    def may(self, deed: Deed, place: Place, danger: Danger) -> Decision:
        """Whether the person may do it there."""
        if self._read_only:
            return Decision(allowed=False, reason=READ_ONLY)
        return self._runs.permits.may(self.principal, deed, place, danger)

    async def offered(self, subjects: tuple[Subject, ...]) -> tuple[Offered, ...]:
        system = subjects[0].system if subjects else EMPTY
        if offers.of_several_systems(subjects):
            raise Refused(offers.of_several_systems(subjects))
        if system not in self._runs.means.world.config.systems:
            raise Refused(offers.NOT_OF_A_SYSTEM)
        known = (kept.runbook for kept in self._planner.library.runbooks.values())
        lines = [self._offer(runbook, subjects) for runbook in offers.fitting(known, subjects)]
        return tuple(sorted(lines, key=lambda line: bool(line.reason)))

    async def runbook(self, name: str) -> Runbook:
        return self._planner.kept(name).runbook

    async def choices(
        self, runbook: str, system: str, parameter: str, values: Mapping[str, tuple[str, ...]]
    ) -> tuple[SafeText, ...]:
        return await self._planner.choices(runbook, system, parameter, values)

    def objection(self, parameter: AnyParameter, value: str) -> SafeText:
        return parameters.own_objection(parameter, value, now=self._runs.means.world.clock.now())

    async def plan(
        self,
        runbook: str,
        system: str,
        values: Mapping[str, tuple[str, ...]],
        alert: SafeText = EMPTY,
        *,
        at: datetime | None = None,
    ) -> Card:
        """Read the state and say exactly what would be done. Nothing is recorded and nothing happens.

        `at`: the moment that the plan is of, to make again one that was made then.
        """
        plan = await self._planner.plan(runbook, system, values, alert, at=at)
        card = self._card(plan, Deed.RUN, self._now)
        return msgspec.structs.replace(card, obstacles=tuple(self._obstacles(plan)))

    async def asked_for(self, run: str) -> Card:
        plan = self._runs.history(run).plan
        return self._card(plan, Deed.APPROVE, plan.at)

    def _card(self, plan: Plan, deed: Deed, read_at: datetime) -> Card:
        return Card(
            plan=plan,
            digest=plan.digest,
            read_at=read_at,
            decision=self.may(deed, place_of(plan), plan.danger),
            runs=tuple(view for view in self._runs.runs if view.live),
            typical=self._typical(plan.runbook, plan.system),
            must_type=_must_type(plan),
        )

    async def why(self, subject: Subject, runbook: str) -> tuple[SafeText, ...]:
        found = [fmt("you are {}, {}, as {}", self.principal.person, self.principal.role.word, self.principal.account)]
        if self._read_only:
            found.append(READ_ONLY)
        if subject.system not in self._runs.means.world.config.systems:
            return (*found, offers.NOT_OF_A_SYSTEM)
        place = self._place_of(subject.system)
        if not runbook:
            return (*found, *self._rights(place))
        line = self._offer(self._planner.kept(runbook).runbook, (subject,))
        decision = self.may(Deed.RUN, place, line.danger)
        found.append(fmt("{}: {} ({}) in {}", safe(runbook), line.danger.word, line.danger.letter, place.environment))
        found.append(fmt("run it: {}", _answer(decision)))
        if line.reason and line.reason != decision.reason:
            found.append(fmt("not here and now: {}", line.reason))
        return tuple(found)

    def _rights(self, place: Place) -> Iterator[SafeText]:
        """What the person may do at a place, deed by deed."""
        yield fmt("in {}, {}:", place.system, place.environment)
        for danger in (Danger.SAFE, Danger.CHANGES, Danger.DESTROYS):
            yield fmt("run what {} ({}): {}", danger.word, danger.letter, _answer(self.may(Deed.RUN, place, danger)))
        for deed, named in _OTHER_DEEDS.items():
            yield fmt("{}: {}", named, _answer(self.may(deed, place, Danger.SAFE)))

    def _offer(self, runbook: Runbook, subjects: tuple[Subject, ...]) -> Offered:
        config, system = self._runs.means.world.config, subjects[0].system
        fills = offers.filled(runbook, config, subjects)
        place = self._place_of(system)
        decision = self.may(Deed.RUN, place, offers.danger_of(runbook))
        reason = READ_ONLY if self._read_only else EMPTY if decision.allowed else decision.reason
        if not reason and runbook.environments and place.environment not in runbook.environments:
            reason = fmt("is not for {}, but for {}", place.environment, safe(", ".join(runbook.environments)))
        reason = reason or offers.several(runbook, subjects) or offers.held(runbook, fills, system, self._runs.runs)
        typical = self._typical(runbook.id, system)
        return offers.offered(runbook, fills, system, reason, second=decision.second, typical=typical)

    def _place_of(self, system: str) -> Place:
        environment, production = self._planner.environment(system)
        return Place(system=safe(system), environment=safe(environment), production=production)

    @property
    def _now(self) -> datetime:
        return self._runs.means.world.clock.now()

    def _obstacles(self, plan: Plan) -> list[SafeText]:
        """Runs that hold what this one would touch."""
        wanted = set(plan.locks)
        held = [view for view in self._runs.runs if view.live and view.state is not RunState.AWAITING_APPROVAL]
        return [
            fmt(
                "{} is held by run #{} {} ({}, {})", view.target, view.number, view.title, view.state.word, _whose(view)
            )
            for view in held
            if wanted & set(self._runs.history(view.id).plan.locks)
        ]

    def _typical(self, runbook: str, system: str) -> tuple[float, int] | None:
        past = [
            view
            for view in self._runs.runs
            if (view.runbook, view.system, view.state) == (runbook, system, RunState.SUCCEEDED)
        ][:_PAST_RUNS]
        took = sorted((one.ended - one.started).total_seconds() for one in past if one.started and one.ended)
        return (took[len(took) // 2], len(took)) if took else None


class Sitting(Seat):
    """What one person can have done. Raises Refused, with the reason, for whatever is not begun."""

    def __init__(self, engine: Engine, planner: Planner, who: Callable[[], Principal]) -> None:
        super().__init__(engine, planner, who)
        self._engine = engine

    async def confirm(self, card: Card, typed: str = "") -> str:
        """Read the state again, record what is wanted and begin; the run's identity. A card is good for one run."""
        plan = card.plan
        decision = self._allowed(Deed.RUN, plan)
        preconditions.is_typed(_must_type(plan), typed, "not run")
        if plan.digest != card.digest:
            raise Refused("not run: this is not the plan that was shown")
        preconditions.is_fresh(plan.at, self._now, "read")
        run = f"r{plan.digest[:20]}"
        preconditions.is_new(self._engine.find(run))
        await self._unchanged(plan)
        if decision.second:
            self._engine.when_approved(run, lambda: self._begin(run, Deed.RUN, preconditions.may_begin))
            await self._engine.request(self.principal, run, plan)
        else:
            await self._engine.begin(self.principal, run, plan)
        return run

    async def approve(self, run: str, digest: str, typed: str = "") -> None:
        """Let another person's run begin; `digest` is of the plan that this person has seen."""
        self._writable()
        history = self._engine.history(run)
        view = history.view
        said = RunApproved(plan_digest=digest)
        self._engine.permits.write(self.principal, said, history)
        preconditions.awaits_approval(history)
        if not digest == view.plan_digest == history.plan.digest:
            raise Refused("this is not the plan that was asked for; look at it again")
        preconditions.is_typed(_must_type(history.plan), typed, "not approved")
        preconditions.is_fresh(view.requested, self._now, "asked for")
        await self._engine.say(self.principal, run, said)

    async def reject(self, run: str, reason: str) -> None:
        """Say no to a run that waits for a second person, or take back one's own."""
        self._writable()
        preconditions.awaits_approval(self._engine.history(run))
        await self._engine.say(self.principal, run, RunRejected(reason=_given(reason, "why it is rejected")))

    async def abort(self, run: str, reason: str = "") -> None:
        """Stop it and end what it started; the run then says what is left."""
        self._writable()
        history = self._engine.history(run)
        preconditions.is_live(history)
        await self._engine.say(self.principal, run, RunAborting(reason=safe(reason, 500)))
        # Whoever carries it out, here or elsewhere, hears it. Where nobody does, and when they are gone by then, any
        # console ends it.
        history = self._engine.history(run)
        if history.abort and self._engine.carrier(run) is None and not history.view.held_by:
            with contextlib.suppress(Refused):
                await self._engine.wind_up(self.principal, run)

    async def resume(self, seen: RunView, typed: str = "") -> None:
        """Go on with a run that nobody carries out, at its next step; never at one whose end is unknown."""
        self._writable()
        history = self._engine.history(seen.id)

        def fits(found: History | None) -> None:
            (preconditions.may_go_on if history.started else preconditions.may_begin)(found)
            preconditions.is_as_seen(found, seen)
            preconditions.is_typed(seen.must_type(undo=False), typed, "not resumed")

        fits(history)
        if history.started:
            await self._engine.carry(self.principal, seen.id, fits)
        else:
            await self._begin(seen.id, Deed.RESOLVE, fits)

    async def settle(self, seen: RunView, step: str, *, succeeded: bool, note: str) -> None:
        """Say how a manual step or an unknown one came out; recorded with the person's name."""
        await self._attest(seen, step, StepState.SUCCEEDED if succeeded else StepState.FAILED, note)

    async def skip(self, seen: RunView, step: str, reason: str) -> None:
        """Leave a step out, one whose end is unknown too; the run goes on behind it when it is resumed."""
        await self._attest(seen, step, StepState.SKIPPED, reason)

    async def undo(self, seen: RunView, typed: str = "") -> None:
        """Undo the steps that were done, last first, as they say how."""
        self._writable()

        def fits(found: History | None) -> None:
            preconditions.may_go_back(found)
            preconditions.is_as_seen(found, seen)
            preconditions.is_alone_as_seen(found, seen)
            what = fmt("not undone: {}", seen.overtaken) if seen.overtaken else "not undone"
            preconditions.is_typed(seen.must_type(undo=True), typed, what)

        self._engine.permits.undo(self.principal, self._engine.history(seen.id).plan)
        fits(self._engine.history(seen.id))
        await self._engine.undo(self.principal, seen.id, fits)

    async def _begin(self, run: str, deed: Deed, fits: Fits) -> None:
        """Begin a run that was asked for earlier: the world must still be as it was then."""
        history = self._engine.history(run)
        self._allowed(deed, history.plan)
        fits(history)
        preconditions.is_fresh(history.view.requested, self._now, "asked for")
        await self._unchanged(history.plan)
        await self._engine.carry(self.principal, run, fits, deed)

    async def _unchanged(self, plan: Plan) -> None:
        again = await self._planner.again(plan)
        if again.digest != plan.digest:
            raise Refused(f"not run: {difference(plan, again)} since it was shown; read it again")

    async def _attest(self, seen: RunView, step: str, state: StepState, note: str) -> None:
        self._writable()
        history = self._engine.history(seen.id)
        preconditions.can_be_told(history, step, state, seen)
        known = _given(note, "what you know of it")
        said = StepAttested(step=step, execution=preconditions.execution_of(seen, step), state=state.value, note=known)
        if preconditions.asks(history, step):
            # Whoever carries it out waits for the word.
            await self._engine.say(self.principal, seen.id, said)
        else:
            await self._engine.settle(
                self.principal, seen.id, said, lambda found: preconditions.can_be_told(found, step, state, seen)
            )  # fmt: skip

    def _writable(self) -> None:
        if self._read_only:
            raise Refused(READ_ONLY)

    def _allowed(self, deed: Deed, plan: Plan) -> Decision:
        self._writable()
        return self._engine.permits.allow(self.principal, deed, plan)


def _must_type(plan: Plan) -> SafeText:
    return plan.environment if plan.danger is Danger.DESTROYS else EMPTY


def difference(before: Plan, after: Plan) -> SafeText:
    """What another plan of the same runbook and parameters says otherwise, in a sentence's beginning."""
    if before.file_digest != after.file_digest:
        return lit("the runbook's file has changed")
    if moved := places.difference(before, after):
        return moved
    for old, new in zip(before.steps, after.steps, strict=False):
        facts = {fact.what: fact.value for fact in old.call.before}
        for fact in new.call.before:
            if facts.get(fact.what, fact.value) != fact.value:
                return fmt("{} changed ({} → {})", fact.what, facts[fact.what], fact.value)
        if old.call.text != new.call.text:
            return fmt("`{}` would do something else", new.title)
    return lit("the state has changed")


def _answer(decision: Decision) -> SafeText:
    answer = lit("yes") if decision.allowed else lit("no")
    more = lit("; a second person must approve") if decision.second else EMPTY
    return fmt("{}, {}{}", answer, decision.reason, more)


def _whose(view: RunView) -> SafeText:
    return view.held_by or fmt("begun by {}", view.by)


def _given(text: str, what: str) -> SafeText:
    said = safe(text.strip(), 1000)
    if not said:
        raise Refused(f"say {what}")
    return said
