"""What a configuration wants to know of an AWS account in one region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit, safe
from tuiops.sources.assembled import AlertsToo, AssembledSource
from tuiops.sources.aws.cloudwatch.alarms import AlarmsPart
from tuiops.sources.aws.cloudwatch.metrics import MetricsPart
from tuiops.sources.aws.ecs.part import EcsPart
from tuiops.sources.aws.elasticache import ElastiCachePart
from tuiops.sources.aws.rds.part import RdsPart
from tuiops.sources.aws.secrets.part import SecretsPart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.config.clouds import AwsConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.updates import Series
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.parts import Part


class AwsSource(AssembledSource):
    """Health of resources, rollouts, actions."""

    def __init__(
        self, name: str, config: AwsConfig, systems: Mapping[str, System], client: AwsClient, clock: Clock
    ) -> None:
        self._ecs = EcsPart(name, systems, client, clock)
        self._metrics = MetricsPart(name, systems, client, clock)
        self._rds = RdsPart(name, systems, client, clock)
        caches = ElastiCachePart(name, systems, client, clock)
        self._secrets = SecretsPart(name, systems, client)
        watching = (self._ecs, self._rds, caches, self._secrets)
        parts: list[Part] = [part for part in watching if part.resources]
        parts += [self._metrics] if self._metrics.plans else []
        self._alarms = AlarmsPart(name, config, systems, client, clock)
        parts += [self._alarms] if config.alerts else []
        super().__init__((safe(name), lit("aws")), config, parts, client, clock)

    async def read_history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """The series of one metric of one service; none when it is not measured here."""
        return await self._metrics.read_history(system, service, indicator, start, end, step)

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        return await self._ecs.prepare_restart(target, token)

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        return await self._ecs.prepare_rollback(target, revision, token)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        return await self._ecs.prepare_scale(target, least, most, token)

    async def prepare_backup(self, target: Target, note: str, token: str) -> Prepared:
        """Take a snapshot of an RDS instance."""
        return await self._rds.actions.prepare_backup(target, note, token)

    async def prepare_restore(self, target: Target, backup: str | datetime, instance: str, token: str) -> Prepared:
        """Restore a snapshot of an RDS instance, or a moment of it, into a new instance."""
        return await self._rds.actions.prepare_restore(target, backup, instance, token)

    async def prepare_secret_version(self, target: Target, token: str) -> Prepared:
        """Add a version to a secret of Secrets Manager."""
        return await self._secrets.actions.prepare_secret_version(target, token)

    async def perform_secret(self, prepared: Prepared, value: bytes) -> Receipt:
        """Add the version that was prepared, with this value."""
        return await self._secrets.actions.perform_secret(prepared, value)


class AwsAlertsSource(AwsSource, AlertsToo):
    """Everything that an AwsSource reads, and the alarms of CloudWatch."""

    async def prepare_snooze(
        self, policies: tuple[str, ...], start: datetime, end: datetime, comment: str, token: str
    ) -> Prepared:
        """Mute alarms of CloudWatch, by their names."""
        return await self._alarms.actions.prepare_snooze(policies, start, end, comment, token)


def aws_source(
    name: str, config: AwsConfig, systems: Mapping[str, System], client: AwsClient, clock: Clock
) -> AwsSource:
    """The source that a configuration asks for. What it does not read, it has no method for."""
    kind = AwsAlertsSource if config.alerts else AwsSource
    return kind(name, config, systems, client, clock)
