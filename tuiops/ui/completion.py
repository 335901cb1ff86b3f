"""What a command that is being typed may become, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, join, safe
from tuiops.ui.actions import by_command, commands

if TYPE_CHECKING:
    from tuiops.core.snapshot import Snapshot

_NAMED = 8
"""Candidates that are named; the rest is counted."""


def candidates(text: str, snapshot: Snapshot) -> tuple[str, ...]:
    """What the last word of a command may be: commands, numbers of runs, systems with their services, runbooks."""
    word, blank, argument = text.lstrip().partition(" ")
    if not blank:
        return tuple(sorted(action.command for action in commands() if action.command.startswith(word)))
    action = by_command(word)
    if action is None or " " in argument.strip():
        return ()
    if action.argument.startswith("NUMBER"):
        found = [f"{run.number}" for run in snapshot.runs if run.live or action.id == "runs.open"]
    elif action.argument.startswith("SYSTEM"):
        found = [f"{one.system}/{service.service}" for one in snapshot.systems for service in one.services]
        found += [one.system for one in snapshot.systems]
    elif action.argument.startswith("RUNBOOK"):
        found = [run.runbook for run in snapshot.runs]
    else:
        found = []
    return tuple(sorted({one for one in found if one.startswith(argument.lstrip())}))


def completed(text: str, snapshot: Snapshot) -> str:
    """The text as far as there is only one way to go on."""
    found = candidates(text, snapshot)
    if not found:
        return text
    word, blank, _ = text.lstrip().partition(" ")
    shared = _shared(found)
    if blank:
        return f"{word} {shared}"
    action = by_command(shared) if len(found) == 1 else None
    return f"{shared} " if action is not None and action.argument else shared


def hint(text: str, snapshot: Snapshot) -> SafeText:
    """What the command does, once it is clear which one; before that the ones that it may be."""
    if not text.strip():
        return EMPTY
    found = candidates(text, snapshot)
    word, blank, _ = text.lstrip().partition(" ")
    action = by_command(word) if blank or word in found or len(found) == 1 else None
    if action is not None and (len(found) <= 1 or not blank):
        return fmt("{} {}", action.argument, action.help) if action.argument else action.help
    names = join("  ", (safe(one) for one in found[:_NAMED]))
    return fmt("{}  +{}", names, len(found) - _NAMED) if len(found) > _NAMED else names


def _shared(texts: tuple[str, ...]) -> str:
    """What all of them begin with."""
    first, last = min(texts), max(texts)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:length]
