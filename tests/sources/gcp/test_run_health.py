"""How Cloud Run services stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.google.run import RunApi
from tuiops.errors import AccessDenied

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

CHAT = """
[systems.shop.services.chat]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
"""


async def reading(source: GcpSource) -> Reading:
    (found,) = (await source.read_health()).readings
    return found


async def test_a_service_that_serves_is_well(google: GoogleStage) -> None:
    run = google.teach(RunApi(google.clock))
    revision = run.deploy("chat", "shop/chat:1")
    google.clock.advance(60)

    found = await reading(google.source(CHAT))

    assert (found.value, found.note) == (0.0, f"100% {revision}")
    assert found.at == google.clock.now()


async def test_an_api_that_forbids_is_a_failure_of_the_source_when_nothing_else_is_read(google: GoogleStage) -> None:
    run = google.teach(RunApi(google.clock))
    run.deploy("chat", "shop/chat:1")
    google.fault("run", status=403, reason="SERVICE_DISABLED")

    with pytest.raises(AccessDenied, match="run is not enabled in project shop-production"):
        await reading(google.source(CHAT))
