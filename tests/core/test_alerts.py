"""Merging, ordering and grouping alerts: none is ever lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.alerts import Alert, AlertState, count_active, group, merge, urgency
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


REPORTS = st.lists(st.lists(alerts(), max_size=8), max_size=4)


@given(REPORTS)
def test_no_alert_is_lost_and_none_is_doubled(reports: list[list[Alert]]) -> None:
    merged = merge(reports)

    identities = [found.identity for found in merged]
    assert len(identities) == len(set(identities))
    assert set(identities) == {found.identity for report in reports for found in report}


@given(REPORTS)
def test_merging_keeps_who_said_it_the_earliest_start_and_the_soonest_deadline(reports: list[list[Alert]]) -> None:
    for found in merge(reports):
        same = [reported for report in reports for reported in report if reported.identity == found.identity]
        assert set(found.sources) == {source for reported in same for source in reported.sources}
        assert found.started == min(reported.started for reported in same)
        assert found.due == min((reported.due for reported in same if reported.due), default=None)


@given(REPORTS)
def test_merging_never_makes_an_alert_milder(reports: list[list[Alert]]) -> None:
    for found in merge(reports):
        same = [reported for report in reports for reported in report if reported.identity == found.identity]
        assert found.severity == min(reported.severity for reported in same)
        firing = any(reported.state is AlertState.FIRING for reported in same)
        hushed = any(reported.state in {AlertState.SILENCED, AlertState.INHIBITED} for reported in same)
        assert not (firing and not hushed) or found.active


@given(REPORTS)
def test_merging_again_changes_nothing(reports: list[list[Alert]]) -> None:
    merged = merge(reports)

    assert merge([merged]) == merged
    assert list(merged) == sorted(merged, key=urgency)


@given(REPORTS)
def test_groups_hold_every_alert_in_its_order(reports: list[list[Alert]]) -> None:
    merged = merge(reports)
    groups = group(merged, lambda found: found.severity.word)

    assert sum(map(len, groups.values())) == len(merged)
    for members in groups.values():
        assert list(members) == sorted(members, key=urgency)


@given(REPORTS)
def test_counts_are_of_what_calls_for_a_person(reports: list[list[Alert]]) -> None:
    merged = merge(reports)
    counts = count_active(merged)

    assert set(counts) == set(Severity)
    assert sum(counts.values()) == sum(found.state is AlertState.FIRING for found in merged)


def test_ten_thousand_alerts_from_two_sources_are_ten_thousand_alerts() -> None:
    one = [alert(f"{number:05}", source="am-1", age=number) for number in range(10_000)]
    other = [alert(f"{number:05}", source="am-2", age=number) for number in reversed(range(10_000))]

    merged = merge([one, other])

    assert len(merged) == 10_000
    assert all(set(found.sources) == {"am-1", "am-2"} for found in merged)


def test_a_silence_known_to_one_source_counts() -> None:
    firing = alert("a", source="prom")
    silenced = alert("a", state=AlertState.SILENCED, source="am", summary=lit("quiet"))

    [found] = merge([[firing], [silenced]])

    assert found.state is AlertState.SILENCED
    assert found.summary == "quiet"


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

    assert [found.identity for found in merge([reversed(order)])] == [found.identity for found in order]
