"""What keeps a run from beginning: the world has moved, somebody else is at it, a card is used, nobody approved."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.runbooks.engine.stage import person, step
from tuiops.core.access import Danger, Role, Rule
from tuiops.core.record import (
    RunAborting,
    RunApproved,
    RunEnded,
    RunStarted,
    StepAttested,
    StepClaimed,
)
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import LedgerError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runbooks.engine.stage import Console, Stage

LEE = person("lee", Role.APPROVER)
SLOW = '{ kind = "command", argv = ["sleep", "60"] }'
SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'


def slow(stage: Stage) -> None:
    stage.runbook(step("slow", SLOW, undo='"none"', undo_reason='"a test"'))


class TestDrift:
    """The world moves."""

    async def test_between_the_card_and_enter(self, stage: Stage) -> None:
        stage.runbook(step("shift", SHIFT, undo='"before"'))
        console = await stage.console()
        card = await console.card()
        stage.service.shares = {"one": 50, "two": 50}

        with pytest.raises(Refused, match=r"one changed \(100% → 50%\) since it was shown"):
            await console.sitting.confirm(card)
        assert stage.service.done == []
        assert await stage.entries() == []

    async def test_between_the_card_and_its_step(self, stage: Stage) -> None:
        flag = stage.folder / "flag"
        gate = f'{{ kind = "gate", check = {{ by = "command", argv = ["test", "-e", "{flag}"], every = "100ms" }} }}'
        stage.runbook(step("look", gate, danger="") + step("shift", SHIFT, undo='"before"'))
        console = await stage.console()
        run = await console.begun()
        await console.at(run, "look", StepState.HOLDING)
        stage.service.shares = {"one": 50, "two": 50}
        flag.touch()
        view = await console.comes_to(run, RunState.FAILED)

        assert "not as it was confirmed" in view.steps[1].text
        assert stage.service.done == []

    async def test_the_file_is_edited(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console()
        card = await console.card()
        stage.runbook(step("one", stage.append("other"), undo='"none"', undo_reason='"a test"'))

        with pytest.raises(Refused, match="the runbook's file has changed"):
            await console.sitting.confirm(card)
        assert stage.done == []

    async def test_what_is_confirmed_is_what_was_shown(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console()
        card = await console.card()
        plan = msgspec.structs.replace(card.plan, steps=card.plan.steps[:1])

        for forged in (
            msgspec.structs.replace(card, plan=plan),
            msgspec.structs.replace(card, plan=plan, digest=plan.digest),
        ):
            with pytest.raises(Refused):
                await console.sitting.confirm(forged)
        assert stage.done == []

    async def test_an_old_card_is_read_again(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console()
        card = await console.card()
        stage.clock.offset = timedelta(minutes=16)

        with pytest.raises(Refused, match="too long"):
            await console.sitting.confirm(card)


class TestTwice:
    """Double keys, two consoles."""

    async def test_a_card_is_good_for_one_run(self, shared: Stage) -> None:
        shared.two_steps()
        console = await shared.console()
        card = await console.card()
        found = await asyncio.gather(*(console.sitting.confirm(card) for _ in range(5)), return_exceptions=True)
        runs = [one for one in found if isinstance(one, str)]

        assert len(runs) == 1
        assert all(isinstance(one, Refused) for one in found if not isinstance(one, str))
        await console.comes_to(runs[0], RunState.SUCCEEDED)
        with pytest.raises(Refused, match="confirmed before"):
            await console.sitting.confirm(card)
        assert shared.done == ["one", "two"]

    async def test_nor_at_two_consoles(self, shared: Stage) -> None:
        shared.two_steps()
        first, second = await shared.console(), await shared.console(person("lee"))
        card = await first.card()
        found = await asyncio.gather(
            first.sitting.confirm(card), second.sitting.confirm(card), return_exceptions=True
        )  # fmt: skip
        runs = [one for one in found if isinstance(one, str)]
        assert len(runs) == 1
        winner = first if isinstance(found[0], str) else second
        await winner.comes_to(runs[0], RunState.SUCCEEDED)
        with pytest.raises(Refused):
            await second.sitting.confirm(card)
        assert shared.done == ["one", "two"]

    async def test_the_second_console_is_told_who_is_at_it(self, shared: Stage) -> None:
        slow(shared)
        first, second = await shared.console(), await shared.console(person("lee"))
        run = await first.begun()
        await second.comes_to(run, RunState.RUNNING)
        card = await second.card()
        assert "is held by run #1" in card.obstacles[0]
        with pytest.raises(Refused, match=r"kim on s-1 holds mend:shop/shop: run #1 Mend the shop"):
            await second.sitting.confirm(card)
        with pytest.raises(Refused, match="carried out by kim on s-1"):
            await second.sitting.resume(second.view(run))
        assert second.view(run).held_by == "kim on s-1"

        await second.sitting.abort(run, "enough")
        await first.comes_to(run, RunState.ABORTED)
        assert len(await shared.events(StepClaimed)) == 1

    async def test_a_run_is_resumed_once(self, shared: Stage) -> None:
        flag = shared.folder / "flag"
        bad = f'{{ kind = "command", argv = ["test", "-e", "{flag}"] }}'
        key = '{ kind = "manual", instructions = "turn the key" }'
        shared.runbook(step("one", shared.append("one"), undo='"none"', undo_reason='"a test"')
                       + step("key", key) + step("bad", bad, danger="S")
                       + step("two", shared.append("two"), undo='"none"', undo_reason='"a test"'))  # fmt: skip
        flag.touch()
        first, second, third = [await shared.console(person(name)) for name in ("kim", "lee", "max")]
        run = await first.begun()
        await first.at(run, "key", StepState.ASKING)
        await first.close()
        await second.lost(run)
        seen = await third.lost(run)
        found = await asyncio.gather(
            *(console.sitting.resume(console.view(run)) for console in (second, third, second, third)),
            return_exceptions=True,
        )
        assert [one for one in found if one is None] == [None], found
        assert all(isinstance(one, Refused) for one in found if one is not None)
        await third.asked_anew(run, "key", seen)
        await third.sitting.settle(third.view(run), "key", succeeded=True, note="turned")
        await third.comes_to(run, RunState.SUCCEEDED)
        assert shared.done == ["one", "two"]

    async def test_nobody_tells_of_a_step_while_another_console_goes_on(self, shared: Stage) -> None:
        slow(shared)
        first, second = await shared.console(), await shared.console(person("lee"))
        run = await first.begun()
        await second.comes_to(run, RunState.RUNNING)
        said = StepAttested(step="slow", state="skipped", note=lit("not needed"))

        with pytest.raises(Refused, match="kim on s-1 holds"):
            # As of a moment when the first console was not at work.
            await second.engine.settle(person("lee"), run, said, lambda _: None)

        assert await shared.events(StepAttested) == []
        await first.sitting.abort(run, "enough")
        await first.comes_to(run, RunState.ABORTED)

    async def test_a_run_goes_on_as_soon_as_a_step_is_left_out(self, shared: Stage) -> None:
        shared.runbook(step("key", '{ kind = "manual", instructions = "turn the key" }'))
        first, second = await shared.console(), await shared.console(person("lee"))
        run = await first.begun()
        await first.at(run, "key", StepState.ASKING)
        await first.close()
        await second.lost(run)

        await second.sitting.skip(second.view(run), "key", "there is no key")
        await second.sitting.resume(second.view(run))

        await second.comes_to(run, RunState.SUCCEEDED)


class TestPermission:
    """Default deny, in the engine."""

    @pytest.mark.parametrize(
        ("who", "rules"),
        [
            (person("vic", Role.VIEWER), (Rule(role=Role.VIEWER, danger=Danger.DESTROYS),)),
            (person("kim"), ()),
            (person("kim"), (Rule(danger=Danger.SAFE),)),
            (person("kim"), (Rule(people=frozenset({"lee"}), danger=Danger.DESTROYS),)),
            (person("kim"), (Rule(environments=frozenset({"production"}), danger=Danger.DESTROYS),)),
            (person("kim"), (Rule(systems=frozenset({"other"}), danger=Danger.DESTROYS),)),
        ],
        ids=["viewer", "no rules", "too dangerous", "other people", "other environment", "other system"],
    )
    async def test_whoever_may_not_changes_nothing_by_any_way(self, stage: Stage, who: object, rules: object) -> None:
        stage.runbook(
            step("one", stage.append("one"), undo=stage.append("unone"))
            + step("key", '{ kind = "manual", instructions = "turn" }')
        )
        able = await stage.console(person("max"))
        waiting = await able.begun()
        await able.at(waiting, "key", StepState.ASKING)
        await able.close()
        console = await stage.console(who, rules)  # type: ignore[arg-type] # the parameters
        await console.comes_to(waiting, RunState.PAUSED)
        before = await stage.entries()
        sitting, engine, by = console.sitting, console.engine, console.sitting.principal
        card = await console.card()
        plan = card.plan
        seen = console.view(waiting)
        attested = StepAttested(step="key", state="succeeded", note=lit("x"))
        assert not card.decision.allowed

        for attempt in (
            lambda: sitting.confirm(card),
            lambda: sitting.approve(waiting, plan.digest),
            lambda: sitting.reject(waiting, "no"),
            lambda: sitting.resume(seen),
            lambda: sitting.settle(seen, "key", succeeded=True, note="x"),
            lambda: sitting.skip(seen, "key", "x"),
            lambda: sitting.undo(seen),
            lambda: engine.begin(by, "r-new", plan),
            lambda: engine.request(by, "r-new", plan),
            lambda: engine.carry(by, waiting, lambda _: None),
            lambda: engine.undo(by, waiting, lambda _: None),
            lambda: engine.say(by, waiting, RunApproved(plan_digest=plan.digest)),
            lambda: engine.say(by, waiting, attested),
            lambda: engine.say(by, waiting, RunEnded(state="succeeded")),
            lambda: engine.say(by, waiting, RunStarted()),
        ):
            with pytest.raises(Refused):
                await attempt()
        if by.role is Role.VIEWER or not rules or by.person != "kim":
            with pytest.raises(Refused):
                await sitting.abort(waiting)
            with pytest.raises(Refused):
                await engine.say(by, waiting, RunAborting(reason=lit("x")))
            with pytest.raises(Refused):
                await engine.wind_up(by, waiting)
        assert await stage.entries() == before
        assert stage.done == ["one"]

    async def test_read_only_is_for_good(self, stage: Stage) -> None:
        stage.two_steps()
        console = await stage.console()
        card = await console.card()
        await console.sitting.forbid()
        with pytest.raises(Refused, match="read-only"):
            await console.sitting.confirm(card)
        assert await stage.entries() == []

    async def test_what_destroys_is_confirmed_by_the_name_of_its_place(self, stage: Stage) -> None:
        stage.runbook(step("one", stage.append("one"), danger="X", undo='"none"', undo_reason='"a test"'))
        console = await stage.console()
        card = await console.card()
        assert card.must_type == "staging"
        for typed in ("", "production", "stagin"):
            with pytest.raises(Refused, match="type staging"):
                await console.sitting.confirm(msgspec.structs.replace(card, must_type=lit("")), typed)
        await console.comes_to(await console.sitting.confirm(card, "staging"), RunState.SUCCEEDED)


async def test_a_ledger_that_cannot_be_written_lets_nothing_begin(stage: Stage) -> None:
    stage.two_steps()
    console = await stage.console()
    card = await console.card()
    fails_from(console, 0)
    with pytest.raises(LedgerError, match="disk is full"):
        await console.sitting.confirm(card)
    assert stage.done == []


@pytest.mark.parametrize(
    ("write", "had"),
    [(1, []), (2, []), (3, []), (4, ["one"]), (5, ["one"]), (6, ["one"]), (7, ["one", "two"]), (8, ["one", "two"])],
    ids=["start", "intent", "claim", "end", "second intent", "second claim", "second end", "end of the run"],
)
async def test_a_ledger_that_fails_in_the_middle_stops_the_run_there(shared: Stage, write: int, had: list[str]) -> None:
    """The first write is the request."""
    shared.two_steps()
    console = await shared.console()
    card = await console.card()
    heal = fails_from(console, write)
    run = await console.sitting.confirm(card)
    await console.until(lambda: not console.engine.in_hand(run))
    assert shared.done == had
    assert any("disk is full" in text for text in console.troubles)

    heal()
    await console.until(lambda: console.view(run).state in {RunState.PAUSED, RunState.UNKNOWN, RunState.SUCCEEDED})
    await console.until(lambda: console.view(run).state is not RunState.UNKNOWN)
    if console.view(run).state is RunState.PAUSED:
        await console.sitting.resume(console.view(run))
    await console.comes_to(run, RunState.SUCCEEDED)
    assert shared.done == ["one", "two"]


def fails_from(console: Console, write: int) -> Callable[[], None]:
    """Have the ledger take so many more writes; returns what mends it."""
    ledger = console.engine.ledger
    append, claim = ledger.append, ledger.claim
    left = write

    def count() -> None:
        nonlocal left
        if left <= 0:
            raise LedgerError("the ledger cannot be written: disk is full")
        left -= 1

    async def counted_append(*given: object, **more: object) -> object:
        count()
        return await append(*given, **more)  # type: ignore[arg-type] # passed on

    async def counted_claim(*given: object) -> object:
        count()
        return await claim(*given)  # type: ignore[arg-type] # passed on

    ledger.append, ledger.claim = counted_append, counted_claim  # type: ignore[method-assign, assignment] # the fault

    def heal() -> None:
        nonlocal left
        left = 10_000

    return heal
