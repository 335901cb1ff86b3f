"""Values that go out into the world: patterns that bound them, choices and defaults that are values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tuiops.runbooks.format.checks.walk import Finding, all_steps, doings
from tuiops.runbooks.format.model import (
    CommandAction,
    EnumParameter,
    HttpAction,
    IntegerParameter,
    ListedParameter,
    TextParameter,
    TimestampParameter,
)
from tuiops.runbooks.format.parameters import matches, objection, word_objection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.model import AnyParameter, Runbook

HARMFUL = ("$(id)", "`id`", "a;id", "a|id", "a&id", "a>b", "../a", "a/../b", "a*", "a[b]", "file:///a", "@a")
"""Values that no pattern of a word lets pass: parts of shell commands, paths that climb, names that tools of the clouds
take for many files, and what some tools take for a file to read."""

_SOME_TIME = datetime(2026, 1, 1, tzinfo=timezone(timedelta(0)))


def findings(runbook: Runbook) -> Iterator[Finding]:
    for name, parameter in runbook.parameters.items():
        yield from _parameter(parameter, ("parameters", name))
    for at in all_steps(runbook):
        for doing, path in doings(at):
            if isinstance(doing, CommandAction | HttpAction):
                for name, capture in doing.capture.items():
                    yield from _pattern(capture.pattern, (*path, "capture", name, "pattern"))


def _parameter(parameter: AnyParameter, path: KeyPath) -> Iterator[Finding]:
    match parameter:
        case TextParameter(pattern=pattern):
            yield from _pattern(pattern, (*path, "pattern"))
        case EnumParameter(options=options):
            for position, option in enumerate(options):
                unfit = word_objection(option)
                if unfit:
                    yield Finding((*path, f"options[{position}]"), unfit, "no value may be like that")
        case IntegerParameter(least=least, most=most):
            if least > most:
                yield Finding((*path, "most"), "is less than least", "swap the two")
        case ListedParameter(of=of, resource=resource):
            if (resource is None) != (of in {"services", "resources"}):
                problem = "is missing" if resource is None else f"is not needed to list {of}"
                yield Finding((*path, "resource"), problem, "name the resource whose are listed, for those only")
        case TimestampParameter():
            pass
    yield from _defaults(parameter, path)


def _pattern(pattern: str, path: KeyPath) -> Iterator[Finding]:
    for value in HARMFUL:
        if matches(pattern, value):
            yield Finding(
                path, f"lets {value} pass", "name the characters that a value may have, such as [a-z0-9-]{1,40}"
            )
            return


def _defaults(parameter: AnyParameter, path: KeyPath) -> Iterator[Finding]:
    if parameter.many and parameter.default:
        yield Finding((*path, "default"), "is of a list", "write defaults = [...]")
    if parameter.defaults and not parameter.many:
        yield Finding((*path, "defaults"), "is given without many = true", "write default, or many = true")
    given = [("default", parameter.default)] if parameter.default else []
    given += [(f"defaults[{position}]", value) for position, value in enumerate(parameter.defaults)]
    for key, value in given:
        problem = objection(parameter, value, now=_SOME_TIME, listed=(value,))
        # Whether a moment is too old is told when it is used.
        if problem and not isinstance(parameter, TimestampParameter):
            yield Finding((*path, key), problem, "it is checked like any other value")
