"""What the ledger records: every event of a run and of the work around it, as typed values that stay readable for good.

An event is never changed and never removed; what it meant can be read from itself. Fields are only ever added,
with defaults, so that old entries stay readable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from tuiops.core.access import Danger, Principal
from tuiops.core.text import EMPTY, SafeText, safe

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""

NO_DIGEST: Digest = "0" * 64


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that happened. The tag is its name in the ledger, for good."""


class Said(msgspec.Struct, frozen=True):
    """One line of a state or of evidence: what, and how it stands."""

    what: SafeText
    value: SafeText


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a step or a gate was judged by."""

    facts: tuple[Said, ...] = ()
    output: tuple[SafeText, ...] = ()
    """The first and the last lines of what a command printed, cleaned and redacted."""
    left_out: int = 0
    """Lines between them that are not kept."""
    digest: Digest = NO_DIGEST
    """Of the whole output, as it came; NO_DIGEST when there was none or it may not be recorded."""
    status: int | None = None
    """Exit status of a command or status of an HTTP answer."""


class RunRequested(Event, frozen=True, kw_only=True, tag="run.requested"):
    """Somebody confirmed a plan. Nothing has been done yet."""

    number: int
    runbook: SafeText
    title: SafeText
    system: SafeText
    environment: SafeText
    production: bool
    target: SafeText
    danger: Danger
    plan: msgspec.Raw
    """The whole plan as confirmed; `plan_digest` is of these very bytes."""
    plan_digest: Digest
    second: bool = False
    """Whether it waits for another person."""
    drill: bool = False
    """Whether the world is a simulated one."""
    alert: SafeText = EMPTY
    """Identity of the alert that it was begun from."""


class RunApproved(Event, frozen=True, kw_only=True, tag="run.approved"):
    plan_digest: Digest


class RunRejected(Event, frozen=True, kw_only=True, tag="run.rejected"):
    reason: SafeText


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """The lock on the target is held and the first step is next; also when another console takes a run over."""

    resumed: bool = False
    undoing: bool = False
    """Whether it goes back: what was done is undone, and nothing is begun."""


class RunPaused(Event, frozen=True, kw_only=True, tag="run.paused"):
    reason: SafeText
    unbegun: bool = False
    """Whether it says why a console could not begin the run, which is of no account once another one has."""


class RunAborting(Event, frozen=True, kw_only=True, tag="run.aborting"):
    """Somebody wants it to end; one that has not been started is over with it."""

    reason: SafeText


class RunEnded(Event, frozen=True, kw_only=True, tag="run.ended"):
    """`state` is the value of a `core.runs.RunState` that is final."""

    state: str
    reason: SafeText = EMPTY


class StepIntended(Event, frozen=True, kw_only=True, tag="step.intended"):
    """What is about to be done, exactly. Durable before anything is."""

    step: str
    execution: str
    """Names this one attempt in every place that the effect can reach."""
    at: datetime
    """When it begins."""
    ends: datetime | None = None
    """When a wait is over, or a step has taken too long."""
    call: SafeText
    """The exact call as people read it, `sec` parts left out."""
    asks: bool = False
    """Whether it is a person who does it and says so."""
    undoes: str = ""
    """The step that this one undoes; empty when it goes forward."""
    prepared: msgspec.Raw = msgspec.Raw(b"null")
    """What an ability prepared, to be looked up by after a crash."""


class StepClaimed(Event, frozen=True, kw_only=True, tag="step.claimed"):
    """One process, and no other, now carries out an execution."""

    execution: str


class StepReceipt(Event, frozen=True, kw_only=True, tag="step.receipt"):
    """What the other side calls the work, as soon as it has said so; or how it came out, before it is confirmed."""

    execution: str
    operation: SafeText
    """Empty for what has no name there."""
    text: SafeText = EMPTY
    effect: str = ""
    """The value of a `runbooks.effects.End`, as soon as that is known; empty before."""
    evidence: Evidence = Evidence()
    captured: dict[str, str] = {}
    """As in `StepEnded`."""


class StepEnded(Event, frozen=True, kw_only=True, tag="step.ended"):
    """`state` is the value of a `core.runs.StepState`: of a final one, of UNKNOWN, or of PENDING.

    PENDING is that of an effect which is found out not to have begun.
    """

    step: str
    state: str
    execution: str = ""
    effect: str = ""
    """The value of a `runbooks.effects.End`: how the effect came out, whatever was made of it; empty without one."""
    text: SafeText = EMPTY
    evidence: Evidence = Evidence()
    captured: dict[str, str] = {}
    """Values for later steps, by the name of the capture."""


class StepAttested(Event, frozen=True, kw_only=True, tag="step.attested"):
    """A person says that it was done, or how an unknown one came out."""

    step: str
    state: str
    note: SafeText
    execution: str = ""
    """The attempt that it is about; empty for a step that was never begun, and in entries that do not say it."""


class Acknowledged(Event, frozen=True, kw_only=True, tag="alert.acknowledged"):
    alert: SafeText
    until: datetime | None = None
    comment: SafeText = EMPTY


class AcknowledgementEnded(Event, frozen=True, kw_only=True, tag="alert.unacknowledged"):
    alert: SafeText
    reason: SafeText


class Commented(Event, frozen=True, kw_only=True, tag="commented"):
    """On an alert, a run or an incident, by its identity."""

    subject: SafeText
    text: SafeText


class Assigned(Event, frozen=True, kw_only=True, tag="assigned"):
    subject: SafeText
    person: SafeText


class Unknown(Event, frozen=True, kw_only=True, tag="?"):
    """What this version cannot read: of a newer one, or of nobody's making. It is read in place of it, never recorded.

    It has no effect here. The ledger keeps it as it was recorded.
    """

    name: SafeText
    """The tag that it was recorded under."""


AnyEvent = (
    RunRequested
    | RunApproved
    | RunRejected
    | RunStarted
    | RunPaused
    | RunAborting
    | RunEnded
    | StepIntended
    | StepClaimed
    | StepReceipt
    | StepEnded
    | StepAttested
    | Acknowledged
    | AcknowledgementEnded
    | Commented
    | Assigned
    | Unknown
)


def name_of(event: AnyEvent) -> SafeText:
    """What an event is called in the ledger."""
    return event.name if isinstance(event, Unknown) else safe(str(event.__struct_config__.tag))


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event, who is behind it, and the run that it belongs to."""

    at: datetime
    by: Principal
    event: AnyEvent
    run: str = ""
    """Identity of a run; empty for what belongs to none."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in its place in the ledger, for good."""

    number: int
    """1, 2, 3 … without a gap."""
    entry: Entry
    digest: Digest
    """Of the digest before it and of this entry's bytes."""
