"""A bad deployment from its beginning to its end: whoever looks on sees all of it, and it is over in a minute."""

from __future__ import annotations

import pytest

from tests.sim.acted import TOKEN, Acted
from tuiops.core.alerts import AlertState
from tuiops.core.rollouts import Origin
from tuiops.core.severity import Severity
from tuiops.sim.fleet import FLEET
from tuiops.sim.fleet.breaking import ALERT
from tuiops.sources.abilities import Target
from tuiops.sources.base import ReadsAlerts, ReadsHealth, ReadsRollouts

QUIET = 3500.0
"""Seconds into the world when nothing that happens by itself is in the way."""

BREAKABLE = [
    pytest.param(Target(system.id, one.id), id=f"{system.id}/{one.id}")
    for system in FLEET
    for one in system.resources
    if one.broken is not None
]


@pytest.mark.parametrize("target", BREAKABLE)
async def test_a_bad_revision_is_seen_everywhere_and_gone_when_it_is_taken_back(target: Target) -> None:
    acted = Acted()
    acted.clock.advance(QUIET)
    calm = acted.errors(target)
    (old,) = await acted.tell(target, "serving")
    newest = (await acted.tell(target, "revisions"))[0]

    bad = acted.simulation.inject(target.system, acted.service(target))

    deploying = acted.rollouts(target)[0]
    assert (bad, deploying.new, deploying.old, deploying.live) == (newest, newest, old, True)
    assert deploying.origin is Origin.OBSERVED
    acted.clock.advance(24)
    (alert,) = (one for one in acted.alerts(target) if one.name == ALERT)
    assert (alert.state, alert.service) == (AlertState.FIRING, acted.service(target))
    assert alert.severity in {Severity.P1, Severity.P2}
    assert alert.summary.startswith("error rate ")
    assert float(alert.summary.split()[2].rstrip("%")) > 100 * 5 * calm
    assert acted.errors(target) > 10 * calm
    assert not acted.rollouts(target)[0].live

    (before,) = await acted.tell(target, "previous")
    receipt = await acted.on(target).perform(await acted.on(target).prepare_rollback(target, before, TOKEN))
    going_back = acted.rollouts(target)[0]
    assert (before, going_back.strategy, going_back.origin, going_back.live) == (old, "rollback", Origin.OURS, True)
    acted.clock.advance(16)

    assert (await acted.on(target).look_up(receipt)).progress.value == "done"
    assert acted.errors(target) < 2 * calm
    assert ALERT not in {one.name for one in acted.alerts(target)}
    assert not acted.rollouts(target)[0].live


@pytest.mark.parametrize("target", BREAKABLE)
async def test_every_source_of_the_system_tells_its_part_of_it(target: Target) -> None:
    acted = Acted()
    acted.clock.advance(QUIET)
    acted.simulation.inject(target.system, service := acted.service(target))
    acted.clock.advance(24)
    named = [source for source in acted.sources if target.system in source.name or target.system == "pricealert"]

    values = [
        reading.value
        for source in named
        if isinstance(source, ReadsHealth)
        for reading in (await source.read_health()).readings
        if (reading.system, reading.service, reading.indicator) == (target.system, service, "errors")
    ]
    alerts = [one for s in named if isinstance(s, ReadsAlerts) for one in (await s.read_alerts()).alerts]
    rollouts = [one for s in named if isinstance(s, ReadsRollouts) for one in (await s.read_rollouts()).rollouts]

    assert values == [acted.errors(target)]
    assert {(one.service, one.name) for one in alerts} >= {(service, ALERT)}
    assert next(one.strategy for one in rollouts if one.service == service) == "deploy"


@pytest.mark.parametrize(
    "target", [Target("pricealert", "api"), Target("tokyo", "chat"), Target("sagebase", "streamlit")]
)
async def test_lines_of_errors_come_and_go(target: Target) -> None:
    acted = Acted()
    acted.clock.advance(QUIET)

    def wrong(lines: list[str]) -> int:
        return sum("ERROR" in line or "CRITICAL" in line or '"error"' in line for line in lines)

    calm = wrong(acted.lines(target, 20))
    acted.simulation.inject(target.system, acted.service(target))
    acted.clock.advance(20)
    broken = wrong(acted.lines(target, 20))
    (before,) = await acted.tell(target, "previous")
    await acted.done(await acted.on(target).prepare_rollback(target, before, TOKEN))
    mended = wrong(acted.lines(target, 20))

    assert broken > 3 * max(1, calm, mended)


def test_what_nothing_can_break_is_no_drill() -> None:
    acted = Acted()

    with pytest.raises(KeyError, match="nothing of manga/redis can be broken"):
        acted.simulation.inject("manga", "redis")
