"""The demonstration from a bad deployment to the story of how it was mended, carried out by a real engine."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.playing import failed
from tests.sim.drilling import Drill, subject
from tuiops.cli.exits import Exit
from tuiops.cli.main import main
from tuiops.config.people import local_account
from tuiops.core.alerts import AlertState
from tuiops.core.runs import RunState
from tuiops.sim.fleet.breaking import ALERT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DRILLS = [
    pytest.param("tokyo", "chat", "chat", "", "gcloud run services update-traffic tokyo-ai-chat", id="Cloud Run"),
    pytest.param("pricealert", "api", "api", "-ecs", "aws ecs update-service --cluster pricealert", id="ECS"),
    pytest.param("omniy", "hosting", "the site", "-site", "firebase hosting:clone omniy:@", id="Firebase Hosting"),
]


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@asynccontextmanager
async def drilling(system: str) -> AsyncIterator[Drill]:
    drill = Drill(system)
    await drill.begin()
    yield drill
    await drill.stand_up()


async def broken(drill: Drill, service: str, kind: str = "") -> str:
    """Break a service and wait for its alert; the run that did it."""
    assert drill.alerts(service, ALERT) == []
    # There is but one site, so that nothing is to be chosen.
    chosen: dict[str, tuple[str, ...]] = {} if kind == "-site" else {"service": (service,)}
    run = await drill.played(f"break{kind}", attested=False, **chosen)
    assert (drill.view(run).state, failed(drill.view(run))) == (RunState.SUCCEEDED, [])
    await drill.passes(24)
    assert states(drill, service) == [AlertState.FIRING]
    return run


def states(drill: Drill, service: str) -> list[AlertState]:
    return [one.state for one in drill.alerts(service, ALERT)]


async def from_its_alert(drill: Drill, service: str) -> str:
    """The run of what is offered first for the alert, when it has come to rest."""
    (alert,) = drill.alerts(service, ALERT)
    best, *_ = await drill.sitting.offered((subject(alert),))
    assert (best.runbook.startswith("roll-back"), best.reason) == (True, "")
    return await drill.confirmed(
        await drill.sitting.plan(best.runbook, drill.system, dict(best.fills), subject(alert).alert)
    )


async def mended(system: str, service: str, kind: str) -> tuple[str, str]:
    """Break a service and mend it; when the latter was begun and when it ended, as `ledger show` writes it."""
    async with drilling(system) as drill:
        calm = drill.errors(service)
        await broken(drill, service, kind)
        assert drill.errors(service) > 10 * calm
        began = drill.clock.now()
        run = await from_its_alert(drill, service)

        assert (drill.view(run).state, failed(drill.view(run))) == (RunState.SUCCEEDED, [])
        assert states(drill, service) == [AlertState.RESOLVED]
        assert drill.errors(service) < 2 * calm
        ended = drill.clock.now()
    assert timedelta(seconds=6) < ended - began < timedelta(minutes=2)
    return began.isoformat(timespec="seconds"), ended.isoformat(timespec="seconds")


@pytest.mark.parametrize(("system", "service", "target", "kind", "call"), DRILLS)
def test_what_was_broken_is_mended_from_its_alert_and_the_ledger_tells_the_story(
    system: str, service: str, target: str, kind: str, call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began, ended = asyncio.run(mended(system, service, kind))
    assert main(["--demo", "ledger", "show", "2"]) is Exit.OK

    head, who, _, confirmed, *rest = capsys.readouterr().out.splitlines()
    assert head == f"#2 Roll back {target}  {system} {target} simulated production  succeeded"
    assert who == f"by  you ({local_account()})"
    assert confirmed == (
        f"{began}  you  confirmed roll-back{kind} on {target} in simulated production (changes), in a drill"
    )
    assert f"    because of alert simulation/{system}/{service}/{ALERT}" in rest
    assert any(line.startswith(f"{began}  you  ") and f": is about to do `{call}" in line for line in rest)
    assert rest[-1] == f"{ended}  you  the run ended: succeeded"
    assert main(["--demo", "ledger", "verify"]) is Exit.OK


async def test_what_is_bad_again_by_then_is_not_taken_for_mended() -> None:
    async with drilling("tokyo") as drill:
        await broken(drill, "chat")
        drill.meanwhile.append((8.0, lambda: drill.acted.simulation.inject("tokyo", "chat")))
        run = await from_its_alert(drill, "chat")

        assert (drill.view(run).state, failed(drill.view(run))) == (RunState.FAILED, ["well"])
        assert states(drill, "chat") == [AlertState.FIRING]


async def test_a_drill_can_be_called_off_by_undoing_it() -> None:
    async with drilling("tokyo") as drill:
        calm = drill.errors("chat")
        run = await broken(drill, "chat")

        assert (await drill.undone(run)).state is RunState.UNDONE
        await drill.passes(16)
        assert states(drill, "chat") == [AlertState.RESOLVED]
        assert drill.errors("chat") < 2 * calm
