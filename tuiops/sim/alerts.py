"""The alerts of a simulated system: what its rules and its Alertmanager would say at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.severity import Severity
from tuiops.core.text import fmt, safe
from tuiops.core.units import show
from tuiops.sim.schedule import latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.sim.model import AlertModel, Incident, SystemModel
    from tuiops.sim.world import Track, World

_EVALUATION = 30.0
"""Seconds between evaluations of a rule; the value in a summary stands still between them."""
_LOOK = 5.0
"""Seconds between looks at what people have had a hand in."""
_SETTLE = 15.0
"""Seconds between the end of an incident and the alert's."""


def alerts_at(world: World, system: SystemModel, t: float, source: SafeText) -> tuple[Alert, ...]:
    """Every alert that is pending or firing, silenced and inhibited ones among them."""
    return tuple(
        alert for incident in world.incidents(system.id) for alert in _of_incident(world, system, incident, t, source)
    )


def _of_incident(world: World, system: SystemModel, incident: Incident, t: float, source: SafeText) -> Iterator[Alert]:
    begun = latest(incident.when, world.key(system.id, incident.id), t).start
    since = t - begun
    if since > incident.lasts + _SETTLE:
        return
    measured = world.measured(system.id, incident, t)
    look = _LOOK if measured else _EVALUATION
    firing = {
        rule.name for rule in incident.alerts if since >= noticed(incident, rule) + rule.hold and not rule.inhibited_by
    }
    for rule in incident.alerts:
        active = noticed(incident, rule)
        track = world.track(system.id, rule.service, rule.metric)
        if since < active or track is None:
            continue
        value = world.value(track, t // look * look)
        if measured and not world.limit(track, rule.limit).crossed(value):
            continue
        state = _state(rule, since, active, firing)
        started = begun + (active if state is AlertState.PENDING else active + rule.hold)
        yield _alert(world, system, rule, track, state, (value, started), source)


def noticed(incident: Incident, rule: AlertModel) -> float:
    """Seconds after the incident's start at which the rule's condition holds for good."""
    return max(
        (
            effect.delay + effect.ramp
            for effect in incident.effects
            if (effect.service, effect.metric) == (rule.service, rule.metric)
        ),
        default=0.0,
    )


def _state(rule: AlertModel, since: float, active: float, firing: set[str]) -> AlertState:
    if since < active + rule.hold:
        return AlertState.PENDING
    if rule.silenced_by:
        return AlertState.SILENCED
    return AlertState.INHIBITED if rule.inhibited_by in firing else AlertState.FIRING


def _alert(
    world: World,
    system: SystemModel,
    rule: AlertModel,
    track: Track,
    state: AlertState,
    seen: tuple[float, float],
    source: SafeText,
) -> Alert:
    value, started = seen
    priority = system.severities[rule.severity]
    labels = {
        "alertname": rule.name,
        "environment": system.environment,
        "service": rule.service,
        "severity": rule.severity,
        "system": system.id,
    }
    shown = show(value, track.metric.unit)
    summary = fmt("{} {} {}", safe(rule.summary), shown, safe(str(world.limit(track, rule.limit))))
    return Alert(
        identity=f"simulation/{system.id}/{rule.service}/{rule.name}",
        name=safe(rule.name),
        system=safe(system.id),
        service=safe(rule.service),
        severity=Severity[priority],
        native_severity=safe(rule.severity),
        state=state,
        summary=summary,
        description=tuple(safe(line) for line in rule.description),
        labels=tuple((safe(name), safe(text)) for name, text in sorted(labels.items())),
        annotations=((safe("summary"), summary),),
        started=world.wall(started),
        due=None if state is AlertState.PENDING else world.wall(started + system.respond[priority]),
        sources=(source,),
        silenced_by=(safe(rule.silenced_by),) if state is AlertState.SILENCED else (),
        inhibited_by=(safe(rule.inhibited_by),) if state is AlertState.INHIBITED else (),
        links=((safe("runbook"), safe(f"https://wiki.example.com/runbooks/{rule.name}")),),
    )
