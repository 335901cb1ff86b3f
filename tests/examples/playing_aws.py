"""PriceAlert in the AWS accounts of the tests, with an engine, a ledger and somebody who sits at it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tests.examples.answers import Answers, CommandFailed
from tests.examples.playing import PlayedWorld
from tests.examples.worlds import ExampleWorld
from tests.ledger.homes import FileHome, opened
from tests.runbooks.playing import Playing
from tests.sources.aws.account import CLUSTER, aws_client, aws_config, source_of
from tests.waiting import eventually_answers
from tests.watched import Watched
from tuiops.config.resources import EcsResource, RdsResource
from tuiops.core.clock import FakeClock
from tuiops.core.snapshot import Environment
from tuiops.core.text import lit
from tuiops.errors import NotFound
from tuiops.hub.declare import declared_systems
from tuiops.runbooks.format.load import library
from tuiops.runbooks.planning.planner import Planner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.sources.aws.account import Ecs
    from tuiops.config.load import Loaded
    from tuiops.config.systems import System
    from tuiops.core.runs import StepView
    from tuiops.core.snapshot import Snapshot
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.source import AwsSource

PRODUCTION = lit("production")


def there(loaded: Loaded, *names: str) -> dict[str, System]:
    """The system as the example has it, in the account of the tests; `names`: of its resources, all without any."""
    system = loaded.config.systems["pricealert"]
    resources = {
        name: msgspec.structs.replace(one, source="aws", cluster=CLUSTER)
        if isinstance(one, EcsResource)
        else msgspec.structs.replace(one, source="aws")
        for name, one in system.resources.items()
        if isinstance(one, EcsResource | RdsResource) and (not names or name in names)
    }
    return {"pricealert": msgspec.structs.replace(system, resources=resources)}


def planner(loaded: Loaded, world: ExampleWorld) -> Planner:
    return Planner(lambda: library(loaded), world)


class Restoring(Playing):
    """The databases in an account, and the API beside them."""

    def __init__(self, url: str, loaded: Loaded, folder: Path, clock: FakeClock | None = None) -> None:
        super().__init__("pricealert")
        self._loaded, self._folder = loaded, folder
        self.clock = clock or FakeClock(datetime.now(UTC))
        self.account: AwsClient = aws_client(aws_config(url))
        self.source: AwsSource = source_of(url, there(loaded))
        self.world = PlayedWorld(self.source, loaded.config, self.clock)
        self.world.about("pricealert")
        self.asked_for: list[tuple[str, str]] = []
        """Steps and what people were asked to do by hand."""
        self.fails = ""
        """The step that somebody says has failed."""
        self.lag = 0.0
        """Seconds by which every look at the restore comes late."""

    async def begin(self) -> None:
        answers = Answers(self._folder / "executions", self._aws)
        ledger = opened(FileHome(self._folder))
        await self.sit_down(planner(self._loaded, self.world), self.world, answers, ledger)

    async def close(self) -> None:
        await self.stand_up()
        await self.source.close()
        await self.account.close()

    async def instances(self) -> dict[str, dict[str, Any]]:
        found = (await self.account.call("rds", "DescribeDBInstances", {}))["DBInstances"]
        return {one["DBInstanceIdentifier"]: one for one in found}

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds if self.asked_for else seconds + self.lag)

    def by_hand(self, asking: StepView) -> bool:
        self.asked_for.append((asking.key, str(asking.call)))
        return asking.key != self.fails

    async def _aws(self, argv: tuple[str, ...]) -> str:
        """What the command line of AWS prints."""
        assert argv[:3] == ("aws", "rds", "describe-db-instances")
        options = dict(zip(argv[3::2], argv[4::2], strict=True))
        assert options["--output"] == "json"
        wanted = {"DBInstanceIdentifier": options["--db-instance-identifier"]}
        try:
            return json.dumps(await self.account.call("rds", "DescribeDBInstances", wanted), default=str)
        except NotFound as error:
            raise CommandFailed(str(error)) from None


class RealWorld(ExampleWorld):
    """What a console knows of the source itself."""

    def __init__(self, source: AwsSource, loaded: Loaded, clock: FakeClock) -> None:
        super().__init__(source, loaded.config, clock)
        # Its services alone: what other sources would measure is not read here.
        declared = declared_systems(msgspec.structs.replace(loaded.config, systems=there(loaded, "api")))
        self.watched = Watched((source,), clock, Environment(PRODUCTION, production=True), declared)

    @property
    def snapshot(self) -> Snapshot:
        return self.watched.snapshot


class RollingBack(Playing):
    """A service of MiniStack's, whose deployments take the time that they take."""

    def __init__(self, url: str, loaded: Loaded, folder: Path, settled: Callable[[], Awaitable[bool]]) -> None:
        """`settled`: whether nothing is deployed any more."""
        super().__init__("pricealert")
        self._loaded, self._folder, self._settled = loaded, folder, settled
        self.clock = FakeClock(datetime.now(UTC))
        self.source = source_of(url, there(loaded, "api"), self.clock)
        self.world = RealWorld(self.source, loaded, self.clock)

    async def begin(self) -> None:
        effects = Answers(self._folder / "executions", _nothing)
        ledger = opened(FileHome(self._folder))
        await self.sit_down(planner(self._loaded, self.world), self.world, effects, ledger)

    async def passes(self, seconds: float) -> None:
        await eventually_answers(self._settled, "the end of a deployment")
        self.clock.advance(seconds)
        await self.world.watched.read()

    async def close(self) -> None:
        await self.stand_up()
        await self.source.close()


async def _nothing(argv: tuple[str, ...]) -> str:
    raise AssertionError(f"no command is played here: {argv}")


async def serving(ecs: Ecs, name: str) -> list[str]:
    """Revisions of task definitions that a service has deployments of, the wanted one first."""
    (service,) = (await ecs.call("DescribeServices", cluster=CLUSTER, services=[name]))["services"]
    return [one["taskDefinition"].rpartition("/")[2] for one in service["deployments"]]
