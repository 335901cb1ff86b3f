"""Whether what a step acts on is still as it was confirmed, or as this run's own earlier steps left it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tuiops.core.access import Danger
from tuiops.runbooks.format.model import ApiAction, CommandAction, HttpAction
from tuiops.sources.abilities import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.text import SafeText
    from tuiops.runbooks.planning.plan import PlannedStep
    from tuiops.runbooks.record.history import History

_MAKES_ANOTHER: Final = frozenset({"restore_backup"})
"""Abilities that make something else of a resource: what they tell in the end is of that."""


def drifted(history: History, step: PlannedStep, found: Prepared) -> bool:
    """Whether a resource is neither as it was when the step was confirmed nor as the run itself has made it.

    What the run itself has done to it is known of the steps before that act on the very resource, and taken for
    granted, because nobody tells, of commands and calls when the runbook says that it `touches` the resource.
    """
    if not step.call.seen or found.seen == step.call.seen:
        return False
    for earlier in reversed(_begun_before(history, step)):
        match earlier.do:
            case ApiAction() as do:
                prepared = _prepared(history, earlier.key)
                if prepared is not None and prepared.target == found.target:
                    return do.ability not in _MAKES_ANOTHER and not _as_left(history, earlier.key, prepared, found)
            case CommandAction() | HttpAction() if earlier.danger is not Danger.SAFE:
                if found.target.resource in history.plan.touches:
                    return False
            case _:
                pass
    return True


def _begun_before(history: History, step: PlannedStep) -> list[PlannedStep]:
    begun = []
    for other in history.plan.steps:
        if other.key == step.key:
            break
        if other.key in history.forward:
            begun.append(other)
    return begun


def _prepared(history: History, key: str) -> Prepared | None:
    raw = history.prepared.get(history.forward[key])
    return None if raw is None else msgspec.json.decode(raw, type=Prepared | None)


def _as_left(history: History, key: str, prepared: Prepared, found: Prepared) -> bool:
    """Whether a resource is as an earlier step was seen to leave it, or as it was to leave it.

    What was seen last may be too early when the answer was lost and a person said how it came out.
    """
    now = {fact.what: fact.value for fact in found.before}
    evidence = next(view.evidence for view in history.view.steps if view.key == key)
    seen = _shared(now, {fact.what: fact.value for fact in evidence.facts})
    wanted = _shared(now, {fact.what: fact.value for fact in prepared.after})
    told = [facts for facts in (seen, wanted) if facts]
    return not told or any(facts.items() <= now.items() for facts in told)


def _shared(now: Mapping[SafeText, SafeText], told: Mapping[SafeText, SafeText]) -> dict[SafeText, SafeText]:
    """Of what was told, what can be compared: sources leave out what changes from moment to moment."""
    return {what: value for what, value in told.items() if what in now}
