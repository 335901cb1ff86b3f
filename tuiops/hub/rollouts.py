"""Rollouts and drifts of all feeds, and the rollouts that their sources do not remember any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.rollouts import Phase, Rollout, order
from tuiops.core.text import SafeText, lit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.core.drift import Drift
    from tuiops.core.updates import RolloutsUpdate

REMEMBERED = 300
"""Rollouts kept that no source reports any more; the oldest make room."""
LOST = lit("its source stopped reporting it before it ended")


class Seen(NamedTuple):
    """What a feed reports."""

    rollouts: Mapping[str, Rollout]
    """By identifier."""
    drifts: tuple[Drift, ...]


class RolloutBoard:
    """The last answer of each rollout feed, and what it has forgotten since."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._past: dict[tuple[str, str], Rollout] = {}
        """By feed and identifier, in the order in which they were forgotten."""
        self._rollouts: tuple[Rollout, ...] | None = ()
        self._drifts: tuple[Drift, ...] | None = ()

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """Live ones first, then the newest."""
        if self._rollouts is None:
            reported = (rollout for seen in self._seen.values() for rollout in seen.rollouts.values())
            self._rollouts = tuple(sorted((*reported, *self._past.values()), key=order))
        return self._rollouts

    @property
    def drifts(self) -> tuple[Drift, ...]:
        """In the order of the feeds and of their answers."""
        if self._drifts is None:
            self._drifts = tuple(drift for seen in self._seen.values() for drift in seen.drifts)
        return self._drifts

    def apply(self, feed: SafeText, update: RolloutsUpdate) -> tuple[Seen | None, Seen]:
        """Replace what a feed reports; returns what it reported before, None when it never did, and what it does now.

        What it reports no more is in neither but for a rollout that was under way: that one is lost from sight.
        """
        before = self._seen.get(feed)
        found: dict[str, Rollout] = {rollout.id: _of(feed, rollout) for rollout in update.rollouts}
        now = Seen(found, tuple(msgspec.structs.replace(drift, source=feed) for drift in update.drifts))
        if now == before:
            return before, before
        self._seen[feed] = now
        for identity in found:
            self._past.pop((feed, identity), None)
        gone = {} if before is None else {key: r for key, r in before.rollouts.items() if key not in found}
        lost = {identity: _lost(rollout, update.at) for identity, rollout in gone.items() if rollout.live}
        for identity, rollout in gone.items():
            self._past[feed, identity] = lost.get(identity, rollout)
        self._make_room()
        self._rollouts = self._drifts = None
        return before, Seen({**lost, **found}, now.drifts)

    def forget(self, feed: str) -> None:
        """Drop all that a feed ever reported, because its source is gone."""
        self._seen.pop(feed, None)
        self._past = {key: rollout for key, rollout in self._past.items() if key[0] != feed}
        self._rollouts = self._drifts = None

    def _make_room(self) -> None:
        for key in list(self._past)[: max(0, len(self._past) - REMEMBERED)]:
            del self._past[key]


def _of(feed: SafeText, rollout: Rollout) -> Rollout:
    """The rollout with the name of the feed, by which its freshness is known."""
    return rollout if rollout.source == feed else msgspec.structs.replace(rollout, source=feed)


def _lost(rollout: Rollout, at: datetime) -> Rollout:
    return msgspec.structs.replace(rollout, phase=Phase.UNKNOWN, ended=at, message=LOST)
