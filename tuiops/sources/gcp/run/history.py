"""What revisions tell of rollouts that nobody watched: when each was made, by whom, and whether it became ready."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tuiops.core.rollouts import Phase, Rollout, Side
from tuiops.core.text import EMPTY, lit, safe
from tuiops.sources.gcp.run.state import explained
from tuiops.sources.gcp.run.view import client_of, image_of
from tuiops.sources.gcp.run.wire import READY, condition, short

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tuiops.sources.gcp.run.view import View
    from tuiops.sources.gcp.run.wire import Revision

MOST = 10
"""Past rollouts that are told of each service."""

_LONGEST = timedelta(hours=1)
"""A revision that became ready later than this was woken again: when it first was ready is not kept."""

_STARTED = ("ContainerHealthy", "ContainerReady", READY)
"""Conditions whose time is that of the start, the one that changes least first."""


def history(view: View) -> Iterator[Rollout]:
    """Past rollouts, the newest first; without ID, system, service and source."""
    made = [(one.create_time, one) for one in view.revisions.values() if one.create_time is not None]
    known = [revision for _, revision in sorted(made, key=lambda pair: pair[0], reverse=True)]
    for position, revision in enumerate(known[:MOST]):
        if revision.reconciling:
            continue
        older = next((one for one in known[position + 1 :] if view.failure(short(one.name)) is None), None)
        yield _past(view, revision, older)


def _past(view: View, revision: Revision, older: Revision | None) -> Rollout:
    name = short(revision.name)
    failure = view.failure(name)
    started = revision.create_time or view.updated
    return Rollout(
        id=EMPTY,
        system=EMPTY,
        service=EMPTY,
        strategy=lit("deploy"),
        old=safe(short(older.name)) if older is not None else EMPTY,
        new=safe(name),
        by=safe(revision.creator),
        client=client_of(revision),
        phase=Phase.SUCCEEDED if failure is None else Phase.FAILED,
        started=started,
        ended=_ready_at(revision, started),
        message=explained(failure) if failure is not None else lit("how traffic moved was not seen"),
        sides=(Side(revision=safe(name), image=image_of(revision), actual=view.actual.get(name, 0) / 100),),
    )


def _ready_at(revision: Revision, started: datetime) -> datetime | None:
    for kind in _STARTED:
        at = condition(revision.conditions, kind).last_transition_time
        if at is not None and timedelta(0) <= at - started <= _LONGEST:
            return at
    return None
