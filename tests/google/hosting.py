"""The Firebase Hosting API v1beta1, as far as releases to the live channel go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.errors import GoogleError
from tests.google.server import Call, Handler, paged
from tests.google.times import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.clock import Clock


class HostingApi:
    """The API, and everybody who uses it beside the console."""

    name = "firebasehosting"
    document = document("firebasehosting", "v1beta1")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._releases: dict[str, list[dict[str, Any]]] = {}
        self._count = 0

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "sites.channels.releases.list": self._list,
            "sites.channels.releases.create": self._create,
        }

    def create(self, site: str) -> None:
        """A site with no release."""
        self._releases[site] = []

    def deploy(self, site: str, *, by: str = "kim@shop.example", took: float = 40.0, **fields: Any) -> str:
        """Upload a version and release it, as the command line does. The version's ID."""
        self._count += 1
        version = f"{self._count:016x}"
        made = {
            "name": f"sites/{site}/versions/{version}",
            "status": "FINALIZED",
            "createTime": text(self._clock.now() - timedelta(seconds=took)),
            "labels": {"deployment-tool": "cli-firebase"},
            "fileCount": "42",
        }
        self._release(site, "DEPLOY", by, version=made, **fields)
        return version

    def disable(self, site: str, *, by: str = "kim@shop.example") -> None:
        """Show nothing any more."""
        self._release(site, "SITE_DISABLE", by)

    def live(self, site: str) -> dict[str, Any]:
        """The release that is public."""
        return self._releases[site][0]

    def _list(self, call: Call) -> object:
        return paged(call, self._found(call), "releases", most=100)

    def _create(self, call: Call) -> object:
        releases = self._found(call)
        wanted = call.parameter("versionName")
        version = next((one["version"] for one in releases if one.get("version", {}).get("name") == wanted), None)
        if version is None or version["status"] != "FINALIZED":
            raise GoogleError(400, f"Version {wanted} is not finalized.", status="FAILED_PRECONDITION")
        by = "console@shop-production.iam.gserviceaccount.com"
        return self._release(
            call.variables[0], "ROLLBACK", by, version=version, message=(call.body or {}).get("message", "")
        )

    def _found(self, call: Call) -> list[dict[str, Any]]:
        site, channel = call.variables[:2]
        if site not in self._releases or channel != "live":
            raise GoogleError(404, f"Site {site} is not found.")
        return self._releases[site]

    def _release(self, site: str, kind: str, by: str, **fields: Any) -> dict[str, Any]:
        self._count += 1
        release = {
            "name": f"sites/{site}/channels/live/releases/{self._count}",
            "type": kind,
            "releaseTime": text(self._clock.now()),
            "releaseUser": {"email": by},
        } | fields
        self._releases[site].insert(0, release)
        return release
