"""Fixtures that hand the fake of Google to tests.

    async def test_it(google):
        run = google.teach(RunApi(google.clock))
        run.deploy("chat", image="shop/chat:1")
        source = google.source('''
            [systems.shop.services.chat]
            [systems.shop.resources.chat]
            kind = "cloud_run"
            source = "gcp"
            service = "chat"
            name = "chat"
        ''')

The source is called `gcp`, its project `shop-production`, its region `asia-northeast1`. A test fails when anything
that was asked or answered is not as Google's documents say.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.google.oauth import OAUTH, Tokens
from tests.google.server import Api, Google
from tuiops.config.clouds import GcpConfig
from tuiops.config.credentials import GoogleCredentials
from tuiops.config.load import load
from tuiops.core.clock import FakeClock
from tuiops.sources.gcp.auth import GoogleAuth
from tuiops.sources.gcp.client import GoogleClient
from tuiops.sources.gcp.source import GcpSource, gcp_source
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tuiops.config.model import Config
    from tuiops.core.clock import Clock

PROJECT = "shop-production"
REGION = "asia-northeast1"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

_Api = TypeVar("_Api", bound=Api)


@cache
def private_key() -> str:
    """A key as service accounts have them, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class GoogleSite(Google):
    """The fake, and what asks it."""

    def __init__(self, folder: Path, stack: AsyncExitStack, clock: Clock) -> None:
        super().__init__(tokens=Tokens(clock))
        self._time = clock
        self._folder = folder
        self._stack = stack

    def teach(self, api: _Api) -> _Api:
        """Serve an API, and hand it back."""
        self.serve(api)
        return api

    def key_file(self, **changes: str) -> Path:
        """A service account's key."""
        info = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": f"console@{PROJECT}.iam.gserviceaccount.com",
            "token_uri": f"{self.url}{OAUTH}",
        }
        path = self._folder / "key.json"
        path.write_text(json.dumps(info | changes), encoding="utf-8")
        path.chmod(0o600)
        return path

    def config(self, systems: str, settings: str = "", *, region: str = REGION) -> Config:
        """A configuration with this fake as the source `gcp`; `settings` are further lines of the source."""
        endpoints = "".join(f'{name} = "{url}"\n' for name, url in self.endpoints.items())
        path = self._folder / "tuiops.toml"
        path.write_text(
            f"""
            [credentials.console]
            type = "google"
            file = "{self.key_file()}"
            [sources.gcp]
            type = "gcp"
            project = "{PROJECT}"
            {f'region = "{region}"' if region else ""}
            credentials = "console"
            {settings}
            [sources.gcp.endpoints]
            {endpoints}
            {systems}
            """,
            encoding="utf-8",
        )
        return load(path, environ={}).config

    def client(self, config: Config) -> GoogleClient:
        """The client of the source `gcp`."""
        source, credentials = config.sources["gcp"], config.credentials["console"]
        assert isinstance(source, GcpConfig)
        assert isinstance(credentials, GoogleCredentials)
        auth = GoogleAuth(credentials, self._time, source.project)
        client = GoogleClient(source, auth, HttpConnector(lambda _: "", self._time), self._time)
        self._stack.push_async_callback(client.close)
        return client

    def source(self, systems: str, settings: str = "", *, region: str = REGION) -> GcpSource:
        """The source `gcp`."""
        config = self.config(systems, settings, region=region)
        found = config.sources["gcp"]
        assert isinstance(found, GcpConfig)
        return gcp_source("gcp", found, config.systems, self.client(config), self._time)


class GoogleStage(GoogleSite):
    """The same with a clock that stands still until a test moves it."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.clock = FakeClock(NOW)
        super().__init__(folder, stack, self.clock)


@pytest.fixture
async def google(tmp_path: Path) -> AsyncIterator[GoogleStage]:
    """The fake, with no API taught yet."""
    async with AsyncExitStack() as stack:
        stage = GoogleStage(tmp_path, stack)
        await stack.enter_async_context(stage)
        yield stage
    assert stage.violations == []
