"""The simulated world: what every metric of every service is at any moment, past or future.

The world is a function of a seed, of the time since its start, and of what people have done to it; reading it changes
nothing, so two readers never disagree and its past is as long as anybody asks for. What is done changes no past. Time
inside is in seconds since the start, `speed` times as fast as the clock on the wall.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.health import Limit
from tuiops.sim.chance import daily, key_of, smooth, unit
from tuiops.sim.changes import Change, Changes, Order
from tuiops.sim.harm import caused, felt
from tuiops.sim.model import Course, Effect, Incident, Metric, SystemModel
from tuiops.sim.schedule import latest, strength
from tuiops.sim.serving import candidate, rolling, traffic_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.units import Unit

_IDLE_SPELL = 240.0
_PLATEAU_WANDER = 0.015


class Influence(msgspec.Struct, frozen=True):
    """An effect on one track, with the incident that brings it."""

    incident: Incident
    key: int
    effect: Effect
    cause: tuple[str, str] | None = None
    """The service and its bad revision whose traffic brings it; None for what happens by itself."""


class Track(msgspec.Struct, frozen=True):
    """One metric of one service: its normal course and all that can disturb it."""

    system: str
    service: str
    metric: Metric
    course: Course
    key: int
    influences: tuple[Influence, ...] = ()


class World:
    """All systems at every moment."""

    def __init__(
        self, fleet: Sequence[SystemModel], *, seed: int, start: datetime, speed: float = 1.0, nonce: str = ""
    ) -> None:
        """`nonce`: what the names of its operations have from it, so that those of another world are unknown here."""
        self.systems = {system.id: system for system in fleet}
        self.seed = seed
        self._nonce = nonce
        self._start = start
        self._epoch = start.timestamp()
        self._speed = speed
        self._tracks = {
            (system.id, service.id, metric): self._track(system, service.id, metric, course)
            for system in fleet
            for service in system.services
            for metric, course in service.metrics.items()
        }
        self._by_system = {
            system.id: tuple(track for track in self._tracks.values() if track.system == system.id) for system in fleet
        }
        self.changes = Changes()
        """What people have done."""
        self._caused: dict[tuple[str, str], tuple[tuple[Incident, str], ...]] = {}
        """By system and service: the incidents that its bad revisions cause, each with the revision."""
        self._brought: dict[tuple[str, str, str], tuple[Influence, ...]] = {}
        """What these do, by system, service and metric."""

    def _track(self, system: SystemModel, service: str, metric: str, course: Course) -> Track:
        return Track(
            system.id,
            service,
            next(found for found in system.metrics if found.id == metric),
            course,
            key_of(self.seed, system.id, service, metric),
            tuple(
                Influence(incident, self.key(system.id, incident.id), effect)
                for incident in system.incidents
                for effect in incident.effects
                if (effect.service, effect.metric) == (service, metric)
            ),
        )

    def key(self, *parts: str) -> int:
        """The key of chance for anything that has a name in this world."""
        return key_of(self.seed, *parts)

    def seconds(self, wall: datetime) -> float:
        """The world's time at a moment on the wall."""
        return (wall - self._start).total_seconds() * self._speed

    def seconds_at(self, epoch: float) -> float:
        """The world's time at a moment in seconds since the epoch."""
        return (epoch - self._epoch) * self._speed

    def wall(self, t: float) -> datetime:
        """The moment on the wall at a time of the world."""
        return self._start + timedelta(seconds=t / self._speed)

    def tracks(self, system: str) -> tuple[Track, ...]:
        """Everything that is measured in a system, in the fleet's order."""
        return self._by_system[system]

    def track(self, system: str, service: str, metric: str) -> Track | None:
        """One metric of one service, None when there is none."""
        return self._tracks.get((system, service, metric))

    def value(self, track: Track, t: float, apart_from: str = "") -> float:
        """The metric at a time; NaN while there is no traffic to measure. `apart_from` is an incident left out."""
        course, key = track.course, track.key
        if course.idle and unit(key, math.floor(t / _IDLE_SPELL)) < course.idle:
            return math.nan
        wander = 0.7 * smooth(key, t, 45.0) + 0.3 * smooth(key + 1, t, 400.0)
        value = course.base * (1.0 + course.wander * wander)
        if course.tide:
            value *= 1.0 + course.tide * daily(self._epoch + t)
        for influence in self._influences(track):
            grown = self.strength(track.system, influence, t)
            if grown and influence.incident.id != apart_from:
                peak = influence.effect.peak * (1.0 + _PLATEAU_WANDER * smooth(key + 2, t, 20.0))
                value += (peak - value) * grown
        return value

    def trouble(self, system: str, service: str, t: float, apart_from: str = "") -> float:
        """How badly the service is off, 0–1: the strongest effect on any of its metrics, one incident's left out."""
        return max(
            (
                self.strength(system, influence, t)
                for track in self._by_system[system]
                if track.service == service
                for influence in self._influences(track)
                if influence.incident.id != apart_from
            ),
            default=0.0,
        )

    def strength(self, system: str, influence: Influence, t: float) -> float:
        """How far an effect has developed at `t`, 0–1, as far as what brings it still has traffic."""
        incident, effect = influence.incident, influence.effect
        found = latest(incident.when, influence.key, t)
        grown = strength(
            t - found.start, delay=effect.delay, ramp=effect.ramp, lasts=incident.lasts, fade=effect.fade
        )  # fmt: skip
        if not grown:
            return 0.0
        if influence.cause is not None:
            service, revision = influence.cause
            return grown * traffic_at(self, system, service, t).actual.get(revision, 0.0)
        return grown * felt(self, system, incident, found, t)

    def incidents(self, system: str) -> tuple[Incident, ...]:
        """Those that happen by themselves, then those that bad revisions have caused."""
        own = (one for (name, _), found in self._caused.items() if name == system for one, _ in found)
        return (*self.systems[system].incidents, *own)

    def measured(self, system: str, incident: Incident, t: float) -> bool:
        """Whether people have had a hand in it: then what is measured says whether it is over, and no timetable."""
        if any(
            one.id == incident.id for (name, _), found in self._caused.items() if name == system for one, _ in found
        ):
            return True
        found = latest(incident.when, self.key(system, incident.id), t)
        return felt(self, system, incident, found, t) < 1.0

    def change(self, system: str, resource: str, order: Order, t: float, **said: str) -> Change:
        """Begin something at `t`. `said`: `by`, `client` and `token`. KeyError for what there is not."""
        service = next(one.service for one in self.systems[system].resources if one.id == resource)
        change = Change(
            operation=f"operation-{self.key(self._nonce, system, resource, str(len(self.changes))):016x}",
            system=system,
            resource=resource,
            service=service,
            at=t,
            order=order,
            was=traffic_at(self, system, service, t).actual,
            by=said.get("by", "you"),
            client=said.get("client", "tuiops"),
            token=said.get("token", ""),
        )
        self.changes.add(change)
        if order.shares:
            self._feel(system, service)
        return change

    def deploy_bad(self, system: str, service: str, t: float) -> str:
        """Have somebody deploy a bad revision of a service, as a drill. Its name; KeyError where none can be."""
        resource = rolling(self.systems[system], service)
        if resource is None or resource.broken is None:
            raise KeyError(f"nothing of {system}/{service} can be broken")
        name, number = candidate(self, system, service, t)
        order = Order(kind="deploy", shares={name: 1.0}, made=name, number=number, bad=True, builds=4.0, lasts=10.0)
        self.change(system, resource.id, order, t, by="CI", client="CI")
        return name

    def _feel(self, system: str, service: str) -> None:
        """Let bad revisions of a service do what they do."""
        self._caused[system, service] = tuple(caused(self, system, service))
        brought: dict[tuple[str, str, str], list[Influence]] = {}
        for (name, origin), found in self._caused.items():
            for incident, revision in found:
                for effect in incident.effects:
                    influence = Influence(incident, self.key(name, incident.id), effect, (origin, revision))
                    brought.setdefault((name, effect.service, effect.metric), []).append(influence)
        self._brought = {key: tuple(found) for key, found in brought.items()}

    def _influences(self, track: Track) -> tuple[Influence, ...]:
        if not self._brought:
            return track.influences
        return track.influences + self._brought.get((track.system, track.service, track.metric.id), ())

    def limit(self, track: Track, text: str) -> Limit:
        """A limit in the track's unit, such as `> 1%`."""
        return _limit(text, track.metric.unit)


@lru_cache(maxsize=256)
def _limit(text: str, unit: Unit) -> Limit:
    return Limit.parse(text, unit)
