"""Amazon CloudWatch Logs as a log stream: `FilterLogEvents` again and again, or a live tail between two of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tuiops.core.text import SafeText, lit
from tuiops.sources.line_form import line_format
from tuiops.sources.log_records import envelope, stored_format
from tuiops.sources.paging import Cursor
from tuiops.sources.stored_logs import Page, Past, Record, StoredLogSource, Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable

    from tuiops.config.logs import CloudWatchLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat
    from tuiops.core.updates import LogChunk
    from tuiops.sources.aws.client import AwsClient

LARGEST: Final = 10_000
"""Events of one answer at most; a megabyte of them at most, too."""
_PAGES_OF_PAST: Final = 10
"""Requests for the past of one group: answers may be empty and yet not the last ones."""
_MILLI: Final = 1_000_000


class CloudWatchLogSource(StoredLogSource):
    """Tails some log groups."""

    kind = lit("cloudwatch_logs")

    def __init__(
        self,
        name: SafeText,
        system: SafeText,
        service: SafeText,
        config: CloudWatchLog,
        client: AwsClient,
        clock: Clock,
    ) -> None:
        reader = EventReader(line_format(config), clock, told_by_tail=config.stream)
        store = CloudWatchStore(config, client, reader)
        super().__init__(name, system, service, config, store, stored_format(line_format(config)), clock)
        self._config = config
        self._client = client
        self._reader = reader

    def tail(self) -> AsyncIterator[LogChunk]:
        if not self._config.stream:
            return super().tail()
        from tuiops.sources.aws.live_tail import tail

        return tail(self.follower, self._client, self._config, self._reader)


class Event(msgspec.Struct, rename="camel"):
    """One event, as both ways of reading give it."""

    timestamp: int = 0
    message: str = ""
    log_stream_name: str = ""
    ingestion_time: int = 0
    event_id: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    events: list[Event] = []
    next_token: str | None = None


class EventReader:
    """Makes records of events."""

    def __init__(self, form: LineFormat, clock: Clock, *, told_by_tail: bool) -> None:
        """`told_by_tail`: whether events also come by a live tail, which does not tell their IDs."""
        self._form = form
        self._clock = clock
        self._told_by_tail = told_by_tail

    def records(self, events: list[Event], told: Counter[Hashable]) -> list[Record]:
        """`told` counts events that nothing but an ID would tell apart; one for each reading."""
        now = self._clock.now()
        found: list[Record] = []
        for event in events:
            key: Hashable = event.event_id
            if self._told_by_tail or not event.event_id:
                same = (event.log_stream_name, event.timestamp, event.ingestion_time, hash(event.message))
                key = (same, told[same])
                told[same] += 1
            at = max(event.timestamp, 0) * _MILLI
            line = envelope(at, event.message.rstrip("\n"), {"log_stream": event.log_stream_name}, self._form, now)
            found.append(Record(at, key, line))
        return found


class CloudWatchStore:
    """A `LogStore` over `FilterLogEvents`. It cannot count."""

    def __init__(self, config: CloudWatchLog, client: AwsClient, reader: EventReader) -> None:
        self._config = config
        self._client = client
        self._reader = reader

    async def read(self, window: Window) -> AsyncIterator[Page]:
        told: Counter[Hashable] = Counter()
        # One group after the other: only the last event of the only group says how far all of it was read.
        alone = len(self._config.groups) == 1
        for group in self._config.groups:
            async for events in self._events(group, window, LARGEST, newest=False):
                records = self._reader.records(events, told)
                yield Page(records, through=records[-1].at if alone and records else None)

    async def newest(self, window: Window, most: int) -> Past:
        told: Counter[Hashable] = Counter()
        records: list[Record] = []
        whole = True
        for group in self._config.groups:
            mine: list[Record] = []
            pages = 0
            async for events in self._events(group, window, most, newest=True):
                mine += self._reader.records(events, told)
                pages += 1
                whole = whole and len(mine) < most and pages < _PAGES_OF_PAST
                if len(mine) >= most or pages >= _PAGES_OF_PAST:
                    break
            records += mine
        records.sort(reverse=True, key=_time)
        return Past(records[:most], whole=whole and len(records) <= most)

    async def count(self, window: Window) -> int | None:  # noqa: ARG002 - as LogStore says
        return None

    async def _events(self, group: str, window: Window, limit: int, *, newest: bool) -> AsyncIterator[list[Event]]:
        params: dict[str, Any] = {
            "logGroupName": group,
            "startTime": window.since // _MILLI,
            "endTime": -(-window.until // _MILLI),
            "limit": limit,
        }
        if newest:
            params["startFromHead"] = False
        if self._config.prefix is not None:
            params["logStreamNamePrefix"] = self._config.prefix
        if self._config.pattern is not None:
            params["filterPattern"] = self._config.pattern
        cursor = Cursor(lit("logs FilterLogEvents"))
        while cursor.reads_on:
            asked = {**params, "nextToken": cursor.token} if cursor.token else params
            answer = await self._client.call("logs", "FilterLogEvents", asked, kind=_Answer)
            yield answer.events
            cursor.turn(answer.next_token)


def _time(record: Record) -> int:
    return record.at
