"""Records that name their fields: JSON in the dialects of many loggers and clouds, and logfmt."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tuiops.core.lineformat import MASKED, MAX_FIELDS, LineFormat
from tuiops.core.logformat import levels, times
from tuiops.core.logs import Level, LogRecord
from tuiops.core.text import CELL, EMPTY, LINE, SafeText, lit, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_TIMES: Final = (
    "timestamp", "time", "@timestamp", "ts", "__REALTIME_TIMESTAMP", "datetime", "date", "eventTime", "asctime", "t",
    "receiveTimestamp",
)  # fmt: skip
_MESSAGES: Final = ("message", "msg", "textPayload", "MESSAGE", "event", "short_message", "log", "body")
_SERVICES: Final = (
    "service",
    "service_name",
    "serviceName",
    "service.name",
    "SYSLOG_IDENTIFIER",
    "_SYSTEMD_UNIT",
    "app",
)
_PAYLOADS: Final = ("jsonPayload", "protoPayload")
_LABELS: Final = ("service_name", "function_name", "database_id")
_DEEPEST: Final = 4
_VALUE: Final = 4 * 1024
"""Characters kept of a field's value: a traceback has to be readable in the record's detail."""

_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]{0,63})=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)')
_CONTROL = re.compile(rb"[\x00-\x1f]")
_ESCAPE = re.compile(r"\\(.)")
_UNESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r"}
_decode: Final = msgspec.json.Decoder().decode


def from_json(line: bytes, form: LineFormat) -> LogRecord | None:
    """The record of a JSON object; None when the line is not one."""
    try:
        value = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            # Some loggers forget to escape control characters, and bytes need not be UTF-8.
            mended = _CONTROL.sub(lambda found: b"\\u%04x" % found[0][0], line)
            value = _decode(mended.decode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return None
    return _record(value, form) if isinstance(value, dict) else None


def _record(value: dict[str, Any], form: LineFormat) -> LogRecord:
    used: set[str] = set()
    at = _time(value, form, used)
    level = _level(value, form, used)
    service = _service(value, form, used)
    message = _message(value, form, used)
    fields = tuple(_fields(value, form, used))
    return LogRecord(at=at, level=level, service=service, message=form.clean(message), fields=fields)


def _named(value: Mapping[str, Any], form: LineFormat, role: str, used: set[str]) -> Any:
    """The value at the place that the configuration names for `role`."""
    path = form.fields.get(role)
    if path is None:
        return None
    found = value.get(path)
    if found is None:
        found = value
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if found is not None:
        used.add(path)
    return found


def _time(value: dict[str, Any], form: LineFormat, used: set[str]) -> datetime | None:
    named = _named(value, form, "time", used)
    if named is not None:
        return _instant(named, form)
    for key in _TIMES:
        at = _instant(value[key], form) if key in value else None
        if at is not None:
            used.add(key)
            return at
    return None


def _instant(value: object, form: LineFormat) -> datetime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return times.from_epoch(value)
    if isinstance(value, str):
        return times.from_text(value, form.zone)
    if isinstance(value, dict) and isinstance(value.get("seconds"), int):
        nanos = value.get("nanos")
        return times.from_epoch(value["seconds"] + (nanos / 1e9 if isinstance(nanos, int) else 0))
    return None


def _level(value: dict[str, Any], form: LineFormat, used: set[str]) -> Level:
    named = _named(value, form, "level", used)
    if named is not None:
        return levels.from_value(named)
    silent = Level.NONE
    for key, word in value.items():
        if key in levels.LEVEL_KEYS:
            level = levels.from_value(word)
            if level and word != "DEFAULT":
                used.add(key)
                return level
            silent = max(silent, level)
    for payload in _PAYLOADS:
        inner = value.get(payload)
        if isinstance(inner, dict):
            level = next((found for key in levels.LEVEL_KEYS if (found := levels.from_value(inner.get(key)))), silent)
            if level:
                return level
    return silent


def _service(value: dict[str, Any], form: LineFormat, used: set[str]) -> SafeText:
    named = _named(value, form, "service", used)
    if isinstance(named, str):
        return safe(named)
    for key in _SERVICES:
        word = value.get(key)
        if isinstance(word, str) and word:
            used.add(key)
            return safe(word.removesuffix(".service"))
    resource = value.get("resource")
    labels = resource.get("labels") if isinstance(resource, dict) else None
    if isinstance(labels, dict):
        return next((safe(labels[key]) for key in _LABELS if isinstance(labels.get(key), str)), EMPTY)
    return EMPTY


def _message(value: dict[str, Any], form: LineFormat, used: set[str]) -> SafeText:
    named = _named(value, form, "message", used)
    if named is not None:
        return _text(named, LINE)
    for key in _MESSAGES:
        word = value.get(key)
        if word is not None and not isinstance(word, dict) and not form.masks(key):
            used.add(key)
            return _text(word, LINE)
    for payload in _PAYLOADS:
        inner = value.get(payload)
        if isinstance(inner, dict):
            for key in _MESSAGES:
                if isinstance(inner.get(key), str) and not form.masks(f"{payload}.{key}"):
                    used.add(f"{payload}.{key}")
                    return safe(inner[key], LINE)
    request = value.get("httpRequest")
    if isinstance(request, dict):
        parts = (request.get("requestMethod"), request.get("requestUrl"), request.get("status"))
        return safe(" ".join(str(part) for part in parts if isinstance(part, (str, int))), LINE)
    return EMPTY


def _fields(value: dict[str, Any], form: LineFormat, used: set[str]) -> Iterator[tuple[SafeText, SafeText]]:
    return islice(_flat(value, form, used, "", 0), MAX_FIELDS)


def _flat(
    value: dict[str, Any], form: LineFormat, used: set[str], prefix: str, depth: int
) -> Iterator[tuple[SafeText, SafeText]]:
    for key, inner in value.items():
        name = prefix + key
        if name in used:
            continue
        if form.masks(name):
            yield safe(name), MASKED
        elif isinstance(inner, dict) and inner and depth < _DEEPEST:
            yield from _flat(inner, form, used, f"{name}.", depth + 1)
        else:
            yield safe(name), form.clean(_text(inner, _VALUE))


def _text(value: object, limit: int) -> SafeText:
    if isinstance(value, str):
        return safe(value, limit)
    if value is None:
        return lit("null")
    if isinstance(value, list) and value and all(isinstance(item, int) and 0 <= item < 256 for item in value):
        # journald's way to carry what is not UTF-8.
        return safe(bytes(value[: 4 * limit + 8]), limit)
    try:
        return safe(msgspec.json.encode(value), limit)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return safe(type(value).__name__, CELL)


def from_logfmt(line: bytes, form: LineFormat) -> LogRecord | None:
    """The record of a logfmt line; None unless the line begins with at least two pairs."""
    text = line.decode("utf-8", "replace")
    first = _PAIR.match(text)
    if first is None or _PAIR.match(text, first.end()) is None:
        return None
    pairs: dict[str, str] = {}
    for found in islice(_PAIR.finditer(text), MAX_FIELDS):
        pairs.setdefault(found[1], _unquoted(found[2]))
    used: set[str] = set(levels.LEVEL_KEYS)
    at = _time(pairs, form, used)
    service = _service(pairs, form, used)
    message = _message(pairs, form, used)
    fields = tuple(
        (safe(key), MASKED if form.masks(key) else safe(word, _VALUE)) for key, word in pairs.items() if key not in used
    )
    level = levels.from_value(pairs.get(form.fields["level"])) if "level" in form.fields else levels.of_text(line)
    return LogRecord(at=at, level=level, service=service, message=form.clean(message), fields=fields)


def _unquoted(word: str) -> str:
    if word[:1] != '"':
        return word
    return _ESCAPE.sub(lambda found: _UNESCAPED.get(found[1], found[1]), word[1:-1])
