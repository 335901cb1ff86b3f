"""Two revisions of a service side by side, from the indicators that declare which label names the revision."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.comparison import Compared
from tuiops.core.text import lit
from tuiops.errors import BadAnswer, QueryRefused
from tuiops.sources.prometheus.poll import refusal_text
from tuiops.sources.prometheus.readings import worse_value
from tuiops.sources.prometheus.wire import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuiops.sources.prometheus.plan import Plan
    from tuiops.sources.prometheus.poll import Poll
    from tuiops.sources.prometheus.wire import InstantSeries


async def compare(poll: Poll, plans: Iterable[tuple[Plan, str]], new: str, old: str) -> tuple[Compared, ...]:
    """Every plan with the value that stands for the service in its label `by`; one query each, all at once.

    An indicator whose query alone is refused says why; the server's own failures are raised.
    """

    async def one(plan: Plan, value: str) -> Compared:
        query = plan.comparison_query(value)
        if query is None:
            return Compared(indicator=plan.indicator, trouble=lit("its selector cannot be narrowed to one service"))
        try:
            series = await poll.instant(query, plan.heading)
            return Compared(indicator=plan.indicator, new=_value(plan, series, new), old=_value(plan, series, old))
        except (QueryRefused, BadAnswer) as error:
            return Compared(indicator=plan.indicator, trouble=refusal_text(plan.heading, error))

    wanted = [one(plan, value) for plan, value in plans if plan.revision]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in wanted]
    except BaseExceptionGroup as failures:  # whatever it was: the first failure is raised again, by itself
        raise failures.exceptions[0] from None
    return tuple(task.result() for task in tasks)


def _value(plan: Plan, series: Sequence[InstantSeries], revision: str) -> float | None:
    """The worst value of a revision, in the inner scale; None when it has no series."""
    found: float | None = None
    for one in series:
        if one.value is None or one.metric.get(plan.revision) != revision:
            continue
        value = number(one.value[1])
        found = value if found is None else worse_value(found, value, smaller=plan.smaller_is_worse)
    return None if found is None else found * plan.unit.scale
