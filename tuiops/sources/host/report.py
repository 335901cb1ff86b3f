"""Collecting what was seen of a machine into one update that declares exactly what there is to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuiops.core.health import Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.text import EMPTY, SafeText, fmt
from tuiops.core.updates import HealthUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.core.changes import Change
    from tuiops.core.health import Indicator


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing seen of one service. `lasting`: its service stays on screen, grey, when it is not seen again."""

    service: SafeText
    label: SafeText
    indicator: SafeText
    value: float | None = None
    problem: SafeText = EMPTY
    note: SafeText = EMPTY
    lasting: bool = True


class Reporter:
    """Remembers what was there, so that a reading which fails later is missing and not gone."""

    def __init__(
        self, system: SafeText, label: SafeText, environment: SafeText, indicators: Mapping[SafeText, Indicator]
    ) -> None:
        self._system = system
        self._label = label
        self._environment = environment
        self._indicators = indicators
        self._lasting: dict[tuple[SafeText, SafeText], SafeText] = {}
        self._order: tuple[SafeText, ...] = ()

    def update(self, at: datetime, seen: tuple[Seen, ...], happened: tuple[Change, ...] = ()) -> HealthUpdate:
        """What was seen as readings, with the declarations that they need."""
        labels: dict[SafeText, SafeText] = {}
        measured: dict[SafeText, dict[SafeText, Measure]] = {}
        readings: list[Reading] = []
        for item in seen:
            labels[item.service] = item.label
            measured.setdefault(item.service, {})[item.indicator] = self._measure(item.indicator)
            if item.lasting:
                self._lasting[item.service, item.indicator] = item.label
            readings.append(
                Reading(
                    system=self._system,
                    service=item.service,
                    indicator=item.indicator,
                    at=at,
                    value=item.value,
                    problem=item.problem,
                    note=item.note,
                )
            )
        missing: list[SafeText] = []
        for (service, indicator), label in self._lasting.items():
            labels.setdefault(service, label)
            present = measured.setdefault(service, {})
            if indicator not in present:
                present[indicator] = self._measure(indicator)
                missing.append(fmt("{}: {} cannot be read", label, self._indicators[indicator].heading))
        self._order = _in_order(self._order, tuple(measured))
        services = tuple(
            ServiceHealth(
                system=self._system,
                service=service,
                label=labels[service],
                measures=tuple(measured[service][name] for name in self._indicators if name in measured[service]),
            )
            for service in self._order
        )
        declared = SystemHealth(
            system=self._system, label=self._label, environment=self._environment, services=services
        )
        return HealthUpdate(
            at=at, readings=tuple(readings), declares=(declared,), happened=happened, warnings=tuple(missing)
        )

    def _measure(self, indicator: SafeText) -> Measure:
        return Measure(indicator=self._indicators[indicator], reading=None)


def _in_order(before: tuple[SafeText, ...], present: tuple[SafeText, ...]) -> tuple[SafeText, ...]:
    """All that are present, where they were before: rows on screen do not jump because one could not be read."""
    order = [service for service in before if service in present]
    for position, service in enumerate(present):
        if service not in order:
            follows = present[position - 1] if position else None
            order.insert(order.index(follows) + 1 if follows is not None else 0, service)
    return tuple(order)
