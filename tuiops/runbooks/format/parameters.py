"""Values of parameters, checked before anything is planned: by their type, and as words that go out into the world.

A value is a word, never a shell's, an option, a template, a path upwards or markup. Most of that follows from how
values are written (`runbooks.format.template`); here is refused what no place could take.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tuiops.config.texts import nearest
from tuiops.core.guarded import whole
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.errors import Refused
from tuiops.runbooks.format.model import (
    EnumParameter,
    IntegerParameter,
    ListedParameter,
    TextParameter,
    TimestampParameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.runbooks.format.model import AnyParameter, Runbook

    Values = Mapping[str, tuple[str, ...]]
    """By parameter; one value each, except where it has `many`."""

LONGEST = 1024
"""Characters of the longest value."""

MOST = 64
"""Values of the longest list."""

MATCH_SECONDS = 0.02
"""For one value and its pattern; most take millionths. It is done at every key that is pressed in a form."""

_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)


def checked(runbook: Runbook, given: Values, *, now: datetime, lists: Values) -> dict[str, tuple[str, ...]]:
    """Every parameter with its values, defaults where none were given, in the order of the runbook.

    `lists` has what there is at this moment, by the name of a `listed` parameter. Refused, with all that is wrong.
    """
    wrong: list[SafeText] = []
    for name in given.keys() - runbook.parameters.keys():
        remedy = safe(nearest(name, runbook.parameters))
        wrong.append(fmt("{} is no parameter of {}: {}", safe(name), safe(runbook.id), remedy))
    found: dict[str, tuple[str, ...]] = {}
    for name, parameter in runbook.parameters.items():
        found[name] = tuple(given.get(name) or _defaults(parameter))
        problem = _objection_to_all(parameter, found[name], now, lists.get(name))
        if problem:
            wrong.append(fmt("{}: {}", safe(name), problem))
    if wrong:
        raise Refused(join("; ", sorted(wrong)))
    return found


def objection(parameter: AnyParameter, value: str, *, now: datetime, listed: Sequence[str] | None = None) -> SafeText:
    """What is wrong with one value; empty when nothing is. `listed`: what there is, None when that is not known."""
    problem = word_objection(value)
    if problem:
        return problem
    match parameter:
        case TextParameter(pattern=pattern):
            return pattern_objection(pattern, value)
        case EnumParameter(options=options):
            return EMPTY if value in options else fmt("is not among {}", _some(options))
        case IntegerParameter():
            return _integer(parameter, value)
        case TimestampParameter():
            return _timestamp(parameter, value, now)
        case ListedParameter():
            return _listed(parameter, value, listed)


def own_objection(parameter: AnyParameter, value: str, *, now: datetime) -> SafeText:
    """What is wrong with one value whatever there is at this moment; empty when nothing is."""
    if isinstance(parameter, ListedParameter):
        return word_objection(value)
    return objection(parameter, value, now=now)


def word_objection(value: str) -> SafeText:
    """What keeps a text from being used as a word anywhere; empty when nothing does."""
    if not value:
        return lit("is empty")
    if len(value) > LONGEST:
        return fmt("is longer than {} characters", LONGEST)
    if value.startswith("-"):
        return lit("begins with -, like an option")
    if value != value.strip():
        return lit("begins or ends with a space")
    if not value.isprintable():
        # Line breaks, NUL and other controls, what turns the direction of text, what has no width, half characters.
        return lit("holds characters that cannot be seen")
    return EMPTY


def matches(pattern: str, value: str) -> bool:
    """Whether it is certain that all of a value matches; see `pattern_objection`."""
    return not pattern_objection(pattern, value)


def pattern_objection(pattern: str, value: str) -> SafeText:
    """Why a value does not count as what a pattern describes; empty when all of it matches.

    Classes such as digits are ASCII's: other scripts' are none.
    """
    try:
        if whole(pattern, value, MATCH_SECONDS):
            return EMPTY
    except TimeoutError:
        return fmt("takes too long to be compared with {}: a pattern that is simpler is needed", safe(pattern))
    return fmt("does not match {}", safe(pattern))


def moment(value: str) -> datetime:
    """A timestamp parameter's value. ValueError when it is none: it is RFC 3339 with `Z` or an offset."""
    if _MOMENT.fullmatch(value) is None:
        raise ValueError(f"{value!r} is no moment")
    return datetime.fromisoformat(value)


def _defaults(parameter: AnyParameter) -> tuple[str, ...]:
    if parameter.many:
        return parameter.defaults
    return (parameter.default,) if parameter.default else ()


def _objection_to_all(
    parameter: AnyParameter, values: tuple[str, ...], now: datetime, listed: Sequence[str] | None
) -> SafeText:
    if not values:
        return lit("is missing")
    if len(values) > 1 and not parameter.many:
        return lit("is one value, not a list")
    if len(values) > MOST:
        return fmt("has more than {} values", MOST)
    for value in values:
        problem = objection(parameter, value, now=now, listed=listed)
        if problem:
            return fmt("{} {}", safe(repr(value), 80), problem)
    double = next((value for value in values if values.count(value) > 1), None)
    return fmt("{} is named twice", safe(double)) if double is not None else EMPTY


def _integer(parameter: IntegerParameter, value: str) -> SafeText:
    if _INTEGER.fullmatch(value) is None:
        return lit("is no whole number")
    if not parameter.least <= int(value) <= parameter.most:
        return fmt("is not from {} to {}", parameter.least, parameter.most)
    return EMPTY


def _timestamp(parameter: TimestampParameter, value: str, now: datetime) -> SafeText:
    try:
        when = moment(value)
    except ValueError:
        return lit("is no moment; write 2026-05-01T12:00:00Z, or an offset in place of Z")
    if when > now and not parameter.future:
        return lit("lies in the future")
    if parameter.earliest is not None and when < now - timedelta(seconds=parameter.earliest):
        return fmt("lies further back than {}", span(parameter.earliest))
    return EMPTY


def _listed(parameter: ListedParameter, value: str, listed: Sequence[str] | None) -> SafeText:
    things = safe(parameter.of.replace("_", " "))
    if listed is None:
        return fmt("cannot be checked: the {} cannot be listed at the moment", things)
    return EMPTY if value in listed else fmt("is not among the {} that there are: {}", things, _some(listed))


def _some(words: Sequence[str]) -> SafeText:
    shown = join(", ", (safe(word, 60) for word in words[:8]))
    return (fmt("{}, …", shown) if len(words) > 8 else shown) or lit("none")
