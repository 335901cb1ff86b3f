"""An example of a Google system at work on the fake of Google."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.examples.filled import filled
from tests.examples.worlds import ExampleWorld
from tests.google.fixtures import REGION
from tests.google.run import RunApi
from tests.google.secrets import SecretsApi
from tests.google.sql import SqlApi
from tuiops.config.clouds import GcpConfig
from tuiops.config.credentials import GoogleCredentials
from tuiops.config.load import load
from tuiops.runbooks.format.load import Shelf
from tuiops.runbooks.planning.planner import Planner
from tuiops.sources.gcp.auth import GoogleAuth
from tuiops.sources.gcp.client import GoogleClient
from tuiops.sources.gcp.source import gcp_source
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from pathlib import Path

    from tests.google.fixtures import GoogleStage


class Stage:
    """An example at work on the fake."""

    def __init__(self, google: GoogleStage, folder: Path, system: str) -> None:
        self.google, self.system = google, system
        self.loaded = load(filled(folder) / "all.toml", environ={})
        gcp = self.loaded.config.sources[system]
        assert isinstance(gcp, GcpConfig)
        self.project = gcp.project
        self.run = google.teach(RunApi(google.clock, project=gcp.project, region=REGION))
        self.sql = google.teach(SqlApi(google.clock, project=gcp.project, region=REGION))
        self.secrets = google.teach(SecretsApi(google.clock, project=gcp.project))

    def begin(self, kind: type[ExampleWorld] = ExampleWorld) -> Planner:
        """The planner, once everything is arranged."""
        gcp = self.loaded.config.sources[self.system]
        assert isinstance(gcp, GcpConfig)
        # A clock that stands still gives no allowance back.
        quotas = dict.fromkeys(("run", "sqladmin", "secretmanager"), 60_000)
        there = msgspec.structs.replace(gcp, endpoints=dict(self.google.endpoints), quotas=quotas)
        key = GoogleCredentials(file=str(self.google.key_file(project_id=self.project)))
        clock = self.google.clock
        auth = GoogleAuth(key, clock, self.project)
        self.client = GoogleClient(there, auth, HttpConnector(lambda _: "", clock), clock)
        source = gcp_source(self.system, there, self.loaded.config.systems, self.client, clock)
        world = kind(source, self.loaded.config, clock)
        shelf = Shelf()
        return Planner(lambda: shelf.library(self.loaded), world)

    async def close(self) -> None:
        await self.client.close()
