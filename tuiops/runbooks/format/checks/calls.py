"""What single calls need: an ability its arguments, an address and a body their form, a capture one way to look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tuiops.config.texts import nearest, objection
from tuiops.config.values import ONE_PLACE, Secret
from tuiops.config.walk import structs
from tuiops.errors import Refused
from tuiops.runbooks.format.abilities import ABILITIES, shares
from tuiops.runbooks.format.checks.plain_secrets import REMEDY, is_plain_secret
from tuiops.runbooks.format.checks.walk import Finding, all_steps, doings
from tuiops.runbooks.format.model import ApiAction, CommandAction, GateAction, HttpAction, HttpCheck, QueryCheck
from tuiops.runbooks.format.template import Place, TemplateError, filled_in, names
from tuiops.runbooks.gates import bare_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.model import Capture, Runbook

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")


def findings(runbook: Runbook) -> Iterator[Finding]:
    for at in all_steps(runbook):
        for doing, path in doings(at):
            yield from _one(doing, path)
            for value, key in structs(doing, path):
                if isinstance(value, Secret) and value.mistake:
                    yield Finding(key, value.mistake, ONE_PLACE)


def _one(doing: object, path: KeyPath) -> Iterator[Finding]:
    match doing:
        case ApiAction():
            yield from _ability(doing, path)
        case GateAction(check=check):
            yield from _one(check, (*path, "check"))
        case CommandAction():
            yield from _hidden(doing.environment, _VARIABLE, (*path, "environment"))
        case HttpAction():
            yield from _address(doing.url, (*path, "url"))
            yield from _hidden(doing.headers, _HEADER, (*path, "headers"))
        case HttpCheck(url=url):
            yield from _address(url, (*path, "url"))
        case QueryCheck():
            yield from _query(doing, path)
        case _:
            pass
    if isinstance(doing, CommandAction | HttpAction):
        for name, capture in doing.capture.items():
            yield from _capture(capture, (*path, "capture", name))


def _ability(do: ApiAction, path: KeyPath) -> Iterator[Finding]:
    wants = ABILITIES[do.ability]
    known = (*wants.needed, *wants.one_of)
    for name in do.arguments:
        if name not in known:
            yield Finding((*path, "arguments", name), f"is nothing that {do.ability} asks for", nearest(name, known))
    for name in wants.needed:
        if name not in do.arguments:
            yield Finding((*path, "arguments", name), "is missing", f"{do.ability} asks for it")
    if wants.one_of and len([name for name in wants.one_of if name in do.arguments]) != 1:
        remedy = f"give exactly one of {', '.join(wants.one_of)}"
        yield Finding((*path, "arguments"), f"does not say which {' or '.join(wants.one_of)}", remedy)
    if wants.secret != (do.value is not None):
        problem = "is missing" if wants.secret else f"is nothing that {do.ability} takes"
        yield Finding((*path, "value"), problem, "only add_secret_version takes one, by reference")
    if "shares" in do.arguments:
        yield from _shares(do.arguments["shares"], (*path, "arguments", "shares"))


def _shares(text: str, path: KeyPath) -> Iterator[Finding]:
    """Percents that are written out add up to 100."""
    try:
        whole = filled_in(text, Place.WORD, {name: f"x{at}" for at, name in enumerate(names(text, Place.WORD))})
    except TemplateError:
        return  # told where placeholders are
    if any("=" in pair and "{" in pair.rpartition("=")[2] for pair in text.split(",")):
        return
    try:
        total = sum(shares(whole).values())
    except Refused as error:
        yield Finding(path, str(error), "write revision=percent, such as {new}=10,{old}=90")
    else:
        if total != 100:
            yield Finding(path, f"adds up to {total}%", "let the percents add up to 100")


def _address(url: str, path: KeyPath) -> Iterator[Finding]:
    found = objection(re.sub(r"[{}]", "", url), "url")
    if found is not None:
        yield Finding(path, *found)


def _hidden(values: Mapping[str, str | Secret], form: re.Pattern[str], path: KeyPath) -> Iterator[Finding]:
    for name, value in values.items():
        if form.fullmatch(name) is None:
            yield Finding((*path, name), "is no name for one", "use letters, digits and - or _")
        if is_plain_secret(name, value):
            yield Finding((*path, name), "would hold a secret", REMEDY)


def _query(check: QueryCheck, path: KeyPath) -> Iterator[Finding]:
    try:
        bare_limit(check.limit)
    except ValueError as error:
        yield Finding((*path, "limit"), str(error), "such as >= 0.95, or <= 5% of a ratio")
    try:
        import promql_parser
    except ImportError:
        return
    try:
        text = filled_in(check.query, Place.PROMQL, dict.fromkeys(names(check.query, Place.PROMQL), "x"))
        promql_parser.parse(text)
    except TemplateError:
        pass  # told where placeholders are
    except ValueError as error:
        yield Finding((*path, "query"), f"is not PromQL: {error}", "try it in the server's own page")


def _capture(capture: Capture, path: KeyPath) -> Iterator[Finding]:
    if bool(capture.json) == bool(capture.line):
        said = "is given beside line" if capture.json else "is missing, and so is line"
        yield Finding((*path, "json"), said, "give exactly one of json, line")
    if capture.json and not capture.json.startswith("/"):
        yield Finding((*path, "json"), "is no JSON pointer", "begin it with /, such as /status/url")
    if capture.line and re.compile(capture.line).groups != 1:
        yield Finding((*path, "line"), "has not exactly one group", "put the value in (…), other groups in (?:…)")
