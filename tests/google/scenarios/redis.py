"""Every request to Memorystore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.google.redis import RedisApi

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage

_CACHE = """
[systems.shop.services.cache]
[systems.shop.resources.cache]
kind = "memorystore"
source = "gcp"
service = "cache"
name = "cache"
"""


async def play(google: GoogleStage) -> None:
    """Health."""
    google.teach(RedisApi()).create("cache")
    await google.source(_CACHE).read_health()
