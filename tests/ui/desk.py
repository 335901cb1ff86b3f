"""A desk that keeps to the protocol and does nothing: it answers what a test gives it, and notes what it is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tests.ui.fakes import NOW, FakeBackend
from tuiops.config.values import Duration
from tuiops.core.access import Danger, Decision, Principal, Role, Rule, decide
from tuiops.core.record import Evidence, Said
from tuiops.core.runs import Held, RunState, RunView, StepKind, StepState, StepView
from tuiops.core.text import EMPTY, SafeText, lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.desk.desk import Offered
from tuiops.runbooks.format import parameters
from tuiops.runbooks.format.model import (
    ApiAction,
    EnumParameter,
    GateAction,
    IndicatorCheck,
    IntegerParameter,
    ListedParameter,
    ManualAction,
    Runbook,
    Step,
    TextParameter,
    TimestampParameter,
    WaitAction,
)
from tuiops.runbooks.planning.plan import Call, Card, Plan, PlannedStep
from tuiops.runbooks.record.history import stands

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from tuiops.core.access import Deed, Place
    from tuiops.core.subject import Subject
    from tuiops.runbooks.format.model import AnyParameter

    Values = Mapping[str, tuple[str, ...]]

KIM = Principal(person=lit("kim"), account=lit("local:kim"), session="s1", role=Role.APPROVER)

UPDATE = lit(
    "aws ecs update-service --cluster prod --service api --task-definition api:117 --region ap-northeast-1 "
    "--deployment-configuration maximumPercent=200,minimumHealthyPercent=100"
)

_ROLL = ApiAction(ability="roll_back", resource="api", arguments={"revision": "api:117"})
_GATE = GateAction(
    check=IndicatorCheck(service="api", indicator="errors", limit="<= 1%", hold=Duration(180), within=Duration(900))
)

ROLLBACK = Runbook(
    version=1, id="pricealert-rollback", title="Roll back {service}", systems=("pricealert",), target="{service}",
    description="Returns an ECS service to the task definition that it ran before, and watches it.",
    source="pricealert §7.3",
    parameters={"service": ListedParameter(of="resources", kind="ecs", description="The service that is ill.")},
    steps=(Step(id="back", title="Back", danger="C", do=_ROLL), Step(id="well", title="Well", do=_GATE)),
)  # fmt: skip

RESTORE = Runbook(
    version=1, id="pricealert-restore", title="Restore {snapshot} into {instance}", systems=("pricealert",),
    target="rds",
    description="For lost or damaged data. Production goes on until the last but three steps.",
    parameters={
        "snapshot": ListedParameter(of="backups", resource="rds", description="The newest from before the damage."),
        "instance": TextParameter(pattern="[a-z](-?[a-z0-9]){0,62}", label="new instance"),
        "class": EnumParameter(options=("db.t3.medium", "db.r6g.large"), default="db.t3.medium"),
        "tasks": IntegerParameter(least=1, most=20, default="4"),
        "before": TimestampParameter(earliest=Duration(604800), description="Nothing that is newer."),
        "services": ListedParameter(of="services", many=True, description="What is stopped, in this order."),
    },
    steps=(Step(id="stop", title="Stop", danger="X", do=ManualAction(instructions="Stop what writes")),),
)  # fmt: skip


def rollback_plan(**changes: object) -> Plan:
    """A plan with an API call, a wait and a gate."""
    plan = Plan(
        runbook=safe(ROLLBACK.id), file_digest="0" * 64, title=lit("Roll back api"), at=NOW, system=lit("pricealert"),
        environment=lit("production"), production=True, target=lit("api"), locks=("pricealert/api",),
        parameters={"service": ("api",)},
        steps=(
            PlannedStep(
                key="back", kind=StepKind.API, title=lit("Set the service back to api:117"), danger=Danger.CHANGES,
                do=_ROLL, undo_text=lit("back to task definition api:118"),
                call=Call(
                    text=UPDATE,
                    before=(
                        Said(lit("task definition"), lit("api:118")), Said(lit("desired tasks"), lit("4")),
                        Said(lit("running"), lit("4")), Said(lit("deployment"), lit("COMPLETED")),
                    ),
                    after=(
                        Said(lit("task definition"), lit("api:117")),
                        Said(lit("deployment"), lit("a new one, of that task definition")),
                    ),
                    seen="f1",
                ),
            ),
            PlannedStep(
                key="settle", kind=StepKind.WAIT, title=lit("Let it settle"), danger=Danger.SAFE,
                do=WaitAction(lasts=Duration(60)), call=Call(text=lit("wait 60s")),
            ),
            PlannedStep(
                key="well", kind=StepKind.GATE, title=lit("The error rate is back"), danger=Danger.SAFE, do=_GATE,
                call=Call(text=lit("errors of api <= 1%, held 3m, within 15m")),
            ),
        ),
        danger=Danger.CHANGES,
        blast_radius=lit("The 4 tasks of api, replaced one after the other. No data changes."),
    )  # fmt: skip
    return msgspec.structs.replace(plan, **changes)


def card_of(plan: Plan, **changes: object) -> Card:
    """The card of a plan, as it is when all is well."""
    card = Card(
        plan=plan, digest=plan.digest, read_at=NOW, typical=(160.0, 5),
        decision=Decision(allowed=True, reason=lit("allowed by rule on-call")),
        must_type=plan.environment if plan.danger is Danger.DESTROYS else EMPTY,
    )  # fmt: skip
    return msgspec.structs.replace(card, **changes)


def offer(of: Runbook, **changes: object) -> Offered:
    """A line of the menu."""
    line = Offered(
        runbook=of.id, system="pricealert", title=safe(of.title.replace("{service}", "api")),
        danger=Danger.CHANGES, description=safe(of.description, 4000), source=safe(of.source),
        typical=(160.0, 5),
    )  # fmt: skip
    return msgspec.structs.replace(line, **changes)


def run(number: int = 42, state: RunState = RunState.RUNNING, **changes: object) -> RunView:
    """A run of the plan, at its gate."""
    plan = rollback_plan()
    steps = [
        StepView(key=step.key, kind=step.kind, title=step.title, danger=step.danger, call=step.call.text,
                 before=step.call.before, after=step.call.after, undo=step.undo_text)
        for step in plan.steps
    ]  # fmt: skip
    began = NOW - timedelta(seconds=108)
    view = RunView(
        id=f"r{number}", number=number, runbook=plan.runbook, title=plan.title, system=plan.system,
        environment=plan.environment, production=True, target=plan.target, danger=plan.danger, state=state,
        by=lit("kim"), account=lit("local:kim"), requested=began, started=began, plan_digest=plan.digest,
        held_by=lit("kim on bastion-1"), mine=True,
        steps=(
            msgspec.structs.replace(
                steps[0], state=StepState.SUCCEEDED, started=began, ended=began + timedelta(seconds=9),
                text=lit("4 of 4 tasks run api:117"), execution=f"r{number}.back.1", changed=True,
                undo_call=lit("roll_back api revision=api:118"),
            ),
            msgspec.structs.replace(
                steps[1], state=StepState.SUCCEEDED, started=began + timedelta(seconds=9),
                ended=began + timedelta(seconds=69), text=lit("1m waited"),
            ),
            msgspec.structs.replace(
                steps[2], state=StepState.HOLDING, started=began + timedelta(seconds=69),
                ends=NOW + timedelta(seconds=861),
                held=Held(
                    label=lit("errors of api ≤ 1%"), value=lit("0.4%"), holds=True, since=NOW - timedelta(seconds=37),
                    needed=180, values=(0.062, 0.05, 0.03, 0.012, 0.006, 0.004, 0.004),
                ),
            ),
        ),
    )  # fmt: skip
    return folded(msgspec.structs.replace(view, **changes))


def folded(view: RunView) -> RunView:
    """The run in the state that its record gives it, where its step tells it."""
    at_work = view.state in {RunState.RUNNING, RunState.WAITING, RunState.HOLDING}
    return msgspec.structs.replace(view, state=stands(RunState.RUNNING if at_work else view.state, view.steps))


def with_step(view: RunView, at: int, **changes: object) -> RunView:
    """The run with one of its steps otherwise."""
    steps = list(view.steps)
    steps[at] = msgspec.structs.replace(steps[at], **changes)
    return folded(msgspec.structs.replace(view, steps=tuple(steps)))


def unknown(number: int = 42) -> RunView:
    """A run whose console is gone in the middle of a call."""
    view = with_step(
        run(number, RunState.UNKNOWN, held_by=EMPTY, mine=False,
            reason=lit("the console that carried it out is gone")),
        0, state=StepState.UNKNOWN, ended=None, text=lit("the answer to the call was never read"), changed=False,
    )  # fmt: skip
    for at in (1, 2):
        view = with_step(view, at, state=StepState.PENDING, started=None, ended=None, ends=None, held=None, text=EMPTY)
    return view


def asking(number: int = 43) -> RunView:
    """A run that waits for a person, and one that has printed something before."""
    view = run(number)
    view = with_step(
        view, 1, kind=StepKind.MANUAL, state=StepState.ASKING, ended=None, title=lit("Look at the data"), text=EMPTY,
        call=lit("Connect to api-restored and look whether the newest prices are there. Note what you found."),
    )  # fmt: skip
    return with_step(view, 2, state=StepState.PENDING, started=None, ends=None, held=None)


def printing(number: int = 44) -> RunView:
    """A run whose command prints."""
    lines = tuple(safe(f"service api: {done} of 4 tasks replaced") for done in range(4))
    view = with_step(
        run(number), 0, kind=StepKind.COMMAND, state=StepState.RUNNING, ended=None, tail=lines, text=EMPTY,
        changed=False, ends=NOW + timedelta(seconds=500),
    )  # fmt: skip
    for at in (1, 2):
        view = with_step(view, at, state=StepState.PENDING, started=None, ended=None, ends=None, held=None, text=EMPTY)
    return view


def past(number: int, state: RunState) -> RunView:
    """A run that is over."""
    began = NOW - timedelta(hours=number % 40 + 2)
    view = run(number, state, requested=began, started=began, ended=began + timedelta(seconds=131), held_by=EMPTY,
               mine=False)  # fmt: skip
    ends = {RunState.SUCCEEDED: StepState.SUCCEEDED, RunState.FAILED: StepState.FAILED}
    last = with_step(view, 2, state=ends.get(state, StepState.SKIPPED), ended=NOW, ends=None, text=lit("0.3% for 3m"),
                     evidence=Evidence(facts=(Said(lit("errors"), lit("0.3%")),)))  # fmt: skip
    return with_step(last, 0, evidence=Evidence(output=(lit("service updated"),), status=200))


def waiting_for_approval(number: int = 45, by: str = "alex") -> RunView:
    """A run that another person has asked for."""
    view = run(number, RunState.AWAITING_APPROVAL, by=safe(by), account=safe(f"ssh:{by}"), started=None,
               held_by=EMPTY, mine=False)  # fmt: skip
    for at in range(3):
        view = with_step(view, at, state=StepState.PENDING, started=None, ended=None, ends=None, held=None, text=EMPTY,
                         changed=False)  # fmt: skip
    return view


def _said(typed: str) -> tuple[str, ...]:
    """What was typed to confirm something, where anything was."""
    return (typed,) if typed else ()


class FakeDesk:
    """Whatever is asked waits for `hold` when a test sets one, and is refused when a test says so."""

    def __init__(self, backend: FakeBackend, principal: Principal = KIM) -> None:
        self.principal = principal
        self.backend = backend
        self.offers: tuple[Offered, ...] = (
            offer(ROLLBACK, fills=(("service", ("api",)),)),
            offer(RESTORE, danger=Danger.DESTROYS, second=True, typical=None,
                  title=lit("Restore snapshot into new instance")),
            offer(ROLLBACK, runbook="pricealert-restart", title=lit("Restart api"), typical=(75.0, 12),
                  reason=lit("run #41 of alex has api: gate holding")),
        )  # fmt: skip
        self.runbooks = {book.id: book for book in (ROLLBACK, RESTORE)}
        self.listed: dict[str, tuple[SafeText, ...] | Exception] = {}
        self.card = card_of(rollback_plan())
        self.refusal: Exception | None = None
        """What `plan` and everything that writes raises, when it is to fail."""
        self.hold: asyncio.Event | None = None
        self.calls: list[tuple[object, ...]] = []
        self.subjects: list[tuple[Subject, ...]] = []
        self.forbidden = False
        self.rules: tuple[Rule, ...] = (Rule(danger=Danger.DESTROYS, place=lit("rule on-call")),)
        self.asked: dict[str, Plan] = {}
        """By run that waits for an approval: its plan, when it is another one than usual."""
        self.seen: list[RunView] = []
        """Runs as they were shown to whoever decided about them."""

    async def _asked(self, *call: object) -> None:
        self.calls.append(call)
        if self.hold is not None:
            await self.hold.wait()
        if self.refusal is not None:
            raise self.refusal

    async def _asked_about(self, seen: RunView, deed: str, *words: object) -> None:
        self.seen.append(seen)
        await self._asked(deed, seen.id, *words)

    def may(self, deed: Deed, place: Place, danger: Danger) -> Decision:
        return decide(self.principal, deed, place, danger, self.rules)

    async def forbid(self) -> None:
        self.forbidden = True

    async def offered(self, subjects: tuple[Subject, ...]) -> tuple[Offered, ...]:
        self.subjects.append(subjects)
        if self.hold is not None:
            await self.hold.wait()
        return self.offers

    async def runbook(self, name: str) -> Runbook:
        if name not in self.runbooks:
            raise Refused(f"there is no runbook {name}")
        return self.runbooks[name]

    async def choices(self, runbook: str, system: str, parameter: str, values: Values) -> tuple[SafeText, ...]:
        self.calls.append(("choices", runbook, system, parameter, dict(values)))
        found = self.listed.get(parameter, ())
        if isinstance(found, Exception):
            raise found
        return found

    def objection(self, parameter: AnyParameter, value: str) -> SafeText:
        return parameters.own_objection(parameter, value, now=NOW)

    async def plan(self, runbook: str, system: str, values: Values, alert: SafeText = EMPTY) -> Card:
        await self._asked("plan", runbook, system, dict(values), alert)
        return self.card

    async def confirm(self, card: Card, typed: str = "") -> str:
        await self._asked("confirm", card.digest, typed)
        if card.must_type and typed != card.must_type:
            raise Refused(f"not run: type {card.must_type} to confirm it")
        known = self.backend.snapshot
        made = run(state=RunState.AWAITING_APPROVAL if card.decision.second else RunState.RUNNING)
        self.backend.publish(msgspec.structs.replace(known, version=known.version + 1, runs=(made, *known.runs)))
        return made.id

    async def asked_for(self, run: str) -> Card:
        if self.hold is not None:
            await self.hold.wait()
        known = self.asked.get(run, rollback_plan())
        return card_of(known, decision=Decision(allowed=True, reason=lit("allowed by rule leads")))

    async def approve(self, run: str, digest: str, typed: str = "") -> None:
        await self._asked("approve", run, digest, *_said(typed))

    async def reject(self, run: str, reason: str) -> None:
        await self._asked("reject", run, reason)

    async def abort(self, run: str, reason: str = "") -> None:
        await self._asked("abort", run, reason)

    async def resume(self, seen: RunView, typed: str = "") -> None:
        await self._asked_about(seen, "resume", *_said(typed))

    async def settle(self, seen: RunView, step: str, *, succeeded: bool, note: str) -> None:
        await self._asked_about(seen, "settle", step, succeeded, note)

    async def skip(self, seen: RunView, step: str, reason: str) -> None:
        await self._asked_about(seen, "skip", step, reason)

    async def undo(self, seen: RunView, typed: str = "") -> None:
        await self._asked_about(seen, "undo", *_said(typed))

    async def why(self, subject: Subject, runbook: str) -> tuple[SafeText, ...]:
        self.calls.append(("why", subject, runbook))
        return (lit("you are kim, approver, as local:kim"), lit("run what changes (C): yes, allowed by rule on-call"))
