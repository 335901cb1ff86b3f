"""When alarms that fire have fired before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.sources.aws.cloudwatch import wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.spare import Spare
    from tuiops.sources.paging import Listing

HOURS = 24
"""How far back; CloudWatch keeps 30 days."""

FRESH = 300.0
"""Seconds that it is not asked for again while the same alarms fire."""

MOST = 300
"""Changes of state that are read, of all alarms together, newest first."""

TIMES = 3
"""Earlier times that are named."""


class _State(msgspec.Struct, frozen=True):
    state_value: str = msgspec.field(name="stateValue", default="")


class _Change(msgspec.Struct, frozen=True):
    """What `HistoryData` says."""

    new: _State = msgspec.field(name="newState", default=_State())


class AlarmHistory:
    """Read once for all alarms, when others fire than before and now and then."""

    def __init__(self, client: AwsClient, spare: Spare, clock: Clock) -> None:
        self._client = client
        self._spare = spare
        self._clock = clock
        self._firing: frozenset[str] = frozenset()
        self._read = 0.0
        self._texts: Mapping[str, SafeText] = {}

    async def read(
        self, firing: Sequence[wire.Alarm], at: datetime, said: dict[SafeText, None]
    ) -> Mapping[str, SafeText]:
        """`fired 4 times in 24h, before at 10:12, 09:40, 08:01 UTC` by the names of alarms; none for the rest."""
        names = frozenset(alarm.alarm_name for alarm in firing)
        now = self._clock.monotonic()
        if not names or (names == self._firing and now - self._read < FRESH):
            return self._texts if names else {}
        params = {
            "HistoryItemType": "StateUpdate",
            "ScanBy": "TimestampDescending",
            "StartDate": at - timedelta(hours=HOURS),
            "EndDate": at,
        }

        async def ask() -> Listing[wire.HistoryItem]:
            return await self._client.pages(
                "cloudwatch",
                "DescribeAlarmHistory",
                params,
                result="AlarmHistoryItems",
                kind=wire.HistoryItem,
                most=MOST,
            )

        listing = await self._spare.read(lit("histories of alarms"), ask, said)
        if listing is None:
            return {}
        self._firing, self._read = names, now
        self._texts = _texts(listing, names)
        return self._texts


def _texts(listing: Listing[wire.HistoryItem], names: frozenset[str]) -> Mapping[str, SafeText]:
    fired: dict[str, list[datetime]] = {}
    for item in listing.items:
        if item.alarm_name in names and _became(item) == "ALARM":
            fired.setdefault(item.alarm_name, []).append(item.timestamp)
    return {name: _text(sorted(times, reverse=True), more=listing.truncated) for name, times in fired.items()}


def _became(item: wire.HistoryItem) -> str:
    try:
        return msgspec.json.decode(item.history_data, type=_Change).new.state_value
    except msgspec.DecodeError:
        return ""


def _text(times: Sequence[datetime], *, more: bool) -> SafeText:
    """`times`: newest first; the first one is the present one."""
    often = lit("once") if len(times) == 1 else fmt("{} times", len(times))
    text = fmt("fired {}{} in {}h", lit("at least ") if more else EMPTY, often, HOURS)
    before = times[1 : TIMES + 1]
    if not before:
        return text
    clock = (fmt("{:02}:{:02}", time.hour, time.minute) for time in before)
    return fmt("{}, before at {} UTC", text, join(", ", clock))
