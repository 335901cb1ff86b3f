"""The Secret Manager API v1, as far as secrets and versions go. Values can be added, and read by tests alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.errors import GoogleError
from tests.google.server import Call, Handler, paged
from tests.google.times import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.clock import Clock


class SecretsApi:
    """The API. It was never taught to hand out a value: whoever asks it for one fails the test."""

    name = "secretmanager"
    document = document("secretmanager", "v1")

    def __init__(self, clock: Clock, *, project: str = "shop-production") -> None:
        self._clock = clock
        self.project = project
        self.values: dict[str, bytes] = {}
        """By the name of the version."""
        self._secrets: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "projects.secrets.get": lambda call: self._found(call)[0],
            "projects.secrets.versions.list": self._versions,
            "projects.secrets.addVersion": self._add,
        }

    def create(self, name: str, **fields: Any) -> dict[str, Any]:
        """A secret without versions. The secret, to be changed at will."""
        secret = {
            "name": f"projects/{self.project}/secrets/{name}",
            "createTime": text(self._clock.now()),
            "replication": {"automatic": {}},
        } | fields
        self._secrets[name] = (secret, [])
        return secret

    def add(self, name: str, value: bytes = b"hush", **fields: Any) -> dict[str, Any]:
        """Add a version as somebody else. The version, to be changed at will."""
        secret, versions = self._secrets[name]
        version = {
            "name": f"{secret['name']}/versions/{len(versions) + 1}",
            "createTime": text(self._clock.now()),
            "state": "ENABLED",
            "etag": '"1"',
        } | fields
        versions.insert(0, version)
        self.values[version["name"]] = value
        return version

    def enabled(self, name: str) -> list[str]:
        """Numbers of the versions that can be read, the newest first."""
        return [one["name"].rpartition("/")[2] for one in self._secrets[name][1] if one["state"] == "ENABLED"]

    def change(self, name: str, number: str, state: str) -> None:
        """Give a version another state as somebody else."""
        (version,) = (one for one in self._secrets[name][1] if one["name"].endswith(f"/{number}"))
        version["state"] = state

    def _found(self, call: Call) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        name = call.variables[1]
        if name not in self._secrets:
            raise GoogleError(404, f"Secret [projects/{self.project}/secrets/{name}] not found.")
        return self._secrets[name]

    def _versions(self, call: Call) -> object:
        versions = self._found(call)[1]
        return paged(call, versions, "versions", most=25_000) | {"totalSize": len(versions)}

    def _add(self, call: Call) -> object:
        self._found(call)
        value = base64.b64decode(call.body["payload"]["data"], validate=True)
        if len(value) > 65_536:
            raise GoogleError(400, "The payload is larger than 65536 bytes.")
        return self.add(call.variables[1], value)
