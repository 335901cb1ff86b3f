"""How Memorystore instances stand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.google.redis import RedisApi
from tuiops.errors import QueryRefused

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

CACHE = """
[systems.shop.services.cache]
[systems.shop.resources.cache]
kind = "memorystore"
source = "gcp"
service = "cache"
name = "cache"
"""


@pytest.fixture
def redis(google: GoogleStage) -> RedisApi:
    return google.teach(RedisApi())


async def reading(source: GcpSource) -> Reading:
    (found,) = (await source.read_health()).readings
    return found


async def test_an_instance_that_is_ready_is_well(google: GoogleStage, redis: RedisApi) -> None:
    redis.create("cache")

    found = await reading(google.source(CACHE))

    assert (found.value, found.note) == (0, "ready · standard, primary in asia-northeast1-a · 5 GB · REDIS_7_0")


@pytest.mark.parametrize(
    ("fields", "value", "note"),
    [
        ({"state": "MAINTENANCE"}, 1, "is in maintenance"),
        ({"state": "FAILING_OVER", "statusMessage": "zone a is gone"}, 1, "is failing over · zone a is gone"),
        ({"state": "REPAIRING"}, 2, "is being repaired"),
        ({"currentLocationId": "asia-northeast1-b"}, 0, "ready · standard, failed over from asia-northeast1-a to"),
        ({"tier": "BASIC"}, 0, "ready · basic, no replica"),
    ],
)
async def test_a_state_is_judged_by_what_it_means_for_clients(
    google: GoogleStage, redis: RedisApi, fields: dict[str, str], value: float, note: str
) -> None:
    redis.create("cache", **fields)

    found = await reading(google.source(CACHE))

    assert found.value == value
    assert found.note.startswith(note)


async def test_maintenance_that_is_scheduled_is_told(google: GoogleStage, redis: RedisApi) -> None:
    starts = google.clock.now() + timedelta(hours=30)
    redis.create("cache", maintenanceSchedule={"startTime": starts.isoformat()})

    assert (await reading(google.source(CACHE))).note.endswith("maintenance in 1d6h")


async def test_a_state_that_nobody_knows_is_unknown(google: GoogleStage, redis: RedisApi) -> None:
    redis.create("cache")
    google.fault(
        "redis", change=lambda page: page | {"instances": [page["instances"][0] | {"state": "SLEEPING", "new": {}}]}
    )

    assert (await reading(google.source(CACHE))).unknown == "Memorystore says SLEEPING"


async def test_an_instance_of_another_region_is_not_taken_for_it(google: GoogleStage, redis: RedisApi) -> None:
    redis.create("cache", region="us-central1")

    assert (await reading(google.source(CACHE))).unknown == "no Redis instance cache in asia-northeast1"


async def test_a_region_that_does_not_answer_is_said_to(google: GoogleStage, redis: RedisApi) -> None:
    redis.create("cache")
    redis.unreachable.append(redis.region)
    source = google.source(CACHE)

    update = await source.read_health()

    assert update.readings[0].unknown == "asia-northeast1 did not answer"
    assert len(update.warnings) == 1


async def test_an_instance_on_a_later_page_is_found(google: GoogleStage, redis: RedisApi) -> None:
    for number in range(150):
        redis.create(f"a{number:03}")
    redis.create("cache")

    update = await google.source(CACHE).read_health()

    assert (update.readings[0].value, update.requests) == (0, 2)


async def test_a_page_token_that_has_expired_is_no_end_of_the_list(google: GoogleStage, redis: RedisApi) -> None:
    for number in range(150):
        redis.create(f"a{number:03}")
    google.fault("redis", change=lambda page: page | {"nextPageToken": "expired"}, times=1)

    with pytest.raises(QueryRefused, match="the page token is not one of ours"):
        await google.source(CACHE).read_health()


async def test_all_instances_of_all_regions_take_one_request(google: GoogleStage, redis: RedisApi) -> None:
    redis.create("cache")
    redis.create("cache", region="us-central1")
    other = CACHE.replace("resources.cache]", "resources.far]").replace("[systems.shop.services.cache]", "")

    update = await google.source(CACHE + other + 'region = "us-central1"').read_health()

    assert [one.value for one in update.readings] == [0, 0]
    assert update.requests == 1
