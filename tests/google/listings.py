"""Listings of a project's resources, for whoever only looks around: each API with the one method that lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.server import Call, Handler, paged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LISTINGS = {
    "run": ("v2", "projects.locations.services.list", "services", 1000),
    "sqladmin": ("v1", "sql.instances.list", "items", 1000),
    "redis": ("v1", "projects.locations.instances.list", "instances", 1000),
    "firebasehosting": ("v1beta1", "projects.sites.list", "sites", 100),
    "monitoring": ("v3", "projects.uptimeCheckConfigs.list", "uptimeCheckConfigs", 100),
    "secretmanager": ("v1", "projects.secrets.list", "secrets", 25000),
}
"""By API: its version, the method, the key of the items, and how many a page may have."""

APIS = tuple(_LISTINGS)


class ListingApi:
    """One API that lists what it was given."""

    def __init__(self, name: str, items: Sequence[Mapping[str, Any]] = ()) -> None:
        version, self._method, self._key, self._most = _LISTINGS[name]
        self.name = name
        self.document = document(name, version)
        self.items = [dict(item) for item in items]

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {self._method: self._list}

    def _list(self, call: Call) -> object:
        return paged(call, self.items, self._key, most=self._most)
