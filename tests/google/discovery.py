"""Google's discovery documents: what an API accepts and answers, by Google's own account.

They come with google-api-python-client, one JSON file for each API and version.
"""

from __future__ import annotations

import base64
import binascii
import functools
import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

Spec = Mapping[str, Any]
"""A piece of a discovery document."""

_COMMON = frozenset({"$.xgafv", "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint",
                     "quotaUser", "upload_protocol", "uploadType"})  # fmt: skip


class Method(NamedTuple):
    """One method of an API."""

    id: str
    """Such as `run.projects.locations.services.list`."""
    verb: str
    path: re.Pattern[str]
    spec: Spec


class Match(NamedTuple):
    """A method, and what the variables of its path are in a request."""

    method: Method
    variables: tuple[str, ...]
    """In the order of the path, such as project, location, service."""


class Document:
    """One version of one API. Every check returns what does not conform, nothing when all does."""

    def __init__(self, spec: Spec) -> None:
        self._schemas: Mapping[str, Spec] = spec["schemas"]
        self.methods = tuple(_methods(spec, spec.get("servicePath", "")))

    def match(self, verb: str, path: str) -> Match | None:
        """The method that serves a request; `path` as it was sent, without the query."""
        for method in self.methods:
            found = method.path.fullmatch(path) if method.verb == verb else None
            if found is not None:
                return Match(method, tuple(unquote(value) for value in found.groups()))
        return None

    def check_request(self, method: Method, query: Sequence[tuple[str, str]], body: object) -> list[str]:
        """A request to a method, its body decoded, None without one."""
        found = list(self._query(method, query))
        wanted = method.spec.get("request")
        if wanted is None:
            return found + (["a body where none is expected"] if body is not None else [])
        found += self._value(wanted, {} if body is None else body, "body", sent=True)
        for mask in (value for name, value in query if name == "updateMask"):
            found += [f"updateMask: no field {path!r}" for path in mask.split(",") if not self._field(wanted, path)]
        return found

    def check_response(self, method: Method, body: object) -> list[str]:
        """A decoded answer of a method."""
        wanted = method.spec.get("response")
        return list(self._value(wanted, body, "answer", sent=False)) if wanted is not None else []

    def check(self, schema: str, value: object) -> list[str]:
        """A value of a named schema, as the API answers it."""
        return list(self._value({"$ref": schema}, value, schema, sent=False))

    def _query(self, method: Method, query: Sequence[tuple[str, str]]) -> Iterator[str]:
        known: Mapping[str, Spec] = method.spec.get("parameters", {})
        names = [name for name, _ in query]
        for name, value in query:
            spec = known.get(name)
            if spec is None or spec.get("location") != "query":
                if name not in _COMMON:
                    yield f"no query parameter {name!r}"
            elif not _fits(spec, value):
                yield f"query parameter {name}: {value!r} is no {_described(spec)}"
            elif names.count(name) > 1 and not spec.get("repeated"):
                yield f"query parameter {name!r} is given twice"
        for name, spec in known.items():
            if spec.get("required") and spec.get("location") == "query" and name not in names:
                yield f"query parameter {name!r} is missing"

    def _field(self, spec: Spec, path: str) -> bool:
        for name in path.split("."):
            spec = self._schemas.get(spec["$ref"], {}) if "$ref" in spec else spec
            spec = spec.get("properties", {}).get(name) or spec.get("additionalProperties") or {}
            if not spec:
                return False
        return True

    def _value(self, spec: Spec, value: object, at: str, *, sent: bool) -> Iterator[str]:
        if "$ref" in spec:
            spec = self._schemas[spec["$ref"]]
        kind = spec.get("type", "any")
        if kind == "any":
            return
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            yield f"{at}: {json.dumps(value)[:60]} is no {kind}"
        elif isinstance(value, dict):
            yield from self._object(spec, value, at, sent=sent)
        elif isinstance(value, list):
            for position, item in enumerate(value):
                yield from self._value(spec["items"], item, f"{at}[{position}]", sent=sent)
        elif isinstance(value, str) and not _fits(spec, value):
            yield f"{at}: {value!r} is no {_described(spec)}"

    def _object(self, spec: Spec, value: Mapping[str, object], at: str, *, sent: bool) -> Iterator[str]:
        known, others = spec.get("properties", {}), spec.get("additionalProperties")
        for name, item in value.items():
            wanted = known.get(name, others)
            if wanted is None:
                yield f"{at}: no field {name!r} in {spec.get('id', 'object')}"
            elif sent and wanted.get("readOnly"):
                yield f"{at}.{name}: is for output only"
            else:
                yield from self._value(wanted, item, f"{at}.{name}", sent=sent)


@functools.cache
def document(api: str, version: str) -> Document:
    """The document of an API, such as `document("run", "v2")`."""
    found = importlib.util.find_spec("googleapiclient")
    assert found is not None, "google-api-python-client is not installed"
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "discovery_cache" / "documents"
    return Document(json.loads((folder / f"{api}.{version}.json").read_text(encoding="utf-8")))


def _methods(node: Spec, base: str) -> Iterator[Method]:
    for spec in node.get("methods", {}).values():
        path = "/" + (base + spec.get("flatPath", spec["path"])).lstrip("/")
        words = re.split(r"\{\+?[^}]+\}", path)
        # A colon begins a custom verb; what a variable stands for never holds one unescaped.
        yield Method(spec["id"], spec["httpMethod"], re.compile("([^/:]+)".join(map(re.escape, words))), spec)
    for child in node.get("resources", {}).values():
        yield from _methods(child, base)


def _fits(spec: Spec, text: str) -> bool:
    """Whether a text is what a schema or a parameter wants."""
    if "enum" in spec and text not in spec["enum"]:
        return False
    kind = spec.get("type")
    fits = _TEXTS.get(spec.get("format", "")) if kind == "string" else _WORDS.get(str(kind))
    return fits is None or fits(text)


def _described(spec: Spec) -> str:
    return f"{spec.get('format', spec['type'])} {spec.get('enum', '')}".strip()


def _pattern(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


_TYPES: Mapping[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float, str),
}  # fmt: skip

_TIME = _pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_WHOLE = _pattern(r"-?\d+")

_TEXTS: Mapping[str, Callable[[str], bool]] = {
    "int64": _WHOLE,
    "uint64": _pattern(r"\d+"),
    "google-datetime": _TIME,
    "date-time": _TIME,
    "google-duration": _pattern(r"-?\d+(\.\d{1,9})?s"),
    "byte": _base64,
}
"""By the format of a string."""

_WORDS: Mapping[str, Callable[[str], bool]] = {
    "integer": _WHOLE,
    "boolean": _pattern("true|false"),
    "number": _pattern(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity"),
}
"""By the type of a query parameter, all of which are text."""
