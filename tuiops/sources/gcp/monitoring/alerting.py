"""The alerts of Cloud Monitoring as a part of a Google source."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.errors import SourceError
from tuiops.sources.alert_mapping import AlertMapper, keep_worst
from tuiops.sources.gcp.message import short
from tuiops.sources.gcp.monitoring.actions import PART, SnoozeActions
from tuiops.sources.gcp.monitoring.asking import Asking
from tuiops.sources.gcp.monitoring.incidents import Around, alerts
from tuiops.sources.gcp.monitoring.owners import Owners
from tuiops.sources.gcp.monitoring.snoozing import active, described, terms
from tuiops.sources.http_errors import deadline
from tuiops.sources.paging import Listing
from tuiops.sources.parts import PartAlerts
from tuiops.sources.together import SHARE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.gcp.monitoring.wire import Incident, Policy, Snooze

POLICIES_SECONDS = 300.0
"""Time between looks at the policies, which change seldom."""

_NAMED = 5
"""Policies that a warning names."""


class AlertingPart:
    """Three requests a poll: what is open, what was closed, what is snoozed; a fourth for the policies now and then."""

    name = PART

    def __init__(
        self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self._asking = Asking(client)
        self._name = source
        self._systems = systems
        self._clock = clock
        self._project = config.project
        self._mapper = AlertMapper(systems, source)
        self._owners = Owners(source, config, systems)
        self._most = config.max_items
        self._seconds = SHARE * float(config.timeout)
        self._spare_seconds = self._seconds / 3
        self._policies: Listing[Policy] = Listing(items=())
        self._policies_due = 0.0
        self.actions = SnoozeActions(self._asking, clock)

    async def read_alerts(self, at: datetime) -> PartAlerts:
        """Incidents that are open, and those closed a moment ago. Raises when the open ones cannot be read.

        Without policies alerts lack their descriptions; without snoozes none is silenced. These are warnings, as it
        is when what was closed a moment ago is not known.
        """
        async with deadline(self._seconds, self.name):
            # Side by side, and each optional one in less time than the whole has: none keeps the open ones from view.
            opened, (closed, not_closed), (known, not_snoozed), not_described = await asyncio.gather(
                self._asking.open(), self._closed(), self._snoozes(at), self._read_policies()
            )
        warnings = [*not_closed, *not_snoozed, *not_described]
        snoozes = known or ()
        policies = {one.name: one for one in self._policies.items}
        incidents: tuple[Incident, ...] = (*opened.items, *closed)
        found = alerts(incidents, Around(self._project, policies, snoozes, self._owners.of), self._mapper, at)
        kept, dropped = keep_worst(found, self._most)
        warnings += opened.warnings(lit("incidents"))
        warnings += self._policies.warnings(lit("alert policies"))
        warnings += _quiet(policies, snoozes)
        return PartAlerts(
            alerts=tuple(kept), knows_silences=known is not None, warnings=tuple(warnings), dropped=dropped
        )

    def able(self, target: Target) -> object | None:
        """Policies are the project's: whoever can act on a resource of it can keep them quiet, too."""
        system = self._systems.get(target.system)
        resource = system.resources.get(target.resource) if system is not None else None
        return self.actions if resource is not None and resource.source == self._name else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

    async def _closed(self) -> tuple[Sequence[Incident], list[SafeText]]:
        """Those closed a moment ago, and what is wrong with that."""
        try:
            async with deadline(self._spare_seconds, lit("monitoring")):
                return (await self._asking.closed()).items, []
        except SourceError as error:
            return (), [fmt("closed incidents: {}", safe(str(error), 500))]

    async def _snoozes(self, at: datetime) -> tuple[Sequence[Snooze] | None, list[SafeText]]:
        """Those in force, None when they cannot be read; and what is wrong with that."""
        try:
            async with deadline(self._spare_seconds, lit("monitoring")):
                listing = await self._asking.snoozes(at)
        except SourceError as error:
            return None, [fmt("snoozes: {}; snoozed alerts are shown as firing", safe(str(error), 500))]
        return [one for one in listing.items if active(one, at)], [*listing.warnings(lit("snoozes"))]

    async def _read_policies(self) -> list[SafeText]:
        """Look at them again when that is due; what is wrong with that."""
        now = self._clock.monotonic()
        if now < self._policies_due:
            return []
        try:
            async with deadline(self._spare_seconds, lit("monitoring")):
                self._policies = await self._asking.policies()
        except SourceError as error:
            return [fmt("alert policies: {}", safe(str(error), 500))]
        self._policies_due = now + POLICIES_SECONDS
        return []


def _quiet(policies: Mapping[str, Policy], snoozes: Sequence[Snooze]) -> Iterator[SafeText]:
    """Policies from which no alert can come: that there is none proves nothing then."""
    off = [safe(one.display_name or short(one.name)) for one in policies.values() if not one.enabled]
    broken = [safe(one.display_name or short(one.name)) for one in policies.values() if one.validity.code]
    for names, why in ((off, lit("switched off")), (broken, lit("invalid, so that they find nothing"))):
        if names:
            rest = fmt(" and {} more", len(names) - _NAMED) if len(names) > _NAMED else lit("")
            yield fmt("alert policies that are {}: {}{}", why, join(", ", names[:_NAMED]), rest)
    for snooze in snoozes:
        quiet = [safe(policies[name].display_name) for name in snooze.criteria.policies if name in policies]
        yield fmt("snoozed: {}: {}", described(snooze), join(", ", quiet) or lit("policies of another project"))
        if terms(snooze.criteria.filter) is None:
            yield fmt("the filter of a snooze is not understood: {}", safe(snooze.criteria.filter))
