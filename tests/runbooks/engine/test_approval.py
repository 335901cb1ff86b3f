"""A second person: who can be one, what they approve, and for how long."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.ledger.homes import opened
from tests.runbooks.engine.stage import TWO_PERSONS, person, step
from tests.runbooks.records import KIM
from tuiops.core.access import Role
from tuiops.core.record import (
    Entry,
    RunApproved,
    RunRejected,
    RunStarted,
    StepAttested,
)
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.engine.preconditions import may_begin

if TYPE_CHECKING:
    from tests.runbooks.engine.stage import Console, Stage

LEE = person("lee", Role.APPROVER)
SLOW = '{ kind = "command", argv = ["sleep", "60"] }'
SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'


class TestApproval:
    """A second person."""

    async def asked(self, stage: Stage) -> tuple[Console, Console, str]:
        stage.two_steps()
        first = await stage.console(rules=TWO_PERSONS)
        second = await stage.console(LEE, TWO_PERSONS)
        run = await first.begun()
        await second.comes_to(run, RunState.AWAITING_APPROVAL)
        assert stage.done == []
        return first, second, run

    async def test_another_person_lets_it_begin_on_the_console_that_asked(self, shared: Stage) -> None:
        first, second, run = await self.asked(shared)
        await second.sitting.approve(run, second.view(run).plan_digest)
        view = await first.comes_to(run, RunState.SUCCEEDED)

        assert view.approved_by == "lee"
        assert shared.done == ["one", "two"]

    @pytest.mark.parametrize(
        ("who", "why"),
        [
            (KIM, "takes approver"),
            (person("kim", Role.APPROVER), "of their own"),
            (person("kim", Role.APPROVER, session="s-9", account="ssh:SHA256:abc"), "of their own"),
            (person("other", Role.APPROVER, account="local:kim"), "of their own"),
            (person("max", Role.VIEWER), "takes approver"),
            (person("max", Role.OPERATOR), "takes approver"),
        ],
        ids=["self", "self as approver", "second session", "shared account", "viewer", "operator"],
    )
    async def test_not_everybody_may(self, stage: Stage, who: object, why: str) -> None:
        first, second, run = await self.asked(stage)
        seat = second.seat(who)  # type: ignore[arg-type] # the parameter
        with pytest.raises(Refused, match=why):
            await seat.approve(run, second.view(run).plan_digest)
        with pytest.raises(Refused, match="must approve it first"):
            await first.sitting.resume(first.view(run))
        assert stage.done == []

    async def test_of_another_plan(self, stage: Stage) -> None:
        _, second, run = await self.asked(stage)
        with pytest.raises(Refused, match="not the plan"):
            await second.sitting.approve(run, "0" * 64)
        assert stage.done == []

    @pytest.mark.parametrize(("minutes", "why"), [(16, "too long"), (-5, "clock was set back")])
    async def test_at_another_time(self, stage: Stage, minutes: int, why: str) -> None:
        _, second, run = await self.asked(stage)
        stage.clock.offset = timedelta(minutes=minutes)
        with pytest.raises(Refused, match=why):
            await second.sitting.approve(run, second.view(run).plan_digest)
        assert stage.done == []

    async def test_approved_and_resumed_too_late(self, stage: Stage) -> None:
        first, second, run = await self.asked(stage)
        await first.close()
        await second.sitting.approve(run, second.view(run).plan_digest)
        stage.clock.offset = timedelta(minutes=16)
        with pytest.raises(Refused, match="too long"):
            await second.sitting.resume(second.view(run))
        assert stage.done == []

    async def test_what_moved_meanwhile(self, stage: Stage) -> None:
        first, second, run = await self.asked(stage)
        stage.runbook(step("one", stage.append("other"), undo='"none"', undo_reason='"a test"'))
        await second.sitting.approve(run, second.view(run).plan_digest)
        view = await first.comes_to(run, RunState.PAUSED)
        await first.until(lambda: "file has changed" in first.view(run).reason)
        assert view.live
        assert stage.done == []

    async def test_approved_and_rejected_at_once(self, shared: Stage) -> None:
        first, second, run = await self.asked(shared)
        third = await shared.console(person("max", Role.APPROVER), TWO_PERSONS)
        digest = second.view(run).plan_digest
        await third.comes_to(run, RunState.AWAITING_APPROVAL)
        await asyncio.gather(
            second.sitting.approve(run, digest), third.sitting.reject(run, "no"), return_exceptions=True
        )  # fmt: skip
        answers = await shared.events(RunApproved, RunRejected)
        if isinstance(answers[0], RunApproved):
            await first.comes_to(run, RunState.SUCCEEDED)
            assert shared.done == ["one", "two"]
        else:
            await first.comes_to(run, RunState.REJECTED)
            assert shared.done == []
            assert await shared.events(RunStarted) == []

    async def test_used_for_a_second_run(self, stage: Stage) -> None:
        first, second, run = await self.asked(stage)
        digest = second.view(run).plan_digest
        await second.sitting.approve(run, digest)
        for console in (first, second):
            await console.comes_to(run, RunState.SUCCEEDED)
            with pytest.raises(Refused, match="cannot be resumed"):
                await console.sitting.resume(console.view(run))
        with pytest.raises(Refused, match="begun before"):
            await first.engine.carry(KIM, run, may_begin)
        with pytest.raises(Refused, match="does not wait"):
            await second.sitting.approve(run, digest)
        again = await first.begun()
        await second.comes_to(again, RunState.AWAITING_APPROVAL)
        with pytest.raises(Refused, match="not the plan"):
            await second.sitting.approve(again, digest)
        assert stage.done == ["one", "two"]

    async def test_written_into_the_ledger_by_hand(self, stage: Stage) -> None:
        """Whoever can write to the ledger approves nothing by that: what is no approval lets nothing begin."""
        first, second, run = await self.asked(stage)
        digest = second.view(run).plan_digest
        for by, event in (
            (KIM, RunApproved(plan_digest=digest)),
            (person("kim", Role.APPROVER, account="ssh:x"), RunApproved(plan_digest=digest)),
            (LEE, RunApproved(plan_digest="1" * 64)),
            (person("lee", Role.OPERATOR), RunApproved(plan_digest=digest)),
        ):
            ledger = opened(stage.home)
            (sealed,) = await ledger.append([Entry(at=stage.clock.now(), by=by, event=event, run=run)])
            await ledger.close()
            await first.until(lambda number=sealed.number: first.view(run).entry == number)  # type: ignore[misc] # its own number
            assert first.view(run).state is RunState.AWAITING_APPROVAL
            assert first.view(run).approved_by == ""
            with pytest.raises(Refused, match="must approve it first"):
                await first.sitting.resume(first.view(run))
        assert stage.done == []

    async def test_taken_back_by_who_asked(self, stage: Stage) -> None:
        first, second, run = await self.asked(stage)
        await first.sitting.reject(run, "changed my mind")
        await second.comes_to(run, RunState.REJECTED)
        with pytest.raises(Refused, match="does not wait"):
            await second.sitting.approve(run, second.view(run).plan_digest)

    async def test_who_may_do_nothing_any_more_takes_nothing_back(self, stage: Stage) -> None:
        first, second, run = await self.asked(stage)
        before = await stage.entries()
        for nobody in (person("kim", Role.VIEWER), person("kim", Role.VIEWER, "s-9", "ssh:kim")):
            with pytest.raises(Refused, match="kim is viewer; this takes operator"):
                await first.seat(nobody).reject(run, "no")
        assert await stage.entries() == before
        assert second.view(run).state is RunState.AWAITING_APPROVAL

    async def test_who_asked_leaves_nothing_out_of_what_another_person_approved(self, shared: Stage) -> None:
        shared.runbook(
            step("key", '{ kind = "manual", instructions = "look at it" }')
            + step("one", shared.append("one"), undo=shared.append("unone"))
        )
        kim, lee = person("kim"), person("lee", Role.APPROVER)
        first, second = await shared.console(kim, TWO_PERSONS), await shared.console(lee, TWO_PERSONS)
        run = await first.begun()
        await second.comes_to(run, RunState.AWAITING_APPROVAL)
        await second.sitting.approve(run, second.view(run).plan_digest)
        await first.at(run, "key", StepState.ASKING)
        with pytest.raises(Refused, match="approved by lee as it was planned: only an approver other than kim"):
            await first.sitting.skip(first.view(run), "key", "trust me")
        await first.close()
        again = await shared.console(kim, TWO_PERSONS)
        seen = await again.lost(run)
        before = await shared.entries()
        for nobody in (kim, person("max"), person("kim", Role.APPROVER), person("ann", Role.APPROVER, "", "local:kim")):
            with pytest.raises(Refused, match="only an approver other than kim"):
                await again.seat(nobody).skip(seen, "key", "trust me")
        assert await shared.entries() == before

        await again.seat(lee).skip(again.view(run), "key", "I looked at it")
        await again.sitting.resume(again.view(run))
        await again.comes_to(run, RunState.SUCCEEDED)

    async def test_nor_says_that_an_unknown_step_worked(self, stage: Stage) -> None:
        stage.runbook(step("slow", '{ kind = "command", argv = ["sleep", "60"] }', undo='"none"', undo_reason='"x"'))
        kim, lee = person("kim"), person("lee", Role.APPROVER)
        first, second = await stage.console(kim, TWO_PERSONS), await stage.console(lee, TWO_PERSONS)
        run = await first.begun()
        await second.comes_to(run, RunState.AWAITING_APPROVAL)
        await second.sitting.approve(run, second.view(run).plan_digest)
        await first.at(run, "slow", StepState.RUNNING)
        await first.until(lambda: any(stage.executions.glob("*/lock")))
        await first.close()
        await second.comes_to(run, RunState.UNKNOWN)
        plain = second.seat(kim)
        with pytest.raises(Refused, match="only an approver other than kim"):
            await plain.settle(second.view(run), "slow", succeeded=True, note="trust me")
        failed = StepAttested(step="slow", state="failed", note=lit("it is stuck"))
        second.engine.permits.write(kim, failed, second.engine.history(run))
        await plain.abort(run)
        await second.comes_to(run, RunState.ABORTED)

    async def test_aborted_while_it_waits(self, stage: Stage) -> None:
        first, second, run = await self.asked(stage)
        await second.sitting.abort(run)
        await first.comes_to(run, RunState.ABORTED)
        assert stage.done == []
