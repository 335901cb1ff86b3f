"""An AWS account on loopback as tests use it: a client of the product's, and shorthands for what goes on in ECS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.ministack import KEYS, REGION
from tuiops.config.clouds import AwsConfig
from tuiops.config.credentials import AwsCredentials
from tuiops.config.resources import EcsExpectation, EcsResource
from tuiops.config.systems import Service, System
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.sources.aws.auth import AwsAuth
from tuiops.sources.aws.client import AwsClient
from tuiops.sources.aws.source import aws_source
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from tuiops.core.clock import Clock
    from tuiops.sources.aws.source import AwsSource

SERVICES = ("application-autoscaling", "cloudwatch", "ecs", "elasticache", "logs", "rds", "secretsmanager")
CLUSTER = "prod"


def only_keys_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials but these, whatever the machine has."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def aws_config(endpoints: str | Mapping[str, str], **settings: Any) -> AwsConfig:
    """A source whose services are all at one address, or at one address each."""
    if isinstance(endpoints, str):
        endpoints = dict.fromkeys(SERVICES, endpoints)
    return AwsConfig(region=REGION, endpoints=dict(endpoints), **settings)


def aws_client(config: AwsConfig, credentials: AwsCredentials | None = None, clock: Clock | None = None) -> AwsClient:
    clock = clock or SystemClock()
    auth = AwsAuth(credentials or AwsCredentials(), config.region, clock)
    return AwsClient(config, auth, HttpConnector(lambda _: "", clock), clock)


def ecs_system(*names: str, expect: EcsExpectation | None = None, cluster: str = CLUSTER) -> dict[str, System]:
    """A system `shop` whose services each run on an ECS service of the same name."""
    return {
        "shop": System(
            services={name.lower(): Service() for name in names},
            resources={
                name.lower(): EcsResource(
                    source="aws", service=name.lower(), name=name, cluster=cluster, expect=expect or EcsExpectation()
                )
                for name in names
            },
        )
    }


def source_of(
    endpoints: str | Mapping[str, str],
    systems: dict[str, System],
    clock: Clock | None = None,
    credentials: AwsCredentials | None = None,
    **settings: Any,
) -> AwsSource:
    """The source that a configuration asks for."""
    config = aws_config(
        endpoints, **{"alerts": False, "timeout": Duration(20), "quotas": dict.fromkeys(SERVICES, 1_000_000)} | settings
    )
    clock = clock or SystemClock()
    return aws_source("aws", config, systems, aws_client(config, credentials, clock), clock)


class Ecs:
    """What somebody else does in ECS, while the console looks on."""

    def __init__(self, url: str) -> None:
        self._client = aws_client(aws_config(url))

    async def call(self, operation: str, **params: object) -> dict[str, Any]:
        return await self._client.call("ecs", operation, params)

    async def define(self, family: str, tag: str) -> str:
        """A new revision of a task definition, with an image of that tag; its ARN."""
        container = {"name": "app", "image": f"registry.example/{family}:{tag}", "memory": 64, "essential": True}
        answer = await self.call("RegisterTaskDefinition", family=family, containerDefinitions=[container])
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    async def create(self, name: str, definition: str, *, desired: int = 2, breaker: bool = True) -> None:
        await self.call("CreateCluster", clusterName=CLUSTER)
        await self.call(
            "CreateService",
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=definition,
            desiredCount=desired,
            deploymentConfiguration={
                "deploymentCircuitBreaker": {"enable": breaker, "rollback": breaker},
                "maximumPercent": 200,
                "minimumHealthyPercent": 100,
            },
        )

    async def deploy(self, name: str, definition: str) -> None:
        await self.call("UpdateService", cluster=CLUSTER, service=name, taskDefinition=definition)

    async def close(self) -> None:
        await self._client.close()
