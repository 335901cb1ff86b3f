"""The runbooks of PriceAlert, planned on Moto and MiniStack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.examples.filled import filled
from tests.examples.worlds import ExampleWorld
from tests.sources.aws.account import CLUSTER, Ecs, aws_client, aws_config, only_keys_of_the_test, source_of
from tests.waiting import eventually_answers
from tuiops.config.load import load
from tuiops.config.resources import EcsResource, RdsResource
from tuiops.core.clock import FakeClock
from tuiops.errors import Refused
from tuiops.runbooks.load import library
from tuiops.runbooks.planner import Planner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tuiops.config.load import Loaded
    from tuiops.config.systems import System
    from tuiops.sources.aws.source import AwsSource

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    only_keys_of_the_test(monkeypatch)


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    return load(filled(tmp_path) / "all.toml", environ={})


def there(loaded: Loaded) -> dict[str, System]:
    """The system as the example has it, in the account of the tests."""
    system = loaded.config.systems["pricealert"]
    resources = {
        name: msgspec.structs.replace(one, source="aws", cluster=CLUSTER)
        if isinstance(one, EcsResource)
        else msgspec.structs.replace(one, source="aws")
        for name, one in system.resources.items()
        if isinstance(one, EcsResource | RdsResource)
    }
    return {"pricealert": msgspec.structs.replace(system, resources=resources)}


def planner(loaded: Loaded, source: AwsSource) -> Planner:
    world = ExampleWorld(source, loaded.config, FakeClock(datetime.now(UTC)))
    return Planner(lambda: library(loaded), world)


async def test_a_snapshot_is_restored_beside_production(module_servers: Servers, loaded: Loaded) -> None:
    url = module_servers.moto().url
    somebody = aws_client(aws_config(url))
    await somebody.call(
        "rds",
        "CreateDBInstance",
        {
            "DBInstanceIdentifier": "price-alert-production",
            "DBInstanceClass": "db.t3.large",
            "Engine": "postgres",
            "AllocatedStorage": 100,
            "MasterUsername": "kim",
            "MasterUserPassword": "not-a-secret",
        },
    )
    snapshot = {"DBInstanceIdentifier": "price-alert-production", "DBSnapshotIdentifier": "before-damage"}
    await somebody.call("rds", "CreateDBSnapshot", snapshot)
    source = source_of(url, there(loaded))
    at_work = planner(loaded, source)
    values = {"snapshot": ("before-damage",), "instance": ("price-alert-restored",)}
    made = await at_work.plan("pricealert-restore-snapshot", "pricealert", values)

    call = made.steps[0].call
    assert call.text.startswith("aws rds restore-db-instance-from-db-snapshot --db-instance-class db.t3.large")
    assert "--db-snapshot-identifier before-damage" in call.text
    assert ("new instance", "price-alert-restored, available") in {(fact.what, fact.value) for fact in call.after}
    assert (await at_work.again(made)).digest == made.digest
    with pytest.raises(Refused, match="is not among the backups that there are: before-damage"):
        await at_work.plan("pricealert-restore-snapshot", "pricealert", {**values, "snapshot": ("other",)})
    production = {**values, "instance": ("price-alert-production",)}
    with pytest.raises(Refused, match="nothing is restored over another one"):
        await at_work.plan("pricealert-restore-snapshot", "pricealert", production)
    await source.close()
    await somebody.close()


async def rolled_out(ecs: Ecs) -> None:
    """Wait until the service has one deployment."""

    async def alone() -> bool:
        (service,) = (await ecs.call("DescribeServices", cluster=CLUSTER, services=["api"]))["services"]
        return len(service["deployments"]) == 1

    await eventually_answers(alone, "one deployment alone")


async def test_a_rollback_is_to_the_task_definition_before(module_servers: Servers, loaded: Loaded) -> None:
    url = module_servers.ministack().url
    ecs = Ecs(url)
    await ecs.create("api", await ecs.define("api", "v1"))
    await ecs.deploy("api", await ecs.define("api", "v2"))
    await rolled_out(ecs)
    source = source_of(url, there(loaded))
    made = await planner(loaded, source).plan("pricealert-rollback", "pricealert", {"service": ("api",)})

    assert made.title == "Roll back api"
    assert made.steps[0].title == "Set api to api:1"
    assert made.steps[0].call.text.startswith(
        "aws ecs update-service --cluster prod --service api --task-definition arn:"
    )
    assert made.steps[0].undo_text == "roll_back api revision=api:2"
    await source.close()
    await ecs.close()
