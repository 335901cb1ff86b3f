"""The whole way from a file, the environment and the command line to a checked `Config`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.config.convert import convert
from tuiops.config.model import Config
from tuiops.config.overrides import override
from tuiops.config.tree import Tree
from tuiops.errors import Blank, ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Review = Callable[[Config], Iterable[Fault]]
    Inspection = Callable[[Mapping[str, Any]], Iterable[Fault]]

BUILT_IN = "built-in defaults"
"""The place of settings that are given nowhere when there is no file."""


class Loaded(msgspec.Struct, frozen=True):
    """A configuration and where it came from."""

    config: Config
    files: tuple[Path, ...]
    """The file and all that it includes; empty without a file."""
    folders: tuple[Path, ...] = ()
    """Folders in which a further file would be included."""
    warnings: tuple[Fault, ...] = ()
    """What advice has to say; none of it keeps the configuration from being used."""


def load(
    file: Path | None,
    *,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
    reviews: Iterable[Review] = (),
    inspections: Iterable[Inspection] = (),
    advice: Iterable[Review] = (),
) -> Loaded:
    """Read, merge, convert and check; without a file the defaults stand.

    `environ` is the process's own environment when left out; `options` has values by their names in
    `overrides.OPTIONS`. `reviews` are checks of higher layers, such as the keymap's: their faults may leave
    `file` empty, and get the place where their key stands. `inspections` look at the plain values, those of tables
    among them that other mistakes keep out of the configuration. What `advice` finds comes back as warnings.

    Raises ConfigError with every fault found, blanks among them: what is to be filled in yet is no configuration.
    Where tables are wrong in themselves, what could only be guessed of them is not said.
    """
    tree = Tree(str(file) if file is not None else BUILT_IN)
    if file is not None:
        tree.read(Path(os.path.abspath(file.expanduser())))  # noqa: PTH100 - resolve() would follow links, and messages must name the file as the user does
    override(tree, os.environ if environ is None else environ, options or {})
    if any(not fault.key for fault in tree.faults):
        # A file that could not be read: what it would have given can only be guessed.
        raise ConfigError(tree.faults)
    config = convert(tree)
    if tree.values:
        from tuiops.config.check import check

        check(config, tree)
    wrong = {fault.key for fault in tree.faults}
    tables = {fault.key.rpartition(".")[0] for fault in tree.faults if not isinstance(fault, Blank)}
    reviewed = [fault for review in reviews for fault in review(config) if not _within(fault.key, tables)]
    reviewed += [fault for inspect in inspections for fault in inspect(tree.values) if fault.key not in wrong]
    tree.faults += [_placed(fault, tree) for fault in reviewed]
    warnings = tuple(_placed(fault, tree) for advise in advice for fault in advise(config))
    if tree.faults:
        raise ConfigError(tree.faults, warnings)
    return Loaded(config, tuple(tree.files), tuple(tree.folders), warnings)


def _within(key: str, tables: Iterable[str]) -> bool:
    return any(key.startswith(f"{table}.") for table in tables if table)


def _placed(fault: Fault, tree: Tree) -> Fault:
    return fault if fault.file else fault._replace(file=tree.place(tuple(fault.key.split("."))))
