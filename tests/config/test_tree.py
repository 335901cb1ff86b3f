"""Files as editors leave them."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from tuiops.config.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path


def read(tmp_path: Path, raw: bytes) -> Tree:
    file = tmp_path / "config.toml"
    file.write_bytes(raw)
    tree = Tree(str(file))
    tree.read(file)
    return tree


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    tree = read(tmp_path, codecs.BOM_UTF8 + b"environment = 'staging'\n")
    assert tree.values == {"environment": "staging"}
    assert not tree.faults


def test_a_byte_order_mark_does_not_shift_the_column_of_a_mistake(tmp_path: Path) -> None:
    tree = read(tmp_path, codecs.BOM_UTF8 + b"b = '\xff'")
    assert [fault.problem for fault in tree.faults] == ["is not UTF-8 (at line 1, column 6)"]
