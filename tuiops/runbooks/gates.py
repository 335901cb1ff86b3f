"""Conditions, looked at: what there is now, whether that is within the limit. No data is never within."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.health import Limit, judge
from tuiops.core.rollouts import Phase
from tuiops.core.source import Freshness
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import Unit, show
from tuiops.errors import SourceError
from tuiops.runbooks.format.model import CommandCheck, HttpCheck, IndicatorCheck, QueryCheck, RolloutCheck

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tuiops.core.health import Measure
    from tuiops.core.rollouts import Rollout
    from tuiops.core.snapshot import Snapshot
    from tuiops.runbooks.format.model import AnyCheck
    from tuiops.runbooks.world import World

NOTHING = lit("–")
_STATE_LIMITS = {"ok": 0.0, "degraded": 1.0}
"""How a limit is written for how something stands: no worse than that."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a condition."""

    holds: bool
    value: SafeText = NOTHING
    number: float | None = None
    reason: SafeText = EMPTY
    """Why it does not hold, when that is not the value itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewpoint:
    """What a condition is looked at from."""

    world: World
    system: SafeText
    since: datetime
    """What was measured before this moment proves nothing."""
    ask: Callable[[HttpCheck | CommandCheck], Awaitable[Look]]
    """Looks at what only an effect can tell."""
    elsewhere: Callable[[AnyCheck], SafeText] = lambda _: EMPTY
    """What of a condition is not where it was when it was confirmed, in a sentence; empty when all of it is."""


async def look(check: AnyCheck, viewpoint: Viewpoint) -> Look:
    """How the condition stands now. A source that does not answer makes it false, with the reason."""
    if moved := viewpoint.elsewhere(check):
        return Look(holds=False, reason=moved)
    try:
        match check:
            case IndicatorCheck():
                return indicator(check, viewpoint)
            case QueryCheck():
                return _query(check, await viewpoint.world.query(check.source, check.query))
            case RolloutCheck():
                return rollout(check, viewpoint)
            case HttpCheck() | CommandCheck():
                return await viewpoint.ask(check)
    except SourceError as error:
        return Look(holds=False, reason=safe(str(error), 500))


def label(check: AnyCheck) -> SafeText:
    """The condition with its limit, in a few words: a caption, and never all that there is to know of it."""
    match check:
        case IndicatorCheck():
            return fmt("{} {} {}", safe(check.service), safe(check.indicator), safe(check.limit))
        case QueryCheck():
            return fmt("{} {}", safe(" ".join(check.query.split()), 80), safe(check.limit))
        case HttpCheck():
            return fmt("GET {} answers {}", safe(check.url), statuses(check))
        case CommandCheck():
            return fmt("`{}` ends with 0", safe(shlex.join(check.argv), 80))
        case RolloutCheck():
            return _rollout_label(check)


def statuses(check: HttpCheck) -> SafeText:
    """What it must answer: `200 or 204`."""
    return join(" or ", (fmt("{}", status) for status in check.status))


def _rollout_label(check: RolloutCheck) -> SafeText:
    service = safe(check.service)
    match check.ended:
        case "any":
            return fmt("no rollout of {} under way", service)
        case "succeeded":
            return fmt("last rollout of {} succeeded", service)
        case "waiting":
            return fmt("no rollout of {} beyond waiting for traffic", service)


def indicator(check: IndicatorCheck, viewpoint: Viewpoint) -> Look:
    """An indicator as the snapshot has it."""
    snapshot = viewpoint.world.snapshot
    measure = _measure(snapshot, viewpoint.system, check)
    if measure is None:
        return Look(holds=False, reason=fmt("{} has no indicator {}", safe(check.service), safe(check.indicator)))
    now = viewpoint.world.clock.now()
    status = snapshot.statuses.get(measure.indicator.source)
    reading = measure.reading
    if status is None or status.freshness(now) is not Freshness.LIVE or reading is None:
        return Look(holds=False, reason=judge(measure, status, now).reason)
    if reading.problem or reading.unknown or reading.value is None or math.isnan(reading.value):
        return Look(holds=False, reason=judge(measure, status, now).reason or lit("no data"))
    unit, value = measure.indicator.unit, reading.value
    shown = show(value, unit)
    if reading.at < viewpoint.since:
        return Look(holds=False, value=shown, number=value, reason=lit("measured before this step began"))
    return Look(holds=within(check.limit, unit, value), value=shown, number=value)


def within(limit: str, unit: Unit, value: float) -> bool:
    """Whether a value is what `limit` says that it must be. ValueError says what is wrong with the limit."""
    if unit is Unit.STATE:
        most = _STATE_LIMITS.get(limit.strip())
        if most is None:
            raise ValueError(f"{limit!r} is no limit of a state; write 'ok' or 'degraded'")
        return value <= most
    return Limit.parse(limit, unit).crossed(value)


def bare_limit(limit: str) -> Limit:
    """The limit of a number without a unit of its own: `>= 0.95`, or `<= 5%` for a ratio. ValueError."""
    return Limit.parse(limit, Unit.RATIO if limit.rstrip().endswith("%") else Unit.COUNT)


def rollout(check: RolloutCheck, viewpoint: Viewpoint) -> Look:
    """The rollouts of a service as the snapshot has them: only a live feed can say that there is none."""
    snapshot, now = viewpoint.world.snapshot, viewpoint.world.clock.now()
    mine = [one for one in snapshot.rollouts if (one.system, one.service) == (viewpoint.system, check.service)]
    live = [one for one in mine if one.live and not (check.ended == "waiting" and one.phase is Phase.WAITING)]
    if live:
        return Look(holds=False, value=_standing(live[0]), reason=_under_way(live[0]))
    newest = mine[0] if mine else None
    if newest is None:
        return Look(holds=False, reason=fmt("no source tells of rollouts of {}", safe(check.service)))
    if not snapshot.is_live(newest.source, now):
        return Look(holds=False, value=_standing(newest), reason=snapshot.lateness(newest.source, now))
    answered = snapshot.feeds[newest.source].status.answered
    if answered is None or answered < viewpoint.since:
        return Look(holds=False, value=_standing(newest), reason=lit("read before this step began"))
    return Look(holds=check.ended in {"any", "waiting", newest.phase.value}, value=_standing(newest))


def _standing(one: Rollout) -> SafeText:
    return fmt("{} {}", one.new, one.phase.word)


def _under_way(one: Rollout) -> SafeText:
    return fmt("{} to {} is under way", one.old or lit("?"), one.new)


def _query(check: QueryCheck, values: tuple[float, ...]) -> Look:
    if not values:
        return Look(holds=False, reason=lit("no data"))
    limit = bare_limit(check.limit)
    if any(math.isnan(value) for value in values):
        return Look(holds=False, value=lit("NaN"), reason=lit("not a number: nothing to measure"))
    outside = [value for value in values if not limit.crossed(value)]
    worst = outside[0] if outside else values[0]
    return Look(holds=not outside, value=show(worst, limit.unit), number=worst)


def _measure(snapshot: Snapshot, system: SafeText, check: IndicatorCheck) -> Measure | None:
    return next(
        (
            measure
            for one in snapshot.systems
            if one.system == system
            for service in one.services
            if service.service == check.service
            for measure in service.measures
            if measure.indicator.id == check.indicator
        ),
        None,
    )
