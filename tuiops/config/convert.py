"""From plain TOML values to the typed model, with every mistake noted at its exact key.

The types are walked as `msgspec.inspect` describes them. A value that is wrong is left out, with its default in
its place when it has one, so that one mistake hides no other.
"""

from __future__ import annotations

import functools
import math
import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import inspect

from tuiops.config.blanks import wanted
from tuiops.config.model import Config
from tuiops.config.texts import absolute, nearest, objection, pattern_objection
from tuiops.config.values import KIND, LEAST, Duration, Size
from tuiops.core.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tuiops.config.tree import KeyPath, Tree

    _Extra = Mapping[str, Any]

_Struct = TypeVar("_Struct", bound=msgspec.Struct)

_BAD: Final = object()
"""Stands for a value that was wrong; its fault is noted already."""

_LONGEST = 3660 * 86400.0
"""Seconds of the longest duration that makes sense: ten years."""

_LARGEST = 2**50
_EXACT = 2**53
"""Beyond it a float no longer knows every integer. NaN is on neither side."""

_SHOWN = 60
_PATHS = frozenset({"path", "private"})
_TOML_TYPES: Mapping[type, str] = {
    bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array", dict: "a table",
}  # fmt: skip


def convert(tree: Tree) -> Config:
    """The configuration that the tree holds; its mistakes are added to `tree.faults`."""
    if not tree.values:
        return Config()  # describing every type takes longer than all else that a start without a file needs
    # Every field of Config has a default, so there is always one.
    return convert_to(Config, tree) or Config()


def convert_to(kind: type[_Struct], tree: Tree) -> _Struct | None:
    """What the tree holds, as `kind`; None when something that it needs is missing or wrong. Mistakes as `convert`."""
    found: _Struct | object = _Converter(tree).value(_described(kind), tree.values, (), {})
    return found if isinstance(found, kind) else None


_described = functools.cache(inspect.type_info)
"""Describing a type takes longer than converting a file to it, and runbooks are many files of one type."""


def toml_type(value: object) -> str:
    """The type of a value in TOML's words."""
    return _TOML_TYPES.get(type(value), "a date or time")


def shown(value: object) -> str:
    """The value, short enough for a message."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class _Converter:
    """One method for each shape that a type can have."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def value(self, node: inspect.Type, value: object, path: KeyPath, extra: _Extra) -> Any:
        """`value` as `node` wants it, or `_BAD`. `extra` is what the annotations around say."""
        blank = wanted(value)
        if blank is not None:
            self._tree.blank(path, blank)
            return _BAD
        if isinstance(node, inspect.Metadata):
            return self.value(node.type, value, path, {**extra, **(node.extra or {})})
        return _BY_SHAPE[type(node)](self, node, value, path, extra)

    def struct(self, node: inspect.StructType, value: object, path: KeyPath, _: _Extra) -> Any:
        """A table with known keys."""
        if not isinstance(value, dict):
            return self._wrong(value, "a table", path)
        fields = {field.encode_name: field for field in node.fields}
        known = {*fields, node.tag_field} if node.tag_field else set(fields)
        for key in value.keys() - known:
            self._tree.fault((*path, key), "is not a setting", nearest(key, known))
        given: dict[str, Any] = {}
        complete = True
        for key, field in fields.items():
            if key in value:
                found = self.value(field.type, value[key], (*path, key), {})
                if found is not _BAD:
                    given[field.name] = found
                else:
                    complete = complete and not field.required
            elif field.required:
                self._tree.fault((*path, key), "is missing", f"add it: {description(field.type)}")
                complete = False
        return node.cls(**given) if complete else _BAD

    def union(self, node: inspect.UnionType, value: object, path: KeyPath, extra: _Extra) -> Any:
        """An optional value, a word or a text in place of a table, or one of several tables told apart by a key."""
        some = [each for each in node.types if not isinstance(each, inspect.NoneType)]
        if len(some) == 1:
            # TOML has no null: an empty string takes back a default.
            return None if value == "" else self.value(some[0], value, path, extra)
        tables = [each for each in some if isinstance(each, inspect.StructType)]
        words = [each for each in some if not isinstance(each, inspect.StructType)]
        if words and not isinstance(value, dict):
            return self.value(words[0], value, path, extra)
        if not isinstance(value, dict):
            return self._wrong(value, "a table", path)
        if len(tables) == 1:
            return self.struct(tables[0], value, path, {})
        by_tag = {str(each.tag): each for each in tables}
        field = next(each.tag_field for each in by_tag.values()) or ""
        tag = value.get(field, _BAD)
        if tag is _BAD:
            self._tree.fault((*path, field), "is missing", f"add it: one of {', '.join(sorted(by_tag))}")
        elif (blank := wanted(tag)) is not None:
            self._tree.blank((*path, field), blank)
        elif not isinstance(tag, str):
            self._wrong(tag, "a string", (*path, field))
        elif tag not in by_tag:
            self._tree.fault((*path, field), f"there is no {field} {shown(tag)}", nearest(tag, by_tag))
        else:
            return self.struct(by_tag[tag], value, path, {})
        return _BAD

    def table(self, node: inspect.DictType, value: object, path: KeyPath, extra: _Extra) -> Any:
        """A table whose keys the user chooses."""
        if not isinstance(value, dict):
            return self._wrong(value, "a table", path)
        found: dict[str, Any] = {}
        for key, inner in (_flat(value) if extra.get(KIND) == "dotted" else value).items():
            name = self.value(node.key_type, key, (*path, key), {})
            item = self.value(node.value_type, inner, (*path, key), {})
            if name is not _BAD and item is not _BAD:
                found[name] = item
        return found

    def array(self, node: inspect.VarTupleType, value: object, path: KeyPath, extra: _Extra) -> Any:
        if not isinstance(value, list):
            return self._wrong(value, "an array", path)
        if len(value) < (node.min_length or 0):
            self._tree.fault(path, "is empty", "give at least one value")
            return _BAD
        found = [
            self.value(node.item_type, item, (*path[:-1], f"{path[-1]}[{position}]"), extra)
            for position, item in enumerate(value)
        ]
        return _BAD if any(item is _BAD for item in found) else tuple(found)

    def quantity(self, node: inspect.CustomType, value: object, path: KeyPath, extra: _Extra) -> Any:
        """A duration or a size, written as text with a unit."""
        kind = node.cls
        what, example, parse = _QUANTITIES[kind]
        if not isinstance(value, str):
            hint = f'write "{value}{example}"' if type(value) is int else f'such as "15{example}"'
            return self._wrong(value, f"a {what} (a string)", path, hint)
        try:
            # Longer ones are no quantities, and numbers of thousands of digits take their time.
            number = parse(value) if len(value) <= _SHOWN else math.inf
        except ValueError as error:
            problem, _, remedy = str(error).partition("; ")
            self._tree.fault(path, problem, remedy)
            return _BAD
        least = extra.get(LEAST, 0)
        if number <= 0 or number < least:
            self._tree.fault(path, f"{shown(value)} is too little", f"at least {least:g} s" if least else "more than 0")
            return _BAD
        if number > (_LONGEST if kind is Duration else _LARGEST):
            self._tree.fault(path, f"{shown(value)} is too much", "check the unit")
            return _BAD
        return kind(number)

    def choice(self, node: inspect.LiteralType, value: object, path: KeyPath, _: _Extra) -> Any:
        choices: dict[str, Any] = {str(each): each for each in node.values}
        if type(value) is int and any(type(each) is int for each in choices.values()):
            value = str(value)
        if not isinstance(value, str):
            return self._wrong(value, "a string", path, f"one of {', '.join(choices)}")
        if value not in choices:
            self._tree.fault(path, f"{shown(value)} is not among the choices", nearest(value, choices))
            return _BAD
        return choices[value]

    def string(self, node: inspect.StrType, value: object, path: KeyPath, extra: _Extra) -> Any:
        if not isinstance(value, str):
            return self._wrong(value, "a string", path)
        kind = extra.get(KIND)
        text = absolute(value, Path(self._tree.place(path)).parent) if kind in _PATHS and value else value
        found = pattern_objection(text, node.pattern) if node.pattern else None
        found = found or objection(text, kind)
        if found is None and node.min_length is not None and len(text) < node.min_length:
            found = ("is too short", f"at least {node.min_length} characters")
        if found is None and node.max_length is not None and len(text) > node.max_length:
            found = (f"is longer than {node.max_length} characters", "shorten it")
        if found is None:
            return text
        # An address may hold a password.
        said = found[0] if "@" in value else f"{shown(value)} {found[0]}"
        self._tree.fault(path, said, found[1])
        return _BAD

    def number(self, node: inspect.IntType | inspect.FloatType, value: object, path: KeyPath, _: _Extra) -> Any:
        whole = isinstance(node, inspect.IntType)
        if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)):
            return self._wrong(value, "an integer" if whole else "a number", path)
        bounds = [
            (words, limit, holds)
            for words, limit, holds in (
                ("more than", node.gt, operator.gt), ("at least", node.ge, operator.ge),
                ("less than", node.lt, operator.lt), ("at most", node.le, operator.le),
            )
            if limit is not None
        ]  # fmt: skip
        if not all(holds(value, limit) for _, limit, holds in bounds) or not -_EXACT <= value <= _EXACT:
            within = " and ".join(f"{words} {limit}" for words, limit, _ in bounds)
            self._tree.fault(path, f"{shown(value)} is out of bounds", within or "give a finite number")
            return _BAD
        return value if whole else float(value)

    def boolean(self, _: inspect.BoolType, value: object, path: KeyPath, _extra: _Extra) -> Any:
        return value if isinstance(value, bool) else self._wrong(value, "true or false", path)

    def _wrong(self, value: object, right: str, path: KeyPath, remedy: str = "") -> Any:
        self._tree.fault(path, f"is {toml_type(value)}, not {right}", remedy)
        return _BAD


_BY_SHAPE: Mapping[type, Callable[[_Converter, Any, object, KeyPath, _Extra], Any]] = {
    inspect.StructType: _Converter.struct,
    inspect.UnionType: _Converter.union,
    inspect.DictType: _Converter.table,
    inspect.VarTupleType: _Converter.array,
    inspect.CustomType: _Converter.quantity,
    inspect.LiteralType: _Converter.choice,
    inspect.StrType: _Converter.string,
    inspect.BoolType: _Converter.boolean,
    inspect.IntType: _Converter.number,
    inspect.FloatType: _Converter.number,
}
_QUANTITIES: dict[type, tuple[str, str, Callable[[str], float]]] = {
    Duration: ("duration", "s", parse_duration),
    Size: ("size", "MB", parse_size),
}


def description(node: inspect.Type) -> str:
    """What the model says about a field."""
    if isinstance(node, inspect.Metadata):
        return str((node.extra_json_schema or {}).get("description", "")) or description(node.type)
    return ""


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """`{"pane": {"next": "tab"}}` as `{"pane.next": "tab"}`: what `pane.next = "tab"` is without quotes."""
    found: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found
