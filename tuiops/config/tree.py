"""Files read and merged into one tree of plain TOML values that remembers which file gave which key."""

from __future__ import annotations

import codecs
import glob
import re
from pathlib import Path
from typing import Any

import tomli

from tuiops.errors import Blank, Fault

KeyPath = tuple[str, ...]
"""A key from the root, such as `("systems", "pricealert", "label")`."""

MAX_FILE = 1_000_000
"""Bytes of the largest configuration file that is read."""

MAX_FILES = 256
MAX_DEPTH = 24
_BARE = re.compile(r"[A-Za-z0-9_-]+(\[\d+\])?")
_SHOWN = 80


def dotted(path: KeyPath) -> str:
    """The key as TOML writes it: `systems."my shop".label`; long names are cut."""
    return ".".join(part if _BARE.fullmatch(part) else f'"{part[:_SHOWN]}"' for part in path)


class Tree:
    """Values by key, and where each was given: a file, an environment variable or an option."""

    def __init__(self, root: str) -> None:
        """`root` names the place that answers for what is given nowhere."""
        self.values: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self.files: list[Path] = []
        self.folders: list[Path] = []
        """Folders in which an `include` looks for further files."""
        self._root = root
        self._places: dict[KeyPath, str] = {}

    def place(self, path: KeyPath) -> str:
        """Where the key, or else the innermost table around it, was given."""
        for length in range(len(path), 0, -1):
            known = self._places.get((*path[: length - 1], path[length - 1].partition("[")[0]))
            if known is not None:
                return known
        return self._root

    def holds(self, *path: str) -> bool:
        """Whether the key was given, however wrong its value may be."""
        table: Any = self.values
        for part in path:
            if not isinstance(table, dict) or part not in table:
                return False
            table = table[part]
        return True

    def fault(self, path: KeyPath, problem: str, remedy: str = "") -> None:
        """Note a mistake at the place where the key stands."""
        self.faults.append(Fault(self.place(path), dotted(path), problem, remedy))

    def blank(self, path: KeyPath, wanted: str) -> None:
        """Note that the key is to be filled in, and with what."""
        self.faults.append(Blank(self.place(path), dotted(path), "is blank", f"fill in {wanted}"))

    def read(self, file: Path) -> None:
        """Add a file and all that it includes."""
        self._read(file, ())

    def read_alone(self, file: Path) -> bytes | None:
        """Add a file, in which `include` is a key like any other; its bytes, None when it cannot be read."""
        self.files.append(file)
        raw = self._raw(file)
        table = self._parse(file, raw) if raw is not None else None
        if table is not None:
            self._merge(self.values, table, (), str(file))
        return raw

    def override(self, path: KeyPath, value: object, place: str) -> None:
        """Put a value over whatever the files say."""
        table = self.values
        for depth, part in enumerate(path[:-1], 1):
            inner = table.get(part)
            if not isinstance(inner, dict):
                inner = table[part] = {}
                self._places[path[:depth]] = place
            table = inner
        table[path[-1]] = value
        self._places[path] = place

    def _read(self, file: Path, includers: tuple[Path, ...]) -> None:
        if file in self.files:
            return
        if len(self.files) >= MAX_FILES:
            self.faults.append(Fault(str(file), "", f"is one file too many: {MAX_FILES} are read", "include fewer"))
            return
        self.files.append(file)
        raw = self._raw(file)
        table = self._parse(file, raw) if raw is not None else None
        if table is None:
            return
        patterns = table.pop("include", [])
        self._merge(self.values, table, (), str(file))
        self._include(patterns, file, (*includers, file))

    def _raw(self, file: Path) -> bytes | None:
        fault = _readable(file)
        if fault is None:
            try:
                with file.open("rb") as stream:
                    raw = stream.read(MAX_FILE + 1)
            except OSError as error:
                fault = Fault(str(file), "", f"cannot be read: {error.strerror}", "check its permissions")
            else:
                if len(raw) <= MAX_FILE:
                    return raw
                fault = Fault(str(file), "", f"is larger than {MAX_FILE} bytes", "split it, or check the path")
        self.faults.append(fault)
        return None

    def _parse(self, file: Path, raw: bytes) -> dict[str, Any] | None:
        try:
            # Some editors begin a file with a byte order mark, which is no TOML.
            return tomli.loads(raw.removeprefix(codecs.BOM_UTF8).decode("utf-8"))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            column = error.start - error.object.rfind(b"\n", 0, error.start)
            fault = Fault(
                str(file), "", f"is not UTF-8 (at line {line}, column {column})", "save it in the encoding UTF-8"
            )
        except tomli.TOMLDecodeError as error:
            fault = Fault(str(file), "", f"is not TOML: {error}", "mend that line")
        except (ValueError, RecursionError) as error:
            # Numbers of thousands of digits and dates that no calendar has end here.
            fault = Fault(str(file), "", f"is not TOML that can be read: {error}", "look for odd numbers and dates")
        self.faults.append(fault)
        return None

    def _merge(self, into: dict[str, Any], table: dict[str, Any], at: KeyPath, place: str) -> None:
        if len(at) >= MAX_DEPTH:
            self.faults.append(Fault(place, dotted(at[:4]) + "…", "is nested too deeply", "no setting lies that deep"))
            return
        for key, value in table.items():
            path = (*at, key)
            if key not in into:
                self._places[path] = place
                if isinstance(value, dict):
                    into[key] = {}
                    self._merge(into[key], value, path, place)
                else:
                    into[key] = value
            elif isinstance(value, dict) and isinstance(into[key], dict):
                self._merge(into[key], value, path, place)
            else:
                problem = f"is given in {self._places[path]} already"
                self.faults.append(Fault(place, dotted(path), problem, "keep one of the two"))

    def _include(self, patterns: object, file: Path, chain: tuple[Path, ...]) -> None:
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            self.faults.append(
                Fault(str(file), "include", "is not an array of strings", 'write include = ["more.toml"]')
            )
            return
        for pattern in patterns:
            for found in self._matches(pattern, file):
                if found in chain:
                    circle = " → ".join(str(each) for each in (*chain[chain.index(found) :], found))
                    self.faults.append(
                        Fault(str(file), "include", f"goes round in a circle: {circle}", "remove one of these includes")
                    )
                else:
                    self._read(found, chain)

    def _matches(self, pattern: str, file: Path) -> list[Path]:
        """The files that one `include` names, in their order; a glob may match none."""
        if not pattern or "\0" in pattern:
            self.faults.append(Fault(str(file), "include", f"{pattern!r} is not a path", "name a file or a glob"))
            return []
        whole = str(file.parent / Path(pattern).expanduser())
        if not glob.has_magic(pattern):
            return [Path(whole).resolve()]
        self.folders.append(Path(whole).parent)
        return sorted(Path(found).resolve() for found in glob.glob(whole))  # noqa: PTH207 - Path.glob takes no absolute pattern


def _readable(file: Path) -> Fault | None:
    """What keeps the file from being read as configuration, before a byte of it is read."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return Fault(str(file), "", "does not exist", "check the path; `tuiops config paths` shows the usual one")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        return Fault(str(file), "", f"cannot be read: {reason}", "check the path and its permissions")
    if not file.is_file():
        return Fault(str(file), "", "is not a regular file", "name a file")
    if status.st_mode & 0o002:
        # It may name commands that print secrets: whoever can write it can run them.
        return Fault(str(file), "", "can be changed by every user of this machine", f"chmod go-w {file}")
    return None
