"""Placeholders: every one is known where it stands, stands where it may, and everything declared is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.config.texts import nearest
from tuiops.runbooks.format.checks.walk import At, Finding, all_steps, doings
from tuiops.runbooks.format.model import CommandAction, EachAction, HttpAction, ListedParameter
from tuiops.runbooks.format.template import Place, TemplateError, names, spots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.model import Runbook

_SECRET = "secret."


class _Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What placeholders may name in one place."""

    words: frozenset[str]
    """What stands for one word."""
    lists: frozenset[str] = frozenset()
    """Parameters with `many`, which only sentences can hold."""
    secrets: frozenset[str] = frozenset()


class _Names:
    """What is used where."""

    def __init__(self, runbook: Runbook) -> None:
        self._runbook = runbook
        self.used: set[str] = set()
        self._singles = frozenset(name for name, one in runbook.parameters.items() if not one.many)
        self._lists = frozenset(runbook.parameters) - self._singles
        self._variables = frozenset(
            at.step.do.variable for at in all_steps(runbook) if isinstance(at.step.do, EachAction)
        )
        self._needs = {name: self._needed_by(read.resource) for name, read in runbook.reads.items()}
        """By read: the variables that its resource depends on."""

    def findings(self) -> Iterator[Finding]:
        yield from self._heads()
        yield from self._declarations()
        captured: dict[str, set[str]] = {}
        for at in all_steps(self._runbook):
            yield from self._step(at, captured)
            if isinstance(at.step.do, EachAction):
                self.used.add(at.step.do.over)
        yield from self._unused()

    def _heads(self) -> Iterator[Finding]:
        scope = _Scope(words=self._singles | self._reads(frozenset()), lists=self._lists)
        head = self._runbook
        for name in ("title", "target", "blast_radius"):
            yield from self._text((name,), Place.TEXT, getattr(head, name), scope)
        for position, text in enumerate(head.touches):
            alone = text[1:-1] if text.startswith("{") and text.endswith("}") else ""
            if alone in self._lists:
                self.used.add(alone)
            else:
                yield from self._text((f"touches[{position}]",), Place.NAME, text, scope)

    def _declarations(self) -> Iterator[Finding]:
        before: set[str] = set()
        for name, parameter in self._runbook.parameters.items():
            if isinstance(parameter, ListedParameter) and parameter.resource is not None:
                scope = _Scope(words=frozenset(before & self._singles))
                yield from self._text(("parameters", name, "resource"), Place.NAME, parameter.resource, scope)
            before.add(name)
        for name, read in self._runbook.reads.items():
            scope = _Scope(words=self._singles | self._variables)
            yield from self._text(("reads", name, "resource"), Place.NAME, read.resource, scope)
            for key in ("other_than", "same_as"):
                other = getattr(read, key)
                known = (self._runbook.reads.keys() | self._singles) - {name}
                if other is not None and other not in known:
                    yield Finding(("reads", name, key), f"{other} is not read", nearest(other, known))
            if name in self._runbook.parameters:
                yield Finding(("reads", name), "is a parameter, too", "rename one of the two")
            self.used |= {name} if read.other_than or read.same_as else set()
            self.used |= {other for other in (read.other_than, read.same_as) if other}
        for name in self._runbook.offer.fills:
            if name not in self._runbook.parameters:
                remedy = nearest(name, self._runbook.parameters)
                yield Finding(("offer", "fills", name), "is no parameter", remedy)

    def _step(self, at: At, captured: dict[str, set[str]]) -> Iterator[Finding]:
        """`captured`: by step, what has been captured so far; those within an `each` are known to its steps only."""
        variables = frozenset({at.each.variable}) if at.each is not None else frozenset[str]()
        words = self._singles | variables | self._reads(variables)
        yield from self._text((*at.path, "title"), Place.TEXT, at.step.title, _Scope(words=words, lists=self._lists))
        siblings = {one.id for one in at.each.steps} if at.each is not None else set()
        outer = {step.id for step in self._runbook.steps}
        earlier = {f"{step}.{name}" for step, found in captured.items() if step in siblings | outer for name in found}
        own = self._captures(at)
        for doing, path in doings(at):
            after = {f"{at.step.id}.{name}" for name in own} if path[-1] != "do" else set()
            scope = _Scope(words=words | earlier | after, lists=self._lists, secrets=_secrets(doing))
            found: set[str] = set()
            for key, place, text in spots(doing, path):
                # What is acted on is locked before anything is captured.
                here = msgspec.structs.replace(scope, words=words) if key[-1] == "resource" else scope
                yield from self._text(key, place, text, here, found)
            for name in sorted(scope.secrets - found):
                key = (*path, "secrets", name.removeprefix(_SECRET))
                yield Finding(key, "is used nowhere", f"write {{{name}}} into a header or the body, or take it out")
        captured[at.step.id] = own

    @staticmethod
    def _captures(at: At) -> set[str]:
        return set(at.step.do.capture) if isinstance(at.step.do, CommandAction | HttpAction) else set()

    def _text(
        self, path: KeyPath, place: Place, text: str, scope: _Scope, found: set[str] | None = None
    ) -> Iterator[Finding]:
        try:
            named = names(text, place)
        except TemplateError as error:
            yield Finding(path, str(error), "see docs/runbooks.md for where placeholders may stand")
            return
        for name in named:
            self.used.add(name)
            if found is not None:
                found.add(name)
            if name.startswith(_SECRET):
                yield from self._secret(name, path, scope)
            elif name in scope.lists and place is not Place.TEXT:
                yield Finding(path, f"{name} is a list, and {{{name}}} one word", "go over it with an `each`")
            elif name not in scope.words | scope.lists:
                yield Finding(path, f"uses {name}, which is not known here", self._remedy(name, scope))

    @staticmethod
    def _secret(name: str, path: KeyPath, scope: _Scope) -> Iterator[Finding]:
        if name not in scope.secrets:
            remedy = "add it to `secrets` of the call" if scope.secrets else "only `http` steps have `secrets`"
            yield Finding(path, f"uses {name}, which is no secret of this call", remedy)
        elif path[-1] != "body" and path[-2] != "headers":
            yield Finding(path, f"uses {name} where it would be shown", "secrets stand in headers and in the body only")

    def _remedy(self, name: str, scope: _Scope) -> str:
        if name in self._needs and self._needs[name] - scope.words:
            return f"it is read for every {', '.join(sorted(self._needs[name]))}, so use it within that `each`"
        if "." in name:
            return "earlier steps capture " + (", ".join(sorted(each for each in scope.words if "." in each)) or "none")
        return f"declare parameters.{name}" if not scope.words else nearest(name, scope.words | scope.lists)

    def _reads(self, variables: frozenset[str]) -> frozenset[str]:
        """What is read that depends on no other variables."""
        return frozenset(name for name, needed in self._needs.items() if needed <= variables)

    def _needed_by(self, resource: str) -> frozenset[str]:
        try:
            return frozenset(names(resource, Place.NAME)) & self._variables
        except TemplateError:
            return frozenset()

    def _unused(self) -> Iterator[Finding]:
        for table in ("parameters", "reads"):
            for name in getattr(self._runbook, table):
                if name not in self.used:
                    yield Finding(
                        (table, name), "is used nowhere", f"write {{{name}}} where it belongs, or take it out"
                    )
        for at in all_steps(self._runbook):
            if isinstance(at.step.do, EachAction) and at.step.do.variable not in self.used:
                yield Finding((*at.path, "do", "variable"), "is used nowhere", "every value would do the same")


def findings(runbook: Runbook) -> Iterator[Finding]:
    yield from _Names(runbook).findings()


def _secrets(doing: object) -> frozenset[str]:
    return frozenset(_SECRET + name for name in doing.secrets) if isinstance(doing, HttpAction) else frozenset()
