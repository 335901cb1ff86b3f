"""Google Cloud Logging as a log stream: `entries.list` again and again, or a tail over gRPC between two of them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from tuiops.core.logformat import LineFormat, level_of
from tuiops.core.logs import Level
from tuiops.core.text import SafeText, lit, safe
from tuiops.errors import BadAnswer
from tuiops.sources.gcp.client import Page as Listing
from tuiops.sources.line_form import line_format
from tuiops.sources.log_records import stored_format
from tuiops.sources.paging import Cursor
from tuiops.sources.stored_logs import SECOND, Page, Past, Record, StoredLogSource, Window, rfc3339

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tuiops.config.logs import CloudLog
    from tuiops.core.clock import Clock
    from tuiops.core.updates import LogChunk
    from tuiops.sources.gcp.client import GoogleClient

PAGE: Final = 1_000
"""Entries of one request, the most that Google gives."""
_PAGES_OF_PAST: Final = 2
"""Requests for the past: 50 a minute have to do for everything that asks a project."""
_SILENT: Final = frozenset({"", "DEFAULT"})
"""Severities of entries that state none."""
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_PLAIN: Final = LineFormat(kind="plain")
_encode: Final = msgspec.json.Encoder().encode


class CloudLogSource(StoredLogSource):
    """Tails what a filter finds in a project."""

    kind = lit("cloud_logging")

    def __init__(
        self, name: SafeText, system: SafeText, service: SafeText, config: CloudLog, client: GoogleClient, clock: Clock
    ) -> None:
        store = CloudLogStore(config, client)
        form = stored_format(line_format(config), "timestamp")
        super().__init__(name, system, service, config, store, form, clock)
        self._client = client
        self._wanted = filter_of(config, client.project)
        self._streams = config.stream

    def tail(self) -> AsyncIterator[LogChunk]:
        if not self._streams:
            return super().tail()
        # gRPC takes most of a second to import, and few want it.
        from tuiops.sources.gcp.logging_tail import tail

        return tail(self.follower, self._client, self._wanted)


class _Entry(msgspec.Struct):
    """The part of a LogEntry that is looked at."""

    timestamp: str = ""
    receive_timestamp: str = msgspec.field(name="receiveTimestamp", default="")
    insert_id: str = msgspec.field(name="insertId", default="")
    log_name: str = msgspec.field(name="logName", default="")
    severity: str | int = ""
    text: str | None = msgspec.field(name="textPayload", default=None)
    proto: dict[str, Any] | None = msgspec.field(name="protoPayload", default=None)


class _Entries(Listing, frozen=True, kw_only=True, rename="camel"):
    entries: tuple[msgspec.Raw, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_Entry)


class CloudLogStore:
    """A `LogStore` over `entries.list`. It cannot count."""

    def __init__(self, config: CloudLog, client: GoogleClient) -> None:
        self._wanted = filter_of(config, client.project)
        self._client = client

    async def read(self, window: Window) -> AsyncIterator[Page]:
        cursor = Cursor(lit("logging"))
        while cursor.reads_on:
            page = await self._list(window, "timestamp asc", cursor.token)
            records = [record_of(bytes(raw)) for raw in page.entries]
            yield Page(records, through=records[-1].at if records else None)
            cursor.turn(page.next_page_token)

    async def newest(self, window: Window, most: int) -> Past:
        records: list[Record] = []
        cursor = Cursor(lit("logging"), _PAGES_OF_PAST)
        while cursor.reads_on and len(records) < most:
            page = await self._list(window, "timestamp desc", cursor.token)
            records += [record_of(bytes(raw)) for raw in page.entries]
            cursor.turn(page.next_page_token)
        return Past(records[:most], whole=not cursor.more and len(records) <= most)

    async def count(self, window: Window) -> int | None:  # noqa: ARG002 - as LogStore says
        return None

    async def _list(self, window: Window, order: str, token: str) -> _Entries:
        parts = [f'timestamp>="{rfc3339(window.since)}"', f'timestamp<="{rfc3339(window.until)}"']
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._client.project}"],
            "filter": " AND ".join([*parts, self._wanted] if self._wanted else parts),
            "orderBy": order,
            "pageSize": PAGE,
        }
        if token:
            body["pageToken"] = token
        return await self._client.post(_Entries, "logging", "v2/entries:list", body)


def filter_of(config: CloudLog, project: str) -> str:
    """The filter that the parts of a configuration make, in the Logging query language; empty when there are none."""
    parts: list[str] = []
    if config.resource is not None:
        parts.append(f"resource.type={quoted(config.resource)}")
    parts += [f"resource.labels.{quoted(name)}={quoted(value)}" for name, value in config.labels.items()]
    if config.names:
        names = " OR ".join(quoted(log_name(name, project)) for name in config.names)
        parts.append(f"logName=({names})")
    if config.severity is not None:
        parts.append(f"severity>={config.severity}")
    if config.text is not None:
        parts.append(quoted(config.text))
    return " AND ".join(parts)


def log_name(name: str, project: str) -> str:
    """The whole name of a log: the ID within the project is escaped as in a URL."""
    if name.startswith(("projects/", "organizations/", "folders/", "billingAccounts/")) and "/logs/" in name:
        return name
    return f"projects/{project}/logs/{quote(name, safe='')}"


def quoted(text: str) -> str:
    """A string of the query language that means exactly this text, whatever is in it."""
    out: list[str] = []
    for char in text:
        code = ord(char)
        if char in {'"', "\\"}:
            out.append("\\" + char)
        elif code < 0x20 or code == 0x7F:
            out.append(f"\\u{code:04x}")
        elif 0xD800 <= code <= 0xDFFF:
            out.append("\ufffd")
        else:
            out.append(char)
    return f'"{"".join(out)}"'


def record_of(raw: bytes) -> Record:
    """An entry as a line: as it came, with a level or a message where the entry keeps it out of sight."""
    try:
        entry = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadAnswer("logging sent an entry of another shape than its API's") from None
    when = entry.timestamp or entry.receive_timestamp
    at = instant(when)
    if at is None:
        raise BadAnswer(f"logging sent a time that is none: {safe(when)}")
    line = raw if b"\n" not in raw else msgspec.json.format(raw, indent=-1)
    extra: dict[str, str] = {}
    if entry.severity in _SILENT and entry.text is not None:
        level = level_of(entry.text.encode("utf-8", "replace"), _PLAIN)
        if level is not Level.NONE:
            extra["level"] = level.name.lower()
    if entry.proto is not None and (message := _audited(entry.proto)):
        extra["message"] = message
    if extra:
        line = line.rstrip()[:-1] + b"," + _encode(extra)[1:]
    # The moment itself: REST and gRPC spell the same one differently, such as `.52Z` and `.520Z`.
    return Record(at, (entry.log_name, str(at), entry.insert_id), line)


def instant(text: str) -> int | None:
    """Nanoseconds since 1970 in a time as RFC 3339 writes it; None when it is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    try:
        seconds = datetime.fromisoformat(found[1] + found[3]).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) * SECOND + int((found[2] or "").ljust(9, "0"))


def _audited(proto: Mapping[str, Any]) -> str:
    """What an audit log says, in one sentence: who did what to what, and how it went."""
    if isinstance(proto.get("message"), str):
        return ""
    who = proto.get("authenticationInfo")
    status = proto.get("status")
    parts = [
        proto.get("methodName"),
        proto.get("resourceName"),
        f"by {who['principalEmail']}" if isinstance(who, dict) and "principalEmail" in who else None,
        f"failed: {status['message']}" if isinstance(status, dict) and status.get("message") else None,
    ]
    return " ".join(str(part) for part in parts if part)
