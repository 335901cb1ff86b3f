"""A plan: everything that a run will do, resolved and frozen. What was confirmed is these very bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from tuiops.core.access import Danger, Decision
from tuiops.core.record import RunRequested, Said
from tuiops.core.runs import RunView, StepKind
from tuiops.core.text import EMPTY, SafeText, safe
from tuiops.runbooks.format.model import AnyCheck, AnyUndo, PlainAction


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a step will do, as a person reads it before it happens."""

    text: SafeText
    """The exact command, or the vendor's own command line for an API call."""
    before: tuple[Said, ...] = ()
    """The state as it was read for the plan; only what an ability can tell."""
    after: tuple[Said, ...] = ()
    """The state to expect."""
    seen: str = ""
    """Fingerprint of `before`; the step is refused when it is another by then, unless an earlier step changed it."""


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step, with parameters and loop variables in their places. Captures of earlier steps are still open."""

    key: str
    """The step's id; within an `each`, `roll[phase2].shift`."""
    kind: StepKind
    title: SafeText
    danger: Danger
    do: PlainAction
    call: Call
    sec: bool = False
    timeout: float = 600.0
    """Seconds."""
    when: Mapping[str, str] = {}
    """By key of an earlier step: how it must have ended."""
    goes_on: bool = False
    """Whether the run goes on when it fails."""
    confirm: AnyCheck | None = None
    undo: AnyUndo | None = None
    undo_before: bool = False
    """Whether the ability itself puts back what was there."""
    undo_text: SafeText = EMPTY
    """How it is undone, or why it cannot be, in a sentence."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is confirmed, approved, recorded and carried out."""

    runbook: SafeText
    file_digest: str
    """Of the runbook's file as it was read."""
    title: SafeText
    at: datetime
    """When it was planned; calls that hold a moment hold this one."""
    system: SafeText
    environment: SafeText
    production: bool
    target: SafeText
    locks: tuple[str, ...]
    """Keys of the locks that the run takes: one for each (action, target) that it touches."""
    parameters: Mapping[str, tuple[str, ...]]
    steps: tuple[PlannedStep, ...]
    danger: Danger
    touches: tuple[str, ...] = ()
    """Resources that its commands and calls change, as the runbook says."""
    places: Mapping[str, str] = {}
    """Where the bastions, servers and resources are that it reaches, by names such as `bastion edge`."""
    blast_radius: SafeText = EMPTY
    alert: SafeText = EMPTY
    """Identity of the alert that it was begun from."""
    drill: bool = False

    def content(self) -> bytes:
        """The bytes that count: equal plans have equal ones."""
        return msgspec.json.encode(self, order="deterministic", enc_hook=float)

    def token(self, key: str, *, undo: bool = False) -> str:
        """What a vendor is told to know a step by: the same on the card, in the run and in every look-up of it."""
        step = hashlib.sha256(f"{self.at.isoformat()} {key}{' undo' if undo else ''}".encode()).hexdigest()
        return f"{self.at:%Y%m%dT%H%M%SZ}-{step[:12]}"

    @classmethod
    def of(cls, content: bytes | msgspec.Raw) -> Plan:
        """The plan that has these bytes as its `content`. msgspec.ValidationError when none has.

        Whatever somebody else wrote there, its texts can be shown; then its digest is no longer that of the bytes.
        """
        return _made_safe(msgspec.json.decode(content, type=cls, dec_hook=_decoded))

    def requested(self, number: int, *, second: bool = False) -> RunRequested:
        """What is recorded when somebody confirms it. `second`: whether it waits for another person."""
        return RunRequested(
            number=number,
            runbook=self.runbook,
            title=self.title,
            system=self.system,
            environment=self.environment,
            production=self.production,
            target=self.target,
            danger=self.danger,
            plan=msgspec.Raw(self.content()),
            plan_digest=self.digest,
            second=second,
            drill=self.drill,
            alert=self.alert,
        )

    @property
    def digest(self) -> str:
        """SHA-256 of `content`, in hexadecimal."""
        return hashlib.sha256(self.content()).hexdigest()


def _made_safe(plan: Plan) -> Plan:
    return msgspec.structs.replace(
        plan,
        runbook=_visible(plan.runbook),
        title=_visible(plan.title),
        system=_visible(plan.system),
        environment=_visible(plan.environment),
        target=_visible(plan.target),
        blast_radius=_visible(plan.blast_radius),
        alert=_visible(plan.alert),
        steps=tuple(_safe_step(step) for step in plan.steps),
    )


def _safe_step(step: PlannedStep) -> PlannedStep:
    call = step.call
    return msgspec.structs.replace(
        step,
        title=_visible(step.title),
        undo_text=_visible(step.undo_text),
        call=msgspec.structs.replace(
            call, text=_visible(call.text), before=_safe_facts(call.before), after=_safe_facts(call.after)
        ),
    )


def _safe_facts(facts: tuple[Said, ...]) -> tuple[Said, ...]:
    return tuple(Said(_visible(fact.what), _visible(fact.value)) for fact in facts)


def _visible(text: SafeText) -> SafeText:
    """The text itself, unless something in it cannot be seen."""
    return safe(text, max(1, len(text)))


def _decoded(kind: type, value: object) -> object:
    """Durations are numbers in the content."""
    return kind(value)


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with all that helps to decide about it."""

    plan: Plan
    digest: str
    read_at: datetime
    decision: Decision
    obstacles: tuple[SafeText, ...] = ()
    """Why it cannot be run now, such as another run that holds its target; empty when it can."""
    runs: tuple[RunView, ...] = ()
    """What runs at this moment, anywhere."""
    typical: tuple[float, int] | None = None
    """Median seconds of past runs and how many they were; None when there were none."""
    must_type: SafeText = EMPTY
    """What has to be typed to confirm it; empty when Enter on Run is enough."""
