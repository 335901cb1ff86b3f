"""Cloud Logging as the fake of Google knows it: entries with arrival times, listed by filter, order and page.

Of the query language it understands what the console writes: restrictions joined by AND, `logName=("a" OR "b")`, and
quoted words. Whatever else is in a filter is refused as a mistake in its syntax, as Google does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.errors import GoogleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.google.server import Call, Handler
    from tuiops.core.clock import Clock

SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(>=|<=|[=().])|([A-Za-z_][\w-]*))', re.DOTALL)
_ESCAPE = re.compile(r'\\(?:u([0-9a-f]{4})|(["\\]))')


class LoggingApi:
    """The API and those who write logs."""

    name = "logging"
    document = document("logging", "v2")

    def __init__(self, clock: Clock, *, project: str = "shop-production") -> None:
        self._clock = clock
        self._project = project
        self.entries: list[dict[str, Any]] = []
        self.filters: list[str] = []
        self.limit = 1_000
        """Requests that are answered; what is beyond is too much."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {"entries.list": self._list}

    def write(self, at: str, log: str = "run.googleapis.com%2Fstdout", **fields: Any) -> dict[str, Any]:
        """An entry; `fields` are those of a LogEntry in JSON. What is not given is as Cloud Run has it."""
        entry = {
            "logName": f"projects/{self._project}/logs/{log}",
            "resource": {
                "type": "cloud_run_revision",
                "labels": {"service_name": "chat", "revision_name": "chat-00007-abc", "location": "asia-northeast1"},
            },
            "timestamp": at,
            "receiveTimestamp": at,
            "insertId": f"{len(self.entries):012}",
            **fields,
        }
        self.entries.append(entry)
        return entry

    def _list(self, call: Call) -> object:
        body = call.body
        if body["resourceNames"] != [f"projects/{self._project}"]:
            raise GoogleError(403, "Permission denied for all log views")
        self.filters.append(body.get("filter", ""))
        if len(self.filters) > self.limit:
            raise GoogleError(429, "Quota exceeded for quota metric 'Read requests'")
        meets = parsed(body.get("filter", ""))
        found = sorted((entry for entry in self.entries if meets(entry)), key=_order)
        if body.get("orderBy") == "timestamp desc":
            found.reverse()
        size = min(body.get("pageSize", 50), 1000)
        token = re.fullmatch(r"page-(\d+)", body.get("pageToken", "page-0"))
        if token is None:
            raise GoogleError(400, "page_token is invalid")
        start = int(token[1])
        page: dict[str, object] = {"entries": found[start : start + size]} if found[start:] else {}
        return page if start + size >= len(found) else {**page, "nextPageToken": f"page-{start + size}"}


def parsed(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """What a filter means. GoogleError when it is none."""
    tokens = list(_tokens(text))
    if not tokens:
        return lambda _: True
    conditions: list[Callable[[Mapping[str, Any]], bool]] = []
    while tokens:
        conditions.append(_condition(tokens))
        if tokens and tokens.pop(0) != "AND":
            raise GoogleError(400, "Unparseable filter: syntax error")
    return lambda entry: all(condition(entry) for condition in conditions)


def _condition(tokens: list[str]) -> Callable[[Mapping[str, Any]], bool]:
    path: list[str] = []
    first = tokens.pop(0)
    if first[0] == '"' and (not tokens or tokens[0] == "AND"):
        return lambda entry: _value(first).lower() in str(entry).lower()
    path.append(_value(first))
    while tokens and tokens[0] == ".":
        tokens.pop(0)
        path.append(_value(tokens.pop(0)))
    if not tokens or tokens[0] not in {"=", ">=", "<="}:
        raise GoogleError(400, "Unparseable filter: syntax error")
    sign = tokens.pop(0)
    wanted: list[str] = []
    if tokens[0] == "(":
        tokens.pop(0)
        while True:
            wanted.append(_value(tokens.pop(0)))
            if tokens.pop(0) == ")":
                break
    else:
        wanted.append(_value(tokens.pop(0)))
    return lambda entry: any(_holds(path, sign, value, entry) for value in wanted)


def _holds(path: list[str], sign: str, value: str, entry: Mapping[str, Any]) -> bool:
    found: Any = entry
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    if path == ["severity"]:
        return SEVERITIES.index(found or "DEFAULT") >= SEVERITIES.index(value)
    if path == ["timestamp"]:
        mine, other = _padded(str(found)), _padded(value)
        return mine >= other if sign == ">=" else mine <= other
    return found is not None and str(found) == value


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise GoogleError(400, "Unparseable filter: syntax error")
        at = found.end()
        yield found[0].strip()


def _value(token: str) -> str:
    if token[:1] != '"':
        return token
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], token[1:-1])


def _padded(text: str) -> str:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}"


def _order(entry: Mapping[str, Any]) -> tuple[str, str]:
    return _padded(entry["timestamp"]), entry["insertId"]
