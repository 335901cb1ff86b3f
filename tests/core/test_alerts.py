"""Merging, ordering and grouping alerts: none is ever lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.alerts import Alert, AlertState, Report, count_active, group, merge, urgency
from tuiops.core.severity import Severity
from tuiops.core.text import EMPTY, SafeText, lit, safe

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)


def alert(
    identity: str,
    *,
    state: AlertState = AlertState.FIRING,
    severity: Severity = Severity.P2,
    source: str = "am",
    age: float = 60.0,
    due: float | None = None,
    summary: SafeText = EMPTY,
) -> Alert:
    return Alert(
        identity=identity,
        name=lit("TooManyErrors"),
        system=lit("shop"),
        service=safe(identity),
        severity=severity,
        state=state,
        summary=summary,
        started=NOW - timedelta(seconds=age),
        due=None if due is None else NOW + timedelta(seconds=due),
        sources=(safe(source),),
    )


@st.composite
def alerts(draw: DrawFn) -> Alert:
    return alert(
        draw(st.sampled_from("abcdef")),
        state=draw(st.sampled_from(AlertState)),
        severity=draw(st.sampled_from(Severity)),
        source=draw(st.sampled_from(["am", "prom", "other"])),
        age=draw(st.floats(0, 1e6)),
        due=draw(st.none() | st.floats(-1e6, 1e6)),
    )


REPORTS = st.lists(
    st.builds(Report, st.lists(alerts(), max_size=8).map(tuple), st.booleans(), st.booleans()), max_size=4
)


@given(REPORTS)
def test_no_alert_is_lost_and_none_is_doubled(reports: list[Report]) -> None:
    merged = merge(reports)

    identities = [found.identity for found in merged]
    assert len(identities) == len(set(identities))
    assert set(identities) == {found.identity for report in reports for found in report.alerts}


@given(REPORTS)
def test_merging_keeps_who_said_it_the_earliest_start_and_the_soonest_deadline(reports: list[Report]) -> None:
    for found in merge(reports):
        same = [reported for report in reports for reported in report.alerts if reported.identity == found.identity]
        assert set(found.sources) == {source for reported in same for source in reported.sources}
        assert found.started == min(reported.started for reported in same)
        assert found.due == min((reported.due for reported in same if reported.due), default=None)


@given(REPORTS)
def test_merging_never_makes_an_alert_milder(reports: list[Report]) -> None:
    for found in merge(reports):
        same = [reported for report in reports for reported in report.alerts if reported.identity == found.identity]
        assert found.severity == min(reported.severity for reported in same)
        firing = any(reported.state is AlertState.FIRING for reported in same)
        assert not firing or found.active or hushed_by_authority(reports, found.identity)


def hushed_by_authority(reports: list[Report], identity: str) -> bool:
    """Whether live sources that know of silences tell of one, and none of them of a firing alert."""
    states = {
        reported.state
        for report in reports
        if report.live and report.knows_silences
        for reported in report.alerts
        if reported.identity == identity
    }
    return AlertState.FIRING not in states and bool(states & {AlertState.SILENCED, AlertState.INHIBITED})


@given(REPORTS)
def test_merging_again_changes_nothing(reports: list[Report]) -> None:
    merged = merge(reports)

    assert merge([Report(merged)]) == merged
    assert list(merged) == sorted(merged, key=urgency)


@given(REPORTS)
def test_groups_hold_every_alert_in_its_order(reports: list[Report]) -> None:
    merged = merge(reports)
    groups = group(merged, lambda found: found.severity.word)

    assert sum(map(len, groups.values())) == len(merged)
    for members in groups.values():
        assert list(members) == sorted(members, key=urgency)


@given(REPORTS)
def test_counts_are_of_what_calls_for_a_person(reports: list[Report]) -> None:
    merged = merge(reports)
    counts = count_active(merged)

    assert set(counts) == set(Severity)
    assert sum(counts.values()) == sum(found.state is AlertState.FIRING for found in merged)


def test_ten_thousand_alerts_from_two_sources_are_ten_thousand_alerts() -> None:
    one = tuple(alert(f"{number:05}", source="am-1", age=number) for number in range(10_000))
    other = tuple(alert(f"{number:05}", source="am-2", age=number) for number in reversed(range(10_000)))

    merged = merge([Report(one), Report(other)])

    assert len(merged) == 10_000
    assert all(set(found.sources) == {"am-1", "am-2"} for found in merged)


def test_a_silence_known_to_one_source_counts() -> None:
    firing = alert("a", source="prom")
    silenced = alert("a", state=AlertState.SILENCED, source="am", summary=lit("quiet"))

    [found] = merge([Report((firing,), knows_silences=False), Report((silenced,))])

    assert found.state is AlertState.SILENCED
    assert found.summary == "quiet"


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("hushed", [AlertState.SILENCED, AlertState.INHIBITED])
@pytest.mark.parametrize(
    ("counts", "firing", "silenced"),
    [
        (False, Report((), live=True, knows_silences=False), Report((), live=False)),
        (False, Report((), live=False, knows_silences=False), Report((), live=False)),
        (False, Report(()), Report(())),
        (False, Report(()), Report((), live=False)),
        (True, Report((), live=False), Report(())),
        (True, Report((), live=True, knows_silences=False), Report(())),
    ],
)
def test_a_silence_counts_only_from_a_live_source_that_no_equal_contradicts(
    firing: Report, silenced: Report, hushed: AlertState, *, counts: bool, reverse: bool
) -> None:
    reports = [
        msgspec.structs.replace(firing, alerts=(alert("a", source="one"),)),
        msgspec.structs.replace(silenced, alerts=(alert("a", state=hushed, source="other"),)),
    ]

    [found] = merge(reversed(reports) if reverse else reports)

    assert found.state is (hushed if counts else AlertState.FIRING)


def test_the_most_urgent_comes_first() -> None:
    order = [
        alert("overdue", due=-60),
        alert("due soon", due=60),
        alert("due later", severity=Severity.P1, due=600),
        alert("no deadline, worse", severity=Severity.P1),
        alert("no deadline, milder", severity=Severity.P3),
        alert("pending", state=AlertState.PENDING, severity=Severity.P1, due=1),
        alert("silenced", state=AlertState.SILENCED, severity=Severity.P1, due=1),
    ]

    assert [found.identity for found in merge([Report(tuple(reversed(order)))])] == [found.identity for found in order]
