"""What services run on and keep their data in: tables `[systems.NAME.resources.NAME]` with a `kind`.

A resource gives its service a state, read from the cloud's own account of it. What is expected of it is declared
beside it; where reality differs, that is drift.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tuiops.config.values import Duration

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$"
Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Count = Annotated[int, Meta(ge=0, le=100_000)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose unknown keys are mistakes."""


class ResourceConfig(_Table, frozen=True, kw_only=True, tag_field="kind"):
    """What every resource has."""

    source: Annotated[str, Meta(description="Cloud that it is in.")]
    service: Annotated[str, Meta(description="Service that it belongs to.")]
    name: Annotated[Name, Meta(description="Its name in the cloud.")]
    heading: Annotated[str, Meta(description="Column heading, a few characters.", max_length=12)] = "STATE"


class Regional(ResourceConfig, frozen=True, kw_only=True):
    """What every resource has that is in a region."""

    region: Annotated[
        Annotated[str, Meta(pattern="^[a-z0-9-]+$")] | None, Meta(description="Region; the source's when left out.")
    ] = None


class RunExpectation(_Table, frozen=True, kw_only=True):
    """What a Cloud Run service should be like."""

    min_instances: Annotated[Count | None, Meta(description="Least instances.")] = None
    max_instances: Annotated[Count | None, Meta(description="Most instances.")] = None
    concurrency: Annotated[Count | None, Meta(description="Requests at once to an instance.")] = None
    cpu: Annotated[str | None, Meta(description="CPU limit, such as `1` or `1000m`.")] = None
    memory: Annotated[str | None, Meta(description="Memory limit, such as `2Gi`.")] = None
    pinned: Annotated[
        bool | None, Meta(description="Whether traffic is pinned to named revisions rather than to the latest.")
    ] = None
    env: Annotated[dict[str, str], Meta(description="Environment variables with their values; never secrets.")] = {}


class CloudRunResource(Regional, frozen=True, kw_only=True, tag="cloud_run"):
    """A Cloud Run service, with its revisions and how traffic is shared among them."""

    expect: Annotated[RunExpectation, Meta(description="What it should be like.")] = RunExpectation()


class CloudSqlResource(ResourceConfig, frozen=True, kw_only=True, tag="cloud_sql"):
    """A Cloud SQL instance: its state, its last good backup, what is being done to it."""

    backup: Annotated[str | None, Meta(description="When the last good backup is too old, such as `> 26h`.")] = None


class MemorystoreResource(Regional, frozen=True, kw_only=True, tag="memorystore"):
    """A Memorystore for Redis instance."""


class SecretResource(ResourceConfig, frozen=True, kw_only=True, tag="secret"):
    """A secret of Secret Manager: its versions and their states, never their values."""

    rotate: Annotated[str | None, Meta(description="When the newest enabled version is too old, such as `> 90d`.")] = (
        None
    )


class HostingResource(ResourceConfig, frozen=True, kw_only=True, tag="firebase_hosting"):
    """A Firebase Hosting site and its releases."""


class UptimeResource(ResourceConfig, frozen=True, kw_only=True, tag="uptime_check"):
    """An uptime check of Cloud Monitoring, by its ID."""

    window: Annotated[Duration, Meta(description="How far back its results count.")] = Duration(300)


class EcsExpectation(_Table, frozen=True, kw_only=True):
    """What an ECS service should be like."""

    desired: Annotated[Count | None, Meta(description="Desired tasks, where nothing scales them.")] = None
    min_tasks: Annotated[Count | None, Meta(description="Least tasks of its scaling target.")] = None
    max_tasks: Annotated[Count | None, Meta(description="Most tasks of its scaling target.")] = None
    circuit_breaker: Annotated[
        bool | None, Meta(description="Whether a failing deployment is stopped and rolled back.")
    ] = None


class EcsResource(ResourceConfig, frozen=True, kw_only=True, tag="ecs"):
    """An ECS service with its deployments and tasks."""

    cluster: Annotated[Name, Meta(description="Its cluster.")]
    expect: Annotated[EcsExpectation, Meta(description="What it should be like.")] = EcsExpectation()


class RdsResource(ResourceConfig, frozen=True, kw_only=True, tag="rds"):
    """An RDS instance: its state, its last good snapshot, what happened to it."""

    backup: Annotated[str | None, Meta(description="When the last good snapshot is too old, such as `> 26h`.")] = None


class ElastiCacheResource(ResourceConfig, frozen=True, kw_only=True, tag="elasticache"):
    """An ElastiCache replication group or cluster."""


class SecretsManagerResource(ResourceConfig, frozen=True, kw_only=True, tag="secrets_manager"):
    """A secret of AWS Secrets Manager: its versions and their stages, never their values."""

    name: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9/_+=.@][A-Za-z0-9/_+=.@-]{0,511}$")],
        Meta(description="Its name in the cloud, such as `shop/token`."),
    ]
    rotate: Annotated[str | None, Meta(description="When the current version is too old, such as `> 90d`.")] = None


GcpResource = (
    CloudRunResource | CloudSqlResource | MemorystoreResource | SecretResource | HostingResource | UptimeResource
)
AwsResource = EcsResource | RdsResource | ElastiCacheResource | SecretsManagerResource
AnyResource = GcpResource | AwsResource
