"""An ECS service as a script, with the deployments that a test says that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sources.aws.account import ecs_system, source_of
from tests.sources.aws.scripted import Scripted, at
from tuiops.core.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.rollouts import Phase, Rollout
    from tuiops.core.updates import RolloutsUpdate

ARN = "arn:aws:ecs:us-east-1:000000000000"
SERVICE = f"{ARN}:service/prod/api"
CLUSTER = f"{ARN}:cluster/prod"
DIGEST = "sha256:" + "ab" * 32


def revision_arn(number: int) -> str:
    return f"{ARN}:service-revision/prod/api/{number}"


def deployment_arn(name: str) -> str:
    return f"{ARN}:service-deployment/prod/api/{name}"


def service(*, current: str | None = None, controller: str = "ECS", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "serviceArn": SERVICE,
        "serviceName": "api",
        "clusterArn": CLUSTER,
        "status": "ACTIVE",
        "desiredCount": 4,
        "runningCount": 4,
        "pendingCount": 0,
        "taskDefinition": f"{ARN}:task-definition/api:7",
        "deploymentController": {"type": controller},
        "deployments": [],
        "events": [],
    }
    return found | ({"currentServiceDeployment": deployment_arn(current)} if current else {}) | more


def summary(number: int, weight: float | None, running: int, requested: int = 4) -> dict[str, Any]:
    found: dict[str, Any] = {
        "arn": revision_arn(number),
        "requestedTaskCount": requested,
        "runningTaskCount": running,
        "pendingTaskCount": requested - running,
    }
    return found if weight is None else {**found, "requestedProductionTrafficWeight": weight}


def deployment(name: str, status: str, *, new: int = 2, strategy: str = "ROLLING", **more: Any) -> dict[str, Any]:
    return {
        "serviceDeploymentArn": deployment_arn(name),
        "serviceArn": SERVICE,
        "clusterArn": CLUSTER,
        "createdAt": at(-10),
        "startedAt": at(-9),
        "updatedAt": at(-3),
        "status": status,
        "sourceServiceRevisions": [summary(new - 1, None, 4)],
        "targetServiceRevision": summary(new, None, 2),
        "deploymentConfiguration": {"strategy": strategy},
    } | more


def revisions(params: dict[str, Any]) -> dict[str, Any]:
    numbers = [int(arn.rpartition("/")[2]) for arn in params["serviceRevisionArns"]]
    return {
        "serviceRevisions": [
            {
                "serviceRevisionArn": revision_arn(number),
                "taskDefinition": f"{ARN}:task-definition/api:{number}",
                "containerImages": [{"containerName": "app", "image": f"repo/api:v{number}", "imageDigest": DIGEST}],
            }
            for number in numbers
        ]
    }


def definition(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "taskDefinition": {
            "taskDefinitionArn": params["taskDefinition"],
            "containerDefinitions": [{"name": "app", "image": "repo/api:" + params["taskDefinition"][-1]}],
            "registeredAt": at(-11),
            "registeredBy": "arn:aws:sts::000000000000:assumed-role/deploy/alice",
            "status": "ACTIVE",
        }
    }


class Stage:
    """An account with one service, its clock, and a source that looks at it."""

    def __init__(self, script: Scripted, url: str) -> None:
        self.script = script
        self.clock = FakeClock(at(0))
        self.source = source_of({"ecs": url}, ecs_system("api"), self.clock)

    def show(self, found: dict[str, Any], *deployments: dict[str, Any]) -> None:
        """What there is from this moment on."""
        known = {one["serviceDeploymentArn"]: one for one in deployments}
        briefs = [{"serviceDeploymentArn": arn} for arn in known]
        self.script.answers |= {
            "DescribeServices": {"services": [found]},
            "ListServiceDeployments": {"serviceDeployments": briefs},
            "DescribeServiceDeployments": lambda params: {
                "serviceDeployments": [known[arn] for arn in params["serviceDeploymentArns"]]
            },
            "DescribeServiceRevisions": revisions,
            "DescribeTaskDefinition": definition,
            "ListTasks": {"taskArns": []},
        }

    async def look(self, seconds: float = 5.0) -> RolloutsUpdate:
        self.clock.advance(seconds)
        return await self.source.read_rollouts()

    async def one(self) -> Rollout:
        (found,) = (await self.look()).rollouts
        return found


def phases(found: Rollout) -> Sequence[tuple[str, Phase]]:
    return [(str(step.label), step.phase) for step in found.steps]
