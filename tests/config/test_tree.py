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


def test_a_file_read_alone_includes_nothing_and_gives_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_bytes(b"include = ['two.toml']\n")
    tree = Tree(str(file))
    assert tree.read_alone(file) == b"include = ['two.toml']\n"
    assert tree.values == {"include": ["two.toml"]}
    assert tree.place(("include",)) == str(file)


def test_a_file_that_cannot_be_read_alone_says_why(tmp_path: Path) -> None:
    tree = Tree("")
    assert tree.read_alone(tmp_path / "missing.toml") is None
    assert [fault.problem for fault in tree.faults] == ["does not exist"]
