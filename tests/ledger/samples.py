"""Entries as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.access import Danger, Principal, Role
from tuiops.core.record import Commented, Entry, RunEnded, RunRequested, StepClaimed
from tuiops.core.text import lit, safe
from tuiops.ledger.holders import this_process

if TYPE_CHECKING:
    from tuiops.core.record import AnyEvent
    from tuiops.ledger.base import Holder

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
KIM = Principal(person=lit("kim"), account=lit("local:kim"), session="s-1", role=Role.OPERATOR)


def entry(event: AnyEvent, run: str = "", seconds: float = 0) -> Entry:
    return Entry(at=START + timedelta(seconds=seconds), by=KIM, event=event, run=run)


def remark(text: str = "looked at it", run: str = "") -> Entry:
    return entry(Commented(subject=lit("api"), text=safe(text)), run)


def request(number: int = 42, run: str = "run-1", plan: bytes = b'{"steps":[]}') -> Entry:
    return entry(
        RunRequested(
            number=number, runbook=lit("mend"), title=lit("Mend the shop"), system=lit("shop"),
            environment=lit("staging"), production=False, target=lit("api"), danger=Danger.CHANGES,
            plan=msgspec.Raw(plan), plan_digest="0" * 64,
        ),
        run,
    )  # fmt: skip


def claim(execution: str, run: str = "run-1") -> Entry:
    return entry(StepClaimed(execution=execution), run)


def end(run: str = "run-1", state: str = "succeeded") -> Entry:
    return entry(RunEnded(state=state), run)


def holder(session: str = "s-1") -> Holder:
    """This very process."""
    return this_process(lit("kim on bastion-1"), session)
