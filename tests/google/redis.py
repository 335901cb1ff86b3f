"""The Cloud Memorystore for Redis API v1, as far as instances go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.server import Call, Handler, paged

if TYPE_CHECKING:
    from collections.abc import Mapping


class RedisApi:
    """The API; instances are changed at will."""

    name = "redis"
    document = document("redis", "v1")

    def __init__(self, *, project: str = "shop-production", region: str = "asia-northeast1") -> None:
        self.project = project
        self.region = region
        self.unreachable: list[str] = []
        """Regions that do not answer."""
        self._instances: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"projects.locations.instances.list": self._list}

    def create(self, name: str, *, region: str = "", **fields: Any) -> dict[str, Any]:
        """An instance of the standard tier. The instance, to be changed at will."""
        place = region or self.region
        instance = {
            "name": f"projects/{self.project}/locations/{place}/instances/{name}",
            "state": "READY",
            "tier": "STANDARD_HA",
            "memorySizeGb": 5,
            "redisVersion": "REDIS_7_0",
            "locationId": f"{place}-a",
            "currentLocationId": f"{place}-a",
        } | fields
        self._instances[place, name] = instance
        return instance

    def _list(self, call: Call) -> object:
        wanted = call.variables[1]
        found = [
            one
            for (place, _), one in sorted(self._instances.items())
            if wanted in {"-", place} and place not in self.unreachable
        ]
        page = paged(call, found, "instances", most=100)
        lost = [f"projects/{self.project}/locations/{region}" for region in self.unreachable]
        return page | ({"unreachable": lost} if lost else {})
