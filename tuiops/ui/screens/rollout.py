"""The detail of a rollout: its steps as a tree, who serves, what its gates found, and the canary beside the rest."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.rollout_verbs import shifts_traffic
from tuiops.core.text import SafeText, fmt, lit
from tuiops.hub.logerrors import errors_naming
from tuiops.ui.format import width_of
from tuiops.ui.panes.rollouts import subject_of
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.parts import NO_CHANGE, change_rows, concerns, drift_rows
from tuiops.ui.screens.pen import BLANK
from tuiops.ui.screens.plots import REFRESH
from tuiops.ui.screens.rollout_around import past_rows, verb_rows
from tuiops.ui.screens.rollout_canary import ERRORS, Heard, ask, comparison_rows, error_rows
from tuiops.ui.screens.rollout_parts import gate_rows, head, side_rows, step_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuiops.core.logs import LogRecord
    from tuiops.core.rollouts import Rollout
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.ui.screens.pen import Pen, Row


SIDE_BY_SIDE = 170
"""Columns from which two halves stand beside each other."""
_GAP = 4


class RolloutScreen(DetailScreen):
    """One rollout; both of its revisions are compared every quarter of a minute."""

    def __init__(self, identity: SafeText) -> None:
        super().__init__()
        self._identity = identity
        self._heard = Heard()
        self._errors: tuple[object, tuple[LogRecord, ...]] = (None, ())

    def rollout(self) -> Rollout | None:
        """The rollout as the snapshot has it."""
        return next((r for r in self.host.snapshot.rollouts if r.id == self._identity), None)

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        rollout = self.rollout()
        return (rollout.system, rollout.service) if rollout is not None else super().subject

    @property
    def acted_on(self) -> Subject | None:
        rollout = self.rollout()
        return subject_of(rollout) if rollout is not None else None

    @property
    def copied(self) -> SafeText:
        rollout = self.rollout()
        if rollout is None:
            return super().copied
        return fmt("{}/{} {} -> {}", rollout.system, rollout.service, rollout.old, rollout.new)

    def heading(self, pen: Pen) -> SafeText:
        system, service = self.subject
        return fmt("Rollout {} {}/{}", pen.look.glyphs.dot, system, service)

    def begin(self) -> None:
        super().begin()
        self.set_interval(REFRESH, self.ask)
        self.ask()

    def ask(self) -> None:
        """Have the revisions compared while both serve; an answer that is still on its way is given up."""
        rollout = self.rollout()
        if rollout is not None and rollout.live and rollout.new and rollout.old and not self.host.frozen:
            self.run_worker(self._ask(rollout), group="comparison", exclusive=True)

    async def _ask(self, rollout: Rollout) -> None:
        self._heard = await ask(self.host.backend, rollout, self._heard)
        self.show_now()

    def rows(self, pen: Pen) -> Sequence[Row]:
        rollout = self.rollout()
        if rollout is None:
            return pen.sentence(lit("This rollout is gone: neither its source nor this console remembers it any more."))
        return rollout_sheet(pen, self.host.snapshot, rollout, self._heard, self._errors_of(rollout))

    def _errors_of(self, rollout: Rollout) -> tuple[LogRecord, ...]:
        """The canary's last error lines; searched again only when there are other lines."""
        book = self.host.backend.logs
        seen = (book.version, rollout.new)
        if self._errors[0] != seen:
            self._errors = (seen, errors_naming(book, rollout.system, rollout.service, rollout.new, ERRORS))
        return self._errors[1]


def rollout_sheet(
    pen: Pen, snapshot: Snapshot, rollout: Rollout, heard: Heard, errors: Sequence[LogRecord]
) -> list[Row]:
    """The whole sheet: how far it is, whether it goes well, what could be done, what was before.

    Where there is room, how it goes stands beside how far it is.
    """
    rows = head(pen, snapshot, rollout)
    if pen.width < SIDE_BY_SIDE:
        rows += _progress(pen, snapshot, rollout)
        rows += _quality(pen, snapshot, rollout, heard, errors)
        return [*rows, *_options(pen, snapshot, rollout), *_history(pen, snapshot, rollout), BLANK]
    half = msgspec.structs.replace(pen, width=(pen.width - _GAP) // 2)
    left = [*_progress(half, snapshot, rollout), *_history(half, snapshot, rollout)]
    right = [*_quality(half, snapshot, rollout, heard, errors), *_options(half, snapshot, rollout)]
    return [*rows, *_beside(pen, half, left, right), BLANK]


def _beside(pen: Pen, half: Pen, left: Sequence[Row], right: Sequence[Row]) -> Iterator[Row]:
    """Two columns, each cut at half of the width."""
    for one, other in zip_longest(left, right, fillvalue=BLANK):
        first = half.clip(one)
        blanks = half.width + _GAP - sum(width_of(text) for text, _ in first)
        yield (*first, pen.text(SafeText(" " * blanks)), *half.clip(other)) if other else first


def _progress(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    rows = [*pen.heading(lit("Steps")), *step_rows(pen, rollout)]
    rows += [*pen.heading(lit("Gates")), *gate_rows(pen, rollout)]
    rows += pen.heading(lit("Traffic and instances") if shifts_traffic(rollout) else lit("Instances"))
    rows += side_rows(pen, rollout)
    if snapshot.is_live(rollout.source, pen.now) or not rollout.live:
        return rows
    # What was well when its source was last heard may be anything by now.
    return [tuple((text, style + pen.look.palette.dimmed) for text, style in row) for row in rows]


def _quality(pen: Pen, snapshot: Snapshot, rollout: Rollout, heard: Heard, errors: Sequence[LogRecord]) -> list[Row]:
    rows: list[Row] = []
    if rollout.live and rollout.old and rollout.new:
        rows += [*pen.heading(lit("New beside old")), *comparison_rows(pen, snapshot, rollout, heard)]
    return [*rows, *pen.heading(lit("Errors of the new revision")), *error_rows(pen, rollout, errors)]


def _options(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    rows = drift_rows(pen, snapshot, rollout.system, rollout.service)
    rows += pen.heading(lit("What could be done"), lit("nothing acts from here"))
    return rows + verb_rows(pen, rollout)


def _history(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    changes = [c for c in snapshot.changes if c.system and concerns(c, rollout.system, rollout.service)]
    rows = [*pen.heading(lit("What changed"))]
    rows += change_rows(pen, changes, NO_CHANGE, named=False)
    rows += pen.heading(lit("Past rollouts of this service"))
    return rows + past_rows(pen, rollout, snapshot.rollouts)
