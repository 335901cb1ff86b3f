"""Freshness, health and quiet: nothing is ever green because no data came."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.clock import FakeClock, SystemClock, age
from tuiops.core.health import (
    Indicator,
    Limit,
    Measure,
    Reading,
    ServiceHealth,
    State,
    SystemHealth,
    Verdict,
    judge,
    judge_service,
    judge_system,
    worst,
)
from tuiops.core.severity import DEFAULT_WORDS, Severity, from_word
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic, stalest
from tuiops.core.source import DEAD_AFTER_SECONDS, Freshness, SourceStatus
from tuiops.core.text import EMPTY, lit, safe
from tuiops.core.units import Unit
from tuiops.core.updates import Budget

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
INTERVAL = 10.0
INDICATOR = Indicator(
    system=lit("shop"),
    id=lit("errors"),
    heading=lit("ERR%"),
    unit=Unit.RATIO,
    source=lit("prom"),
    degraded=Limit.parse("> 1%", Unit.RATIO),
    down=Limit.parse("> 20%", Unit.RATIO),
)


def status(
    old: float | None = 1.0, *, failing: int = 0, name: str = "prom", interval: float = INTERVAL
) -> SourceStatus:
    answered = None if old is None else NOW - timedelta(seconds=old)
    word = lit("unreachable") if failing else EMPTY
    return SourceStatus(
        name=safe(name), kind=lit("prometheus"), interval=interval, answered=answered, failing=failing, word=word
    )


def measure(value: float | None, indicator: Indicator = INDICATOR, old: float = 1.0) -> Measure:
    reading = Reading(
        system=lit("shop"), service=lit("api"), indicator=lit("errors"), at=NOW - timedelta(seconds=old), value=value
    )
    return Measure(indicator=indicator, reading=reading)


def service(*measures: Measure, name: str = "api") -> ServiceHealth:
    return ServiceHealth(system=lit("shop"), service=safe(name), label=safe(name), measures=measures)


VALUES = st.none() | st.floats()
AGES = st.none() | st.floats(0, 1e7)


@given(VALUES, AGES, st.integers(0, 3), st.booleans())
def test_ok_needs_a_live_source_and_a_number_within_its_limits(
    value: float | None, old: float | None, failing: int, has_reading: bool
) -> None:
    feed = status(old, failing=failing)
    subject = measure(value) if has_reading else Measure(indicator=INDICATOR, reading=None)

    verdict = judge(subject, feed, NOW)

    if verdict.state is State.OK:
        assert feed.freshness(NOW) is Freshness.LIVE
        assert has_reading
        assert value is not None
        assert value <= 0.01
    else:
        assert verdict.reason, "whatever is not OK says why"


@given(st.lists(st.tuples(VALUES, AGES), max_size=5))
def test_one_measure_without_data_keeps_a_service_and_its_system_from_being_ok(
    given_measures: list[tuple[float | None, float | None]],
) -> None:
    statuses = {f"feed{number}": status(old, name=f"feed{number}") for number, (_, old) in enumerate(given_measures)}
    measures = [
        measure(value, msgspec.structs.replace(INDICATOR, source=safe(f"feed{number}")))
        for number, (value, _) in enumerate(given_measures)
    ]
    subject = service(*measures)
    system = SystemHealth(system=lit("shop"), label=lit("shop"), environment=EMPTY, services=(subject,))

    states = [judge(m, statuses[m.indicator.source], NOW).state for m in measures]

    assert judge_service(subject, statuses, NOW).state == max(states, default=State.UNKNOWN)
    assert judge_system(system, statuses, NOW).state == max(states, default=State.UNKNOWN)


def test_a_missing_source_is_unknown() -> None:
    assert judge(measure(0.0), None, NOW) == Verdict(State.UNKNOWN, lit("no source"))
    assert judge_service(service(measure(0.0)), {}, NOW).state is State.UNKNOWN
    assert worst([]).state is State.UNKNOWN
    empty = SystemHealth(system=lit("shop"), label=lit("shop"), environment=EMPTY)
    assert judge_system(empty, {}, NOW).state is State.UNKNOWN


def test_no_data_nan_and_zero_are_three_things() -> None:
    idle = msgspec.structs.replace(INDICATOR, idle_is_ok=True)

    assert judge(measure(None), status(), NOW) == Verdict(State.UNKNOWN, lit("no data"))
    assert judge(measure(math.nan), status(), NOW) == Verdict(State.UNKNOWN, lit("no traffic"))
    assert judge(measure(math.nan, idle), status(), NOW).state is State.OK
    assert judge(measure(None, idle), status(), NOW).state is State.UNKNOWN
    assert judge(measure(0.0), status(), NOW).state is State.OK


@pytest.mark.parametrize(
    ("value", "state", "reason"),
    [
        (0.01, State.OK, ""),
        (0.0623, State.DEGRADED, "ERR% 6.23% > 1.00%"),
        (0.5, State.DOWN, "ERR% 50.0% > 20.0%"),
        (math.inf, State.DOWN, "ERR% +Inf > 20.0%"),
    ],
)
def test_limits_decide_and_the_reason_shows_both_numbers(value: float, state: State, reason: str) -> None:
    assert judge(measure(value), status(), NOW) == Verdict(state, safe(reason))


@pytest.mark.parametrize(
    ("limit", "bad", "good"), [("> 1", 1.1, 1.0), (">= 1", 1.0, 0.9), ("< 1", 0.9, 1.0), ("<= 1", 1.0, 1.1)]
)
def test_each_comparison_has_its_edge(limit: str, bad: float, good: float) -> None:
    parsed = Limit.parse(limit, Unit.COUNT)

    assert parsed.crossed(bad)
    assert not parsed.crossed(good)
    assert str(parsed) == limit


@pytest.mark.parametrize("text", ["", "1%", "= 1%", "=> 1%", "> ", "> 1", "! 1%"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|number"):
        Limit.parse(text, Unit.RATIO)


def test_a_late_sample_is_stale_even_if_its_source_is_live() -> None:
    late = msgspec.structs.replace(INDICATOR, max_age=60)

    assert judge(measure(0.0, late, old=59), status(), NOW).state is State.OK
    assert judge(measure(0.0, late, old=61), status(), NOW) == Verdict(State.UNKNOWN, lit("stale 1m"))


def test_an_observed_failure_is_down() -> None:
    refused = measure(None)
    assert refused.reading is not None
    reading = msgspec.structs.replace(refused.reading, problem=lit("connection refused"))

    verdict = judge(msgspec.structs.replace(refused, reading=reading), status(), NOW)

    assert verdict == Verdict(State.DOWN, lit("connection refused"))


@pytest.mark.parametrize(
    ("old", "failing", "freshness"),
    [
        (None, 0, Freshness.NEVER),
        (0, 0, Freshness.LIVE),
        (20, 0, Freshness.LIVE),
        (20.1, 0, Freshness.STALE),
        (12.5, 1, Freshness.LIVE),
        (12.6, 1, Freshness.STALE),
        (DEAD_AFTER_SECONDS, 9, Freshness.STALE),
        (DEAD_AFTER_SECONDS + 1, 9, Freshness.DEAD),
    ],
)
def test_freshness_follows_from_age_and_failures(old: float | None, failing: int, freshness: Freshness) -> None:
    assert status(old, failing=failing).freshness(NOW) is freshness


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 5))
def test_sources_only_grow_older(old: float, more: float, failing: int) -> None:
    order = list(Freshness)
    feed = status(old, failing=failing)

    assert order.index(feed.freshness(NOW + timedelta(seconds=more))) >= order.index(feed.freshness(NOW))


def test_an_answer_from_the_future_is_not_live() -> None:
    """The wall clock was set back by an hour, and the source has been silent since."""
    assert status(-3600).freshness(NOW) is Freshness.STALE
    assert status(-1).freshness(NOW) is Freshness.LIVE


def test_a_source_describes_itself() -> None:
    assert status(3).describe(NOW) == "live 3s"
    assert status(240, failing=2).describe(NOW) == "stale 4m · unreachable"
    assert status(None).describe(NOW) == "waiting for first data"
    assert status(None, failing=1).describe(NOW) == "never · unreachable"


def snapshot(*feeds: Feed) -> Snapshot:
    by_name: dict[str, Feed] = {feed.status.name: feed for feed in feeds}
    return Snapshot(version=1, at=NOW, environment=Environment(lit("test")), feeds=by_name)


def alerts_feed(name: str, old: float | None = 1.0, *, watchdog: bool | None = None, warn: bool = False) -> Feed:
    warnings = (lit("partial response"),) if warn else ()
    return Feed(Topic.ALERTS, msgspec.structs.replace(status(old, name=name), warnings=warnings), watchdog)


FEEDS = st.lists(st.tuples(AGES, st.none() | st.booleans(), st.booleans()), max_size=4)


@given(FEEDS)
def test_quiet_is_proven_only_by_every_alert_source(given_feeds: list[tuple[float | None, bool | None, bool]]) -> None:
    feeds = [
        alerts_feed(f"am{number}", old, watchdog=watchdog, warn=warn)
        for number, (old, watchdog, warn) in enumerate(given_feeds)
    ]

    proven = snapshot(*feeds, Feed(Topic.HEALTH, status())).quiet_is_proven(NOW)

    assert proven == (
        bool(given_feeds)
        and all(old is not None and old <= 20 and dog is not False and not warn for old, dog, warn in given_feeds)
    )


@pytest.mark.parametrize(
    ("prometheus", "proven"),
    [
        (Feed(Topic.HEALTH, status()), True),
        (Feed(Topic.HEALTH, status(), rules_fail=True), False),
        (Feed(Topic.HEALTH, status(100)), False),
        (Feed(Topic.HEALTH, status(None)), False),
    ],
)
def test_a_silent_alertmanager_proves_nothing_when_rules_are_in_doubt(prometheus: Feed, *, proven: bool) -> None:
    kind = msgspec.structs.replace(prometheus.status, kind=lit("prometheus"))
    seen = snapshot(alerts_feed("am", watchdog=True), msgspec.structs.replace(prometheus, status=kind))

    assert seen.quiet_is_proven(NOW) is proven
    assert bool(seen.rules_in_doubt(NOW)) is not proven


def test_a_probe_that_is_not_live_says_nothing_about_alerts() -> None:
    probe = msgspec.structs.replace(status(100, name="probe"), kind=lit("probe"))
    assert snapshot(alerts_feed("am", watchdog=True), Feed(Topic.HEALTH, probe)).quiet_is_proven(NOW)


def budget(source: str, left: float) -> Budget:
    return Budget(
        source=safe(source), system=lit("shop"), service=lit("api"), indicator=lit("errors"), objective=0.99, left=left
    )


def test_the_worst_budget_is_a_live_one_as_long_as_there_is_any() -> None:
    feeds = [Feed(Topic.BUDGETS, status(old, name=name)) for name, old in (("live", 1), ("old", 60), ("never", None))]
    seen = snapshot(*feeds)
    old, live, better = budget("old", 0.1), budget("live", 0.5), budget("live", 0.9)

    def worst_of(*budgets: Budget) -> Budget | None:
        return msgspec.structs.replace(seen, budgets=budgets).worst_budget(NOW)

    assert worst_of() is None
    assert worst_of(old, better, live) is live
    assert worst_of(budget("never", 0.9), old) is old
    assert [seen.lateness(name, NOW) for name in ("live", "old", "never", "gone")] == [
        "", "stale 1m", "without a source", "without a source",
    ]  # fmt: skip


def test_a_border_shows_the_source_that_is_worst_off() -> None:
    young, old, never = (alerts_feed("a", 1), alerts_feed("b", 100), alerts_feed("c", None))

    assert stalest((), NOW) is None
    assert stalest((young, old), NOW) == old.status
    assert stalest((old, never, young), NOW) == never.status


@given(st.text())
def test_an_unknown_severity_is_never_lower_than_p3(word: str) -> None:
    severity, known = from_word(word)

    assert known == (word.strip().casefold() in DEFAULT_WORDS)
    assert known or severity is Severity.P3


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Critical", Severity.P1),
        (" page ", Severity.P1),
        ("ERROR", Severity.P2),
        ("warning", Severity.P3),
        ("低", Severity.P4),
    ],
)
def test_severities_are_known_by_many_words(word: str, severity: Severity) -> None:
    assert from_word(word) == (severity, True)


def test_a_severity_is_never_told_by_colour_alone() -> None:
    assert len({severity.glyph for severity in Severity}) == len(Severity)
    assert [severity.word for severity in sorted(Severity)] == ["P1", "P2", "P3", "P4"]


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_ages_are_never_negative(now: datetime, then: datetime) -> None:
    assert age(now, then) >= 0


def test_the_fake_clock_moves_when_told() -> None:
    clock = FakeClock(NOW)
    clock.advance(5)
    clock.jump_wall(-3600)

    assert clock.monotonic() == 5
    assert clock.now() == NOW + timedelta(seconds=5 - 3600)


def test_the_system_clock_is_aware_and_never_runs_backwards() -> None:
    clock = SystemClock()
    first = clock.monotonic()

    assert clock.now().tzinfo is UTC
    assert clock.monotonic() >= first


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.0, State.OK),
        (1.0, State.DEGRADED),
        (2.0, State.DOWN),
        *((odd, State.UNKNOWN) for odd in (-1.0, 0.9, 3.0, math.inf, -math.inf, math.nan)),
    ],
)
def test_a_state_is_one_of_three_values_and_all_else_is_unknown(value: float, state: State) -> None:
    indicator = msgspec.structs.replace(INDICATOR, unit=Unit.STATE, degraded=None, down=None)
    assert judge(measure(value, indicator), status(), NOW).state is state
