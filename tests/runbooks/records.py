"""Plans and entries as the engine writes them, for tests that read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.values import Duration
from tuiops.core.access import Danger, Principal, Role
from tuiops.core.record import Entry, RunRequested, RunStarted, StepClaimed, StepIntended
from tuiops.core.runs import StepKind
from tuiops.core.text import lit, safe
from tuiops.ledger.base import Holder, Lock
from tuiops.runbooks.format.model import ApiAction, CommandAction, GateAction, IndicatorCheck, ManualAction, WaitAction
from tuiops.runbooks.planning.plan import Call, Plan, PlannedStep

if TYPE_CHECKING:
    from tuiops.core.record import AnyEvent
    from tuiops.runbooks.format.model import PlainAction

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
RUN = "run-1"
KIM = Principal(person=lit("kim"), account=lit("local:kim"), session="s-1", role=Role.OPERATOR)
LEE = Principal(person=lit("lee"), account=lit("local:lee"), session="s-2", role=Role.APPROVER)

_KINDS = {
    CommandAction: StepKind.COMMAND,
    ApiAction: StepKind.API,
    GateAction: StepKind.GATE,
    WaitAction: StepKind.WAIT,
    ManualAction: StepKind.MANUAL,
}


def step(key: str, do: PlainAction | None = None, danger: Danger = Danger.CHANGES, **more: object) -> PlannedStep:
    """A step that runs a harmless command, unless `do` says otherwise."""
    do = do or CommandAction(argv=("true",))
    return PlannedStep(
        key=key,
        kind=_KINDS[type(do)],
        title=safe(f"do {key}"),
        danger=danger,
        do=do,
        call=Call(text=safe(f"call {key}")),
        **more,  # type: ignore[arg-type] # fields of a step, by the test
    )


def wait(key: str, seconds: float = 300) -> PlannedStep:
    return step(key, WaitAction(lasts=Duration(seconds)), Danger.SAFE)


def gate(key: str) -> PlannedStep:
    check = IndicatorCheck(service="api", indicator="errors", limit="<= 1%")
    return step(key, GateAction(check=check), Danger.SAFE)


def plan(*steps: PlannedStep) -> Plan:
    return Plan(
        runbook=lit("mend"),
        file_digest="0" * 64,
        title=lit("Mend the shop"),
        at=START,
        system=lit("shop"),
        environment=lit("staging"),
        production=False,
        target=lit("api"),
        locks=("shop/api",),
        parameters={},
        steps=steps,
        danger=Danger.CHANGES,
    )


def requested(wanted: Plan, *, second: bool = False) -> RunRequested:
    content = wanted.content()
    return RunRequested(
        number=42,
        runbook=wanted.runbook,
        title=wanted.title,
        system=wanted.system,
        environment=wanted.environment,
        production=wanted.production,
        target=wanted.target,
        danger=wanted.danger,
        plan=msgspec.Raw(content),
        plan_digest=wanted.digest,
        second=second,
    )


def entries(*events: AnyEvent, by: Principal = KIM) -> list[Entry]:
    """Events of the run, a second apart."""
    return [
        Entry(at=START + timedelta(seconds=number), by=by, event=event, run=RUN) for number, event in enumerate(events)
    ]


def begun(wanted: Plan, *further: AnyEvent) -> list[Entry]:
    """A run that was requested and started, and what came then."""
    return entries(requested(wanted), RunStarted(), *further)


def intended(key: str, execution: str = "run-1.1", **more: object) -> StepIntended:
    return StepIntended(step=key, execution=execution, at=START, call=safe(f"call {key}"), **more)  # type: ignore[arg-type] # fields of the event, by the test


def claimed(execution: str = "run-1.1") -> StepClaimed:
    return StepClaimed(execution=execution)


def lock(*, gone: bool = False, session: str = "s-1", run: str = RUN) -> Lock:
    holder = Holder(name=lit("kim on bastion-1"), session=session, host="bastion-1", boot="b", pid=7, born=1.0)
    return Lock(
        key="shop/api",
        token=1,
        holder=holder,
        run=run,
        purpose=lit("run #42 Mend the shop"),
        since=START,
        gone=gone,
    )
