"""Google Cloud Managed Service for Prometheus: Prometheus' own API, with Google's tokens and Google's errors."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from tuiops.sources.gcp.auth import GoogleAuth
from tuiops.sources.gcp.errors import explain

if TYPE_CHECKING:
    from tuiops.config.credentials import GoogleCredentials
    from tuiops.core.clock import Clock
    from tuiops.sources.http import HttpConnector


class GoogleManaged:
    """Who asks one of them."""

    def __init__(self, url: str, credentials: GoogleCredentials, clock: Clock) -> None:
        """`url`: such as `https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus`."""
        found = re.search(r"/projects/([^/]+)/", url)
        self._project = found[1] if found is not None else ""
        self._auth = GoogleAuth(credentials, clock, self._project or None)

    def signing(self, connector: HttpConnector) -> HttpConnector:
        """What connects as this one."""
        return connector.signing(self._auth, partial(explain, api="monitoring", project=self._project))

    async def close(self) -> None:
        """Forget the token."""
        await self._auth.close()
