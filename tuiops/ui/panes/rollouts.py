"""The rollouts pane: what moves from which revision to which, its steps, gates and timers, and what has drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tuiops.core.health import State
from tuiops.core.snapshot import Topic
from tuiops.core.subject import Subject
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import plural
from tuiops.ui.messages import OpenRollout
from tuiops.ui.panes.base import freshness_part
from tuiops.ui.panes.rollout_rows import (
    COLUMNS,
    Part,
    RolloutModel,
    RolloutRow,
    by_service,
    drift_fields,
    drift_rows,
    fields,
    rollout_rows,
)
from tuiops.ui.panes.table import TablePane
from tuiops.ui.shell import shell_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from datetime import datetime

    from textual.binding import BindingType

    from tuiops.core.rollouts import Rollout
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.panes import base
    from tuiops.ui.widgets.columns import Column


class RolloutsPane(TablePane[RolloutRow]):
    """Live rollouts, services that have drifted, and past rollouts when asked for."""

    NUMBER = 3
    NAME = lit("Rollouts")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.ROLLOUTS, Scope.TABLE, Scope.CONSOLE, Scope.GLOBAL)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.ROLLOUTS)]
    FIELDS: ClassVar[tuple[str, ...]] = ("system", "service", "phase", "by", "strategy", "origin")

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._model = RolloutModel()
        self._history = False

    def model(self) -> RolloutModel:
        return self._model

    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:  # noqa: ARG002 - the same for all
        return COLUMNS

    def made_of(self, snapshot: Snapshot, now: datetime) -> object:
        return (snapshot.rollouts, snapshot.drifts, _live_feeds(snapshot, now), self._history)

    def rows(self, snapshot: Snapshot, now: datetime) -> list[RolloutRow]:
        """Live rollouts with the drifts of their services, then services where nothing moves, then what is over."""
        live = _live_feeds(snapshot, now)
        drifts = by_service(snapshot.drifts)
        moving = [rollout for rollout in snapshot.rollouts if rollout.live]
        rows: list[RolloutRow] = []
        for rollout in moving:
            drifted = drifts.pop((rollout.system, rollout.service), ())
            if not self.filter.matches(fields(rollout)):
                continue
            folded = rollout.id in self.folded
            rows += rollout_rows(rollout, snapshot.rollouts, live=rollout.source in live, folded=folded)
            if drifted:
                rows += drift_rows(drifted, live=drifted[0].source in live, folded=folded, below=rollout)
        for key, drifted in drifts.items():
            if self.filter.matches(drift_fields(drifted)):
                rows += drift_rows(drifted, live=drifted[0].source in live, folded=key in self.folded)
        if self._history:
            rows += self._past(snapshot, live)
        return rows

    def _past(self, snapshot: Snapshot, live: frozenset[str]) -> Iterator[RolloutRow]:
        for rollout in snapshot.rollouts:
            if not rollout.live and self.filter.matches(fields(rollout)):
                yield from rollout_rows(rollout, (), live=rollout.source in live, folded=True)

    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        feeds = snapshot.on(Topic.ROLLOUTS)
        if not feeds:
            return (
                lit("No rollout source is configured."),
                lit("Here would stand what is being deployed: revisions, canary weights, gates and timers. A source "
                    'of type "gcp" or "aws" tells of the services that resources of kind "cloud_run" or "ecs" name.'),
            )  # fmt: skip
        silent = [feed.status for feed in feeds if not snapshot.is_live(feed.status.name, now)]
        if silent:
            worst = fmt("{}: {}", silent[0].name, silent[0].describe(now))
            more = fmt(", and {} more", len(silent) - 1) if len(silent) > 1 else EMPTY
            return (
                lit("No rollout is known, but not every rollout source is live."),
                fmt("{}{}. :sources says why.", worst, more),
            )
        past = sum(not rollout.live for rollout in snapshot.rollouts)
        if not past:
            return (lit("Nothing is being rolled out."), lit("Nor does a source or this console remember a past one."))
        known = plural(past, lit("past rollout"), lit("past rollouts"))
        return (lit("Nothing is being rolled out."), fmt("Press h to see {}.", known))

    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[base.Part, ...], tuple[base.Part, ...]]:
        palette = shell_of(self).look.palette
        feeds = snapshot.on(Topic.ROLLOUTS)
        if not feeds:
            return (), ()
        live = sum(rollout.live for rollout in snapshot.rollouts)
        notes: list[base.Part] = [(fmt("{} live", live), palette.muted)]
        if snapshot.drifts:
            seen = all(snapshot.is_live(drift.source, now) for drift in snapshot.drifts)
            style = palette.state[State.DEGRADED] if seen else palette.muted
            notes.append((fmt("drift {}", len(snapshot.drifts)), style))
        notes.append((fmt("{} past", len(snapshot.rollouts) - live), palette.muted))
        return tuple(notes), freshness_part(feeds, now, palette)

    def subject(self, row: RolloutRow) -> tuple[SafeText, SafeText]:
        return row.subject

    def acted_on(self, row: RolloutRow) -> tuple[Subject, ...]:
        return super().acted_on(row) if row.rollout is None else (subject_of(row.rollout),)

    def fold_key(self) -> Hashable | None:
        row = self.table.selected
        if row is None:
            return None
        return row.rollout.id if row.rollout is not None else row.subject

    def selection_text(self) -> SafeText:
        row = self.table.selected
        if row is None:
            return EMPTY
        if row.part is Part.DRIFT or row.rollout is None:
            drift = row.drifts[row.number]
            return fmt("{}/{} {}: {}", drift.system, drift.service, drift.resource, drift.text())
        rollout = row.rollout
        return fmt("{}/{} {} → {} {}", rollout.system, rollout.service, rollout.old, rollout.new, rollout.phase.word)

    def action_table_detail(self) -> None:
        row = self.table.selected
        if row is None or row.rollout is None:
            super().action_table_detail()
        else:
            self.post_message(OpenRollout(row.rollout.id))

    def action_rollouts_history(self) -> None:
        self._history = not self._history
        self.show_again()


def subject_of(rollout: Rollout) -> Subject:
    """What `x` on a rollout is about."""
    return Subject(system=rollout.system, service=rollout.service, rollout=rollout.id, old=rollout.old, new=rollout.new)


def _live_feeds(snapshot: Snapshot, now: datetime) -> frozenset[str]:
    """The rollout feeds whose last answer is fresh."""
    names = (feed.status.name for feed in snapshot.on(Topic.ROLLOUTS))
    return frozenset(name for name in names if snapshot.is_live(name, now))
