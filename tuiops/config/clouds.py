"""Clouds and log stores as sources: one table `[sources.NAME]` for each project, account and region, or server."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tuiops.config.sources import HttpSourceConfig, SourceConfig
from tuiops.config.values import Duration, Interval, Size, Url

Quota = Annotated[int, Meta(ge=1, le=1_000_000)]


class CloudConfig(SourceConfig, frozen=True, kw_only=True):
    """What every cloud has."""

    interval: Annotated[Interval, Meta(description="Time between polls when all is well and nothing rolls out.")] = (
        Duration(30)
    )
    rollout_interval: Annotated[
        Interval, Meta(description="Time between polls of rollouts while one is under way.")
    ] = Duration(5)
    credentials: Annotated[
        str | None, Meta(description="Name of the credentials to ask with; those found on this machine when left out.")
    ] = None
    via: Annotated[str | None, Meta(description="Name of the bastion through which to connect.")] = None
    alerts: Annotated[bool, Meta(description="Whether to read the alerts of the cloud's own monitoring.")] = True
    quotas: Annotated[
        dict[str, Quota],
        Meta(description="Most requests a minute by API, such as `run = 60`; below the vendor's limits by default."),
    ] = msgspec.field(default_factory=dict)
    endpoints: Annotated[
        dict[str, Url],
        Meta(description="Addresses by API, such as `logging`, for private endpoints and emulators."),
    ] = msgspec.field(default_factory=dict)
    max_response: Annotated[Size, Meta(description="Largest answer that is read, after decompression.")] = Size(
        32_000_000
    )
    max_items: Annotated[int, Meta(description="Most items that are kept of one listing.", ge=1, le=10_000_000)] = (
        10_000
    )


class GcpConfig(CloudConfig, frozen=True, kw_only=True, tag="gcp"):
    """A Google Cloud project: Cloud Run, Monitoring, Logging, Cloud SQL, Memorystore, Secret Manager, Hosting."""

    project: Annotated[str, Meta(description="Project ID.", pattern="^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    region: Annotated[
        Annotated[str, Meta(pattern="^[a-z0-9-]+$")] | None,
        Meta(description="Region of resources that name none, such as `asia-northeast1`."),
    ] = None


class AwsConfig(CloudConfig, frozen=True, kw_only=True, tag="aws"):
    """An AWS account in one region: ECS, CloudWatch, CloudWatch Logs, RDS, ElastiCache, Application Auto Scaling."""

    region: Annotated[str, Meta(description="Region, such as `ap-northeast-1`.", pattern="^[a-z]{2}(-[a-z]+)+-[0-9]$")]


class ElasticsearchConfig(HttpSourceConfig, frozen=True, kw_only=True, tag="elasticsearch"):
    """Elasticsearch or OpenSearch, which log streams are read from."""

    api_key: Annotated[bool, Meta(description="Whether `bearer` is an Elasticsearch API key.")] = False


class LokiConfig(HttpSourceConfig, frozen=True, kw_only=True, tag="loki"):
    """Grafana Loki, which log streams are read from."""

    tenant: Annotated[
        Annotated[str, Meta(pattern="^[!-~]+$")] | None, Meta(description="Tenant, sent as `X-Scope-OrgID`.")
    ] = None
