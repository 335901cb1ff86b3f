"""From series to readings: pure, so that every odd answer can be tried on it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.health import Reading
from tuiops.core.promql import TAG
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.updates import Budget
from tuiops.sources.prometheus.wire import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.sources.prometheus.plan import Plan
    from tuiops.sources.prometheus.wire import InstantSeries

Labels = dict[str, str]

_NAMED = 4
"""Label values or targets that a warning names."""


class Proof(NamedTuple):
    """Whether a selector of bad events has been seen to be about something."""

    exact: bool = False
    kind: bool = False


def readings(
    plan: Plan,
    series: Sequence[InstantSeries],
    at: datetime,
    *,
    proof: Proof | None = None,
    times: Sequence[InstantSeries] | None = None,
) -> tuple[list[Reading], list[SafeText]]:
    """The readings of a plan's services, and what is odd about the answer.

    `times` are the times of the samples, for indicators that are allowed to be late. Without `proof` that
    bad events could be seen, a value that rests on their absence is none.
    """
    values, warnings = _by_service(plan, series)
    taken = _by_service(plan, times)[0] if times is not None else None
    note = EMPTY
    unproven = False
    if proof is not None and not proof.exact:
        unproven = not proof.kind
        note = lit("no bad event on record")
        if unproven:
            warnings.append(
                fmt(
                    "{}: nothing like the selector `bad` exists, so 0% would prove nothing; check its names",
                    plan.heading,
                )
            )
    system, indicator, scale = plan.system, plan.indicator, plan.unit.scale
    found = [
        Reading(
            system=system,
            service=service,
            indicator=indicator,
            at=_moment(taken.get(service), at) if taken is not None else at,
            value=None if unproven else value * scale,
            note=note if value == 0 or unproven else EMPTY,
        )
        for service, value in values.items()
    ]
    return found, warnings


def budgets(plan: Plan, series: Sequence[InstantSeries], now: datetime) -> tuple[list[Budget], list[SafeText]]:
    """What is left of each service's error budget.

    Left is 1 - bad / (1 - objective) over the window; the rate at which it goes is the last hour's
    (Google, The Site Reliability Workbook, chapter 5).
    """
    objective = plan.objective
    if objective is None:
        return [], []
    if not 0 < objective < 1:
        return [], [fmt("{}: an objective of 0% or 100% has no error budget", plan.heading)]
    whole, warnings = _by_service(plan, [one for one in series if one.metric.get(TAG) == "window"])
    recent, _ = _by_service(plan, [one for one in series if one.metric.get(TAG) == "now"])
    window = getattr(plan.config, "objective_window", 0.0)
    found: list[Budget] = []
    for service, value in whole.items():
        if not math.isfinite(value):
            continue
        allowed = 1 - objective
        spent = (1 - value if plan.counts_good else value) / allowed
        share = recent.get(service, math.nan)
        burn = (1 - share if plan.counts_good else share) / allowed
        found.append(
            Budget(
                source=fmt("{}/budgets", safe(plan.config.source)),
                system=plan.system,
                service=service,
                indicator=plan.indicator,
                objective=objective,
                left=1 - spent,
                gone_at=_gone(1 - spent, burn, window, now),
            )
        )
    return found, warnings


def down_targets(series: Sequence[InstantSeries], reasons: Mapping[tuple[str, str], str]) -> SafeText:
    """`2 of 13 targets down: api a:9100, node b:9100 (refused)`; empty when none is."""
    down = [one.metric for one in series if one.metric]
    total = next((one.value for one in series if not one.metric), None)
    if not down:
        return EMPTY
    every = int(number(total[1])) if total is not None else len(down)
    return fmt("{} of {} targets down: {}", len(down), every, _targets(down, reasons))


def without_targets(
    plans: Sequence[Plan],
    found: Sequence[Reading],
    down: Sequence[Labels],
    reasons: Mapping[tuple[str, str], str],
    at: datetime,
) -> list[Reading]:
    """The readings, those of services marked whose scrape targets are down: those with a service's own label."""
    lacking: dict[tuple[SafeText, SafeText, SafeText], SafeText] = {}
    for plan in plans if down else ():
        for service, value in plan.services if plan.by else ():
            gone = [labels for labels in down if labels.get(plan.by) == value]
            if gone:
                word = lit("target") if len(gone) == 1 else lit("targets")
                lacking[plan.system, service, plan.indicator] = fmt("{} down: {}", word, _targets(gone, reasons))
    if not lacking:
        return list(found)
    marked: list[Reading] = []
    for reading in found:
        missing = lacking.pop((reading.system, reading.service, reading.indicator), None)
        marked.append(reading if missing is None else msgspec.structs.replace(reading, missing=missing))
    for (system, service, indicator), missing in lacking.items():
        marked.append(Reading(system=system, service=service, indicator=indicator, at=at, missing=missing))
    return marked


def _targets(down: Sequence[Labels], reasons: Mapping[tuple[str, str], str]) -> SafeText:
    named = []
    for labels in down[:_NAMED]:
        job, instance = labels.get("job", "?"), labels.get("instance", "?")
        reason = reasons.get((job, instance), "")
        target = fmt("{} {}", safe(job), safe(instance))
        named.append(fmt("{} ({})", target, safe(reason, 80)) if reason else target)
    more = fmt(", and {} more", len(down) - _NAMED) if len(down) > _NAMED else EMPTY
    return fmt("{}{}", join(", ", named), more)


def _gone(left: float, burn: float, window: float, now: datetime) -> datetime | None:
    if left <= 0:
        return now
    if not math.isfinite(burn) or burn <= 0:
        return None
    seconds = left * window / burn
    return now + timedelta(seconds=seconds) if seconds < window else None


def _by_service(plan: Plan, series: Sequence[InstantSeries]) -> tuple[dict[SafeText, float], list[SafeText]]:
    """One value for each service that has any; the worst of several."""
    values: dict[SafeText, float] = {}
    warnings: list[SafeText] = []
    wanted: dict[str, list[SafeText]] = {}
    by = plan.by
    for service, label_value in plan.services:
        wanted.setdefault(label_value if by else "", []).append(service)
    several: set[SafeText] = set()
    histograms = 0
    for one in series:
        if one.value is None:
            histograms += 1
            continue
        value = number(one.value[1])
        for service in wanted.get(one.metric.get(by, "") if by else "", ()):
            if service in values:
                several.add(service)
                value = worse_value(values[service], value, smaller=plan.smaller_is_worse)
            values[service] = value
    if histograms:
        warnings.append(fmt("{}: the query yields native histograms, which have no single value", plan.heading))
    if several:
        names = join(", ", sorted(several)[:_NAMED])
        warnings.append(fmt("{}: several series for {}; the worst is shown", plan.heading, names))
    if series and wanted and not values and not histograms:
        warnings.append(_nothing_matches(plan, series))
    return values, warnings


def _nothing_matches(plan: Plan, series: Sequence[InstantSeries]) -> SafeText:
    """Why no service has a value although there are series."""
    label = safe(plan.by)
    seen = sorted({one.metric[plan.by] for one in series if plan.by in one.metric})
    if not seen:
        return fmt("{}: {} series, but none has the label {} named by `by`", plan.heading, len(series), label)
    examples = join(", ", (safe(value, 40) for value in seen[:_NAMED]))
    more = lit(", …") if len(seen) > _NAMED else EMPTY
    return fmt("{}: no service of {} is among the values of {}: {}{}", plan.heading, plan.system, label, examples, more)


def worse_value(one: float, other: float, *, smaller: bool) -> float:
    """The worse of two values for the same; NaN counts only when both are."""
    if math.isnan(one):
        return other
    if math.isnan(other):
        return one
    return min(one, other) if smaller else max(one, other)


def _moment(seconds: float | None, otherwise: datetime) -> datetime:
    """A time of the server's, never after ours: a clock that is ahead must not make old samples look fresh."""
    if seconds is None or not math.isfinite(seconds):
        return otherwise
    try:
        return min(datetime.fromtimestamp(seconds, UTC), otherwise)
    except (ValueError, OverflowError, OSError):
        return otherwise
