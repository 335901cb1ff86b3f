"""Lines for people: syslog in both RFCs, klog, access logs, Python's logging, a time and some words, or just words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tuiops.core.lineformat import MASKED, LineFormat
from tuiops.core.logformat import levels, times
from tuiops.core.logs import LogRecord
from tuiops.core.text import EMPTY, LINE, SafeText, lit, safe

if TYPE_CHECKING:
    from datetime import datetime

_RFC5424 = re.compile(
    r"<\d{1,3}>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r"(?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: \ufeff?(?P<message>.*))?$",
    re.DOTALL,
)
_RFC3164 = re.compile(
    r"(?:<\d{1,3}>)?(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d(?:\.\d{1,6})?) "
    r"(?P<host>\S+) (?P<app>[^\s:\[]{1,64})(?:\[(?P<pid>[^\]]{1,32})\])?: ?(?P<message>.*)$",
    re.DOTALL,
)
_SYSLOG_ISO = re.compile(
    r"(?:<\d{1,3}>)?(?P<time>\d{4}-\d\d-\d\dT\S{8,30}) (?P<host>[\w.-]{1,255}) (?P<app>[^\s:\[=]{1,64})"
    r"(?:\[(?P<pid>\d{1,10})\])?: (?P<message>.*)$",
    re.DOTALL,
)
_KLOG = re.compile(
    r"[IWEF](?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{1,6})\s+(?P<pid>\d+) (?P<at>[^\]\s]+)\] ?"
    r"(?P<message>.*)$",
    re.DOTALL,
)
_ACCESS = re.compile(
    r"(?P<client>\S{1,255}) \S{1,255} (?P<user>\S{1,255}) \[(?P<time>[^\]]{20,32})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?(?P<rest>.*)$',
    re.DOTALL,
)
_UPPER = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRITICAL|CRIT|ALERT|EMERG|PANIC"
_LEVEL = f"(?:{_UPPER}|{_UPPER.lower()})"
_AFTER_TIME = re.compile(
    rf"\s*(?:-\s+)?(?:(?P<logger>[\w.$/-]{{1,128}}) - )?[\[(<]?(?P<level>{_LEVEL})[\])>]?:?(?=\s|$)\s*(?:-\s+)?",
    re.ASCII,
)
_PYTHON = re.compile(rf"(?P<level>{_UPPER}):(?P<logger>[\w.-]{{1,128}}):", re.ASCII)


def from_header(line: bytes, form: LineFormat, now: datetime) -> LogRecord | None:
    """The record of a line with a header that is known; None when there is none."""
    text = line.decode("utf-8", "replace")
    first = text[:1]
    if first == "<" or first.isalpha() or first.isdigit():
        return _syslog(text, line, form, now) or _klog(text, line, form, now) or _access(text, line, form)
    return _access(text, line, form)


def _syslog(text: str, line: bytes, form: LineFormat, now: datetime) -> LogRecord | None:
    found = _RFC5424.match(text) or _RFC3164.match(text) or _SYSLOG_ISO.match(text)
    if found is None:
        return None
    parts = found.groupdict()
    if "month" in parts:
        at = times.without_year(parts["month"], int(parts["day"]), parts["clock"], form.zone, now)
    else:
        at = times.from_text(parts["time"], form.zone)
    app = parts["app"]
    fields = [("host", parts["host"]), ("pid", parts["pid"]), ("id", parts.get("id")), ("data", parts.get("data"))]
    return LogRecord(
        at=at,
        level=levels.of_text(line),
        service=EMPTY if app == "-" else safe(app),
        message=form.clean(safe(parts["message"] or "", LINE)),
        fields=_fields(fields, form),
    )


def _klog(text: str, line: bytes, form: LineFormat, now: datetime) -> LogRecord | None:
    found = _KLOG.match(text)
    if found is None:
        return None
    return LogRecord(
        at=times.without_year(int(found["month"]), int(found["day"]), found["clock"], form.zone, now),
        level=levels.of_text(line),
        message=form.clean(safe(found["message"], LINE)),
        fields=_fields([("source", found["at"]), ("pid", found["pid"])], form),
    )


def _access(text: str, line: bytes, form: LineFormat) -> LogRecord | None:
    found = _ACCESS.match(text)
    if found is None:
        return None
    request = safe(found["request"], LINE)
    return LogRecord(
        at=times.from_access_log(found["time"]),
        level=levels.of_text(line),
        message=form.clean(SafeText(f"{request} → {safe(found['status'])}")),
        fields=_fields(
            [(name, found[name]) for name in ("client", "user", "bytes", "referer", "agent")]
            + [("rest", found["rest"].strip())],
            form,
        ),
    )


def from_plain(line: bytes, form: LineFormat) -> LogRecord:
    """The record of any line: a time and a level if it begins with them, and the words."""
    text = line.decode("utf-8", "replace")
    at, end = times.leading(text, form.zone)
    logger = ""
    header = _AFTER_TIME.match(text, end) if at else _PYTHON.match(text)
    if header:
        logger = header["logger"] or ""
        end = header.end()
    fields = ((lit("logger"), safe(logger)),) if logger else ()
    message = form.clean(safe(text[end:].lstrip() if end else text, LINE))
    return LogRecord(at=at, level=levels.of_text(line), message=message, fields=fields)


def _fields(pairs: list[tuple[str, str | None]], form: LineFormat) -> tuple[tuple[SafeText, SafeText], ...]:
    return tuple(
        (safe(name), MASKED if form.masks(name) else safe(value)) for name, value in pairs if value and value != "-"
    )
