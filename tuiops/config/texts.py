"""What a text in the configuration may look like, by its kind: path, address, regular expression, zone."""

from __future__ import annotations

import difflib
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tuiops.config.secrets import exposure
from tuiops.config.values import ID_PATTERN, URL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Objection = tuple[str, str]
"""A problem and its remedy."""

MAX_TEXT = 10_000
"""Characters of the longest text of any kind."""

_LINES = "\n\t"
_BY_PATTERN: dict[str, Objection] = {
    ID_PATTERN: ("is not a name", "use lowercase letters, digits, - and _, beginning with a letter or digit"),
    URL_PATTERN: ("is not an address", "begin it with https:// or http://"),
}


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy that names the most similar known word, or all of them when none is similar."""
    words = sorted(known)
    close = difflib.get_close_matches(word[:MAX_TEXT], words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    if not words:
        return "there are none"
    return f"one of {', '.join(words[:20])}" + (", …" if len(words) > 20 else "")


def pattern_objection(text: str, pattern: str) -> Objection | None:
    """What is wrong with a text that must match a pattern of the model."""
    if re.search(pattern, text):
        return None
    return _BY_PATTERN.get(pattern, ("does not look right", f"it must match {pattern}"))


def objection(text: str, kind: str | None) -> Objection | None:
    """What is wrong with a text of this kind, None when nothing is."""
    if len(text) > MAX_TEXT:
        return f"is longer than {MAX_TEXT} characters", "shorten it"
    allowed = _LINES if kind in {"promql", "prose", "regex"} else ""
    if any((ord(char) < 0x20 and char not in allowed) or 0x7F <= ord(char) < 0xA0 for char in text):
        return "holds control characters", "write visible characters only"
    check = _KINDS.get(kind or "")
    return check(text) if check else None


def absolute(text: str, folder: Path) -> str:
    """The path with `~` replaced, beginning at `folder` when it is relative."""
    try:
        return str(folder / Path(text).expanduser())
    except RuntimeError:
        # `~nobody` when there is no such user: left as it is, it names no file.
        return str(folder / text)


def _regex(text: str) -> Objection | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        return f"is not a regular expression: {error}", "escape characters that stand for themselves with \\"
    return None


def _zone(text: str) -> Objection | None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        remedy = nearest(text, zoneinfo.available_timezones())
        # Nobody reads six hundred names.
        return "is not a time zone", remedy if remedy.endswith("?") else "give an IANA name, such as Asia/Tokyo or UTC"
    return None


def _url(text: str) -> Objection | None:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"is not an address: {error}", "write it as https://host:port/path"
    if parts.username is not None or parts.password is not None:
        return (
            "holds a user name or password",
            "take it out and give `basic` or `bearer`, which keep it out of this file",
        )
    if not host or port == 0 or " " in text:
        return "is not an address", "write it as https://host:port/path"
    return None


def _path(text: str) -> Objection | None:
    return None if text else ("is empty", "name a file")


def _private(text: str) -> Objection | None:
    fault = exposure(Path(text)) if text else None
    return (f"{fault.file}: {fault.problem}", fault.remedy) if fault else _path(text)


_KINDS: dict[str, Callable[[str], Objection | None]] = {
    "regex": _regex,
    "zone": _zone,
    "url": _url,
    "path": _path,
    "private": _private,
}
