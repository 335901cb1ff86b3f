"""Conditions between steps: every `when` names an earlier step and can come true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.texts import nearest
from tuiops.runbooks.format.checks.walk import At, Finding, all_steps
from tuiops.runbooks.format.model import EachAction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.runbooks.format.model import Runbook

_MOST_WORLDS = 4096
"""Ways in which a run can go that are followed; beyond that nothing is said."""

World = frozenset[tuple[str, str]]
"""How the steps that conditions name have ended, in one way in which a run can go."""


def findings(runbook: Runbook) -> Iterator[Finding]:
    """Conditions on steps that are not earlier, and steps whose conditions can never hold."""
    before: dict[str, At] = {}
    later = {at.step.id for at in all_steps(runbook)}
    wrong = False
    for at in all_steps(runbook):
        for name in at.step.when:
            problem = _unknown(name, at, before, later)
            if problem is not None:
                wrong = True
                yield Finding((*at.path, "when", name), problem, _earlier(at, before))
        before[at.step.id] = at
    if not wrong:
        yield from _unreachable(runbook, before)


def _unknown(name: str, at: At, before: Mapping[str, At], later: set[str]) -> str | None:
    """Why a condition cannot speak of a step."""
    known = before.get(name)
    if known is None:
        return "names a step that comes later" if name in later else "names a step that does not exist"
    if isinstance(known.step.do, EachAction):
        return "names an `each`, whose steps end one by one"
    if known.each is not None and known.each is not at.each:
        return "names a step within an `each`, which ends many times"
    return None


def _earlier(at: At, before: Mapping[str, At]) -> str:
    known = [name for name in before if _unknown(name, at, before, set()) is None]
    return f"earlier steps: {nearest('', known)}" if known else "no step is earlier"


def _unreachable(runbook: Runbook, steps: Mapping[str, At]) -> Iterator[Finding]:
    """Follows every way in which a run can go, as far as conditions tell them apart."""
    tracked = {name for at in steps.values() for name in at.step.when}
    worlds: set[World] = {frozenset()}
    for at in all_steps(runbook):
        when = set(at.step.when.items()) | (set(at.outer.when.items()) if at.outer is not None else set())
        reached = [world for world in worlds if when <= world]
        if not reached:
            yield Finding((*at.path, "when"), "can never be", _why(at, steps))
        if at.step.id in tracked:
            ends = ("succeeded",) if at.step.on_failure == "stop" else ("succeeded", "failed")
            gone = {world | {(at.step.id, end)} for world in reached for end in ends}
            worlds = gone | {world | {(at.step.id, "skipped")} for world in worlds if not when <= world}
        if len(worlds) > _MOST_WORLDS:
            return


def _why(at: At, steps: Mapping[str, At]) -> str:
    for name, end in at.step.when.items():
        known = steps[name].step
        if end == "failed" and known.on_failure == "stop":
            return f'a failure of {name} ends the run: give {name} on_failure = "continue"'
        if end == "skipped" and not known.when:
            return f"{name} has no conditions and is never skipped"
    return "its conditions exclude each other"
