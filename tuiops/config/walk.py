"""Every struct of a configuration with its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.tree import KeyPath


def structs(value: object, path: KeyPath = ()) -> Iterator[tuple[msgspec.Struct, KeyPath]]:
    """The struct itself and all within it, depth first, in the order of their fields."""
    if isinstance(value, msgspec.Struct):
        yield value, path
        # `msgspec.structs.fields` would evaluate every annotation anew, for each of thousands of tables.
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from structs(getattr(value, name), (*path, key))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from structs(item, (*path, key))
    elif isinstance(value, tuple) and path:
        for position, item in enumerate(value):
            yield from structs(item, (*path[:-1], f"{path[-1]}[{position}]"))
