"""Restarting, rolling back and scaling ECS services, against MiniStack's scheduler and Moto's scaling."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import http
from tests.servers.ports import free_port
from tests.sources.aws.account import CLUSTER, Ecs, aws_client, aws_config, ecs_system, source_of
from tests.sources.aws.scripted import Scripted, at
from tests.sources.hostile import Hostile, Request
from tests.waiting import eventually_answers
from tuiops.config.credentials import AwsCredentials
from tuiops.config.resources import EcsExpectation
from tuiops.errors import NotFound, QueryRefused
from tuiops.sources.abilities import Acts, Progress, Receipt, Restarts, RollsBack, Scales, StateChanged, Target

if TYPE_CHECKING:
    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto
    from tuiops.sources.abilities import Fact
    from tuiops.sources.aws.source import AwsSource

pytestmark = pytest.mark.usefixtures("always_anew")
PATIENCE = 60.0
"""Seconds: a deployment takes several rounds of the scheduler."""
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/api:1"


def acting(ministack: Ministack, moto: Moto, name: str, **settings: Any) -> AwsSource:
    return source_of({"ecs": ministack.url, "application-autoscaling": moto.url}, ecs_system(name, **settings))


async def steady(ecs: Ecs, name: str, tasks: int = 2) -> None:
    """Wait until the service has one completed deployment with so many tasks."""

    async def reached() -> bool:
        service = (await ecs.call("DescribeServices", cluster=CLUSTER, services=[name]))["services"][0]
        states = [one["rolloutState"] for one in service["deployments"]]
        return states == ["COMPLETED"] and service["runningCount"] == tasks

    await eventually_answers(reached, f"{name} to run {tasks} tasks steadily", PATIENCE)


async def ended(source: AwsSource, receipt: Receipt) -> Receipt:
    """The receipt of what is no longer under way."""

    async def over() -> bool:
        nonlocal receipt
        receipt = await source.look_up(receipt)
        return receipt.progress is not Progress.RUNNING

    await eventually_answers(over, f"the end of {receipt.operation}", PATIENCE)
    return receipt


def told(facts: tuple[Fact, ...]) -> dict[str, str]:
    return {str(fact.what): str(fact.value) for fact in facts}


async def test_a_restart_is_a_new_deployment_of_the_same_revision(ministack: Ministack, moto: Moto, ecs: Ecs) -> None:
    source = acting(ministack, moto, "again")
    assert isinstance(source, Acts)
    assert isinstance(source, Restarts)
    await ecs.create("again", await ecs.define("again", "v1"))
    await steady(ecs, "again")

    prepared = await source.prepare_restart(Target("shop", "again"), "token-1")
    before = await source.read_rollouts()
    receipt = await source.perform(prepared)
    with pytest.raises(StateChanged) as caught:
        await source.perform(prepared)  # a double key
    done = await ended(source, receipt)

    assert " ".join(prepared.argv) == (
        "aws ecs update-service --cluster prod --service again --force-new-deployment --region us-east-1"
    )
    assert told(prepared.before) == {"task definition": "again:1", "deployment": "COMPLETED"}
    assert prepared.token == "token-1"
    assert len(before.rollouts) == 1  # preparing changed nothing
    assert receipt.progress is Progress.RUNNING
    assert receipt.operation.startswith("ecs-svc/")
    assert told(caught.value.facts)["deployment"] == "IN_PROGRESS"
    assert done.progress is Progress.DONE
    assert done.operation == receipt.operation
    assert len((await source.read_rollouts()).rollouts) == 2
    await source.close()


async def test_a_rollback_deploys_an_earlier_revision(ministack: Ministack, moto: Moto, ecs: Ecs) -> None:
    source = acting(ministack, moto, "back")
    assert isinstance(source, RollsBack)
    await ecs.create("back", await ecs.define("back", "v1"))
    await steady(ecs, "back")
    second = await ecs.define("back", "v2")
    await ecs.deploy("back", second)
    await steady(ecs, "back")
    target = Target("shop", "back")

    prepared = await source.prepare_rollback(target, "back:1", "t")
    done = await ended(source, await source.perform(prepared))

    arn = second.rpartition(":")[0] + ":1"
    assert prepared.argv[:-2] == (
        *("aws", "ecs", "update-service", "--cluster", "prod", "--service", "back", "--task-definition", arn),
    )
    assert told(prepared.before)["task definition"] == "back:2"
    assert told(prepared.after)["task definition"] == "back:1"
    assert prepared.undo == "deploy back:2 again"
    assert done.progress is Progress.DONE
    assert told(done.facts)["task definition"] == "back:1"
    with pytest.raises(QueryRefused, match="back has back:1 already"):
        await source.prepare_rollback(target, "back:1", "t")
    with pytest.raises(QueryRefused, match="no-such:9"):
        await source.prepare_rollback(target, "no-such:9", "t")
    await ecs.call("DeregisterTaskDefinition", taskDefinition="back:2")
    with pytest.raises(QueryRefused, match="back:2 is INACTIVE"):
        await source.prepare_rollback(target, "back:2", "t")
    await source.close()


async def test_a_rollback_to_a_bad_revision_fails(ministack: Ministack, moto: Moto, ecs: Ecs) -> None:
    source = acting(ministack, moto, "worse")
    await ecs.define("worse", "bad-1")
    await ecs.create("worse", await ecs.define("worse", "v2"))
    await steady(ecs, "worse")

    prepared = await source.prepare_rollback(Target("shop", "worse"), "worse:1", "t")
    failed = await ended(source, await source.perform(prepared))

    assert failed.progress is Progress.FAILED
    assert "circuit breaker" in failed.text
    await source.close()


async def test_what_nothing_scales_gets_another_desired_count(ministack: Ministack, moto: Moto, ecs: Ecs) -> None:
    source = acting(ministack, moto, "more")
    assert isinstance(source, Scales)
    await ecs.create("more", await ecs.define("more", "v1"))
    await steady(ecs, "more")
    target = Target("shop", "more")

    prepared = await source.prepare_scale(target, 3, 3, "t")
    done = await ended(source, await source.perform(prepared))

    assert " ".join(prepared.argv) == (
        "aws ecs update-service --cluster prod --service more --desired-count 3 --region us-east-1"
    )
    assert told(prepared.before)["scaling bounds"] == "none"
    assert prepared.undo == "set 2 tasks again"
    assert done.progress is Progress.DONE
    assert told(done.facts)["running tasks"] == "3"
    with pytest.raises(QueryRefused, match="nothing scales more: give one number instead of 1 to 9"):
        await source.prepare_scale(target, 1, 9, "t")
    with pytest.raises(QueryRefused, match="5 to 2 are no bounds"):
        await source.prepare_scale(target, 5, 2, "t")
    await source.close()


async def test_what_is_scaled_gets_other_bounds(ministack: Ministack, moto: Moto, ecs: Ecs) -> None:
    expect = EcsExpectation(min_tasks=1, max_tasks=6)
    source = acting(ministack, moto, "auto", expect=expect)
    # Moto wants to know the service itself before it scales it.
    for account in (ecs, elsewhere := Ecs(moto.url)):
        await account.create("auto", await account.define("auto", "v1"))
    await steady(ecs, "auto")
    await elsewhere.close()
    scaling = aws_client(aws_config(moto.url))
    bounds = {"ServiceNamespace": "ecs", "ResourceId": "service/prod/auto", "MinCapacity": 1, "MaxCapacity": 4}
    register = {**bounds, "ScalableDimension": "ecs:service:DesiredCount"}
    await scaling.call("application-autoscaling", "RegisterScalableTarget", register)

    drifts = (await source.read_rollouts()).drifts
    prepared = await source.prepare_scale(Target("shop", "auto"), 2, 6, "t")
    receipt = await source.perform(prepared)
    done = await ended(source, receipt)

    assert [str(drift.text()) for drift in drifts] == ["max tasks 4, expected 6"]
    assert " ".join(prepared.argv) == (
        "aws application-autoscaling register-scalable-target --service-namespace ecs --resource-id service/prod/auto "
        "--scalable-dimension ecs:service:DesiredCount --min-capacity 2 --max-capacity 6 --region us-east-1"
    )
    assert told(prepared.before)["scaling bounds"] == "1 to 4"
    assert prepared.undo == "set them to 1 to 4 again"
    assert done.progress is Progress.DONE
    assert told(done.facts)["scaling bounds"] == "2 to 6"
    assert [str(drift.text()) for drift in (await source.read_rollouts()).drifts] == ["min tasks 2, expected 1"]
    with pytest.raises(StateChanged):
        await source.perform(prepared)
    await scaling.close()
    await source.close()


async def test_a_lost_answer_leaves_unknown_until_the_deployment_is_found(ministack: Ministack, ecs: Ecs) -> None:
    """The request arrives, its answer does not: nothing is sent again, and looking finds what became of it."""
    await ecs.create("cut", await ecs.define("cut", "v1"))
    await steady(ecs, "cut")
    sent: list[str] = []

    async def cutting(request: Request) -> None:
        sent.append(operation := request.header("x-amz-target").rpartition(".")[2])
        headers = {name: request.header(name) for name in ("authorization", "content-type", "x-amz-target")}
        body = request.body.encode()
        status, answer = await asyncio.to_thread(http.request, ministack.url, method="POST", body=body, headers=headers)
        if operation == "UpdateService":
            request.writer.close()
        else:
            await request.answer(answer, f"{status} so")

    async with Hostile(cutting) as proxy:
        source = source_of({"ecs": proxy.url}, ecs_system("cut"))
        prepared = await source.prepare_restart(Target("shop", "cut"), "t")
        receipt = await source.perform(prepared)
        found = await source.look_up(receipt)
        done = await ended(source, found)
        await source.close()

    assert receipt.progress is Progress.UNKNOWN
    assert sent.count("UpdateService") == 1
    assert found.operation.startswith("ecs-svc/")
    assert done.progress is Progress.DONE


async def test_nothing_that_never_arrived_is_called_done(ministack: Ministack, ecs: Ecs) -> None:
    await ecs.create("never", await ecs.define("never", "v1"))
    await steady(ecs, "never")
    source = source_of(ministack.url, ecs_system("never"))
    prepared = await source.prepare_restart(Target("shop", "never"), "t")

    lost = await source.look_up(Receipt(prepared=prepared, progress=Progress.UNKNOWN))

    assert (lost.progress, lost.text) == (
        Progress.UNKNOWN,
        "no deployment is certain to be the one that this began",
    )
    await source.close()


def deployment(name: str, minute: float = 0, **members: Any) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{name}",
        "status": "ACTIVE",
        "taskDefinition": DEFINITION,
        "rolloutState": "IN_PROGRESS",
        "createdAt": at(minute),
        **members,
    }


def running(*deployments: dict[str, Any]) -> dict[str, Any]:
    """What DescribeServices and UpdateService say of a service."""
    return {
        "serviceName": "api",
        "serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/prod/api",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/prod",
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 2,
        "taskDefinition": DEFINITION,
        "deployments": list(deployments),
    }


OLD = deployment("old", -60, status="PRIMARY", rolloutState="COMPLETED")


async def test_of_two_deployments_that_began_none_is_claimed() -> None:
    script = Scripted("ecs", DescribeServices={"services": [running(OLD)]})
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"))
        prepared = await source.prepare_restart(Target("shop", "api"), "t")
        after = running(OLD, deployment("mine", 1), deployment("somebody-elses", 2, status="PRIMARY"))
        script.answers |= {"UpdateService": {"service": after}, "DescribeServices": {"services": [after]}}
        lost = await source.look_up(Receipt(prepared=prepared, progress=Progress.UNKNOWN))
        await source.close()

    assert (lost.progress, lost.operation) == (Progress.UNKNOWN, "")


@pytest.mark.parametrize("answer", [{}, {"service": {"serviceName": "api", "deployments": [{"id": "mine"}]}}])
async def test_an_answer_of_another_shape_leaves_unknown(answer: dict[str, Any]) -> None:
    """What was asked for was carried out: only its name is missing."""
    script = Scripted("ecs", DescribeServices={"services": [running(OLD)]}, UpdateService=answer)
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"))
        receipt = await source.perform(await source.prepare_restart(Target("shop", "api"), "t"))
        script.answers["DescribeServices"] = {"services": [running(OLD, deployment("mine", 1, status="PRIMARY"))]}
        found = await source.look_up(receipt)
        await source.close()

    assert (receipt.progress, receipt.operation) == (Progress.UNKNOWN, "")
    assert "another shape" in receipt.text
    assert (found.progress, found.operation) == (Progress.RUNNING, "ecs-svc/mine")
    assert script.count("UpdateService") == 1


async def test_a_deployment_that_is_listed_no_longer_may_have_completed() -> None:
    script = Scripted("ecs", DescribeServices={"services": [running(OLD)]})
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"))
        prepared = await source.prepare_restart(Target("shop", "api"), "t")
        script.answers["UpdateService"] = {"service": running(OLD, deployment("mine", 1, status="PRIMARY"))}
        receipt = await source.perform(prepared)
        script.answers["DescribeServices"] = {"services": [running(deployment("next", 9, status="PRIMARY"))]}
        gone = await source.look_up(receipt)
        await source.close()

    assert receipt.operation == "ecs-svc/mine"
    assert (gone.progress, gone.operation) == (Progress.UNKNOWN, "ecs-svc/mine")


async def test_a_rollback_goes_to_the_same_family_only() -> None:
    other = {"taskDefinitionArn": DEFINITION.replace("api:1", "worker:12"), "status": "ACTIVE"}
    script = Scripted(
        "ecs", DescribeServices={"services": [running(OLD)]}, DescribeTaskDefinition={"taskDefinition": other}
    )
    async with Hostile(script) as server:
        source = source_of({"ecs": server.url}, ecs_system("api"))
        with pytest.raises(QueryRefused, match="worker:12 is of another family than api:1, which api has"):
            await source.prepare_rollback(Target("shop", "api"), "worker:12", "t")
        await source.close()


async def test_what_autoscaling_does_meanwhile_stops_only_what_sets_the_number_itself() -> None:
    older = {"taskDefinitionArn": f"{DEFINITION[:-1]}7", "status": "ACTIVE"}
    begun = deployment("mine", 1, status="PRIMARY", taskDefinition=f"{DEFINITION[:-1]}7")
    script = Scripted(
        "ecs",
        DescribeServices={"services": [running(OLD)]},
        DescribeTaskDefinition={"taskDefinition": older},
        UpdateService={"service": running(OLD, begun)},
    )
    scaling = Scripted("application-autoscaling", DescribeScalableTargets={"ScalableTargets": []})
    async with Hostile(script) as server, Hostile(scaling) as bounds:
        source = source_of({"ecs": server.url, "application-autoscaling": bounds.url}, ecs_system("api"))
        back = await source.prepare_rollback(Target("shop", "api"), "api:7", "t")
        three = await source.prepare_scale(Target("shop", "api"), 3, 3, "t")
        script.answers["DescribeServices"] = {"services": [{**running(OLD), "desiredCount": 5, "runningCount": 4}]}
        again = await source.prepare_rollback(Target("shop", "api"), "api:7", "t")
        with pytest.raises(StateChanged):
            await source.perform(three)
        receipt = await source.perform(back)
        await source.close()

    assert again == back
    assert told(three.before)["desired tasks"] == "2"
    assert "desired tasks" not in told(back.before)
    assert (receipt.progress, receipt.operation) == (Progress.RUNNING, "ecs-svc/mine")


async def test_only_what_the_configuration_names_can_be_acted_on(ministack: Ministack) -> None:
    source = source_of(ministack.url, ecs_system("named"), credentials=AwsCredentials())

    with pytest.raises(NotFound, match="shop has no ECS service other"):
        await source.prepare_restart(Target("shop", "other"), "t")
    await source.close()


async def test_an_action_that_cannot_be_sent_raises_or_is_unknown() -> None:
    source = source_of({"ecs": f"http://127.0.0.1:{free_port()}"}, ecs_system("gone"))

    with pytest.raises(Exception, match="refused the connection"):
        await source.prepare_restart(Target("shop", "gone"), "t")
    await source.close()
