"""The alarms of an account, all or by name, of every type that the region knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuiops.core.text import safe
from tuiops.errors import QueryRefused
from tuiops.sources.aws.cloudwatch import wire
from tuiops.sources.aws.cloudwatch.paging import pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.sources.aws.client import AwsClient

TYPES = ("MetricAlarm", "CompositeAlarm", "LogAlarm")
OLDER_TYPES = TYPES[:2]
"""Where alarms on logs have not come yet, asking for them is refused."""

PAGE = 100
"""Alarms in a page, at most."""


class AlarmList:
    """Reads alarms."""

    def __init__(self, client: AwsClient) -> None:
        self._client = client
        self._types: tuple[str, ...] = TYPES

    async def all(self, most: int) -> tuple[list[wire.Alarms], bool]:
        """Those in all states, in `most` pages at most, and whether there were more."""
        return await self._read({"MaxRecords": PAGE}, most)

    async def named(self, names: Sequence[str]) -> list[wire.Alarm]:
        """The alarms of these names, in their order. QueryRefused when there is none of a name."""
        read, _ = await self._read({"AlarmNames": list(names)}, 2)
        found = {alarm.alarm_name: alarm for page in read for alarm in page.all}
        for name in names:
            if name not in found:
                raise QueryRefused(f"there is no alarm {safe(name)}")
        return [found[name] for name in names]

    async def _read(self, params: dict[str, Any], most: int) -> tuple[list[wire.Alarms], bool]:
        try:
            return await self._pages(params, self._types, most)
        except QueryRefused:
            if self._types == OLDER_TYPES:
                raise
            answer = await self._pages(params, OLDER_TYPES, most)
            self._types = OLDER_TYPES
            return answer

    async def _pages(self, params: dict[str, Any], types: tuple[str, ...], most: int) -> tuple[list[wire.Alarms], bool]:
        wanted = {**params, "AlarmTypes": list(types)}
        return await pages(self._client, "DescribeAlarms", wanted, wire.Alarms, most)
