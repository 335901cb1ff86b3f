"""Every request to Firebase Hosting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.google.hosting import HostingApi
from tuiops.sources.abilities import Target

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage

_SITE = """
[systems.shop.services.web]
[systems.shop.resources.site]
kind = "firebase_hosting"
source = "gcp"
service = "web"
name = "shop-web"
"""


async def play(google: GoogleStage) -> None:
    """Health, rollouts, and a rollback."""
    hosting = google.teach(HostingApi(google.clock))
    hosting.create("shop-web")
    old = hosting.deploy("shop-web")
    hosting.deploy("shop-web")
    source = google.source(_SITE)
    await source.read_health()
    await source.read_rollouts()
    await source.look_up(await source.perform(await source.prepare_rollback(Target("shop", "site"), old, "1")))
