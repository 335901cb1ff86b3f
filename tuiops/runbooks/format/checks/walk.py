"""The steps of a runbook with their keys, and the findings that checks make."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.runbooks.format.model import EachAction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.model import AnyCheck, AnyUndo, PlainAction, PlainStep, Runbook, Step


class Finding(NamedTuple):
    """One mistake: its key, what is wrong, what to do about it."""

    path: KeyPath
    problem: str
    remedy: str


class At(NamedTuple):
    """A step, its key, and the `each` that it is in, if any, with the step of that."""

    step: Step | PlainStep
    path: KeyPath
    each: EachAction | None = None
    outer: Step | None = None


def all_steps(runbook: Runbook) -> Iterator[At]:
    """Every step in the order in which they are done; those of an `each` follow it."""
    for position, step in enumerate(runbook.steps):
        path = (f"steps[{position}]",)
        yield At(step, path)
        if isinstance(step.do, EachAction):
            for inner, one in enumerate(step.do.steps):
                yield At(one, (*path, "do", f"steps[{inner}]"), step.do, step)


def doings(at: At) -> Iterator[tuple[PlainAction | AnyUndo | AnyCheck, KeyPath]]:
    """What a step does, what confirms it and what undoes it, with their keys; an `each` itself does nothing."""
    step = at.step
    if not isinstance(step.do, EachAction):
        yield step.do, (*at.path, "do")
    if step.confirm is not None:
        yield step.confirm, (*at.path, "confirm")
    if isinstance(step.undo, msgspec.Struct):
        yield step.undo, (*at.path, "undo")
