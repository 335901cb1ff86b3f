"""The configuration changes behind a card or during a run: nothing is done where nobody said that it would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.engine.stage import Service, step
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.runbooks.engine.stage import Console, Stage
    from tuiops.sources.abilities import Prepared, Target

NONE = {"undo": '"none"', "undo_reason": '"a test"'}
HELD = step("key", '{ kind = "manual", instructions = "turn it" }', **NONE)
FAR = '{ kind = "command", argv = ["systemctl", "restart", "api"], via = "edge" }'
SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'
LATE = SHIFT.replace(" } }", " }, late = true }")
SEEN = '{ kind = "gate", check = { by = "command", argv = ["true"], via = "edge", within = "1ms", every = "100ms" } }'


class Elsewhere(Service):
    """The same service, but of another project."""

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        found = await super().prepare_shift(target, percents, token)
        return msgspec.structs.replace(found, argv=(*found.argv, lit("--project=production")))


def reach(stage: Stage, host: str, *consoles: Console) -> None:
    """Have the bastion there, also for these consoles."""
    stage.configure(f'[bastions.edge]\nhost = "{host}"\nuser = "ops"\n')
    for console in consoles:
        console.world.configured = stage.loaded.config


async def gone_on(console: Console, run: str) -> RunState:
    """How the run ends once the key is turned."""
    await console.sitting.settle(console.view(run), "key", succeeded=True, note="done")
    return (await console.comes_to(run, RunState.SUCCEEDED, RunState.FAILED)).state


async def test_a_card_is_no_good_for_another_bastion(stage: Stage) -> None:
    reach(stage, "staging.example")
    stage.runbook(step("far", FAR, **NONE))
    console = await stage.console()
    card = await console.card()
    reach(stage, "live.example", console)
    with pytest.raises(Refused, match=r"bastion edge was ops@staging\.example and is ops@live\.example by now"):
        await console.sitting.confirm(card)
    assert not console.engine.runs


@pytest.mark.parametrize(
    "then",
    [step("far", FAR, **NONE), step("far", SEEN, danger="")],
    ids=["command", "gate"],
)
async def test_a_run_goes_to_no_other_bastion(stage: Stage, then: str) -> None:
    reach(stage, "staging.example")
    stage.runbook(HELD + then)
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "key", StepState.ASKING)
    reach(stage, "live.example", console)
    assert await gone_on(console, run) is RunState.FAILED
    said = console.step(run, "far").text
    assert "bastion edge was ops@staging.example and is ops@live.example by now" in said


async def test_what_would_be_confirmed_elsewhere_is_not_begun(stage: Stage) -> None:
    reach(stage, "staging.example")
    confirm = '{ by = "command", argv = ["true"], via = "edge" }'
    stage.runbook(HELD + step("one", stage.append("one"), confirm=confirm, **NONE))
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "key", StepState.ASKING)
    reach(stage, "live.example", console)
    assert await gone_on(console, run) is RunState.FAILED
    assert stage.done == []


async def test_another_call_than_the_one_on_the_card_is_not_made(stage: Stage) -> None:
    stage.runbook(HELD + step("shift", SHIFT, undo='"before"'))
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "key", StepState.ASKING)
    other = Elsewhere()
    console.world.acts[("shop", "api")] = other
    assert await gone_on(console, run) is RunState.FAILED
    assert (other.done, stage.service.done) == ([], [])
    assert console.step(run, "shift").text == (
        "not done: it would be another call by now than was confirmed (gcloud run --to-revisions=two=100 "
        "--project=production)"
    )


@pytest.mark.parametrize("do", [SHIFT, LATE], ids=["", "late"])
async def test_a_resource_of_another_project_is_not_acted_on(stage: Stage, do: str) -> None:
    stage.runbook(HELD + step("shift", do, undo='"before"'))
    console = await stage.console()
    run = await console.begun()
    await console.at(run, "key", StepState.ASKING)
    cloud = msgspec.structs.replace(stage.loaded.config.sources["cloud"], project="production")
    console.world.configured = msgspec.structs.replace(stage.loaded.config, sources={"cloud": cloud})
    assert await gone_on(console, run) is RunState.FAILED
    assert stage.service.done == []
    assert "gcp production by now" in console.step(run, "shift").text


async def test_an_undo_goes_to_no_other_project(stage: Stage) -> None:
    stage.runbook(step("shift", SHIFT, undo='"before"'))
    console = await stage.console()
    run = await console.begun()
    await console.comes_to(run, RunState.SUCCEEDED)
    cloud = msgspec.structs.replace(stage.loaded.config.sources["cloud"], project="production")
    console.world.configured = msgspec.structs.replace(stage.loaded.config, sources={"cloud": cloud})
    await console.sitting.undo(console.view(run))
    await console.until(lambda: not console.engine.in_hand(run))
    assert stage.service.done == [{"two": 100}]
