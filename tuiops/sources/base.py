"""What a source is and what it can do.

A source implements whichever of the one-method protocols below it can serve; the hub asks with
`isinstance` and starts one poll for each ability. A read either returns a complete answer or raises
`errors.SourceError`; it never returns a partial answer that looks complete. Text inside an answer is
`SafeText` already: a source is the edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from tuiops.core.comparison import Compared
    from tuiops.core.logformat import LineFormat
    from tuiops.core.text import SafeText
    from tuiops.core.updates import AlertsUpdate, BudgetsUpdate, HealthUpdate, LogChunk, RolloutsUpdate, Series


class Source(Protocol):
    """Something that data comes from. Constructing one costs nothing and touches no network."""

    @property
    def name(self) -> SafeText:
        """Unique among all sources; the name in the configuration."""
        ...

    @property
    def kind(self) -> SafeText:
        """What it is, such as `prometheus`."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between polls when all is well."""
        ...

    @property
    def timeout(self) -> float:
        """Deadline of one poll in seconds; the hub enforces it too."""
        ...

    async def close(self) -> None:
        """Give back connections and processes. Idempotent; never raises."""
        ...


@runtime_checkable
class ReadsHealth(Protocol):
    """Reads the indicators of services."""

    async def read_health(self) -> HealthUpdate: ...


@runtime_checkable
class ReadsAlerts(Protocol):
    """Reads alerts."""

    async def read_alerts(self) -> AlertsUpdate: ...


@runtime_checkable
class ReadsRollouts(Protocol):
    """Reads rollouts."""

    async def read_rollouts(self) -> RolloutsUpdate: ...


@runtime_checkable
class Queries(Protocol):
    """Answers PromQL."""

    async def query(self, promql: str) -> tuple[float, ...]:
        """The values of an expression at this moment, one a series; never only some of them."""
        ...


@runtime_checkable
class ReadsBudgets(Protocol):
    """Reads error budgets. They are costly, so they have an interval of their own."""

    @property
    def budget_interval(self) -> float | None:
        """Seconds between readings; None when nothing has an objective, so that there is nothing to read."""
        ...

    async def read_budgets(self) -> BudgetsUpdate: ...


@runtime_checkable
class ReadsHistory(Protocol):
    """Reads the past of one indicator of one service, for a plot."""

    async def read_history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """Series in the inner scale, oldest point first; `step` in seconds."""
        ...


@runtime_checkable
class ReadsComparison(Protocol):
    """Reads the indicators of a service for one revision of it beside another."""

    async def read_comparison(self, system: str, service: str, new: str, old: str) -> tuple[Compared, ...]:
        """Every indicator that can tell revisions apart, with its value for either; none when none can."""
        ...


@runtime_checkable
class TailsLogs(Protocol):
    """Streams raw log lines, from a little of the past into the future, until closed."""

    @property
    def system(self) -> SafeText: ...

    @property
    def service(self) -> SafeText: ...

    def tail(self) -> AsyncIterator[LogChunk]:
        """Whole lines in the order they were written. Ends only by SourceError; the hub opens it again."""
        ...


@runtime_checkable
class DescribesLines(Protocol):
    """Knows beforehand how the lines that it tails are to be read; those of others are looked at one by one."""

    @property
    def format(self) -> LineFormat: ...


@runtime_checkable
class StatesTimes(Protocol):
    """Tells of every line when it was written, some seconds later: such lines are merged with those of its like."""

    @property
    def states_times(self) -> bool: ...
