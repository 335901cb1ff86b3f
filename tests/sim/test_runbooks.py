"""The runbooks of the simulated systems: they load, they plan, and the configuration that they name is the fleet."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.worlds import SmallWorld
from tests.sim.acted import TOKEN, Acted
from tuiops import wiring
from tuiops.config.load import Loaded
from tuiops.config.model import Config
from tuiops.config.systems import Service, System
from tuiops.core.health import Limit
from tuiops.hub.declare import declared_systems
from tuiops.hub.health import HealthBoard
from tuiops.runbooks.format.load import Kept, folders, library
from tuiops.runbooks.format.model import ListedParameter
from tuiops.runbooks.planning.planner import Planner
from tuiops.sim.declared import complete
from tuiops.sources.abilities import Target
from tuiops.sources.base import ReadsHealth

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.core.text import SafeText
    from tuiops.runbooks.planning.plan import Plan
    from tuiops.sources.abilities import Acts, Told

DEMONSTRATED = complete(Loaded(wiring.demonstration(Config()), ()), ())
DEMONSTRATION = DEMONSTRATED.config
LIBRARY = library(DEMONSTRATED)
QUIET = 3500.0
OFFERED = [
    pytest.param(kept, system, id=f"{name}-{system}")
    for name, kept in LIBRARY.runbooks.items()
    for system in kept.runbook.systems
]


class Simulated(SmallWorld):
    """The world of a demonstration."""

    def __init__(self) -> None:
        super().__init__()
        self.acted = Acted()
        self.clock = self.acted.clock
        self.clock.advance(QUIET)
        self.configured = DEMONSTRATION

    def acting(self, system: str, resource: str) -> Acts | None:
        return self.acted.acting(Target(system, resource))

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        return await self.acted.on(Target(system, resource)).tell(Target(system, resource), of)


def planner(world: Simulated) -> Planner:
    return Planner(lambda: LIBRARY, world, drill=True)


async def choices(kept: Kept, system: str, planner: Planner) -> list[dict[str, tuple[str, ...]]]:
    """Everything that a runbook may be given: every resource, and the first of whatever is listed of it."""
    found: list[dict[str, tuple[str, ...]]] = [{}]
    for name, parameter in kept.runbook.parameters.items():
        further = []
        for values in found:
            options = await planner.choices(kept.runbook.id, system, name, values) or (parameter.default,)
            listed = isinstance(parameter, ListedParameter) and parameter.of != "resources"
            further += [{**values, name: (str(one),)} for one in (options[:1] if listed else options)]
        found = further
    return found


def test_all_of_them_can_be_used() -> None:
    assert LIBRARY.faults == ()
    assert set(LIBRARY.runbooks) >= {"break", "roll-back", "restart", "shift-traffic", "back-up"}


def test_every_system_can_be_broken_and_mended() -> None:
    for task in ("break", "roll-back"):
        kinds = [
            kept.runbook for name, kept in LIBRARY.runbooks.items() if name in {task, f"{task}-ecs", f"{task}-site"}
        ]
        assert sorted(itertools.chain.from_iterable(one.systems for one in kinds)) == sorted(DEMONSTRATION.systems)


@pytest.mark.parametrize(("kept", "system"), OFFERED)
async def test_each_plans_for_everything_that_it_may_be_given_and_the_same_twice(kept: Kept, system: str) -> None:
    world = Simulated()
    found = planner(world)
    values = await choices(kept, system, found)
    planned = [await found.plan(kept.runbook.id, system, one) for one in values]
    world.clock.advance(120)

    assert planned
    assert [await found.again(plan) for plan in planned] == planned
    assert all(plan.drill and plan.production for plan in planned)
    calls = [step.call for plan in planned for step in plan.steps if step.call.before]
    assert calls
    assert all(call.text and call.after and call.seen for call in calls)


@pytest.mark.parametrize(
    ("drill", "mends", "system", "service"),
    [
        ("break", "roll-back", "manga", "api"),
        ("break", "roll-back", "tokyo", "chat"),
        ("break", "roll-back", "sagebase", "streamlit"),
        ("break-ecs", "roll-back-ecs", "pricealert", "api"),
        ("break-site", "roll-back-site", "omniy", "site"),
    ],
)
async def test_what_one_runbook_breaks_another_one_mends(drill: str, mends: str, system: str, service: str) -> None:
    world = Simulated()
    acted, target = world.acted, Target(system, service)
    values = {"service": (service,)} if service != "site" else {}
    calm = acted.errors(target)

    async def does(runbook: str) -> Plan:
        plan = await planner(world).plan(runbook, system, values)
        wanted = plan.steps[0].do
        arguments = wanted.arguments  # type: ignore[union-attr] # the first step is an ability
        revision = arguments.get("revision") or arguments["shares"].partition("=")[0]
        await acted.done(await acted.on(target).prepare_rollback(target, revision, TOKEN))
        return plan

    broken = await does(drill)
    errors = acted.errors(target)
    mended = await does(mends)

    assert errors > 10 * calm
    assert acted.errors(target) < 2 * calm
    assert broken.steps[0].call.before[0] == mended.steps[0].call.after[0]
    assert [step.kind.value for step in mended.steps] == ["api", "gate", "gate"]


def test_a_simulated_system_is_shown_by_its_simulation_alone() -> None:
    """Declared as well, it would have measures that nobody reads."""
    assert declared_systems(wiring.demonstration(Config())) == ()
    assert set(DEMONSTRATION.systems) == set(Acted().world.systems)


def test_without_a_simulation_nothing_is_added() -> None:
    loaded = Loaded(Config(), ())

    assert complete(loaded, ()) is loaded


def test_what_a_configuration_has_itself_stays(tmp_path: Path) -> None:
    own, beside = System(services={"mine": Service()}), tmp_path / "runbooks"
    config = msgspec.structs.replace(wiring.demonstration(Config()), systems={"manga": own, "shop": own})
    loaded = Loaded(config, (tmp_path / "tuiops.toml",))
    before = complete(loaded, folders(loaded)).config
    beside.mkdir()

    after = complete(loaded, folders(loaded)).config

    assert before.systems["manga"] == before.systems["shop"] == own
    assert set(before.systems) == {"shop", *DEMONSTRATION.systems}
    assert before.runbooks.folders == DEMONSTRATION.runbooks.folders
    assert after.runbooks.folders == (str(beside), *DEMONSTRATION.runbooks.folders)


async def test_what_is_configured_is_what_the_simulation_measures() -> None:
    acted = Acted()
    board = HealthBoard()
    for source in acted.sources:
        if isinstance(source, ReadsHealth):
            board.apply(source.name, await source.read_health())
    for shown in board.systems:
        known = DEMONSTRATION.systems[shown.system]
        assert [str(one.service) for one in shown.services] == list(known.services)
        assert {resource.service for resource in known.resources.values()} <= set(known.services)
        for service in shown.services:
            measured = {str(measure.indicator.id): measure.indicator for measure in service.measures}
            assert len(measured) == len(service.measures)
            configured = {name: one for name, one in known.indicators.items() if service.service in one.services}
            assert set(measured) == set(configured)
            for name, one in configured.items():
                limit = Limit.parse(one.degraded, measured[name].unit) if one.degraded else None
                assert (measured[name].heading, measured[name].degraded) == (one.heading, limit)


async def test_offers_name_services_and_alerts_that_there_are() -> None:
    acted = Acted()
    alerts = {
        alert.name
        for system in acted.world.systems.values()
        for found in (system.incidents, [one.broken for one in system.resources if one.broken is not None])
        for incident in found
        for alert in incident.alerts
    }
    for kept in LIBRARY.runbooks.values():
        offer = kept.runbook.offer
        services = {name for system in kept.runbook.systems for name in DEMONSTRATION.systems[system].services}
        assert set(offer.alerts) <= alerts
        assert set(offer.services) <= services | {"*"}
