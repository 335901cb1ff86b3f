"""The JSON Schema of configuration files, for editors; `python -m tuiops.config.schema` prints it.

It says what each value may look like. What lies between settings, such as a source that must exist, only
`tuiops check` knows. msgspec's own generator cannot write our defaults: to it a duration is no JSON.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from msgspec import NODEFAULT, inspect

from tuiops.config.model import Config
from tuiops.config.values import KIND, Duration, Size
from tuiops.core.units import exact_span

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUANTITIES: Mapping[type, dict[str, Any]] = {
    Duration: {"pattern": r"^\s*([0-9]+(\.[0-9]+)?(ms|[smhdw]))+\s*$", "examples": ["500ms", "15s", "5m", "1h30m"]},
    Size: {"pattern": r"^\s*[0-9]+(\.[0-9]+)?(B|[kKMGT]B|[KMGT]iB)\s*$", "examples": ["512KB", "64MB", "2GiB"]},
}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def schema() -> dict[str, Any]:
    """The schema of a whole configuration file (JSON Schema 2020-12)."""
    return schema_of(Config, "tuiops configuration")


def text() -> str:
    """The schema as it is checked in."""
    return written_out(schema())


def schema_of(kind: type, title: str) -> dict[str, Any]:
    """The schema of files that hold one `kind` each."""
    parts: dict[str, Any] = {}
    root = _part(inspect.type_info(kind), parts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **root,
        "$defs": dict(sorted(parts.items())),
    }


def written_out(whole: Mapping[str, Any]) -> str:
    """A schema as a file has it."""
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _part(node: inspect.Type, parts: dict[str, Any]) -> dict[str, Any]:
    match node:
        case inspect.Metadata():
            inner = _part(node.type, parts)
            if (node.extra or {}).get(KIND) == "dotted":
                inner |= {"additionalProperties": {"type": ["string", "object"]}}
            return inner | (node.extra_json_schema or {})
        case inspect.StructType():
            return _struct(node, parts)
        case inspect.UnionType():
            return _union(node, parts)
        case inspect.DictType():
            keys = _part(node.key_type, parts)
            named = {"propertyNames": keys} if len(keys) > 1 else {}
            return {"type": "object", **named, "additionalProperties": _part(node.value_type, parts)}
        case inspect.VarTupleType():
            least = {"minItems": node.min_length} if node.min_length else {}
            return {"type": "array", "items": _part(node.item_type, parts), **least}
        case _:
            return _scalar(node)


def _scalar(node: inspect.Type) -> dict[str, Any]:
    match node:
        case inspect.CustomType():
            return {"type": "string", **_QUANTITIES[node.cls]}
        case inspect.LiteralType():
            kind = "integer" if all(isinstance(each, int) for each in node.values) else "string"
            return {"type": kind, "enum": sorted(node.values)}
        case inspect.StrType():
            bounds = {"pattern": node.pattern, "minLength": node.min_length, "maxLength": node.max_length}
            return {"type": "string", **{word: bound for word, bound in bounds.items() if bound}}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType() | inspect.FloatType():
            limits = {word: getattr(node, name) for name, word in _BOUNDS.items() if getattr(node, name) is not None}
            return {"type": "integer" if isinstance(node, inspect.IntType) else "number", **limits}
        case _:
            raise TypeError(f"the model has a type that a schema cannot say: {node}")


def _union(node: inspect.UnionType, parts: dict[str, Any]) -> dict[str, Any]:
    some = [each for each in node.types if not isinstance(each, inspect.NoneType)]
    if len(some) > 1:
        return {"oneOf": [_part(each, parts) for each in some]}
    part = _part(some[0], parts)
    # An empty string takes back a default; a pattern or a list of choices must let it pass.
    return {"anyOf": [part, {"const": ""}]} if part.keys() & {"pattern", "enum"} else part


def _struct(node: inspect.StructType, parts: dict[str, Any]) -> dict[str, Any]:
    name = node.cls.__name__
    if name not in parts:
        fields = {field.encode_name: _field(field, parts) for field in node.fields}
        tag = {node.tag_field: {"const": node.tag}} if node.tag_field else {}
        required = [*tag, *(field.encode_name for field in node.fields if field.required)]
        parts[name] = {
            "type": "object",
            "description": (node.cls.__doc__ or "").strip(),
            "properties": {**tag, **fields},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _field(field: inspect.Field, parts: dict[str, Any]) -> dict[str, Any]:
    default = written(field.default)
    return {**_part(field.type, parts), **({} if default is None else {"default": default})}


def written(value: object) -> Any:
    """A default as a file writes it (900 seconds are `15m`); None when there is none or when it is a table."""
    if value is NODEFAULT or value is None or hasattr(value, "__struct_fields__"):
        return None
    if isinstance(value, Duration):
        return exact_span(value)
    if isinstance(value, Size):
        return write_size(value)
    return list(value) if isinstance(value, tuple) else value


def write_size(size: int) -> str:
    """In the largest decimal unit that leaves a whole number: `64MB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


if __name__ == "__main__":
    sys.stdout.write(text())
