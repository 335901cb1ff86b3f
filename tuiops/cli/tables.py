"""What a snapshot says, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tuiops.cli.exits import Exit
from tuiops.cli.output import Span, Tone
from tuiops.cli.views import alerts_of, services_of, status_exit, systems_of
from tuiops.core.alerts import count_active
from tuiops.core.clock import age
from tuiops.core.health import State, Verdict, judge_service, judge_system
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Topic
from tuiops.core.source import Freshness
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.core.units import countdown, show, span

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.cli.output import Output
    from tuiops.core.alerts import Alert
    from tuiops.core.health import ServiceHealth
    from tuiops.core.snapshot import Snapshot

_STATE_TONES = {
    State.OK: Tone.GOOD, State.UNKNOWN: Tone.FAINT, State.DEGRADED: Tone.BAD, State.DOWN: Tone.WORST,
}  # fmt: skip
_SEVERITY_TONES = {
    Severity.P1: Tone.WORST, Severity.P2: Tone.BAD, Severity.P3: Tone.PLAIN, Severity.P4: Tone.FAINT,
}  # fmt: skip
_EXIT_STATES = {Exit.OK: State.OK, Exit.UNKNOWN: State.UNKNOWN, Exit.DEGRADED: State.DEGRADED, Exit.DOWN: State.DOWN}


def local(at: datetime, zone: str) -> SafeText:
    """RFC 3339 in the configured zone, to the second."""
    return SafeText(at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds"))


def status(out: Output, snapshot: Snapshot, now: datetime, zone: str, system: str | None = None) -> None:
    """The summary: systems, alerts that fire, sources."""
    environment = snapshot.environment
    state = _EXIT_STATES[status_exit(snapshot, now, system)]
    name = (environment.name, Tone.WORST if environment.production else Tone.HEADING)
    out.line(name, lit("  "), state_span(state), lit("  "), local(now, zone))
    for notice in snapshot.notices:
        out.line((notice, Tone.BAD))
    out.line(EMPTY)
    found = systems_of(snapshot, system)
    if found:
        verdicts = [judge_system(each, snapshot.statuses, now) for each in found]
        out.table(
            (lit("SYSTEM"), lit("STATE"), lit("REASON")),
            [
                [_plain(each.label), state_span(verdict.state), _plain(verdict.reason)]
                for each, verdict in zip(found, verdicts, strict=True)
            ],
        )
    else:
        out.line(lit("No systems are watched."))
    out.line(EMPTY)
    _alert_summary(out, snapshot, now, system)
    if snapshot.feeds:
        out.line(EMPTY)
        sources(out, snapshot, now)


def _alert_summary(out: Output, snapshot: Snapshot, now: datetime, system: str | None) -> None:
    if not snapshot.on(Topic.ALERTS):
        out.line((lit("No alert sources are configured."), Tone.FAINT))
        return
    counts, proven = count_active(alerts_of(snapshot, system)), snapshot.quiet_is_proven(now)
    parts: list[Span | SafeText] = [lit("Alerts  ")]
    for severity, count in counts.items():
        # A zero that nothing proves is not known.
        shown = fmt("{}", count) if count or proven else lit("?")
        parts.append((fmt("{} {}  ", severity.word, shown), _SEVERITY_TONES[severity] if count else Tone.FAINT))
    out.line(*parts)
    if not any(counts.values()):
        if proven:
            out.line((lit("No alert fires, and every alert source is live."), Tone.GOOD))
        else:
            out.line(
                (lit("No alert is known to fire, but not every alert source has proved that it is alive."), Tone.BAD)
            )


def sources(out: Output, snapshot: Snapshot, now: datetime) -> None:
    """One line for each feed: what it is and how old."""
    rows: list[list[Span]] = []
    for feed in snapshot.feeds.values():
        live = feed.status.freshness(now) is Freshness.LIVE
        note = join("; ", feed.status.warnings) if live else feed.status.error
        tone = Tone.PLAIN if live else Tone.BAD
        rows.append(
            [_plain(feed.status.name), _plain(feed.status.kind), (feed.status.describe(now), tone), _plain(note)]
        )
    out.table((lit("SOURCE"), lit("KIND"), lit("DATA"), lit("NOTE")), rows)


def services(out: Output, snapshot: Snapshot, now: datetime, _zone: str, system: str | None = None) -> None:
    """One line for each service, with what is measured of it."""
    found = services_of(snapshot, system)
    if not found:
        out.line(lit("No services are watched."))
        return
    rows: list[list[Span]] = []
    for service in found:
        verdict: Verdict = judge_service(service, snapshot.statuses, now)
        rows.append(
            [
                _plain(fmt("{}/{}", service.system, service.service)),
                state_span(verdict.state),
                _plain(_values(service)),
                _plain(verdict.reason),
            ]
        )
    out.table((lit("SERVICE"), lit("STATE"), lit("MEASURED"), lit("REASON")), rows)


def _values(service: ServiceHealth) -> SafeText:
    return join(
        "  ",
        (
            fmt("{} {}", measure.indicator.heading, show(measure.reading.value, measure.indicator.unit))
            for measure in service.measures
            if measure.reading is not None and measure.reading.value is not None
        ),
    )


def alerts(out: Output, snapshot: Snapshot, now: datetime, _zone: str, system: str | None = None) -> None:
    """One line for each alert, the most urgent first."""
    found = alerts_of(snapshot, system)
    if found:
        out.table(
            (lit("SEV"), lit("LEFT"), lit("STATE"), lit("SERVICE"), lit("ALERT"), lit("AGE"), lit("SUMMARY")),
            [_alert_cells(alert, now) for alert in found],
        )
        out.line(EMPTY)
    _alert_summary(out, snapshot, now, system)


def _alert_cells(alert: Alert, now: datetime) -> list[Span]:
    tone = _SEVERITY_TONES[alert.severity] if alert.active else Tone.FAINT
    left = countdown((alert.due - now).total_seconds()) if alert.due is not None and alert.active else EMPTY
    return [
        (fmt("{} {}", alert.severity.glyph, alert.severity.word), tone),
        (left, tone),
        _plain(alert.state.word),
        _plain(fmt("{}/{}", alert.system, alert.service) if alert.service else alert.system),
        _plain(alert.name),
        _plain(span(age(now, alert.started))),
        _plain(alert.summary),
    ]


def state_span(state: State) -> Span:
    """The state's word in its colour."""
    return (state.word, _STATE_TONES[state])


def _plain(text: SafeText) -> Span:
    return (text, Tone.PLAIN)
