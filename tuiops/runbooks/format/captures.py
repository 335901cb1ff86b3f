"""Captures: a value out of what a command printed or an address answered, used only when it matches its pattern."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

import msgspec

from tuiops.core.guarded import first_group
from tuiops.core.text import safe
from tuiops.errors import Refused
from tuiops.runbooks.format.parameters import pattern_objection, word_objection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.runbooks.format.model import Capture

SEARCH_SECONDS: Final = 1.0
"""For all lines together; most patterns take thousandths."""
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
"""An index of an array as RFC 6901 has it: no zeros in front."""


def captured(captures: Mapping[str, Capture], output: str) -> dict[str, str]:
    """The value of each, by its name. Refused, without the value, when one is not there or not what it must be."""
    return {name: _one(name, capture, output) for name, capture in captures.items()}


def _one(name: str, capture: Capture, output: str) -> str:
    value = _json(name, capture.json, output) if capture.json else _line(name, capture.line, output)
    problem = word_objection(value)
    if problem:
        raise Refused(f"{safe(name)} cannot be used: it {problem}")
    problem = pattern_objection(capture.pattern, value)
    if problem:
        raise Refused(f"{safe(name)} cannot be used: it {problem}")
    if capture.equals and value != capture.equals:
        raise Refused(f"{safe(name)} is not {safe(capture.equals)}")
    return value


def _json(name: str, pointer: str, output: str) -> str:
    """What a JSON pointer (RFC 6901) leads to: a string, or a whole number as text."""
    try:
        found = msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError):
        raise Refused(f"{safe(name)} is not there: the output is not JSON") from None
    for step in pointer.split("/")[1:]:
        part = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and _INDEX.fullmatch(part) and int(part) < len(found):
            found = found[int(part)]
        else:
            raise Refused(f"{safe(name)} is not there: nothing is at {safe(pointer)}")
    if isinstance(found, str):
        return found
    if type(found) is int:
        return str(found)
    raise Refused(f"{safe(name)} cannot be used: at {safe(pointer)} is neither a text nor a whole number")


def _line(name: str, pattern: str, output: str) -> str:
    """The group of the first line in which the pattern is found."""
    deadline = time.monotonic() + SEARCH_SECONDS
    for line in output.splitlines():
        try:
            found = first_group(pattern, line, max(0.001, deadline - time.monotonic()))
        except (TimeoutError, re.error):
            raise Refused(f"{safe(name)} is not there: its pattern takes too long to be looked for") from None
        if found is not None:
            return found
    raise Refused(f"{safe(name)} is not there: no line has it")
