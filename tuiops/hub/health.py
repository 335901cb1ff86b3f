"""Readings of all feeds, laid out as systems and services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.health import ServiceHealth, SystemHealth, renewed
from tuiops.hub.trend import Trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tuiops.core.health import Indicator, Measure, Reading
    from tuiops.core.updates import HealthUpdate, Series

MeasureKey = tuple[str, str, str]
"""System, service, indicator."""


class HealthBoard:
    """What is declared, and the last reading and the trend of each measure in it."""

    def __init__(self, declared: Iterable[SystemHealth] = ()) -> None:
        self._declared = tuple(declared)
        self._brought: dict[str, tuple[SystemHealth, ...]] = {}
        self._trends: dict[MeasureKey, Trend] = {}
        self._systems: dict[str, SystemHealth] = {}
        self._fed: dict[str, frozenset[str]] = {}
        """The feeds that each system is measured by."""
        self._frozen: tuple[SystemHealth, ...] | None = None
        self._lay_out()

    @property
    def systems(self) -> tuple[SystemHealth, ...]:
        """In the order of the configuration, then those that sources brought. The same object while nothing changed."""
        if self._frozen is None:
            self._frozen = tuple(self._systems.values())
        return self._frozen

    def declare(self, declared: Iterable[SystemHealth]) -> None:
        """Take another configuration's declarations; measures that are in both keep what is known of them."""
        self._declared = tuple(declared)
        self._lay_out()

    def forget(self, feed: str) -> None:
        """Drop what a feed brought, because its source is gone."""
        if self._brought.pop(feed, ()):
            self._lay_out()

    def apply(self, feed: str, update: HealthUpdate) -> tuple[ServiceHealth, ...]:
        """Replace every reading of the feed; returns the services that it measures, as they are after it."""
        if update.declares != self._brought.get(feed, ()):
            self._brought[feed] = update.declares
            self._lay_out()
        readings: dict[MeasureKey, Reading] = {(r.system, r.service, r.indicator): r for r in update.readings}
        touched: list[ServiceHealth] = []
        for name, system in self._systems.items():
            if feed not in self._fed[name]:
                continue
            services = list(system.services)
            changed = False
            for position, service in enumerate(services):
                measures = self._measures(service, feed, readings)
                if measures is None:
                    continue
                if any(after is not before for after, before in zip(measures, service.measures, strict=True)):
                    services[position] = msgspec.structs.replace(service, measures=tuple(measures))
                    changed = True
                touched.append(services[position])
            if changed:
                self._systems[name] = msgspec.structs.replace(system, services=tuple(services))
                self._frozen = None
        return tuple(touched)

    def fill(self, key: MeasureKey, series: Iterable[Series]) -> None:
        """Take in the recent past of a measure; it is on screen with the feed's next answer."""
        for system in self._systems.values():
            for service in system.services if system.system == key[0] else ():
                for measure in service.measures if service.service == key[1] else ():
                    if measure.indicator.id == key[2]:
                        trend = self._trend(key, measure.indicator)
                        for line in series:
                            trend.fill(line.points)

    def measured_by(self, feed: str) -> tuple[MeasureKey, ...]:
        """The measures that a feed reads, in the order of display."""
        return tuple(
            (service.system, service.service, measure.indicator.id)
            for system in self._systems.values()
            for service in system.services
            for measure in service.measures
            if measure.indicator.source == feed
        )

    def _measures(
        self, service: ServiceHealth, feed: str, readings: Mapping[MeasureKey, Reading]
    ) -> list[Measure] | None:
        """The measures of a service after an answer of a feed; None when the feed measures nothing of it."""
        after: list[Measure] | None = None
        for position, measure in enumerate(service.measures):
            if measure.indicator.source == feed:
                after = list(service.measures) if after is None else after
                reading = readings.get((service.system, service.service, measure.indicator.id))
                after[position] = self._renew(measure, reading)
        return after

    def _renew(self, measure: Measure, reading: Reading | None) -> Measure:
        if reading is None:
            return measure if measure.reading is None else msgspec.structs.replace(measure, reading=None)
        trend = self._trend((reading.system, reading.service, reading.indicator), measure.indicator)
        trend.add(reading.at.timestamp(), reading.value)
        return renewed(measure, reading, trend.steps())

    def _trend(self, key: MeasureKey, indicator: Indicator) -> Trend:
        trend = self._trends.get(key)
        if trend is None:
            trend = self._trends[key] = Trend(indicator)
        return trend

    def _lay_out(self) -> None:
        """Build the tree again from all declarations, keeping the readings that still have a place."""
        known: dict[MeasureKey, Measure] = {
            (service.system, service.service, measure.indicator.id): measure
            for system in self._systems.values()
            for service in system.services
            for measure in service.measures
        }
        merged: dict[str, SystemHealth] = {}
        for system in (*self._declared, *(s for brought in self._brought.values() for s in brought)):
            present = merged.get(system.system)
            merged[system.system] = system if present is None else _join(present, system)
        self._systems = {name: _recall(system, known) for name, system in merged.items()}
        self._frozen = None
        self._fed = {
            name: frozenset(measure.indicator.source for service in system.services for measure in service.measures)
            for name, system in self._systems.items()
        }
        kept: set[MeasureKey] = {
            (service.system, service.service, measure.indicator.id)
            for system in self._systems.values()
            for service in system.services
            for measure in service.measures
            if (was := known.get((service.system, service.service, measure.indicator.id))) is None
            or was.indicator == measure.indicator
        }
        self._trends = {key: trend for key, trend in self._trends.items() if key in kept}


def _join(first: SystemHealth, second: SystemHealth) -> SystemHealth:
    """Two declarations of one system: the services of both, with the measures of both."""
    services = {service.service: service for service in first.services}
    for service in second.services:
        present = services.get(service.service)
        services[service.service] = (
            service
            if present is None
            else msgspec.structs.replace(present, measures=present.measures + service.measures)
        )
    return msgspec.structs.replace(first, services=tuple(services.values()))


def _recall(system: SystemHealth, known: Mapping[MeasureKey, Measure]) -> SystemHealth:
    services = tuple(
        msgspec.structs.replace(
            service,
            measures=tuple(
                _recall_measure(measure, known.get((service.system, service.service, measure.indicator.id)))
                for measure in service.measures
            ),
        )
        for service in system.services
    )
    return msgspec.structs.replace(system, services=services)


def _recall_measure(declared: Measure, known: Measure | None) -> Measure:
    return declared if known is None or known.indicator != declared.indicator else known
