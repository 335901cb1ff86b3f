"""The requests to Cloud Monitoring about incidents, policies and snoozes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sources.gcp.message import stamp
from tuiops.sources.gcp.monitoring.wire import Incident, Incidents, Policies, Policy, Snooze, Snoozes

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.paging import Listing

API = "monitoring"

_PAGE = "1000"
"""Incidents, policies or snoozes asked for at once."""

_CLOSED = 50
"""Incidents that are asked for of those that were closed last."""


class Asking:
    """Asks about one project."""

    def __init__(self, client: GoogleClient) -> None:
        self.project = client.project
        self._client = client
        self._path = f"v3/projects/{client.project}"

    async def open(self) -> Listing[Incident]:
        """Incidents that are open."""
        return await self._client.pages(
            Incidents,
            API,
            f"{self._path}/alerts",
            (("filter", 'state="OPEN"'), ("pageSize", _PAGE)),
            items=lambda page: page.alerts,
        )

    async def closed(self) -> Listing[Incident]:
        """Incidents that were closed last. The API does not say that it can select them by time, so a few will do."""
        return await self._client.pages(
            Incidents,
            API,
            f"{self._path}/alerts",
            (("filter", 'state="CLOSED"'), ("orderBy", "close_time desc"), ("pageSize", str(_CLOSED))),
            items=lambda page: page.alerts,
            most=_CLOSED - 1,
        )

    async def policies(self) -> Listing[Policy]:
        """All alert policies."""
        return await self._client.pages(
            Policies, API, f"{self._path}/alertPolicies", (("pageSize", _PAGE),), items=lambda page: page.alert_policies
        )

    async def snoozes(self, at: datetime) -> Listing[Snooze]:
        """Snoozes that have not ended by then."""
        return await self._client.pages(
            Snoozes,
            API,
            f"{self._path}/snoozes",
            (("filter", f'interval.end_time > "{stamp(at)}"'), ("pageSize", _PAGE)),
            items=lambda page: page.snoozes,
        )

    async def snooze(self, wanted: object) -> Snooze:
        """Make a snooze. It is carried out at most once."""
        return await self._client.send(Snooze, API, "POST", f"{self._path}/snoozes", wanted)
