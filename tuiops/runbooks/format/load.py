"""The whole way from files to runbooks that may be run: read, converted, checked by themselves and against the rest."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.convert import convert_to
from tuiops.config.load import BUILT_IN
from tuiops.config.tree import MAX_FILE, Tree
from tuiops.errors import Blank, ConfigError, Fault
from tuiops.runbooks.format.checks import accounts, calls, commands, names, order, steps, surroundings, words
from tuiops.runbooks.format.model import Runbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tuiops.config.load import Loaded
    from tuiops.config.model import Config
    from tuiops.runbooks.format.checks.walk import Finding

FOLDER = "runbooks"
"""Folder beside a configuration file in which its runbooks are, when it names none."""

_BY_ITSELF = (names, steps, order, words, commands, calls)
_DECLARATIONS = ("parameters", "reads")
"""Tables of what placeholders stand for."""


class Kept(msgspec.Struct, frozen=True):
    """A runbook as it was read."""

    runbook: Runbook
    file: Path
    digest: str
    """SHA-256 of the file's bytes, in hexadecimal."""


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """All the runbooks of a configuration."""

    runbooks: Mapping[str, Kept]
    """By their ids, in the order of these."""
    faults: tuple[Fault, ...] = ()
    """Why others are not among them, blanks among the reasons."""
    mistaken: frozenset[str] = frozenset()
    """What these others are called: by their ids, as far as those can be read, and by their files."""


class Shelf:
    """The library of a configuration, read anew whenever it is asked for; what has not changed is not checked again."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._known: dict[Path, tuple[str, Kept | ConfigError]] = {}
        """By file: the digest of its bytes, and what they came to."""

    def library(self, loaded: Loaded) -> Library:
        """As the function of this name."""
        if self._config is not loaded.config:
            self._config, self._known = loaded.config, {}
        return library(loaded, self._load)

    def _load(self, file: Path, config: Config) -> Kept:
        digest = _digest(file)
        known = self._known.get(file)
        if known is None or known[0] != digest:
            found = _attempt(file, config)
            # A file that was changed meanwhile is read again the next time.
            known = self._known[file] = (found.digest if isinstance(found, Kept) else digest, found)
        if isinstance(known[1], ConfigError):
            raise known[1]
        return known[1]


def _digest(file: Path) -> str:
    """Of the bytes of a file that can be read; empty for others."""
    try:
        if not file.is_file() or file.stat().st_size > MAX_FILE:
            return ""
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _attempt(file: Path, config: Config) -> Kept | ConfigError:
    try:
        return load(file, config)
    except ConfigError as error:
        return error


def library(loaded: Loaded, load_one: Callable[[Path, Config], Kept] | None = None) -> Library:
    """Every runbook in the folders of a configuration. One that is wrong is left out; it keeps no other from use."""
    found: dict[str, Kept] = {}
    mistaken: set[str] = set()
    faults = list(_missing_folders(loaded))
    for file in files(loaded):
        try:
            kept = (load_one or load)(file, loaded.config)
        except ConfigError as error:
            faults += error.faults
            mistaken |= {file.stem, _name(file)}
            continue
        other = found.get(kept.runbook.id)
        if other is None:
            found[kept.runbook.id] = kept
        else:
            problem = f"{kept.runbook.id} is that of {other.file} already"
            faults.append(Fault(str(file), "id", problem, "give each runbook its own id"))
    return Library(
        runbooks=dict(sorted(found.items())), faults=tuple(faults), mistaken=frozenset(mistaken - found.keys())
    )


def _name(file: Path) -> str:
    """The id that a file with mistakes gives its runbook, if that can be told; else that of the file."""
    raw = Tree(str(file)).read_alone(file)
    try:
        name = tomllib.loads((raw or b"").decode()).get("id")
    except ValueError:
        name = None
    return name if isinstance(name, str) else file.stem


def faults_beside(file: Path) -> tuple[Fault, ...]:
    """What is wrong with the runbooks beside a configuration that cannot be used itself, as far as they tell alone."""
    tree = Tree(str(file))
    tree.read(file)
    found: list[Fault] = []
    for each in _files(_beside(tree.files)):
        try:
            load(each)
        except ConfigError as error:
            found += error.faults
    return tuple(found)


def files(loaded: Loaded) -> tuple[Path, ...]:
    """The files that a configuration's runbooks are in, by folder and name."""
    return _files(folders(loaded))


def folders(loaded: Loaded) -> tuple[Path, ...]:
    """Where a configuration's runbooks are; a folder need not exist."""
    named = loaded.config.runbooks.folders
    return tuple(dict.fromkeys(Path(each) for each in named)) if named else _beside(loaded.files)


def _beside(configuration: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(file.parent / FOLDER for file in configuration))


def _files(where: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(file for folder in where for file in sorted(folder.glob("*.toml")))


def _missing_folders(loaded: Loaded) -> Iterator[Fault]:
    for position, folder in enumerate(loaded.config.runbooks.folders):
        if not Path(folder).is_dir():
            key = f"runbooks.folders[{position}]"
            place = str(loaded.files[0]) if loaded.files else BUILT_IN
            yield Fault(place, key, f"{folder} is no folder", "make it, or take it out")


def load(file: Path, config: Config | None = None) -> Kept:
    """One runbook, checked against a configuration when there is one. Raises ConfigError with every fault."""
    tree = Tree(str(file))
    raw = tree.read_alone(file)
    runbook = convert_to(Runbook, tree) if not tree.faults else None
    if runbook is not None and not any(isinstance(fault, Blank) for fault in tree.faults):
        for path, problem, remedy in _findings(runbook, config, tree.faults):
            tree.fault(path, problem, remedy)
    if tree.faults or runbook is None or raw is None:
        raise ConfigError(tuple(dict.fromkeys(tree.faults)))
    return Kept(runbook, file, hashlib.sha256(raw).hexdigest())


def _findings(runbook: Runbook, config: Config | None, faults: Iterable[Fault]) -> Iterator[Finding]:
    # A declaration that is wrong is left out, and every use of it would count as a mistake, too.
    declared = not any(fault.key.startswith(_DECLARATIONS) for fault in faults)
    for check in _BY_ITSELF:
        if declared or check is not names:
            yield from check.findings(runbook)
    if config is not None:
        yield from surroundings.findings(runbook, config)
        yield from accounts.findings(runbook, config)
