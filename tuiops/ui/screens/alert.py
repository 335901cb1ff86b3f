"""The detail of an alert: what, since when, how long is left, why it calls or does not, and all that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.text import SafeText, fmt, join, lit
from tuiops.core.units import countdown, span
from tuiops.ui.panes.alerts import subject_of
from tuiops.ui.screens.parts import NO_CHANGE, change_rows, concerns, find_service, link_rows
from tuiops.ui.screens.pen import BLANK, spread
from tuiops.ui.screens.plots import plot_rows
from tuiops.ui.screens.plotted import PlottedScreen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.core.health import ServiceHealth
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.ui.screens.pen import Pen, Row
    from tuiops.ui.screens.plots import Past

MOST_LABELS = 100
MOST_LINES = 60
"""Rows of a description before it is cut: a runbook pasted into an annotation must not bury the rest."""


class AlertScreen(PlottedScreen):
    """One alert and the plots of the service that it is about."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self._identity = identity
        self._last: Alert | None = None

    def alert(self) -> Alert | None:
        """The alert as the snapshot has it; once it is gone, as it was last seen."""
        for alert in self.host.snapshot.alerts:
            if alert.identity == self._identity:
                self._last = alert
                return alert
        return None

    def _seen(self) -> Alert | None:
        return self.alert() or self._last

    def plotted(self) -> ServiceHealth | None:
        alert = self._seen()
        found = find_service(self.host.snapshot, alert.system, alert.service) if alert is not None else None
        return found[1] if found is not None else None

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        alert = self._seen()
        return (alert.system, alert.service) if alert is not None else super().subject

    @property
    def acted_on(self) -> Subject | None:
        alert = self._seen()
        return subject_of(alert) if alert is not None and alert.system else None

    @property
    def links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        alert = self._seen()
        return alert.links if alert is not None else ()

    @property
    def copied(self) -> SafeText:
        alert = self._seen()
        if alert is None:
            return super().copied
        labels = join(", ", (fmt('{}="{}"', name, value) for name, value in alert.labels))
        return fmt("{} {} {}/{} {} {{{}}}", alert.severity.word, alert.name, alert.system, alert.service,
                   alert.summary, labels)  # fmt: skip

    def heading(self, pen: Pen) -> SafeText:
        alert = self._seen()
        return fmt("Alert {} {}", pen.look.glyphs.dot, alert.name if alert is not None else lit("gone"))

    def rows(self, pen: Pen) -> Sequence[Row]:
        present = self.alert()
        alert = present or self._last
        if alert is None:
            return pen.sentence(lit("This alert is gone: no source reports it any more."))
        rows = alert_sheet(pen, self.host.snapshot, alert, self.pasts, self.seconds)
        if present is None:
            gone = lit("No source reports this alert any more. Below is what was last known of it.")
            return [*pen.sentence(gone, pen.look.palette.stale), BLANK, *rows]
        return rows


def alert_sheet(pen: Pen, snapshot: Snapshot, alert: Alert, pasts: Mapping[str, Past], seconds: float) -> list[Row]:
    """The whole sheet."""
    rows = _head(pen, snapshot, alert)
    rows += _why_quiet(pen, alert)
    if alert.description:
        rows += pen.heading(lit("Description"))
        lines = [row for line in alert.description for row in pen.sentence(line, pen.look.palette.text) or (BLANK,)]
        rows += lines[:MOST_LINES]
        if len(lines) > MOST_LINES:
            rows += pen.sentence(fmt("{} more lines", len(lines) - MOST_LINES))
    found = find_service(snapshot, alert.system, alert.service)
    if found is not None and found[1].measures:
        rows += plot_rows(pen, found[1].measures, pasts, seconds, snapshot.statuses)
    for title, pairs in ((lit("Labels"), alert.labels), (lit("Annotations"), alert.annotations)):
        if pairs:
            rows += pen.heading(title)
            rows += [row for name, value in pairs[:MOST_LABELS] for row in pen.paragraph(name, value)]
        if len(pairs) > MOST_LABELS:
            rows += pen.sentence(fmt("{} more", len(pairs) - MOST_LABELS))
    rows += pen.heading(lit("Links"))
    rows += link_rows(pen, alert.links) or list(pen.sentence(lit("None. A runbook_url annotation would appear here.")))
    rows += pen.heading(lit("History"))
    changes = [c for c in snapshot.changes if c.system and concerns(c, alert.system, alert.service)]
    rows += change_rows(pen, changes, NO_CHANGE)
    return [*rows, BLANK]


def _head(pen: Pen, snapshot: Snapshot, alert: Alert) -> list[Row]:
    palette = pen.look.palette
    calls = alert.state is AlertState.FIRING
    severity = (fmt(" {} {} ", alert.severity.glyph, alert.severity.word), palette.severity[alert.severity])
    rows = [
        spread(
            pen,
            (severity, pen.bold(fmt(" {}", alert.name)), pen.text(fmt("  {}", alert.state.word))),
            (pen.environment(snapshot.environment),),
        ),
        *pen.paragraph(lit("summary"), alert.summary or lit("none given")),
        pen.named(lit("service"), pen.text(_place(alert))),
        pen.named(
            lit("since"),
            pen.text(pen.moment(alert.started)),
            pen.muted(fmt("   {} ago", span(age(pen.now, alert.started)))),
        ),
    ]
    if alert.due is None:
        rows.append(pen.named(lit("respond"), pen.muted(lit("no deadline: the system has no response targets"))))
    else:
        left = (alert.due - pen.now).total_seconds()
        said = fmt("{} left", countdown(left)) if left > 0 else fmt("overdue by {}", span(-left))
        style = palette.severity[alert.severity] if calls else palette.muted
        rows.append(pen.named(lit("respond"), (said, style), pen.muted(fmt("   by {}", pen.moment(alert.due)))))
    native = alert.native_severity or lit("none given")
    rows.append(
        pen.named(
            lit("severity"),
            pen.text(fmt("{} {} {}", native, pen.look.glyphs.arrow, alert.severity.word)),
        )
    )
    if not alert.severity_known:
        warning = fmt(
            "The severity '{}' is not known; it counts as {} so that it cannot hide. Map it in the configuration.",
            native, alert.severity.word,
        )  # fmt: skip
        rows += pen.sentence(warning, palette.state[State.DEGRADED])
    rows.append(pen.named(lit("reported by"), pen.text(join(", ", alert.sources) or lit("unknown"))))
    return rows


def _place(alert: Alert) -> SafeText:
    if not alert.system:
        return lit("of no configured system")
    return fmt("{}/{}", alert.system, alert.service) if alert.service else alert.system


def _why_quiet(pen: Pen, alert: Alert) -> list[Row]:
    """Who silenced it, and what inhibits it."""
    rows: list[Row] = []
    for by in alert.silenced_by:
        rows += pen.paragraph(lit("silenced by"), by)
    for name in alert.inhibited_by:
        rows += pen.paragraph(lit("inhibited by"), name)
    if alert.state is AlertState.SILENCED and not alert.silenced_by:
        rows += pen.paragraph(lit("silenced by"), lit("its source does not say whom"))
    if alert.state is AlertState.INHIBITED and not alert.inhibited_by:
        rows += pen.paragraph(lit("inhibited by"), lit("its source does not say what"))
    return rows
