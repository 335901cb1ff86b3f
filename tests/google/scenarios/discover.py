"""Every request of a look around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.google.listings import APIS, ListingApi
from tuiops.config.clouds import GcpConfig
from tuiops.sources.gcp.discover import discover

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage


async def play(google: GoogleStage) -> None:
    """All listings, empty."""
    for name in APIS:
        google.serve(ListingApi(name))
    config = google.config("")
    source = config.sources["gcp"]
    assert isinstance(source, GcpConfig)
    await discover(google.client(config), source, {}, ("google", "shop"))
