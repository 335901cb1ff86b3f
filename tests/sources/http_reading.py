"""A client of one server, and what a read of it ends with."""

from __future__ import annotations

import datetime as dt

import pytest

from tuiops.config.sources import HttpSourceConfig
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.errors import SourceError
from tuiops.sources.http import HttpClient, HttpConnector

NOW = dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)
CANARY = "canary-7f3a"
"""The secret of every client that is not given another; no error may show it."""


def client(url: str, resolve: object = None, **settings: object) -> HttpClient:
    config = HttpSourceConfig(url=url, **({"timeout": Duration(5)} | settings))  # type: ignore[arg-type] # a test gives what it needs
    connector = HttpConnector(resolve or (lambda _: CANARY), FakeClock(NOW))  # type: ignore[arg-type] # a test gives what it needs
    return connector.client(config)


async def failure(server: HttpClient, path: str = "/api") -> SourceError:
    """The error that a read ends with."""
    try:
        with pytest.raises(SourceError) as caught:
            await server.read(dict[str, int], path)
    finally:
        await server.close()
    assert CANARY not in str(caught.value)
    return caught.value
