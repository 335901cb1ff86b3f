"""The runbooks of PriceAlert, planned and carried out on Moto and MiniStack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.examples.filled import filled
from tests.examples.playing_aws import Restoring, RollingBack, planner, serving, there
from tests.examples.slow_rds import TAKES, SlowRds
from tests.examples.worlds import ExampleWorld
from tests.runbooks.playing import failed
from tests.sources.aws.account import CLUSTER, Ecs, only_keys_of_the_test, source_of
from tests.sources.hostile import Hostile
from tests.waiting import eventually_answers
from tuiops.config.load import load
from tuiops.core.clock import FakeClock
from tuiops.core.runs import RunState
from tuiops.core.units import Unit
from tuiops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto
    from tuiops.config.load import Loaded

pytestmark = pytest.mark.server

PRODUCTION, RESTORED, SNAPSHOT = "price-alert-production", "price-alert-restored", "before-damage"
VALUES = {"snapshot": (SNAPSHOT,), "instance": (RESTORED,)}
GROUP = "sg-0123456789abcdef0"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    only_keys_of_the_test(monkeypatch)


@pytest.fixture(scope="module")
def moto(module_servers: Servers) -> Moto:
    return module_servers.moto()


@pytest.fixture(scope="module")
def ministack(module_servers: Servers) -> Ministack:
    return module_servers.ministack()


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    return load(filled(tmp_path) / "all.toml", environ={})


@pytest.fixture
async def restoring(moto: Moto, loaded: Loaded, tmp_path: Path) -> AsyncIterator[Restoring]:
    moto.reset()
    play = Restoring(moto.url, loaded, tmp_path)
    wanted: dict[str, Any] = {
        "DBInstanceIdentifier": PRODUCTION,
        "DBInstanceClass": "db.t3.large",
        "Engine": "postgres",
        "AllocatedStorage": 100,
        "MultiAZ": True,
        "VpcSecurityGroupIds": [GROUP],
        "MasterUsername": "kim",
        "MasterUserPassword": "not-a-secret",
    }
    await play.account.call("rds", "CreateDBInstance", wanted)
    snapshot = {"DBInstanceIdentifier": PRODUCTION, "DBSnapshotIdentifier": SNAPSHOT}
    await play.account.call("rds", "CreateDBSnapshot", snapshot)
    play.world.levels = {("api", "errors"): (Unit.RATIO, 0.001)}
    await play.begin()
    yield play
    await play.close()


async def test_a_snapshot_is_restored_beside_production(restoring: Restoring, loaded: Loaded) -> None:
    at_work = planner(loaded, restoring.world)
    made = await at_work.plan("pricealert-restore-snapshot", "pricealert", VALUES)

    call = made.steps[0].call
    assert call.text.startswith("aws rds restore-db-instance-from-db-snapshot --db-instance-class db.t3.large")
    for option in (f"--vpc-security-group-ids {GROUP}", "--multi-az", f"--db-snapshot-identifier {SNAPSHOT}"):
        assert f" {option} " in call.text
    assert ("new instance", f"{RESTORED}, available") in {(fact.what, fact.value) for fact in call.after}
    assert (await at_work.again(made)).digest == made.digest
    with pytest.raises(Refused, match=f"is not among the backups that there are: {SNAPSHOT}"):
        await at_work.plan("pricealert-restore-snapshot", "pricealert", {**VALUES, "snapshot": ("other",)})
    with pytest.raises(Refused, match="nothing is restored over another one"):
        await at_work.plan("pricealert-restore-snapshot", "pricealert", {**VALUES, "instance": (PRODUCTION,)})


async def test_the_restored_database_is_looked_at_and_then_used(restoring: Restoring) -> None:
    view = restoring.view(await restoring.played("pricealert-restore-snapshot", attested=True, **VALUES))
    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])

    instances = await restoring.instances()
    shapes = [
        (one["DBInstanceClass"], one["MultiAZ"], [group["VpcSecurityGroupId"] for group in one["VpcSecurityGroups"]])
        for one in (instances[PRODUCTION], instances[RESTORED])
    ]
    assert shapes == [("db.t3.large", True, [GROUP])] * 2
    address = instances[RESTORED]["Endpoint"]["Address"]
    asked = dict(restoring.asked_for)
    assert list(asked) == ["verify", "writers", "cut_over"]
    assert asked["verify"].startswith(f"Connect to {address} ")
    assert asked["cut_over"].startswith(f"Set the address of the database to {address} ")
    assert f"Keep {PRODUCTION} until nobody needs it" in restoring.world.said[0][1]


async def production(restoring: Restoring) -> dict[str, Any]:
    """The instance, but for what moves on by itself."""
    found = (await restoring.instances())[PRODUCTION]
    return {name: value for name, value in found.items() if name != "LatestRestorableTime"}


async def test_data_that_is_not_whole_is_never_used(restoring: Restoring) -> None:
    restoring.fails = "verify"
    before = await production(restoring)
    run = await restoring.played("pricealert-restore-snapshot", attested=True, **VALUES)
    assert (restoring.view(run).state, failed(restoring.view(run))) == (RunState.FAILED, ["verify"])
    assert [step for step, _ in restoring.asked_for] == ["verify"]
    assert set(await restoring.instances()) == {PRODUCTION, RESTORED}

    restoring.fails = ""
    view = await restoring.undone(run, attested=True)
    assert view.state is RunState.UNDONE
    step, said = restoring.asked_for[-1]
    assert step == "restore"
    assert said.startswith(f"Delete the instance {RESTORED}, after making sure that nothing uses it.")
    assert await production(restoring) == before


@pytest.mark.parametrize(
    ("becomes", "state", "steps"),
    [("available", RunState.SUCCEEDED, []), ("incompatible-restore", RunState.FAILED, ["restore"])],
)
async def test_a_restore_is_waited_for_as_long_as_it_takes_and_never_taken_for_done(
    loaded: Loaded, tmp_path: Path, becomes: str, state: RunState, steps: list[str]
) -> None:
    clock = FakeClock(datetime.now(UTC))
    rds = SlowRds(clock, PRODUCTION, SNAPSHOT)
    rds.becomes = becomes
    async with Hostile(rds) as server:
        play = Restoring(server.url, loaded, tmp_path, clock)
        play.world.levels = {("api", "errors"): (Unit.RATIO, 0.001)}
        play.lag = 60.0
        await play.begin()
        began = clock.now()
        view = play.view(await play.played("pricealert-restore-snapshot", attested=True, **VALUES))
        await play.close()

    assert (view.state, failed(view)) == (state, steps)
    assert clock.now() - began >= TAKES
    assert rds.count("RestoreDBInstanceFromDBSnapshot") == 1
    assert bool(play.asked_for) is (not steps)


async def test_where_the_api_does_badly_on_it_everything_goes_back_in_order(restoring: Restoring) -> None:
    restoring.world.levels = {("api", "errors"): (Unit.RATIO, 0.05)}
    run = await restoring.played("pricealert-restore-snapshot", attested=True, **VALUES)
    assert (restoring.view(run).state, failed(restoring.view(run))) == (RunState.FAILED, ["well"])

    assert (await restoring.undone(run, attested=True)).state is RunState.UNDONE
    back = restoring.asked_for[3:]
    assert [step for step, _ in back] == ["cut_over", "writers", "restore"]
    assert back[0][1].startswith(f"Set the address of {PRODUCTION} again")


@pytest.fixture
async def ecs(ministack: Ministack) -> AsyncIterator[Ecs]:
    """The API, which was deployed twice."""
    account = Ecs(ministack.url)
    await account.create("api", await account.define("api", "v1"))
    await account.deploy("api", await account.define("api", "v2"))
    await eventually_answers(lambda: settled(account), "one deployment alone")
    yield account
    await account.call("DeleteService", cluster=CLUSTER, service="api", force=True)
    await account.close()


async def settled(ecs: Ecs) -> bool:
    """Whether the service has one deployment, whose tasks all run."""
    (service,) = (await ecs.call("DescribeServices", cluster=CLUSTER, services=["api"]))["services"]
    states = [one["rolloutState"] for one in service["deployments"]]
    return states == ["COMPLETED"] and service["runningCount"] == service["desiredCount"]


async def test_a_rollback_is_to_the_task_definition_before(ministack: Ministack, ecs: Ecs, loaded: Loaded) -> None:
    now, before = await numbers(ecs)
    source = source_of(ministack.url, there(loaded))
    world = ExampleWorld(source, loaded.config, FakeClock(datetime.now(UTC)))
    made = await planner(loaded, world).plan("pricealert-rollback", "pricealert", {"service": ("api",)})

    assert made.title == "Roll back api"
    assert made.steps[0].title == f"Set api to {before}"
    assert made.steps[0].call.text.startswith(
        "aws ecs update-service --cluster prod --service api --task-definition arn:"
    )
    assert made.steps[0].undo_text == f"roll_back api revision={now}"
    await source.close()


async def numbers(ecs: Ecs) -> tuple[str, str]:
    """The task definition that runs, and the one before it."""
    (now,) = await serving(ecs, "api")
    return now, f"api:{int(now.partition(':')[2]) - 1}"


async def test_a_rollback_is_measured_and_can_be_undone(
    ministack: Ministack, ecs: Ecs, loaded: Loaded, tmp_path: Path
) -> None:
    now, before = await numbers(ecs)
    play = RollingBack(ministack.url, loaded, tmp_path, lambda: settled(ecs))
    await play.begin()
    run = await play.played("pricealert-rollback", service=("api",))
    assert (play.view(run).state, failed(play.view(run))) == (RunState.SUCCEEDED, [])
    assert await serving(ecs, "api") == [before]

    assert (await play.undone(run)).state is RunState.UNDONE
    await eventually_answers(lambda: settled(ecs), "the end of the undo")
    assert await serving(ecs, "api") == [now]
    await play.close()
