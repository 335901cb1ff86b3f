"""What steps must say of themselves: names, danger, undo, secrecy; and what only makes sense for some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.config.texts import nearest
from tuiops.runbooks.format.checks.walk import At, Finding, all_steps
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    EachAction,
    GateAction,
    HttpAction,
    ManualAction,
    NotifyAction,
    WaitAction,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.runbooks.format.model import Runbook

RESERVED = frozenset({"secret"})
"""Ids that placeholders use for something else."""

_EACH_HAS = frozenset({"id", "title", "when", "do"})
_ACTS = (CommandAction, ApiAction, HttpAction, ManualAction)
_PASSIVE = (GateAction, WaitAction, NotifyAction)


def findings(runbook: Runbook) -> Iterator[Finding]:
    seen: set[str] = set()
    for at in all_steps(runbook):
        if at.step.id in seen:
            yield Finding((*at.path, "id"), f"{at.step.id} is another step's already", "give each step its own")
        if at.step.id in RESERVED:
            yield Finding((*at.path, "id"), f"{at.step.id} is what placeholders of secrets begin with", "rename it")
        seen.add(at.step.id)
        if isinstance(at.step.do, EachAction):
            yield from _each(runbook, at, at.step.do)
        else:
            yield from _danger(at)
            yield from _undo(at)
            yield from _secrecy(at)
        if at.step.confirm is not None and not isinstance(at.step.do, _ACTS):
            yield Finding((*at.path, "confirm"), "confirms nothing that was done", "take it out, or add a gate")


def _each(runbook: Runbook, at: At, each: EachAction) -> Iterator[Finding]:
    parameter = runbook.parameters.get(each.over)
    if parameter is None:
        known = [name for name, one in runbook.parameters.items() if one.many]
        yield Finding((*at.path, "do", "over"), f"{each.over} is no parameter", nearest(each.over, known))
    elif not parameter.many:
        problem = f"{each.over} is one value, so that there is nothing to go over"
        yield Finding((*at.path, "do", "over"), problem, f"give parameters.{each.over} many = true")
    if each.variable in runbook.parameters or each.variable in runbook.reads:
        yield Finding((*at.path, "do", "variable"), f"{each.variable} means something else already", "rename it")
    for field in msgspec.structs.fields(at.step):
        if field.name not in _EACH_HAS and getattr(at.step, field.name) != field.default:
            if field.default_factory is not msgspec.NODEFAULT and not getattr(at.step, field.name):
                continue
            yield Finding((*at.path, field.encode_name), "means nothing for an `each`", "give it to the steps within")


def _danger(at: At) -> Iterator[Finding]:
    step = at.step
    key = (*at.path, "danger")
    match step.do:
        case CommandAction() | HttpAction() | ApiAction() | ManualAction() if step.danger is None:
            yield Finding(key, "is missing", "say S (only reads), C (changes) or X (destroys)")
        case ApiAction() if step.danger == "S":
            yield Finding(key, "is S, but every ability changes something", "say C, or X")
        case HttpAction(method=method) if method != "GET" and step.danger == "S":
            yield Finding(key, f"is S, but {method} changes something", "say C, or X")
        case GateAction() | WaitAction() | NotifyAction() if step.danger not in {None, "S"}:
            yield Finding(key, "is of a step that changes nothing", "take it out")
        case _:
            pass


def _undo(at: At) -> Iterator[Finding]:
    step = at.step
    key, reason = (*at.path, "undo"), (*at.path, "undo_reason")
    if step.danger == "X" and step.undo is None:
        yield Finding(key, "is missing, and the step destroys", 'say how, or undo = "none" with undo_reason')
    if step.undo == "none" and not step.undo_reason:
        yield Finding(reason, "is missing", "say why it cannot be undone")
    if step.undo != "none" and step.undo_reason:
        yield Finding(reason, 'is given without undo = "none"', "take one of the two out")
    if step.undo == "before" and not isinstance(step.do, ApiAction):
        yield Finding(key, "is of a step that is no ability, which cannot put back what was there", "say how")
    if step.undo is not None and isinstance(step.do, _PASSIVE):
        yield Finding(key, "undoes a step that changes nothing", "take it out")


def _secrecy(at: At) -> Iterator[Finding]:
    step = at.step
    if step.sec and isinstance(step.do, CommandAction | HttpAction) and step.do.capture:
        problem = "would keep a part of what `sec` says is not kept"
        yield Finding((*at.path, "do", "capture"), problem, "take out one of the two")
    if step.sec and not isinstance(step.do, CommandAction | HttpAction):
        yield Finding((*at.path, "sec"), "is of a step without output", "take it out")
