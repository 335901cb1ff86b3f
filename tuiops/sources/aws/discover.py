"""What an AWS account has in one region that could be watched, as tables of a configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tuiops.config.draft import Draft
from tuiops.config.logs import GROUP_PATTERN
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.sources.together import raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from tuiops.config.clouds import AwsConfig
    from tuiops.config.proposal import Proposal
    from tuiops.sources.aws.client import AwsClient

MOST = 200
"""Resources of a kind that are proposed."""

MOST_LOGS = 50
"""Log groups that are proposed: each is asked for by itself."""

SECONDS = 30.0
"""Deadline of one listing."""

_NAMED = 5
"""Alarms that are named."""


async def discover(
    client: AwsClient, config: AwsConfig, credentials: Mapping[str, str], names: tuple[str, str]
) -> Proposal:
    """Services, resources, indicators and logs of a region.

    `credentials` is the table of what is asked with; `names` are the identifiers of the source and of the system. What
    alone cannot be read is a warning. Raises errors.SourceError when nothing can.
    """
    await client.log_in()
    look = _Look(client)
    kinds: dict[SafeText, Coroutine[Any, Any, Sequence[Any]]] = {
        lit("ECS services"): look.services(),
        lit("database instances"): look.listed("rds", "DescribeDBInstances", "DBInstances"),
        lit("replication groups"): look.listed("elasticache", "DescribeReplicationGroups", "ReplicationGroups"),
        lit("cache clusters"): look.listed("elasticache", "DescribeCacheClusters", "CacheClusters"),
        lit("alarms"): look.listed("cloudwatch", "DescribeAlarms", "MetricAlarms"),
        lit("log groups"): look.listed("logs", "DescribeLogGroups", "logGroups"),
    }
    found, failed = await together(kinds, SECONDS, lambda _: lit("AWS"))
    raise_if_all(found, failed)
    draft = Draft(*names)
    finder = _Finder(config, credentials, draft)
    draft.warn(*(fmt("{}: {}", what, safe(str(error), 300)) for what, error in failed.items()), *look.warnings)
    services, databases, groups, caches, alarms, logs = (found.get(what, ()) for what in kinds)
    finder.ecs(services)
    finder.rds(databases)
    finder.elasticache(groups, caches)
    finder.alarms(alarms)
    finder.logs(logs)
    return draft.proposal()


class _Look:
    """Lists what there is."""

    def __init__(self, client: AwsClient) -> None:
        self._client = client
        self.warnings: list[SafeText] = []

    async def listed(self, service: str, operation: str, result: str) -> list[dict[str, Any]]:
        """Everything of a kind, as far as it is proposed."""
        listing = await self._client.pages(service, operation, {}, result=result, kind=dict[str, Any], most=MOST)
        if listing.truncated:
            self.warnings.append(fmt("{}: there are more than {}", safe(operation), MOST))
        return list(listing.items)

    async def services(self) -> list[tuple[str, str]]:
        """The names of clusters, and of a service in each."""
        clusters = await self._client.pages("ecs", "ListClusters", {}, result="clusterArns", most=MOST)
        found: list[tuple[str, str]] = []
        for cluster in clusters.items:
            params = {"cluster": cluster}
            listing = await self._client.pages("ecs", "ListServices", params, result="serviceArns", most=MOST)
            found += [(_last(cluster), _last(service)) for service in listing.items]
            if clusters.truncated or listing.truncated or len(found) > MOST:
                self.warnings.append(fmt("ECS services: there are more than {}", MOST))
                break
        return found[:MOST]


class _Finder:
    """Drafts one kind of resource after the other."""

    def __init__(self, config: AwsConfig, credentials: Mapping[str, str], draft: Draft) -> None:
        self._draft = draft
        draft.root(
            ("credentials", draft.source), {"type": "aws", **credentials},
            lit("Who asks: without a `profile`, the credentials that the AWS command line finds."),
        )  # fmt: skip
        self._source = {"type": "aws", "region": config.region, "credentials": draft.source}

    def ecs(self, services: Sequence[tuple[str, str]]) -> None:
        """Services, and what CloudWatch knows of each cluster's."""
        measured: dict[str, list[str]] = {}
        for cluster, name in sorted(services):
            if not self._draft.configurable("cluster", cluster):
                continue
            told = (name, fmt("ECS service {} in the cluster {}.", safe(name, 80), safe(cluster, 80)))
            state = lit("Whether its tasks run, and what is deployed.")
            id_ = self._draft.resource("ecs", name, told, (state,), cluster=cluster)
            if id_ is not None:
                measured.setdefault(cluster, []).append(id_)
        for cluster, ids in measured.items():
            for metric, heading in (("CPUUtilization", "CPU"), ("MemoryUtilization", "MEM")):
                self._draft.indicator(
                    f"{cluster} {heading}", "cloudwatch", self._draft.source,
                    lit("The share that all tasks of a service use, from one query for all. The limit is a guess."),
                    heading=heading, services=list(dict.fromkeys(ids)), namespace="AWS/ECS", metric=metric,
                    dimensions={"ClusterName": cluster}, unit="percent", degraded="> 80%",
                )  # fmt: skip

    def rds(self, databases: Sequence[dict[str, Any]]) -> None:
        """Instances, and their CPU."""
        for database in databases:
            name, engine = str(database.get("DBInstanceIdentifier", "")), str(database.get("Engine", ""))
            backups = bool(database.get("BackupRetentionPeriod"))
            told = (name, fmt("RDS instance {}, {}.", safe(name, 80), safe(engine, 40)))
            kept = (
                lit("Backed up every day: after 26 h the last good one is late.")
                if backups
                else lit("It has no automatic backups.")
            )
            more = {"backup": "> 26h"} if backups else {}
            id_ = self._draft.resource("rds", name, told, (lit("Whether it is available."), kept), **more)
            if id_ is not None:
                self._draft.indicator(
                    f"{name} cpu", "cloudwatch", self._draft.source,
                    lit("The share of its CPU that is used. The limit is a guess."),
                    heading="CPU", services=[id_], by="", namespace="AWS/RDS", metric="CPUUtilization",
                    dimensions={"DBInstanceIdentifier": name}, unit="percent", degraded="> 80%",
                )  # fmt: skip

    def elasticache(self, groups: Sequence[dict[str, Any]], clusters: Sequence[dict[str, Any]]) -> None:
        """Replication groups, and the clusters that are in none."""
        names = [str(group.get("ReplicationGroupId", "")) for group in groups]
        names += [str(one.get("CacheClusterId", "")) for one in clusters if not one.get("ReplicationGroupId")]
        for name in names:
            told = (name, fmt("ElastiCache {}.", safe(name, 80)))
            self._draft.resource("elasticache", name, told, (lit("Whether it is available."),))

    def alarms(self, alarms: Sequence[dict[str, Any]]) -> None:
        """Alarms need no table of their own: the source reads them all."""
        named = join(", ", (safe(str(alarm.get("AlarmName", "")), 60) for alarm in alarms[:_NAMED]))
        more = lit(", …") if len(alarms) > _NAMED else EMPTY
        told = fmt("It reads all {} alarms of CloudWatch: {}{}.", len(alarms), named, more) if alarms else EMPTY
        why = lit("The account in this region: states of its resources, rollouts, metrics, logs.")
        self._draft.root(
            ("sources", self._draft.source), self._source, join(" ", (text for text in (why, told) if text))
        )

    def logs(self, groups: Sequence[dict[str, Any]]) -> None:
        """Each group as a stream, as far as there are not too many."""
        for group in groups[:MOST_LOGS]:
            name = str(group.get("logGroupName", ""))
            if re.fullmatch(GROUP_PATTERN, name) is None:
                self._draft.warn(fmt("log group {}: its name cannot be configured", safe(name, 80)))
                continue
            self._draft.log(
                name, "cloudwatch_logs",
                lit("A log group. Say whose it is with `service`, and which fields are personal data with `mask`."),
                groups=[name],
            )  # fmt: skip
        if len(groups) > MOST_LOGS:
            self._draft.warn(fmt("log groups: only {} of {} are proposed", MOST_LOGS, len(groups)))


def _last(arn: str) -> str:
    """The name at the end of an ARN."""
    return arn.rpartition("/")[2]
