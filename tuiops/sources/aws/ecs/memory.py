"""What is remembered of a service's rollouts: ECS forgets a deployment as soon as its last task is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.rollouts import Phase
from tuiops.core.text import lit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tuiops.core.rollouts import Rollout
    from tuiops.core.text import SafeText

KEPT = 10
"""Ended rollouts kept for each service."""

_MOVING = frozenset({Phase.WAITING, Phase.RUNNING})
REPLACED = lit("another deployment took its place")
_LAST_WORDS = {Phase.UNKNOWN: lit("how it ended was not seen"), Phase.FAILED: lit("nothing is left of it")}


class Memory:
    """The rollouts of one service."""

    def __init__(self, *, recorded: bool = False) -> None:
        self.recorded = recorded
        """Whether it is of service deployments, not of what the service itself shows of them."""
        self._ended: dict[str, Rollout] = {}
        self._live: dict[str, Rollout] = {}
        self._provisioned: dict[str, datetime] = {}
        self.moving = False
        """Whether something was under way when it was last seen; what cannot be read, or is not known, is not."""
        self.rollbacks: set[str] = set()
        """Deployments that undo another one, and are no rollouts of their own."""

    @property
    def live(self) -> bool:
        """Whether a rollout had not ended yet when it was last seen."""
        return bool(self._live)

    def follows(self, identity: str) -> bool:
        """Whether a rollout was under way when it was last seen."""
        return identity in self._live

    def provisioned(self, deployment: str, *, up: bool, at: datetime) -> datetime | None:
        """When all tasks of a deployment were first seen to run."""
        if up:
            self._provisioned.setdefault(deployment, at)
        return self._provisioned.get(deployment)

    def ended(self, identity: str) -> Rollout | None:
        """How a rollout ended, once it has: that does not change any more."""
        return self._ended.get(identity)

    def whole(self, identity: str) -> bool:
        """Whether a rollout has ended, and all that describes it could be read."""
        return identity in self._ended and bool(_described(self._ended[identity]))

    def told(self, identity: str, tell: Callable[[], Rollout]) -> Rollout:
        """How a rollout ended, once it has; what is still missing there, or where it stands, is what `tell` says."""
        ended = self._ended.get(identity)
        if ended is not None and self.whole(identity):
            return ended
        found = tell()
        return ended if ended is not None and found.live else found

    def keep(self, seen: Iterable[Rollout], became: Phase, at: datetime) -> tuple[Rollout, ...]:
        """Remember what a poll saw; the live ones and the last that ended come back.

        `became`: what became of one that was live before and is not there any more.
        """
        before = self._live
        now = {str(rollout.id): rollout for rollout in seen}
        gone = [rollout for identity, rollout in before.items() if identity not in now]
        self._live = {identity: rollout for identity, rollout in now.items() if rollout.live}
        over = [_completed(before.get(identity), rollout) for identity, rollout in now.items() if not rollout.live]
        over += [
            msgspec.structs.replace(rollout, phase=became, ended=at, message=_last_words(rollout, became))
            for rollout in gone
        ]
        for rollout in sorted(over, key=lambda one: one.started):
            kept = self._ended.get(str(rollout.id))
            self._ended[str(rollout.id)] = rollout if kept is None else _fuller(kept, rollout)
        for identity in self._live:
            self._ended.pop(identity, None)
        for identity in list(self._ended)[:-KEPT]:
            del self._ended[identity]
        self._provisioned = {key: when for key, when in self._provisioned.items() if key in self._live}
        self.moving = any(rollout.phase in _MOVING for rollout in self._live.values())
        return (*self._live.values(), *self._ended.values())

    def unread(self, reason: SafeText) -> tuple[Rollout, ...]:
        """What there is to say while the service cannot be read."""
        self.moving = False
        lost = (msgspec.structs.replace(one, phase=Phase.UNKNOWN, message=reason) for one in self._live.values())
        return (*lost, *self._ended.values())


def _last_words(rollout: Rollout, became: Phase) -> SafeText:
    return _LAST_WORDS.get(became) or rollout.message or lit("rolled back")


def _completed(before: Rollout | None, after: Rollout) -> Rollout:
    """A rollout at its end, with what only its beginning told: what it replaced is gone by then."""
    if before is None or after.old or not before.old:
        return after
    old = tuple(side for side in before.sides if side.revision == before.old and side.revision != after.new)
    return msgspec.structs.replace(after, old=before.old, sides=(*after.sides[:1], *old))


def _described(rollout: Rollout) -> bool:
    return all(side.image for side in rollout.sides)


def _fuller(kept: Rollout, seen: Rollout) -> Rollout:
    """A rollout as it ended, with what could not be read of it by then."""
    if kept.phase is Phase.UNKNOWN:
        return seen
    if _described(kept):
        return kept if kept.by or not seen.by else msgspec.structs.replace(kept, by=seen.by)
    names = {"old": seen.old, "new": seen.new, "by": seen.by or kept.by, "sides": seen.sides}
    return _completed(kept, msgspec.structs.replace(kept, **names))
