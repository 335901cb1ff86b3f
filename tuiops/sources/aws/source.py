"""What a configuration wants to know of an AWS account in one region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit, safe
from tuiops.sources.assembled import AlertsToo, AssembledSource
from tuiops.sources.aws.ecs.part import EcsPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.clouds import AwsConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Prepared, Target
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.parts import Part


class AwsSource(AssembledSource):
    """Health of resources, rollouts, actions."""

    def __init__(
        self, name: str, config: AwsConfig, systems: Mapping[str, System], client: AwsClient, clock: Clock
    ) -> None:
        self._ecs = EcsPart(name, systems, client, clock)
        parts: list[Part] = [self._ecs] if self._ecs.resources else []
        super().__init__((safe(name), lit("aws")), config, parts, client, clock)

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        return await self._ecs.prepare_restart(target, token)

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        return await self._ecs.prepare_rollback(target, revision, token)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        return await self._ecs.prepare_scale(target, least, most, token)


class AwsAlertsSource(AwsSource, AlertsToo):
    """Everything that an AwsSource reads, and the alarms of CloudWatch."""


def aws_source(
    name: str, config: AwsConfig, systems: Mapping[str, System], client: AwsClient, clock: Clock
) -> AwsSource:
    """The source that a configuration asks for. What it does not read, it has no method for."""
    kind = AwsAlertsSource if config.alerts else AwsSource
    return kind(name, config, systems, client, clock)
