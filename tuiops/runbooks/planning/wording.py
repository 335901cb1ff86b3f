"""What steps do, in the words that people read before it happens and find in the record afterwards."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tuiops.config.values import Secret
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import exact_span
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    GateAction,
    HttpAction,
    ManualAction,
    WaitAction,
)
from tuiops.runbooks.gates import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.runbooks.format.model import AnyCheck, PlainAction

_LONG = 4000


def call_text(do: PlainAction) -> SafeText:
    """The exact call. Secrets are named, never shown."""
    match do:
        case CommandAction():
            found = fmt("{}{}{}{}", _variables(do), safe(shlex.join(do.argv), _LONG), _input(do), _via(do.via))
        case HttpAction():
            headers = join("", (fmt(" {}", part) for part in _pairs(do.headers, ": ")))
            body = fmt(" {}", safe(do.body, _LONG)) if do.body else EMPTY
            found = fmt("{} {}{}{}{}", safe(do.method), safe(do.url, _LONG), headers, body, _via(do.via))
        case ApiAction():
            given = join("", (fmt(" {}", safe(f"{name}={value}", 500)) for name, value in do.arguments.items()))
            found = fmt("{} {}{}", safe(do.ability), safe(do.resource), given)
        case GateAction(check=check):
            found = check_text(check)
        case WaitAction(lasts=lasts):
            found = fmt("wait {}", exact_span(lasts))
        case ManualAction(instructions=instructions, link=link):
            found = _sentences(f"{instructions} {link}")
        case _:
            where = fmt("tell {}: ", safe(do.channel)) if do.channel else lit("record: ")
            found = fmt("{}{}", where, _sentences(do.message))
    return found


def check_text(check: AnyCheck) -> SafeText:
    """A condition, how long it must hold, and how long it has to begin to."""
    hold = fmt(" for {}, begun", exact_span(check.hold)) if check.hold else lit(",")
    return fmt("{}{} within {}", label(check), hold, exact_span(check.within))


def _sentences(text: str) -> SafeText:
    return safe(" ".join(text.split()), _LONG)


def _via(name: str) -> SafeText:
    return fmt(" on {}", safe(name)) if name else EMPTY


def _variables(do: CommandAction) -> SafeText:
    return join("", (fmt("{} ", part) for part in _pairs(do.environment, "=")))


def _input(do: CommandAction) -> SafeText:
    return fmt(" < {}", _place(do.stdin)) if do.stdin is not None else EMPTY


def _pairs(values: Mapping[str, str | Secret], between: str) -> list[SafeText]:
    return [
        safe(f"{name}{between}{_place(value) if isinstance(value, Secret) else value}", 500)
        for name, value in values.items()
    ]


def _place(secret: Secret) -> SafeText:
    """Where a secret comes from."""
    if secret.env is not None:
        return fmt("(secret ${})", safe(secret.env))
    if secret.file is not None:
        return fmt("(secret file {})", safe(secret.file))
    return fmt("(secret of {})", safe((secret.command or ("nowhere",))[0]))
