"""What a configuration could hold: tables proposed by a look around, and how they are written in TOML.

Names from outside become identifiers and strings that mean the same to every reader of TOML, and nothing to a terminal.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import SafeText, fmt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Table = tuple[str, ...]
"""The way to a table, such as `("systems", "shop", "services", "api")`."""

WIDTH = 110
"""Columns of a comment."""

_LONGEST = 64
"""Characters of an identifier: what `values.Id` allows."""

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_MARKS = frozenset({"Mn", "Me", "Mc", "Cf"})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One table, and why it is proposed."""

    table: Table
    values: dict[str, Any] = {}
    """Texts, numbers, booleans, and lists and tables of them."""
    why: SafeText


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Tables in the order of a file."""

    entries: tuple[Entry, ...] = ()
    warnings: tuple[SafeText, ...] = ()
    """What could not be read, or not be proposed."""


class Names:
    """Identifiers for names from outside: equal for equal names, different for different ones."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The name in lower case, with a `-` for whatever may not be in an identifier."""
        if name not in self._known:
            self._known[name] = self.fresh(name)
        return self._known[name]

    def fresh(self, name: str) -> str:
        """The same, but never one that was given before."""
        found = self._free(name)
        self._taken.add(found)
        return found

    def _free(self, name: str) -> str:
        plain = re.sub(r"[^a-z0-9_]+", "-", name.lower(), flags=re.ASCII).strip("-_")[:_LONGEST].rstrip("-_")
        wanted = plain or "unnamed"
        if wanted not in self._taken:
            return wanted
        # Names that differ only in what is lost are told apart by what they were.
        mark = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
        number = 0
        while (found := f"{wanted[: _LONGEST - 12]}-{mark}{number or ''}") in self._taken:
            number += 1
        return found


def lines(proposal: Proposal, head: Iterable[SafeText] = ()) -> Iterator[str]:
    """The proposal as a file, line by line; every line is printable and means nothing to a terminal."""
    for text in (*head, *(fmt("Not here: {}", warning) for warning in proposal.warnings)):
        yield from _comment(text)
    for entry in proposal.entries:
        yield ""
        yield from _comment(entry.why)
        yield f"[{'.'.join(map(_key, entry.table))}]"
        for key, value in entry.values.items():
            yield f"{_key(key)} = {_written(value)}"


def _comment(text: SafeText) -> Iterator[str]:
    line = "#"
    for word in text.split():
        if len(line) + len(word) >= WIDTH and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _written(value: object) -> str:
    """A value in TOML. TypeError for what TOML has no word for."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _string(value)
        case list() | tuple():
            return f"[{', '.join(map(_written, value))}]"
        case dict():
            inside = ", ".join(f"{_key(key)} = {_written(item)}" for key, item in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case _:
            raise TypeError(f"TOML cannot hold {value!r}")


def _string(text: str) -> str:
    """A basic string. What could be invisible, combine with its neighbour or turn the writing around is escaped.

    A query with quotation marks and nothing else of that is easier to read as a literal string.
    """
    escaped = "".join(map(_escaped, text))
    if escaped != text and "'" not in text and text.isascii() and text.isprintable():
        return f"'{text}'"
    return f'"{escaped}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable() and unicodedata.category(char) not in _MARKS and not unicodedata.combining(char):
        return char
    code = ord(char)
    if 0xD800 <= code < 0xE000:
        return "\\uFFFD"  # half of a pair, which is no character
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
