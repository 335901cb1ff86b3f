"""Which feeds a source has: one for each topic that it can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.snapshot import Feed, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import SafeText, fmt, lit
from tuiops.sources.base import ReadsAlerts, ReadsBudgets, ReadsHealth, ReadsRollouts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tuiops.core.updates import Update
    from tuiops.sources.base import Source


def abilities(source: Source) -> list[tuple[Topic, Callable[[], Awaitable[Update]]]]:
    """The topics that a source can read, each with the call that reads it."""
    found: list[tuple[Topic, Callable[[], Awaitable[Update]]]] = []
    if isinstance(source, ReadsHealth):
        found.append((Topic.HEALTH, source.read_health))
    if isinstance(source, ReadsAlerts):
        found.append((Topic.ALERTS, source.read_alerts))
    if isinstance(source, ReadsRollouts):
        found.append((Topic.ROLLOUTS, source.read_rollouts))
    # A feed that asks nothing would always be live and prove nothing.
    if isinstance(source, ReadsBudgets) and source.budget_interval is not None:
        found.append((Topic.BUDGETS, source.read_budgets))
    return found


def feed_name(source: Source, topic: Topic) -> SafeText:
    """What the feed is called in snapshots."""
    return source.name if topic is Topic.HEALTH else fmt("{}/{}", source.name, lit(topic.value))


def feeds(sources: Iterable[Source]) -> list[Feed]:
    """Every feed of the sources, none of which has answered yet."""
    return [
        Feed(
            topic,
            renewed(
                SourceStatus(name=feed_name(source, topic), kind=source.kind, interval=source.interval), source, topic
            ),
        )
        for source in sources
        for topic, _ in abilities(source)
    ]


def renewed(status: SourceStatus, source: Source, topic: Topic) -> SourceStatus:
    """The feed's standing with the pace that its source asks for."""
    interval = source.interval
    if topic is Topic.BUDGETS and isinstance(source, ReadsBudgets) and source.budget_interval is not None:
        interval = source.budget_interval
    return msgspec.structs.replace(status, interval=interval, grace=source.timeout)
