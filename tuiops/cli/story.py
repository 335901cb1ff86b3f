"""What an entry of the ledger says, in a person's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.record import (
    NO_DIGEST,
    Acknowledged,
    AcknowledgementEnded,
    Assigned,
    Commented,
    RunAborting,
    RunApproved,
    RunEnded,
    RunPaused,
    RunRejected,
    RunRequested,
    RunStarted,
    StepAttested,
    StepClaimed,
    StepEnded,
    StepIntended,
    StepReceipt,
    Unknown,
)
from tuiops.core.runs import StepKind, StepState
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, join, lit, safe
from tuiops.runbooks.effects import End

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.record import AnyEvent, Evidence
    from tuiops.runbooks.planning.plan import Plan


_BEGINS = {
    StepKind.GATE: lit("waits until"),
    StepKind.WAIT: lit("waits:"),
    StepKind.MANUAL: lit("asks for"),
    StepKind.NOTIFY: lit("tells:"),
}
"""How a step begins that does nothing to the world itself."""

_DOES = lit("is about to do")


class Story:
    """The entries of one run, told in their order: an end is told by what it ends, doing a step or undoing it."""

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = plan
        self._undoing: dict[str, bool] = {}
        """By execution, and by step for its last one: whether it undoes the step."""

    def sentence(self, event: AnyEvent) -> SafeText:
        """The next one."""
        undoing = False
        match event:
            case StepIntended(step=step, execution=execution, undoes=undoes):
                self._undoing[execution] = self._undoing[step] = bool(undoes)
            case StepEnded(step=step, execution=execution):
                undoing = self._undoing.get(execution or step, False)
            case StepAttested(step=step):
                undoing = self._undoing.get(step, False)
            case _:
                pass
        return sentence(event, self._plan, undoing=undoing)


def sentence(event: AnyEvent, plan: Plan | None = None, *, undoing: bool = False) -> SafeText:
    """What happened, after the name of whoever did it; with the plan of its run, steps have their titles.

    `undoing`: whether the end that it tells of is that of an undo.
    """
    return _of_run(event) or _of_step(event, plan, undoing=undoing) or _of_rest(event)


def details(event: AnyEvent) -> tuple[SafeText, ...]:
    """What else is known of it, line by line: digests, evidence, output."""
    match event:
        case RunRequested():
            lines = [fmt("plan {}", safe(event.plan_digest))]
            if event.second:
                lines.append(lit("waits for a second person"))
            if event.alert:
                lines.append(fmt("because of alert {}", event.alert))
            return tuple(lines)
        case RunApproved():
            return (fmt("plan {}", safe(event.plan_digest)),)
        case StepIntended():
            return (fmt("execution {}", _id(event.execution)),)
        case StepEnded() | StepReceipt():
            return tuple(_evidence(event.evidence))
        case _:
            return ()


def _of_run(event: AnyEvent) -> SafeText:
    said = EMPTY
    match event:
        case RunRequested():
            where = fmt("{} in {}", event.target, event.environment)
            drill = lit(", in a drill") if event.drill else EMPTY
            said = fmt("confirmed {} on {} ({}){}", event.runbook, where, event.danger.word, drill)
        case RunApproved():
            said = lit("approved it")
        case RunRejected():
            said = _because(lit("rejected it"), event.reason)
        case RunStarted(undoing=True):
            said = lit("took it over and goes on going back") if event.resumed else lit("goes back")
        case RunStarted():
            said = lit("took it over and goes on") if event.resumed else lit("began")
        case RunPaused(unbegun=True):
            said = _because(lit("could not begin it"), event.reason)
        case RunPaused():
            said = _because(lit("paused"), event.reason)
        case RunAborting():
            said = _because(lit("aborts it"), event.reason)
        case RunEnded():
            said = _because(fmt("the run ended: {}", safe(event.state)), event.reason)
        case _:
            pass
    return said


def _of_step(event: AnyEvent, plan: Plan | None, *, undoing: bool) -> SafeText:
    said = EMPTY
    match event:
        case StepIntended():
            said = _begins(event, plan)
        case StepClaimed():
            said = fmt("carries out {}", _id(event.execution))
        case StepReceipt(effect=End.SUCCEEDED.value):
            said = _because(fmt("{} is done, and has yet to be confirmed", _id(event.execution)), event.text)
        case StepReceipt():
            said = _because(fmt("{} is called {} there", _id(event.execution), event.operation), event.text)
        case StepEnded():
            said = _because(_ended(event, plan, undoing=undoing), event.text)
        case StepAttested():
            said = _because(fmt("says: {}", _ended(event, plan, undoing=undoing)), event.note)
        case _:
            pass
    return said


def _ended(event: StepEnded | StepAttested, plan: Plan | None, *, undoing: bool) -> SafeText:
    """The step and how doing or undoing it ended."""
    title = _step(event.step, plan)[0]
    if not undoing:
        return fmt("{}: {}", title, safe(event.state))
    if event.state == StepState.SUCCEEDED.value:
        return fmt("undone: {}", title)
    return fmt("undoing {}: {}", title, safe(event.state))


def _begins(event: StepIntended, plan: Plan | None) -> SafeText:
    title, kind = _step(event.step, plan)
    if event.undoes:
        return fmt("{}: is about to undo it with `{}`", title, event.call)
    begins = _BEGINS.get(kind, _DOES) if kind is not None else _DOES
    return fmt("{}: {} `{}`", title, begins, event.call)


def _step(key: str, plan: Plan | None) -> tuple[SafeText, StepKind | None]:
    """What a step is called, and its kind if it is known."""
    known = next((step for step in plan.steps if step.key == key), None) if plan is not None else None
    return (known.title, known.kind) if known is not None else (_id(key), None)


def _of_rest(event: AnyEvent) -> SafeText:
    said = EMPTY
    match event:
        case Acknowledged():
            said = _because(fmt("acknowledged {}", event.alert), event.comment)
        case AcknowledgementEnded():
            said = _because(fmt("{} is acknowledged no more", event.alert), event.reason)
        case Commented():
            said = fmt("said of {}: {}", event.subject, event.text)
        case Assigned():
            said = fmt("gave {} to {}", event.subject, event.person)
        case Unknown():
            said = fmt("did something that this version does not know: {}", event.name)
        case _:
            pass
    return said


def _evidence(evidence: Evidence) -> Iterator[SafeText]:
    for fact in evidence.facts:
        yield fmt("{}: {}", fact.what, fact.value)
    if evidence.status is not None:
        yield fmt("status {}", evidence.status)
    half = len(evidence.output) // 2
    for place, line in enumerate(evidence.output):
        if evidence.left_out and place == half:
            yield fmt("… {} lines are not kept …", evidence.left_out)
        yield join("", (lit("| "), line))
    if evidence.digest != NO_DIGEST:
        yield fmt("whole output {}", safe(evidence.digest))


def _because(what: SafeText, reason: SafeText) -> SafeText:
    return fmt("{}: {}", what, reason) if reason else what


def _id(text: str) -> SafeText:
    return safe(text, LINE)
