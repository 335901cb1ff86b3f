"""What steps do, in the words that people read before it happens and find in the record afterwards."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from tuiops.config.values import Secret
from tuiops.core.text import ANNOTATION, EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import exact_span
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    CommandCheck,
    GateAction,
    HttpAction,
    HttpCheck,
    ManualAction,
    QueryCheck,
    WaitAction,
)
from tuiops.runbooks.gates import label, statuses

if TYPE_CHECKING:
    from tuiops.runbooks.format.model import AnyCheck, PlainAction

LONGEST = ANNOTATION
"""Characters of the longest text that is shown whole; what is longer is not planned."""

_QUERY = re.compile(r"""(?P<kept>\#[^\n]*\n?|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|\s+""", re.DOTALL)
"""What is shown of an expression as it is, and blanks between, of which one is enough."""

_UNCLEAR = re.compile(r"[\s()'\"\\<]")


def call_text(do: PlainAction) -> SafeText:
    """The exact call, whole. Secrets are named, never shown."""
    match do:
        case CommandAction():
            found = fmt("{}{}{}{}", _variables(do), whole(shlex.join(do.argv)), _input(do), _via(do.via))
        case HttpAction():
            body = fmt(" {}", whole(do.body)) if do.body else EMPTY
            found = fmt(
                "{} {}{}{}{}{}", safe(do.method), whole(do.url), _headers(do), body, _secrets(do), _via(do.via)
            )  # fmt: skip
        case ApiAction():
            given = join("", (fmt(" {}", whole(f"{name}={_word(one)}")) for name, one in do.arguments.items()))
            found = fmt("{} {}{}", safe(do.ability), whole(_word(do.resource)), given)
        case GateAction(check=check):
            found = check_text(check)
        case WaitAction(lasts=lasts):
            found = fmt("wait {}", exact_span(lasts))
        case ManualAction(instructions=instructions, link=link):
            found = _sentences(f"{instructions} {link}")
        case _:
            where = fmt("tell {}: ", whole(do.channel)) if do.channel else lit("record: ")
            found = fmt("{}{}", where, _sentences(do.message))
    return found


def check_text(check: AnyCheck) -> SafeText:
    """A condition, whole, how long it must hold, and how long it has to begin to."""
    hold = fmt(" for {}, begun", exact_span(check.hold)) if check.hold else lit(",")
    return fmt("{}{} within {}", condition_text(check), hold, exact_span(check.within))


def condition_text(check: AnyCheck) -> SafeText:
    """A condition as `gates.label` has it, but whole: what exactly is run or asked, and where."""
    match check:
        case QueryCheck():
            asked = whole(_QUERY.sub(lambda found: found["kept"] or " ", check.query.strip()))
            return fmt("{} {} at {}", asked, whole(check.limit), whole(check.source))
        case HttpCheck():
            body = fmt(" with a body that matches {}", whole(shlex.quote(check.matches))) if check.matches else EMPTY
            return fmt("GET {}{} answers {}{}", whole(check.url), _via(check.via), statuses(check), body)
        case CommandCheck():
            return fmt("`{}`{} ends with 0", whole(shlex.join(check.argv)), _via(check.via))
        case _:
            return label(check)


def whole(text: str) -> SafeText:
    """A text for the screen, of whatever length."""
    return safe(text, max(1, len(text)))


def _sentences(text: str) -> SafeText:
    return whole(" ".join(text.split()))


def _via(name: str) -> SafeText:
    return fmt(" on {}", whole(name)) if name else EMPTY


def _variables(do: CommandAction) -> SafeText:
    return join("", (fmt("{}={} ", whole(name), _value(value)) for name, value in do.environment.items()))


def _headers(do: HttpAction) -> SafeText:
    return join(
        "",
        (
            fmt(" {}: {}", whole(name), _place(value)) if isinstance(value, Secret) else
            fmt(" {}", whole(shlex.quote(f"{name}: {value}")))
            for name, value in do.headers.items()
        ),
    )  # fmt: skip


def _secrets(do: HttpAction) -> SafeText:
    return join("", (fmt(" with {} = {}", whole(name), _place(secret)) for name, secret in do.secrets.items()))


def _input(do: CommandAction) -> SafeText:
    return fmt(" < {}", _place(do.stdin)) if do.stdin is not None else EMPTY


def _value(value: str | Secret) -> SafeText:
    return _place(value) if isinstance(value, Secret) else whole(_word(value))


def _word(text: str) -> str:
    """In quotes when it would not be seen where it ends."""
    return shlex.quote(text) if not text or _UNCLEAR.search(text) else text


def _place(secret: Secret) -> SafeText:
    """Where a secret comes from."""
    if secret.env is not None:
        return fmt("(secret ${})", whole(secret.env))
    if secret.file is not None:
        return fmt("(secret file {})", whole(secret.file))
    return fmt("(secret of {})", whole(shlex.join(secret.command or ("nowhere",))))
