"""An AWS source as a whole: what it reads, and what is left when parts of AWS fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.ports import free_port
from tests.sources.aws.account import CLUSTER, aws_config, ecs_system, source_of
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile, Request
from tuiops.config.resources import EcsExpectation, EcsResource
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, RateLimited, SourceError, TimedOut
from tuiops.sources.assembled import AssembledSource
from tuiops.sources.base import ReadsAlerts, ReadsHealth, ReadsRollouts
from tuiops.sources.parts import PartHealth, Watched, watched
from tuiops.sources.quota import Quotas

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tuiops.core.health import Reading
    from tuiops.core.text import SafeText

ARN = "arn:aws:ecs:us-east-1:000000000000"


def described(params: dict[str, Any]) -> dict[str, Any]:
    """Every service that is asked for, well."""
    return {"services": [service(name, params["cluster"]) for name in params["services"]], "failures": []}


def service(name: str, cluster: str = CLUSTER, **more: Any) -> dict[str, Any]:
    deployment = {
        "id": f"ecs-svc/{name}",
        "status": "PRIMARY",
        "taskDefinition": f"{ARN}:task-definition/{name}:1",
        "desiredCount": 1,
        "runningCount": 1,
        "createdAt": at(-60),
        "updatedAt": at(-59),
        "rolloutState": "COMPLETED",
    }
    return {
        "serviceArn": f"{ARN}:service/{cluster}/{name}",
        "serviceName": name,
        "clusterArn": f"{ARN}:cluster/{cluster}",
        "status": "ACTIVE",
        "desiredCount": 1,
        "runningCount": 1,
        "taskDefinition": f"{ARN}:task-definition/{name}:1",
        "deployments": [deployment],
    } | more


def defined(params: dict[str, Any]) -> dict[str, Any]:
    return {"taskDefinition": {"taskDefinitionArn": params["taskDefinition"], "containerDefinitions": []}}


def well() -> Scripted:
    return Scripted(DescribeServices=described, DescribeTaskDefinition=defined)


def refusing(code: str, message: str = "") -> Any:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses(code, message)

    return refuse


async def test_a_hundred_services_take_ten_requests() -> None:
    """Health always; rollouts once they are known."""
    script = well()
    clock = FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system(*(f"s{number}" for number in range(100))), clock)
        health = await source.read_health()
        clock.advance(2)
        for _ in range(6):  # the past of twenty services is listed in each poll
            await source.read_rollouts()
            clock.advance(30)
        before = len(script.asked)
        rollouts = await source.read_rollouts()
        await source.close()

    assert health.requests == 10
    assert len(health.readings) == 100
    assert {reading.value for reading in health.readings} == {0.0}
    assert len(rollouts.rollouts) == 100
    assert rollouts.requests == len(script.asked) - before == 10


async def test_health_and_rollouts_read_together_ask_once() -> None:
    script = well()
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"), FakeClock(at(0)))
        await asyncio.gather(source.read_health(), source.read_rollouts())
        await source.close()
    assert script.count("DescribeServices") == 1


async def test_one_cluster_that_is_forbidden_leaves_the_others() -> None:
    def one(params: dict[str, Any]) -> dict[str, Any]:
        if params["cluster"] == "secret":
            text = "User: arn:aws:iam::1:user/ops is not authorized to perform: ecs:DescribeServices on resource: x"
            raise Refuses("AccessDeniedException", text)
        return described(params)

    systems = ecs_system("api")
    systems["vault"] = ecs_system("keys", cluster="secret")["shop"]
    async with Hostile(Scripted(DescribeServices=one)) as server:
        source = source_of({"ecs": server.url}, systems, FakeClock(at(0)))
        update = await source.read_health()
        await source.close()

    by = {str(reading.system): reading for reading in update.readings}
    assert (by["shop"].value, by["shop"].unknown) == (0.0, "")
    assert by["vault"].unknown == "the permission ecs:DescribeServices is missing for arn:aws:iam::1:user/ops"
    assert update.warnings == (by["vault"].unknown,)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
async def test_credentials_that_expire_mid_run_end_the_reading(code: str) -> None:
    script = well()
    clock = FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"), clock)
        await source.read_health()
        clock.advance(30)
        script.answers["DescribeServices"] = refusing(code, "expired")
        for read in (source.read_health, source.read_rollouts):
            with pytest.raises(AccessDenied, match=r"^logged out: "):
                await read()
        script.answers["DescribeServices"] = described
        clock.advance(30)
        assert (await source.read_health()).readings[0].value == 0.0
        await source.close()


async def test_a_storm_of_throttling_is_waited_out() -> None:
    script = well()
    clock = FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system(*(f"s{number}" for number in range(40))), clock)
        script.answers["DescribeServices"] = refusing("ThrottlingException", "Rate exceeded")
        waits: list[float | None] = []
        for _ in range(20):
            with pytest.raises(RateLimited) as caught:
                await source.read_health()
            waits.append(caught.value.retry_after)
            clock.advance(0.4)
        storm = script.count("DescribeServices")
        script.answers["DescribeServices"] = described
        clock.advance(10)
        update = await source.read_health()
        await source.close()

    assert storm <= 4  # one round of what was under way at once
    assert waits[0] == 10.0
    assert None not in waits
    assert len(update.readings) == 40


async def test_a_limit_that_makes_part_of_it_late_is_told() -> None:
    """Scaling bounds are throttled: services are read on, and the header can say what is late."""
    scaling = Scripted(
        "application-autoscaling", DescribeScalableTargets=refusing("ThrottlingException", "Rate exceeded")
    )
    async with Hostile(well()) as ecs, Hostile(scaling) as throttled:
        systems = ecs_system("api", expect=EcsExpectation(max_tasks=4))
        endpoints = {"ecs": ecs.url, "application-autoscaling": throttled.url}
        source = source_of(endpoints, systems, FakeClock(at(0)))
        update = await source.read_rollouts()
        await source.close()

    assert len(update.rollouts) == 1
    assert update.drifts == ()
    assert "application-autoscaling limit 10s" in update.warnings


async def test_names_and_reasons_from_outside_control_nothing() -> None:
    evil = "\x1b]0;owned\x07\u202e[bold]\n"
    deployment = service("api")["deployments"][0] | {
        "taskDefinition": f"{ARN}:task-definition/{evil}:1",
        "rolloutState": "FAILED",
        "rolloutStateReason": evil * 100,
        "failedTasks": 3,
    }
    events = [{"id": "1", "createdAt": at(-1), "message": f"(service api) was unable to {evil}"}]
    script = Scripted(
        DescribeServices={"services": [service("api", deployments=[deployment], events=events, status=evil)]},
        DescribeTaskDefinition=defined,
        ListTasks={"taskArns": [f"{ARN}:task/x"]},
        DescribeTasks={
            "tasks": [{"stoppedAt": at(-1), "stoppedReason": evil, "containers": [{"name": evil, "exitCode": 1}]}]
        },
    )
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"), FakeClock(at(0)))
        health = await source.read_health()
        (rollout,) = (await source.read_rollouts()).rollouts
        await source.close()

    shown = [health.readings[0].note, rollout.new, rollout.message, rollout.sides[0].revision]
    assert all(text and text.isprintable() for text in shown)
    assert all(len(text) < 1000 for text in shown)


async def test_a_region_that_does_not_answer_is_timed_out() -> None:
    async def silent(request: Request) -> None:
        await asyncio.Event().wait()

    async with Hostile(silent) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"), FakeClock(at(0)), timeout=Duration(0.3))
        with pytest.raises(TimedOut):
            await source.read_health()
        await source.close()


async def test_what_is_not_configured_is_no_feed() -> None:
    url = {"ecs": f"http://127.0.0.1:{free_port()}"}
    source = source_of(url, ecs_system("api"))
    assert isinstance(source, ReadsHealth)
    assert isinstance(source, ReadsRollouts)
    assert not isinstance(source, ReadsAlerts)
    assert isinstance(source_of(url, ecs_system("api"), alerts=True), ReadsAlerts)


async def test_a_source_without_anything_to_read_still_proves_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of({}, {}, FakeClock(at(0)))
    assert (await source.read_health()).readings == ()
    await source.close()

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    source = source_of({}, {}, FakeClock(at(0)))
    with pytest.raises(AccessDenied, match="logged out: no AWS credentials"):
        await source.read_health()
    await source.close()


class _Part:
    """A part that reads or fails as told."""

    def __init__(self, name: SafeText, error: SourceError | None = None) -> None:
        self.name = name
        self._error = error

    async def read_health(self, at: datetime) -> PartHealth:
        if self._error is not None:
            raise self._error
        return PartHealth(readings=(), warnings=(lit("half of it"),))

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        (resource,) = _resources()
        return resource.unknown(at, reason)


def _resources() -> tuple[Watched[EcsResource], ...]:
    return watched("aws", ecs_system("api"), EcsResource)


class _Client:
    requests = 0

    def __init__(self) -> None:
        self.quotas = Quotas({}, {}, FakeClock(at(0)))

    async def log_in(self) -> None:
        """Always."""

    async def close(self) -> None:
        """Nothing is open."""


def _assembled(parts: Iterable[_Part]) -> AssembledSource:
    return AssembledSource((lit("aws"), lit("aws")), aws_config({}), parts, _Client(), FakeClock(at(0)))


async def test_a_part_that_fails_takes_nothing_from_the_others() -> None:
    update = await _assembled([_Part(lit("RDS"), AccessDenied("no")), _Part(lit("ECS"))]).read_health()
    assert [(reading.indicator, reading.unknown) for reading in update.readings] == [("resource:api", "no")]
    assert update.warnings == ("RDS: no", "half of it")


async def test_all_parts_failing_is_a_failure() -> None:
    source = _assembled([_Part(lit("RDS"), AccessDenied("no")), _Part(lit("ECS"), TimedOut("late"))])
    with pytest.raises(AccessDenied, match="no"):
        await source.read_health()
