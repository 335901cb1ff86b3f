"""What a Cloud Run service's rollouts are, put together from one look at it after the other.

Google keeps no record of rollouts: there are revisions with their times, and traffic as it is now. Whoever moves it,
and with whatever, is seen here. What happened before the first look is told by the revisions alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.rollouts import Origin, Phase, Rollout, Side, Step, StepKind
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.sources.gcp.run.history import history
from tuiops.sources.gcp.run.state import explained
from tuiops.sources.gcp.run.view import CONSOLE, client_of, image_of, look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tuiops.sources.gcp.run.view import View
    from tuiops.sources.gcp.run.wire import Revision, Service

KEPT = 20
"""Rollouts that are remembered of each service since the start."""

PACE = timedelta(hours=1)
"""How long after its last change a rollout is looked at more often."""

CANDIDATE = timedelta(days=1)
"""How long a revision without traffic counts as waiting for it; later it is just there."""


@dataclass
class _Live:
    """A rollout under way."""

    id: SafeText
    new: str
    old: str
    started: datetime
    by: SafeText
    client: SafeText
    ours: bool
    back: bool
    """Whether it returns to an older revision."""
    share: int = 0
    """Percent of the traffic that the new revision is meant to have, as far as steps tell."""
    steps: list[Step] = field(default_factory=list)
    tag: str = ""
    lost: SafeText = EMPTY
    """Why nothing is known of it at present."""


class Track:
    """The rollouts of one service of one system."""

    def __init__(self, system: SafeText, service: SafeText, resource: SafeText, source: SafeText) -> None:
        self._system, self._service, self._resource, self._source = system, service, resource, source
        self._live: _Live | None = None
        self._last: View | None = None
        self._known = ""
        """The newest revision whose rollout has been told, or is being told."""
        self._past: deque[Rollout] = deque(maxlen=KEPT)
        self._told: tuple[Rollout, ...] | None = None
        """What `rollouts` told last, as long as it is still so."""

    def moving(self, now: datetime) -> bool:
        """Whether the next step may come at any moment."""
        if self._live is None or self._last is None or self._live.lost:
            return False
        return self._last.service.reconciling or now - max(self._live.started, self._last.updated) < PACE

    def observe(self, service: Service, revisions: tuple[Revision, ...], at: datetime) -> None:
        """Take in how the service stands now."""
        last = self._last
        if self._live is None and last is not None and last.service is service and last.listed is revisions:
            return
        self._told = None
        view = look(service, revisions)
        if self._live is not None:
            self._live.lost = EMPTY
            if view.created not in {self._known, self._live.new}:
                self._replaced(self._live, view, at)
        if self._live is None:
            self._live = self._begun(view, at)
        if self._live is not None:
            self._follow(self._live, view, at)
        self._known = view.created
        self._last = view

    def lose(self, reason: SafeText) -> None:
        """Nothing can be said at present."""
        if self._live is not None:
            self._live.lost = reason
            self._told = None

    def gone(self, at: datetime) -> None:
        """The service is not there any more."""
        if self._last is not None and self._live is not None:
            self._end(self._last, at, Phase.UNKNOWN, lit("the service is gone"))
        self._last = self._told = None

    def rollouts(self) -> tuple[Rollout, ...]:
        """The one under way, those seen, and those that revisions tell of."""
        if self._told is None:
            self._told = tuple(self._tell())
        return self._told

    def _tell(self) -> Iterator[Rollout]:
        told = {rollout.id for rollout in self._past}
        if self._last is not None and self._live is not None:
            told.add(self._id(safe(self._live.new)))
            yield self._rollout(self._live, self._last, self._phase(self._live, self._last))
        yield from reversed(self._past)
        if self._last is not None:
            for one in history(self._last):
                identity = self._id(one.new)
                if identity not in told:
                    yield msgspec.structs.replace(
                        one, id=identity, system=self._system, service=self._service, source=self._source
                    )

    # How one begins.

    def _begun(self, view: View, at: datetime) -> _Live | None:
        new, old = self._deployed(view, at) or self._shifted(view) or ("", "")
        if not new:
            return None
        revision = view.revisions.get(new)
        deploys = new == view.created and new != self._known and revision is not None
        subject = revision if deploys and revision is not None else view.service
        made = view.made(new) if deploys else None
        who = revision.creator if deploys and revision is not None else view.service.last_modifier
        live = _Live(
            id=self._id(safe(new))
            if deploys
            else fmt("{}@{}", self._id(safe(new)), safe(str(view.service.generation))),
            new=new,
            old=old,
            started=made or view.updated,
            by=safe(who or view.service.last_modifier),
            client=client_of(subject) or client_of(view.service),
            ours=view.service.client == CONSOLE,
            back=bool(old) and view.newer(old, new),
        )
        if deploys:
            live.steps.append(Step(label=fmt("deploy {}", safe(new)), phase=Phase.RUNNING, started=live.started))
        return live

    def _deployed(self, view: View, at: datetime) -> tuple[str, str] | None:
        """A revision that was made since the last look, or, at the first one, that has not got all traffic yet."""
        new = view.created
        if not new or new == self._known:
            return None
        others = {name: share for name, share in view.actual.items() if name != new}
        old = max(others, key=lambda name: others[name], default="")
        if self._last is not None:
            # Where the newest one was deleted, an older one is the newest again.
            former = self._last.made(self._last.created)
            made = view.made(new)
            deployed = made is not None and (former is None or made > former)
            return (new, old or self._last.main) if deployed else None
        made = view.made(new)
        waits = not view.set.get(new) and (made is None or at - made > CANDIDATE)
        if view.actual.get(new) == 100 or view.failure(new) is not None or waits:
            return None
        return new, old

    def _shifted(self, view: View) -> tuple[str, str] | None:
        """A revision that is to have more traffic than before, or, at the first look, than it has."""
        before = self._last.set if self._last is not None else view.actual
        gains = {name: share - before.get(name, 0) for name, share in view.set.items()}
        new = max(gains, key=lambda name: gains[name], default="")
        old = max((name for name in before if name != new), key=lambda name: before[name], default="")
        if new and old and gains[new] > 0 and view.actual.get(new, 0) < view.set[new]:
            return new, old
        if self._last is None and len(view.set) > 1:
            newest = max(view.set, key=lambda name: (str(view.made(name) or ""), name))
            return newest, max((name for name in view.set if name != newest), key=lambda name: view.set[name])
        if self._last is None or not new or not old or gains[new] <= 0:
            return None
        # It was over before anybody looked, unless all that changed is what the traffic is pinned to.
        moved = view.actual.get(new, 0) != self._last.actual.get(new, 0)
        return (new, old) if moved else None

    # How it goes on.

    def _follow(self, live: _Live, view: View, at: datetime) -> None:
        live.tag = view.tags.get(live.new, live.tag)
        if live.steps and not self._deploy(live, view):
            failure = view.failure(live.new)
            if failure is not None:
                self._end(view, failure.last_transition_time or at, Phase.FAILED, explained(failure))
            return
        share = view.set.get(live.new, 0)
        if share != live.share:
            self._step(live, view, share)
        settled = view.settled
        if settled is None or view.actual.get(live.new, 0) != live.share:
            return
        self._settle(live, view, max(settled, live.started), at)

    def _deploy(self, live: _Live, view: View) -> bool:
        """Whether the revision is ready, as its first step says from then on."""
        first = live.steps[0]
        if first.weight is not None or first.phase is Phase.SUCCEEDED:
            return True
        ready = view.ready(live.new)
        if ready is None or view.failure(live.new) is not None:
            return False
        live.steps[0] = _ended(first, max(ready, live.started))
        return True

    @staticmethod
    def _step(live: _Live, view: View, share: int) -> None:
        """Somebody moved the traffic."""
        started = max(view.updated, live.started)
        if live.steps:
            started = max(started, live.steps[-1].ended or live.steps[-1].started or started)
            live.steps[-1] = _ended(live.steps[-1], started)
        label = (
            fmt("{}%", share) if share else fmt("back to {}", safe(view.main if view.main != live.new else live.old))
        )
        live.steps.append(Step(label=label, phase=Phase.RUNNING, started=started, weight=share / 100))
        live.share = share

    def _settle(self, live: _Live, view: View, settled: datetime, at: datetime) -> None:
        """Traffic flows as it is meant to."""
        last = live.steps[-1] if live.steps else None
        moved = last is not None and last.weight is not None and last.kind is StepKind.WORK
        if moved and last is not None and last.phase is Phase.RUNNING:
            settled = max(settled, last.started or settled)
            live.steps[-1] = _ended(last, settled)
        if live.share == 100:
            self._end(view, settled, Phase.SUCCEEDED)
        elif live.share == 0 and moved:
            self._end(view, settled, Phase.ROLLED_BACK)
        elif live.share == 0 and at - live.started > CANDIDATE:
            self._live = None
        elif last is None or last.kind is StepKind.WORK:
            label = fmt("hold at {}%", live.share) if live.share else lit("wait for traffic")
            weight = live.share / 100
            live.steps.append(
                Step(label=label, phase=Phase.RUNNING, kind=StepKind.WAIT, started=settled, weight=weight)
            )

    def _replaced(self, live: _Live, view: View, at: datetime) -> None:
        """A newer revision was made. What became of this one until then is told by where the traffic is."""
        by = fmt("replaced by {}", safe(view.created))
        failure, share = view.failure(live.new), view.actual.get(live.new, 0)
        served = {live.old, self._last.main if self._last is not None else ""}
        if failure is not None:
            self._end(view, failure.last_transition_time or at, Phase.FAILED, explained(failure))
        elif share == 100:
            if live.share != share:
                self._step(live, view, share)
            self._end(view, at, Phase.SUCCEEDED)
        elif share or view.main in served:
            self._end(view, at, Phase.SUPERSEDED, by)
        else:
            # It may have had all of the traffic between two looks.
            self._end(view, at, Phase.UNKNOWN, fmt("{}; how it ended was not seen", by))

    def _end(self, view: View, ended: datetime, phase: Phase, message: SafeText = EMPTY) -> None:
        live, self._live = self._live, None
        if live is None:
            return
        ended = max(ended, live.started)
        if live.steps and live.steps[-1].phase is Phase.RUNNING:
            cut_short = phase in {Phase.FAILED, Phase.SUPERSEDED, Phase.UNKNOWN}
            live.steps[-1] = _ended(live.steps[-1], ended, phase if cut_short else Phase.SUCCEEDED)
        rollout = self._rollout(live, view, phase)
        self._past.append(msgspec.structs.replace(rollout, ended=ended, message=message or rollout.message))

    # How it is told.

    def _id(self, revision: SafeText) -> SafeText:
        return fmt("{}/{}/{}", self._system, self._resource, revision)

    @staticmethod
    def _phase(live: _Live, view: View) -> Phase:
        if live.lost:
            return Phase.UNKNOWN
        waits = not live.share and live.steps and live.steps[-1].kind is StepKind.WAIT
        return Phase.WAITING if waits and not view.service.reconciling else Phase.RUNNING

    def _rollout(self, live: _Live, view: View, phase: Phase) -> Rollout:
        names = [live.new, live.old, *sorted({*view.set, *view.actual} - {live.new, live.old})]
        return Rollout(
            id=live.id,
            system=self._system,
            service=self._service,
            strategy=_strategy(live),
            old=safe(live.old),
            new=safe(live.new),
            by=live.by,
            phase=phase,
            started=live.started,
            weight=view.actual.get(live.new, 0) / 100,
            steps=tuple(live.steps),
            sides=tuple(_side(view, name) for name in names if name),
            origin=Origin.OURS if live.ours else Origin.OBSERVED,
            client=live.client,
            message=live.lost or _under_way(view),
            source=self._source,
        )


def _ended(step: Step, at: datetime, phase: Phase = Phase.SUCCEEDED) -> Step:
    if step.phase is not Phase.RUNNING:
        return step
    return msgspec.structs.replace(step, phase=phase, ended=max(at, step.started or at))


def _side(view: View, name: str) -> Side:
    return Side(
        revision=safe(name),
        image=image_of(view.revisions.get(name)),
        set=view.set.get(name, 0) / 100,
        actual=view.actual.get(name, 0) / 100,
        tag=safe(view.tags.get(name, "")),
    )


def _strategy(live: _Live) -> SafeText:
    if live.back:
        return lit("rollback")
    if any(step.weight is not None and 0 < step.weight < 1 for step in live.steps):
        return lit("canary")
    return lit("blue-green") if live.tag else lit("all at once")


def _under_way(view: View) -> SafeText:
    last = view.service.terminal_condition
    return safe(last.message, 300) if view.service.reconciling else EMPTY
