"""A command just before it begins: its words checked, its secrets at hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tuiops.config.values import Secret
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.runbooks.execution.base import Command, is_execution
from tuiops.runbooks.execution.secret_forms import all_forms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.sources.http_auth import Resolve

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES: Final = 120_000
"""Bytes of one word; Linux takes 128 KiB."""


class Prepared:
    """What a command is given. Holds the values of secrets and so has no representation that shows anything."""

    __slots__ = ("environment", "forms", "stdin")

    def __init__(self, environment: Mapping[str, str], stdin: str | None, forms: frozenset[bytes]) -> None:
        self.environment = dict(environment)
        self.stdin = stdin
        self.forms = forms
        """Everything that must not be seen in its output."""


def objection(command: Command) -> SafeText:
    """Why a command cannot be carried out as it stands; empty when it can."""
    if not is_execution(command.execution):
        return fmt("{} can be no execution id", safe(command.execution))
    if not command.argv or not command.argv[0]:
        return lit("the command has no words")
    for word in command.argv:
        if problem := _not_a_word(word):
            return fmt("{} in {}", problem, safe(word))
    for name, value in command.environment.items():
        if _VARIABLE.fullmatch(name) is None:
            return fmt("{} is no name of a variable", safe(name))
        if isinstance(value, str) and (problem := _not_a_word(value)):
            return fmt("{} in variable {}", problem, safe(name))
    return EMPTY


def prepare(command: Command, resolve: Resolve) -> Prepared:
    """Find the secrets of a command. Blocks while a command prints one. Raises ConfigError."""
    found: dict[Secret, str] = {}

    def value(secret: Secret) -> str:
        if secret not in found:
            found[secret] = resolve(secret)
        return found[secret]

    environment = {
        name: value(given) if isinstance(given, Secret) else given for name, given in command.environment.items()
    }
    stdin = None if command.stdin is None else value(command.stdin)
    return Prepared(environment, stdin, frozenset(all_forms(found.values())))


def _not_a_word(text: str) -> SafeText:
    if "\0" in text:
        return lit("there is a NUL character")
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return lit("there are characters that no encoding has")
    return lit("there are too many characters") if len(encoded) > _MOST_BYTES else EMPTY
