"""One API of many that refuses, hangs or sends rubbish: the others do not notice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.google.hosting import HostingApi
from tests.google.monitoring import MonitoringApi
from tests.google.redis import RedisApi
from tests.google.secrets import SecretsApi
from tests.google.sql import SqlApi
from tests.waiting import let_pass

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.sources.gcp.source import GcpSource

KINDS = {
    "sqladmin": "cloud_sql",
    "redis": "memorystore",
    "secretmanager": "secret",
    "firebasehosting": "firebase_hosting",
    "monitoring": "uptime_check",
}
"""The kind of resource that each API serves."""


@pytest.fixture
def everything(google: GoogleStage) -> GoogleStage:
    """All APIs, each with one resource that is well."""
    google.teach(SqlApi(google.clock)).create("x")
    google.teach(RedisApi()).create("x")
    secrets = google.teach(SecretsApi(google.clock))
    secrets.create("x")
    secrets.add("x")
    hosting = google.teach(HostingApi(google.clock))
    hosting.create("x")
    hosting.deploy("x")
    monitoring = google.teach(MonitoringApi(google.clock))
    monitoring.check("x")
    monitoring.result("x", "eur-belgium", passed=True)
    google.clock.advance(60)
    return google


def source(google: GoogleStage, settings: str = "") -> GcpSource:
    resources = "".join(
        f"""
        [systems.shop.resources.{api}]
        kind = "{kind}"
        source = "gcp"
        service = "all"
        name = "x"
        """
        for api, kind in KINDS.items()
    )
    return google.source(f"[systems.shop.services.all]{resources}", settings)


@pytest.mark.parametrize("api", KINDS)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 403, "reason": "SERVICE_DISABLED"}, "{} is not enabled in project shop-production"),
        ({"status": 403, "message": "no right"}, "{} forbids this (403): no right"),
        ({"status": 429, "headers": {"Retry-After": "30"}}, "{} limit: refused by the test"),
        ({"status": 500, "message": "backend error"}, "{} at 127.0.0.1"),
        ({"raw": b"<html>Sign in</html>"}, "answered with HTML, not data"),
        ({"cut": True}, "127.0.0.1"),
        ({"raw": b'{"nextPageToken": "again"}'}, "names a page twice"),
    ],
)
async def test_one_api_that_fails_is_grey_with_the_reason_and_the_others_are_well(
    everything: GoogleStage, api: str, fault: dict[str, Any], reason: str
) -> None:
    everything.fault(api, "list", **fault)

    update = await source(everything).read_health()

    found = {reading.indicator.removeprefix("resource:"): reading for reading in update.readings}
    wanted = reason.format(api)
    assert {name: reading.value for name, reading in found.items() if name != api} == dict.fromkeys(
        KINDS.keys() - {api}, 0
    )
    assert found[api].value is None
    assert wanted in found[api].unknown
    assert any(wanted in warning for warning in update.warnings)


@pytest.mark.parametrize("api", ["sqladmin", "secretmanager", "monitoring"])
async def test_one_api_that_hangs_keeps_no_other_back(everything: GoogleStage, api: str) -> None:
    watching = source(everything, 'timeout = "300s"')
    await watching.read_health()
    everything.clock.advance(10)
    fault = everything.fault(api, hold=asyncio.Event())

    reading = asyncio.create_task(watching.read_health())
    await fault.met.wait()
    await let_pass(280)
    update = await reading

    found = {reading.indicator.removeprefix("resource:"): reading for reading in update.readings}
    assert [name for name, reading in found.items() if reading.value != 0] == [api]
    assert "gave no complete answer" in found[api].unknown


@pytest.mark.parametrize("api", KINDS)
async def test_fields_that_nobody_knows_break_nothing(everything: GoogleStage, api: str) -> None:
    def strange(answer: Any) -> Any:
        if isinstance(answer, dict):
            return {name: strange(value) for name, value in answer.items()} | {"novelty": {"deep": [None, 1.5]}}
        return [strange(one) for one in answer] if isinstance(answer, list) else answer

    everything.fault(api, change=lambda answer: {"x": 0, **answer})
    found = await source(everything).read_health()
    assert {reading.value for reading in found.readings} == {0}

    everything.mend()
    if api not in {"monitoring", "firebasehosting"}:
        # Maps of labels hold text alone; elsewhere a field may be anywhere.
        everything.fault(api, change=strange)
        found = await source(everything).read_health()
        assert {reading.value for reading in found.readings} == {0}


async def test_a_whole_poll_takes_few_requests(everything: GoogleStage) -> None:
    found = source(everything)
    first, second = await found.read_health(), await found.read_health()

    # Instances, operations, backups, window; Redis; secret, versions; releases; checks, results.
    assert (first.requests, second.requests) == (10, 6)
