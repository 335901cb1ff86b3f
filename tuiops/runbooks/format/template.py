"""Placeholders: where they may stand, and how a value is written into each place so that it stays one value.

A word stays one word, a part of an address is percent-encoded, a string of a JSON body goes through the encoder, a
label value of PromQL is escaped. `part_filled` leaves open what is not known yet and yields a text with placeholders
again; `filled` leaves nothing open.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import inspect

from tuiops.core.text import ANNOTATION, safe
from tuiops.errors import Refused
from tuiops.runbooks.format.model import HttpAction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tuiops.config.tree import KeyPath
    from tuiops.core.text import SafeText

    Write = Callable[[KeyPath, "Place", str], str]
    """What becomes of a text with placeholders, by its key and its place."""

_Struct = TypeVar("_Struct", bound=msgspec.Struct)

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_STRING = re.compile(r"""(?P<comment>\#[^\n]*)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`""", re.DOTALL)
_MATCHER = re.compile(r"(=~|!~|!=|(?<![=<>!])=)\s*\Z")
_OUTSIDE = re.compile(r"\{\s*([a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)?)\s*\}")
_REGEX_SIGNS = re.compile(r"[\\.+*?()|\[\]{}^$]")
_SECRET = "secret."


class Place(StrEnum):
    """What a text with placeholders becomes a part of."""

    WORD = "word"
    NAME = "name"
    URL = "url"
    PROMQL = "promql"
    JSON = "json"
    TEXT = "text"


class TemplateError(ValueError):
    """A placeholder that is none, or stands where none may."""


def names(text: str, place: Place) -> tuple[str, ...]:
    """What stands in braces, in its order, each once. TemplateError when a brace stands where it may not."""
    found: dict[str, None] = {}

    def note(name: str) -> str:
        found[name] = None
        return "x"

    _written(text, place, note, keep=False)
    return tuple(found)


def part_filled(text: str, place: Place, values: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> str:
    """The text with these values in their places; other placeholders stay, some of them by another name."""
    names_now = renamed or {}

    def written(name: str) -> str | None:
        return values.get(name)

    return _written(text, place, written, keep=True, renamed=names_now)


def filled_in(text: str, place: Place, values: Mapping[str, str]) -> str:
    """The text with every value in its place. Refused when one is missing."""

    def written(name: str) -> str:
        if name not in values:
            raise Refused(f"nothing is known for {{{name}}}")
        return values[name]

    return _written(text, place, written, keep=False)


def filled_text(text: str, values: Mapping[str, str]) -> SafeText:
    """Sentences with every value in its place, for people. Refused when one is missing."""
    return safe(filled_in(text, Place.TEXT, values), ANNOTATION)


def filled(do: _Struct, values: Mapping[str, str]) -> _Struct:
    """What is done, or looked at, with every value in its place, `{step.name}` being what was captured.

    Secrets of an HTTP call stay open in its headers and its body, which `with_secrets` fills. Refused when a value
    is missing, or makes an address another one.
    """
    sealed = isinstance(do, HttpAction) and bool(do.secrets)

    def write(path: KeyPath, place: Place, text: str) -> str:
        if sealed and path[0] in {"headers", "body"}:
            missing = [name for name in names(text, place) if name not in values and not name.startswith(_SECRET)]
            if missing:
                raise Refused(f"nothing is known for {{{missing[0]}}}")
            return part_filled(text, place, values)
        return filled_in(text, place, values)

    try:
        return mapped(do, write)
    except TemplateError as error:
        raise Refused(str(error)) from None


def shown(do: _Struct) -> _Struct:
    """The same for people: what is still open stays in its braces, and double braces are single ones."""
    return mapped(do, lambda _path, place, text: _written(text, place, lambda _name: None, keep=False))


def with_secrets(do: HttpAction, secrets: Mapping[str, str]) -> HttpAction:
    """A call that `filled` has filled, with its secrets, by their names, in their places. It is never kept or shown."""
    if not do.secrets:
        return do
    values = {_SECRET + name: value for name, value in secrets.items()}

    def write(path: KeyPath, place: Place, text: str) -> str:
        return filled_in(text, place, values) if path[0] in {"headers", "body"} else text

    return mapped(do, write)


def spots(value: msgspec.Struct, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Place, str]]:
    """Every text of a table, and of the tables within it, that may have placeholders."""
    found: list[tuple[KeyPath, Place, str]] = []

    def note(key: KeyPath, place: Place, text: str) -> str:
        found.append((key, place, text))
        return text

    _map_struct(value, path, note)
    yield from found


def mapped(value: _Struct, write: Write) -> _Struct:
    """The table with another text wherever placeholders may stand."""
    return _map_struct(value, (), write)


def _map_struct(value: _Struct, path: KeyPath, write: Write) -> _Struct:
    changed: dict[str, Any] = {}
    for name, key, node in _placed_fields(type(value)):
        before = getattr(value, name)
        after = _map(node, before, (*path, key), write)
        if after != before:
            changed[name] = after
    return msgspec.structs.replace(value, **changed) if changed else value


@functools.cache
def _placed_fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, inspect.Type], ...]:
    node = inspect.type_info(kind)
    fields = node.fields if isinstance(node, inspect.StructType) else ()
    return tuple((field.name, field.encode_name, field.type) for field in fields)


def _map(node: inspect.Type, value: Any, path: KeyPath, write: Write) -> Any:
    found = value
    match node:
        case _ if isinstance(value, msgspec.Struct):
            found = _map_struct(value, path, write)
        case inspect.Metadata(extra={"place": place}) if isinstance(value, str):
            found = write(path, Place(place), value)
        case inspect.Metadata():
            found = _map(node.type, value, path, write)
        case inspect.UnionType() if isinstance(value, str):
            for each in node.types:
                found = _map(each, found, path, write) if isinstance(each, inspect.Metadata) else found
        case inspect.DictType() if isinstance(value, dict):
            found = {key: _map(node.value_type, item, (*path, key), write) for key, item in value.items()}
        case inspect.VarTupleType() if isinstance(value, tuple):
            found = tuple(
                _map(node.item_type, item, (*path[:-1], f"{path[-1]}[{position}]"), write)
                for position, item in enumerate(value)
            )
        case _:
            pass
    return found


# --- Writing values -----------------------------------------------------------------------------------------------


def _written(
    text: str,
    place: Place,
    value: Callable[[str], str | None],
    *,
    keep: bool,
    renamed: Mapping[str, str] | None = None,
) -> str:
    """`value` gives what stands for a name, None to leave it open; `keep`: the result may have placeholders again."""
    writer = _Writer(value, renamed or {}, keep=keep)
    match place:
        case Place.URL:
            found = writer.text(text, _percent_encoded)
            _check_address(text, found)
            return found
        case Place.PROMQL:
            return _promql(text, writer)
        case Place.JSON:
            return _json(text, writer)
        case _:
            return writer.text(text, _as_it_is)


class _Writer:
    """Writes values in place of names."""

    def __init__(self, value: Callable[[str], str | None], renamed: Mapping[str, str], *, keep: bool) -> None:
        self._value = value
        self._renamed = renamed
        self._keep = keep

    def text(self, text: str, encoded: Callable[[str], str]) -> str:
        """The text with each value as `encoded` writes it."""
        return _TOKEN.sub(lambda token: self._token(token, text, encoded), text)

    def _token(self, token: re.Match[str], text: str, encoded: Callable[[str], str]) -> str:
        whole, name = token[0], token[1]
        if whole in {"{{", "}}"}:
            return whole if self._keep else whole[0]
        if name is None:
            raise TemplateError(f"has a single {whole}: write {whole * 2} where a brace is meant, in {text[:60]!r}")
        if not name:
            raise TemplateError("has empty braces: name a parameter in them, or write {{}}")
        value = self._value(name)
        if value is None:
            return "{" + self._renamed.get(name, name) + "}"
        found = encoded(value)
        return found.replace("{", "{{").replace("}", "}}") if self._keep else found


def _as_it_is(value: str) -> str:
    return value


def _percent_encoded(value: str) -> str:
    return quote(value, safe="")


def _check_address(template: str, found: str) -> None:
    """A value may not become a host nor a step up the path, which clients resolve before they send it."""
    host = re.match(r"https?://[^/?#]*", template)
    if host is None or "{" in host[0]:
        raise TemplateError("has a placeholder in its host: write the host out")
    if any(part in {".", ".."} for part in urlsplit(found).path.split("/")):
        raise TemplateError("would go up its path: a value in an address is never . or ..")


def _promql(text: str, writer: _Writer) -> str:
    pieces: list[str] = []
    position = 0
    for string in _STRING.finditer(text):
        pieces.extend((_bare(text[position : string.start()]), _label_value(text, string, writer)))
        position = string.end()
    return "".join((*pieces, _bare(text[position:])))


def _bare(text: str) -> str:
    """What is no string: its braces are PromQL's."""
    found = _OUTSIDE.search(text)
    if found is not None:
        raise TemplateError(f"has {{{found[1]}}} outside of a label value")
    return text


def _label_value(text: str, string: re.Match[str], writer: _Writer) -> str:
    whole = string[0]
    if string["comment"] is not None or ("{" not in whole and "}" not in whole):
        return whole
    operator = _MATCHER.search(text, 0, string.start())
    if operator is None or whole[0] == "`":
        raise TemplateError(f"has braces outside of a label value: {whole[:60]}")
    mark = whole[0]

    def encoded(value: str) -> str:
        if operator[1] in {"=~", "!~"}:
            value = _REGEX_SIGNS.sub(r"\\\g<0>", value)
        return value.replace("\\", "\\\\").replace(mark, "\\" + mark).replace("\n", "\\n")

    return mark + writer.text(whole[1:-1], encoded) + mark


def _json(text: str, writer: _Writer) -> str:
    if not text:
        return text
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TemplateError(f"is not JSON: {error}") from None
    return msgspec.json.encode(_json_value(found, writer)).decode()


def _json_value(value: Any, writer: _Writer) -> Any:
    if isinstance(value, str):
        return writer.text(value, _as_it_is)
    if isinstance(value, list):
        return [_json_value(item, writer) for item in value]
    if isinstance(value, dict):
        for key in value:
            if "{" in key or "}" in key:
                raise TemplateError(f"has braces in the key {key[:60]!r}: placeholders stand in values only")
        return {key: _json_value(item, writer) for key, item in value.items()}
    return value
