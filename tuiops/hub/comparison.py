"""One revision beside another: what every source that can tell them apart has to say, asked at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.comparison import Compared, Comparison
from tuiops.core.text import fmt, safe
from tuiops.errors import SourceError, TimedOut
from tuiops.sources.base import ReadsComparison

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuiops.core.clock import Clock
    from tuiops.core.health import SystemHealth
    from tuiops.core.text import SafeText
    from tuiops.sources.base import Source

TIMEOUT = 15.0
"""Seconds that a source may take."""


async def compare(sources: Iterable[Source], asked: tuple[str, str, str, str], clock: Clock) -> Comparison:
    """`asked` is system, service, new and old revision. Raises SourceError when every source that was asked fails."""
    able = [source for source in sources if isinstance(source, ReadsComparison)]
    at = clock.now()
    answers = await asyncio.gather(*(_ask(source, asked) for source in able))
    failures = [answer for answer in answers if isinstance(answer, SourceError)]
    if failures and len(failures) == len(able):
        raise failures[0]
    return Comparison(
        at=at,
        compared=tuple(one for answer in answers if not isinstance(answer, SourceError) for one in answer),
        troubles=tuple(
            fmt("{}: {}: {}", source.name, safe(answer.word), safe(str(answer)))
            for source, answer in zip(able, answers, strict=True)
            if isinstance(answer, SourceError)
        ),
    )


def measuring(systems: Iterable[SystemHealth], system: str, service: str) -> frozenset[SafeText]:
    """The sources that measure a service: nobody else is asked, or could only say that it is in trouble itself."""
    return frozenset(
        measure.indicator.source
        for known in systems
        for found in known.services
        if found.key == (system, service)
        for measure in found.measures
    )


async def _ask(source: ReadsComparison, asked: tuple[str, str, str, str]) -> tuple[Compared, ...] | SourceError:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await source.read_comparison(*asked)
    except TimeoutError:
        return TimedOut(f"no complete answer within {TIMEOUT:g} s")
    except SourceError as error:
        return error
