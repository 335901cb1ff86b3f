"""Beside a hub: runs where nobody acts, nothing to act with for viewers, and never one world's run in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.desk_beside_hub import CONFIG, PEOPLE, Console
from tests.runbooks.engine.stage import HEAD, step
from tests.waiting import eventually, eventually_answers
from tuiops import wiring
from tuiops.config import paths
from tuiops.config.model import LedgerConfig
from tuiops.core.runs import RunState
from tuiops.errors import Refused
from tuiops.ledger.opening import DRILLS, NAME, open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuiops.hub.thread import HubThread

SIMULATED = """
[sources.simulation]
type = "simulation"
"""
LONG = '{ kind = "wait", lasts = "10m" }'


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """Not started, so that a test can write another configuration first."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Console(tmp_path)
    yield made
    made.reads.stop()


@pytest.fixture
def wall(console: Console) -> Iterator[HubThread]:
    """The read side of a wallboard, started."""
    made = wiring.backend(wiring.Subject(loaded=console.read(), reload=console.read))
    made.start()
    yield made
    made.stop()


def ledgers() -> set[str]:
    """The ledgers that there are on this machine."""
    return {file.stem for file in paths.state_dir().glob("*.db")}


async def recorded(name: str) -> list[str]:
    """What kinds of entries a ledger holds."""
    if name not in ledgers():
        return []
    ledger = open_ledger(LedgerConfig(), name=name, create=False)
    found = [type(sealed.entry.event).__name__ async for sealed in ledger.read()]
    await ledger.close()
    return found


async def test_a_wallboard_shows_runs_and_makes_no_ledger(console: Console, wall: HubThread) -> None:
    await eventually(lambda: wall.snapshot.version > 1, "the hub of the wallboard")
    assert ledgers() == set(), "who only reads begins no record"

    console.reads.start()
    await console.attached()
    run = await console.desk.confirm(await console.desk.plan("mend", "shop", {}))
    await eventually(lambda: any(one.state is RunState.SUCCEEDED for one in wall.snapshot.runs), "the run on the wall")

    assert [one.id for one in wall.snapshot.runs] == [run]
    assert not wall.snapshot.runs[0].mine
    assert wall.snapshot.notices == (), "that there was no ledger yet is no trouble"


async def test_a_ledger_that_cannot_be_read_is_named_and_not_taken_for_no_runs(console: Console) -> None:
    paths.state_dir().mkdir(parents=True)
    (paths.state_dir() / f"{NAME}.db").write_text("this is no database\n" * 100, encoding="utf-8")
    wall = wiring.backend(wiring.Subject(loaded=console.read()))
    wall.start()
    try:
        await eventually(lambda: any("runs are not known" in one for one in wall.snapshot.notices), "a notice")
        assert [one.system for one in wall.snapshot.systems] == ["shop"]
    finally:
        wall.stop()


async def test_a_viewer_has_nothing_to_act_with_and_sees_the_runs_of_others(tmp_path: Path, console: Console) -> None:
    console.reads.start()
    await console.attached()
    folder = tmp_path / "viewer"
    folder.mkdir()
    viewer = Console(folder)
    viewer.write(CONFIG + PEOPLE)
    viewer.reads = wiring.backend(wiring.Subject(loaded=viewer.read()), desk=viewer.desk)
    viewer.reads.start()
    try:
        run = await console.desk.confirm(await console.desk.plan("mend", "shop", {}))
        await viewer.until(lambda: any(one.id == run and not one.live for one in viewer.reads.snapshot.runs))
        before = await recorded(NAME)
        for asked in (viewer.desk.plan("mend", "shop", {}), viewer.desk.abort(run), viewer.desk.reject(run, "no")):
            with pytest.raises(Refused, match="you are a viewer here"):
                await asked
        assert await recorded(NAME) == before
        assert viewer.desk._there is None
    finally:
        viewer.reads.stop()


async def test_whoever_gets_another_role_can_act(console: Console) -> None:
    console.write(CONFIG + PEOPLE)
    console.reads = wiring.backend(wiring.Subject(loaded=console.read(), reload=console.read), desk=console.desk)
    console.reads.start()

    async def said() -> bool:
        with pytest.raises(Refused) as refused:
            await console.desk.plan("mend", "shop", {})
        return "viewer" in str(refused.value)

    await eventually_answers(said, "the reason of a viewer")
    console.write(CONFIG)
    await console.attached()
    assert (await console.desk.plan("mend", "shop", {})).decision.allowed


async def test_what_was_begun_in_a_drill_is_not_carried_on_in_the_real_world(console: Console, tmp_path: Path) -> None:
    touch = f'{{ kind = "command", argv = ["touch", "{console.effects}"] }}'
    steps = step("long", LONG, danger="") + step("one", touch, undo='"none"', undo_reason='"a test"')
    (tmp_path / "runbooks" / "mend.toml").write_text(HEAD + steps, encoding="utf-8")
    console.write(CONFIG + SIMULATED)
    console.reads = wiring.backend(wiring.Subject(loaded=console.read(), reload=console.read), desk=console.desk)
    console.reads.start()
    await console.attached()
    card = await console.desk.plan("mend", "shop", {})
    assert card.plan.drill
    drill = await console.desk.confirm(card)
    await console.until(lambda: any(one.live and one.mine for one in console.reads.snapshot.runs))
    assert ledgers() == {DRILLS}

    console.write(CONFIG)
    await console.until(lambda: any("no longer carried out here: #1" in one for one in console.reads.snapshot.notices))
    await console.attached()
    await console.until(lambda: not console.reads.snapshot.runs)
    with pytest.raises(Refused, match="not run"):
        await console.desk.confirm(card)
    card = await console.desk.plan("mend", "shop", {})
    assert not card.plan.drill
    real = await console.desk.confirm(card)
    await console.until(lambda: [one.id for one in console.reads.snapshot.runs] == [real])

    assert ledgers() == {DRILLS, NAME}
    assert (await recorded(DRILLS)).count("RunRequested") == 1
    assert "RunRequested" in await recorded(NAME)
    assert drill != real
    assert not console.effects.exists()
