"""Every request to Secret Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.google.secrets import SecretsApi
from tuiops.sources.abilities import Target

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage

_KEY = """
[systems.shop.services.api]
[systems.shop.resources.key]
kind = "secret"
source = "gcp"
service = "api"
name = "payment-key"
rotate = "> 90d"
"""


async def play(google: GoogleStage) -> None:
    """Health, and a version that is added."""
    secrets = google.teach(SecretsApi(google.clock))
    secrets.create("payment-key")
    secrets.add("payment-key")
    source = google.source(_KEY)
    await source.read_health()
    prepared = await source.prepare_secret_version(Target("shop", "key"), "1")
    await source.look_up(await source.perform_secret(prepared, b"another"))
