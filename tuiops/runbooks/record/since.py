"""What others have done since to that which an undo would go over: later runs that took one of the same locks."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from tuiops.core.access import Danger
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.runbooks.record.undoing import to_undo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tuiops.runbooks.record.book import RunBook
    from tuiops.runbooks.record.history import History

_NAMED = 3
"""Runs that are named; of more only the number is told."""


class Since:
    """Knows of each run which others have acted after it. Made anew from the book when that has changed."""

    def __init__(self, book: RunBook, find: Callable[[str], History | None]) -> None:
        """`find`: what is recorded of a run."""
        self._book = book
        self._find = find
        self._made_of = -1
        self._takers: dict[str, list[tuple[int, str]]] = {}
        """By lock: the runs that have acted under it, by the number of the entry in which they did so last."""
        self._said: dict[str, SafeText] = {}

    def overtaken(self, run: str) -> SafeText:
        """Who has acted since on what an undo of a run would go over, in a sentence; empty when nobody has."""
        if self._made_of != self._book.entries:
            self._make()
        if run not in self._said:
            self._said[run] = self._overtaken(run)
        return self._said[run]

    def _make(self) -> None:
        self._made_of, self._said, self._takers = self._book.entries, {}, {}
        for run in self._book.runs:
            begun, history = self._book.intents(run), self._find(run)
            if begun and history is not None:
                last = max(number for number, _ in begun.values())
                for lock in history.plan.locks:
                    insort(self._takers.setdefault(lock, []), (last, run))

    def _overtaken(self, run: str) -> SafeText:
        history = self._find(run)
        over = [step.key for step in to_undo(history)] if history is not None else []
        if history is None or not over:
            return EMPTY
        begun = self._book.intents(run)
        done = max((begun[one][0] for key in over if (one := history.forward.get(key, "")) in begun), default=0)
        later: dict[str, int] = {}
        for lock in history.plan.locks:
            for last, other in reversed(self._takers.get(lock, [])):
                if last <= done:
                    break
                if other != run and self._acted(other, done):
                    later[other] = last
        newest = sorted(later, key=later.__getitem__, reverse=True)
        said = [self._named(other) for other in newest[:_NAMED]]
        said += [fmt("{} more", len(newest) - _NAMED)] if len(newest) > _NAMED else []
        return fmt("acted on the same target since: {}", join(", ", said)) if said else EMPTY

    def _acted(self, run: str, since: int) -> bool:
        history = self._find(run)
        return history is not None and _left_something(history, self._book.intents(run), since)

    def _named(self, run: str) -> SafeText:
        history = self._find(run)
        if history is None:
            return lit("another run")
        _, at = max(self._book.intents(run).values())
        view = history.view
        return fmt("run #{} {} of {} ({} UTC)", view.number, view.title, view.by, safe(f"{at:%Y-%m-%d %H:%M}"))


def _left_something(history: History, begun: Mapping[str, tuple[int, datetime]], since: int) -> bool:
    """Whether what a run did after an entry is not as if it had not been: done and not undone, or undone what was."""
    later = {execution for execution, (number, _) in begun.items() if number > since}
    undone = {history.undoes[execution] for execution in later if execution in history.undoes}
    stands = history.changed | history.doubtful
    for step in history.plan.steps:
        if step.danger is Danger.SAFE:
            continue
        again = history.forward.get(step.key, "") in later
        if (again and step.key in stands) or (step.key in undone and not again):
            return True
    return False
