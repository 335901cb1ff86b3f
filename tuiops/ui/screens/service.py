"""The detail of a service: every indicator against its limits, plots, alerts, changes, streams, pages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.health import Measure, State, judge, judge_service
from tuiops.core.snapshot import Topic
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import show, span
from tuiops.ui.format import fit, plural
from tuiops.ui.screens.parts import (
    NO_CHANGE,
    alert_rows,
    change_rows,
    concerns,
    drift_rows,
    find_service,
    link_rows,
    stream_rows,
)
from tuiops.ui.screens.pen import BLANK, columns_of, spread
from tuiops.ui.screens.plots import PLOT_ROWS, plot_rows
from tuiops.ui.screens.plotted import PlottedScreen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.core.health import ServiceHealth, SystemHealth
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.source import SourceStatus
    from tuiops.ui.screens.pen import Pen, Piece, Row
    from tuiops.ui.screens.plots import Past


class ServiceScreen(PlottedScreen):
    """One service, refreshed with every snapshot; its plots every quarter of a minute."""

    def __init__(self, system: SafeText, service: SafeText) -> None:
        super().__init__()
        self._system = system
        self._service = service

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        return self._system, self._service

    @property
    def links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        service = self.plotted()
        return service.links if service is not None else ()

    @property
    def copied(self) -> SafeText:
        return fmt("{}/{}", self._system, self._service)

    def heading(self, pen: Pen) -> SafeText:
        return fmt("Service {} {}/{}", pen.look.glyphs.dot, self._system, self._service)

    def plotted(self) -> ServiceHealth | None:
        found = find_service(self.host.snapshot, self._system, self._service)
        return found[1] if found is not None else None

    def rows(self, pen: Pen) -> Sequence[Row]:
        return service_rows(pen, self.host.snapshot, (self._system, self._service), self.pasts, self.seconds)


def service_rows(
    pen: Pen, snapshot: Snapshot, key: tuple[SafeText, SafeText], pasts: Mapping[str, Past], seconds: float,
    height: int = PLOT_ROWS, seen: int | None = None,
) -> list[Row]:  # fmt: skip
    """The whole sheet. Plots that begin below its first `seen` rows are not drawn, where not None."""
    found = find_service(snapshot, *key)
    if found is None:
        return list(
            pen.sentence(
                fmt("{}/{} is no longer there: the configuration or its source does not name it any more.", *key)
            )
        )
    system, service = found
    statuses = snapshot.statuses
    alerts = [alert for alert in snapshot.alerts if (alert.system, alert.service) == key]
    streams = [s for s in snapshot.streams if s.system == system.system and s.service in {EMPTY, service.service}]
    changes = [change for change in snapshot.changes if concerns(change, *key) and change.system]
    rows = _head(pen, snapshot, system, service)
    rows += pen.heading(lit("Indicators"), plural(len(service.measures), lit("indicator"), lit("indicators")))
    rows += _measure_rows(pen, service.measures, statuses)
    below = None if seen is None else seen - len(rows)
    rows += plot_rows(pen, service.measures, pasts, seconds, statuses, height, below)
    rows += drift_rows(pen, snapshot, *key)
    rows += pen.heading(lit("Alerts"), _alert_count(len(alerts)))
    rows += alert_rows(pen, alerts, _no_alerts(snapshot, pen))
    rows += pen.heading(lit("What changed"))
    rows += change_rows(pen, changes, NO_CHANGE)
    rows += pen.heading(lit("Log streams"))
    none = fmt("None is configured. Add [systems.{}.logs.NAME] to read its logs.", system.system)
    rows += stream_rows(pen, streams, none)
    if service.links:
        rows += pen.heading(lit("Pages"))
        rows += link_rows(pen, service.links)
    return [*rows, BLANK]


def _head(pen: Pen, snapshot: Snapshot, system: SystemHealth, service: ServiceHealth) -> list[Row]:
    verdict = judge_service(service, snapshot.statuses, pen.now)
    where: Row = ()
    if system.environment and system.environment != snapshot.environment.name:
        where = ((system.environment, pen.look.palette.other),)
    title = (pen.bold(fmt(" {}  ", service.label)), pen.state(verdict.state))
    feeds = dict.fromkeys(measure.indicator.source for measure in service.measures)
    ages: list[Piece] = []
    for feed in feeds:
        ages += [pen.feed(snapshot.statuses.get(feed)), pen.muted(lit("   "))]
    whole = (*title, pen.muted(fmt("  {}", verdict.reason)))
    fits = columns_of([(*whole, *where)]) + 2 <= pen.width
    rows = [spread(pen, whole if fits else title, where)]
    rows += () if fits else pen.sentence(verdict.reason, pen.look.palette.text)
    rows.append(pen.named(lit("system"), pen.text(system.label)))
    rows.append(pen.named(lit("data"), *(ages or [pen.muted(lit("no source measures it"))])))
    return rows


def _measure_rows(pen: Pen, measures: Sequence[Measure], statuses: Mapping[str, SourceStatus]) -> list[Row]:
    if not measures:
        none = lit("Nothing is measured of this service. Add an indicator or a probe to its system.")
        return list(pen.sentence(none))
    limits = [_limits(measure) for measure in measures]
    wide = max(len(text) for text in limits)
    header = fmt(
        " {}  {}  {}  {}  {}", fit(lit("INDICATOR"), 12), fit(lit("NOW"), 8, right=True), fit(lit("STATE"), 9),
        fit(lit("LIMITS"), max(6, wide)), lit("READ"),
    )  # fmt: skip
    rows: list[Row] = [(pen.muted(header),)]
    for measure, limit in zip(measures, limits, strict=True):
        verdict = judge(measure, statuses.get(measure.indicator.source), pen.now)
        reading = measure.reading
        number = reading.value if reading is not None else None
        value = pen.look.glyphs.dash if number is None else show(number, measure.indicator.unit)
        read = EMPTY if reading is None else fmt("{} ago", span(age(pen.now, reading.at)))
        rows.append(
            (
                pen.bold(fmt(" {}  ", fit(measure.indicator.heading, 12))),
                pen.state(verdict.state, fmt("{}  ", fit(value, 8, right=True))),
                pen.state(verdict.state, fmt("{}  ", fit(verdict.state.word, 9))),
                pen.muted(fmt("{}  ", fit(limit, max(6, wide)))),
                pen.muted(read),
            )
        )
        unmeasured = number is None or math.isnan(number)
        why = verdict.reason if unmeasured or verdict.state is not State.OK else EMPTY
        if why and (unmeasured or verdict.state is State.UNKNOWN):
            well = verdict.state is State.OK
            rows += pen.sentence(
                fmt("  {}", why), pen.look.palette.muted if well else pen.look.palette.state[verdict.state]
            )
    return rows


def _limits(measure: Measure) -> SafeText:
    limits = ((State.DEGRADED, measure.indicator.degraded), (State.DOWN, measure.indicator.down))
    said = [fmt("{} {}", safe(str(limit)), state.word) for state, limit in limits if limit is not None]
    return join(", ", said) or lit("none")


def _alert_count(count: int) -> SafeText:
    return plural(count, lit("alert"), lit("alerts")) if count else EMPTY


def _no_alerts(snapshot: Snapshot, pen: Pen) -> SafeText:
    """Silence is only called quiet when every alert source has proved that it is alive."""
    if snapshot.quiet_is_proven(pen.now):
        return lit("No alert of this service.")
    if not snapshot.on(Topic.ALERTS):
        return lit("No alert source is configured: nobody would say so if there were one.")
    return lit("No alert is known, but not every alert source is live: see :sources.")
