from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.hub.boards import apply, board, health
from tests.hub.fakes import ERRORS, START, alert, shop
from tuiops.core.alerts import AlertState
from tuiops.core.health import Measure, State, judge_live, judge_service
from tuiops.core.snapshot import Environment, Feed, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.core.updates import AlertsUpdate, HealthUpdate, Series, SeriesPoint
from tuiops.hub.alerts import RESOLVED_STAYS
from tuiops.hub.board import Board
from tuiops.hub.trend import Trend


def state(board: Board, service: str, after: float = 0.0) -> State:
    now = START + timedelta(seconds=after)
    snapshot = board.snapshot(now)
    (found,) = (s for system in snapshot.systems for s in system.services if s.service == service)
    return judge_service(found, snapshot.statuses, now).state


def test_before_the_first_answer_everything_declared_is_there_and_unknown() -> None:
    made = board("api", "web")
    assert [s.service for s in made.snapshot(START).systems[0].services] == ["api", "web"]
    assert state(made, "api") is State.UNKNOWN


def test_limits_make_states() -> None:
    made = board("api", "web", "db")
    health(made, ("api", 0.3), ("web", 0.02), ("db", 0.0))
    assert [state(made, name) for name in ("api", "web", "db")] == [State.DOWN, State.DEGRADED, State.OK]


def test_a_series_that_vanishes_is_unknown_with_the_next_answer() -> None:
    made = board("api", "web")
    health(made, ("api", 0.0), ("web", 0.0))
    health(made, ("web", 0.0), after=10)
    assert (state(made, "api", 10), state(made, "web", 10)) == (State.UNKNOWN, State.OK)


def test_nan_is_no_traffic_and_not_health() -> None:
    made = board("api")
    health(made, ("api", float("nan")))
    assert state(made, "api") is State.UNKNOWN


def test_a_failed_poll_keeps_the_rows_and_they_go_grey_within_two_polls() -> None:
    made = board("api")
    health(made, ("api", 0.0))
    apply(made, None, "prom", Topic.HEALTH, after=10)
    measure = made.snapshot(START).systems[0].services[0].measures[0]
    assert measure.reading is not None
    assert measure.reading.value == 0.0
    assert state(made, "api", 20) is State.UNKNOWN


def test_unchanged_services_are_the_same_objects() -> None:
    made = board("api")
    health(made, ("api", 0.0))
    first = made.snapshot(START)
    apply(made, AlertsUpdate(at=START), "am/alerts", Topic.ALERTS)
    assert made.snapshot(START).systems[0].services[0] is first.systems[0].services[0]


def test_a_spike_between_two_frames_survives_in_the_trend() -> None:
    made = board("api")
    for after, value in ((0, 0.0), (5, 0.5), (10, 0.0)):
        health(made, ("api", value), after=after)
    assert max(v for v in made.snapshot(START).systems[0].services[0].measures[0].trend if v is not None) == 0.5


def test_a_past_read_from_the_source_comes_before_what_was_polled() -> None:
    made = board("api")
    past = tuple(SeriesPoint(START.timestamp() - 30 * n, 0.01 * n) for n in range(29, 0, -1))
    made.health.fill(("shop", "api", "errors"), (Series(label=lit("errors"), points=past),))
    health(made, ("api", 0.0))
    trend = made.snapshot(START).systems[0].services[0].measures[0].trend
    assert len(trend) == 30
    assert None not in trend
    assert trend[0] == 0.29
    assert trend[-1] == 0.0


def test_a_source_can_bring_services_and_take_them_away() -> None:
    made = board("api")
    host = msgspec.structs.replace(shop("cpu"), system=lit("host"))
    apply(made, HealthUpdate(at=START, declares=(host,)), "host", Topic.HEALTH)
    assert [s.system for s in made.snapshot(START).systems] == ["shop", "host"]
    made.forget("host")
    assert [s.system for s in made.snapshot(START).systems] == ["shop"]


def test_a_service_with_measures_from_two_declarations_has_both() -> None:
    made = board("api")
    other = msgspec.structs.replace(ERRORS, id=lit("probe"), source=lit("probe"))
    service = msgspec.structs.replace(shop("api").services[0], measures=(Measure(indicator=other, reading=None),))
    brought = msgspec.structs.replace(shop("api"), services=(service,))
    apply(made, HealthUpdate(at=START, declares=(brought,)), "probe", Topic.HEALTH)
    (api,) = made.snapshot(START).systems[0].services
    assert [m.indicator.id for m in api.measures] == ["errors", "probe"]


def test_another_configuration_keeps_what_is_still_declared() -> None:
    made = board("api", "web")
    health(made, ("api", 0.0), ("web", 0.3))
    made.health.declare((shop("web", "db"),))
    assert [state(made, name) for name in ("web", "db")] == [State.DOWN, State.UNKNOWN]


def test_alerts_of_two_feeds_are_one_list_and_an_ended_one_stays_a_while() -> None:
    made = board("api")
    apply(made, AlertsUpdate(at=START, alerts=(alert("a"), alert("b"))), "am1/alerts", Topic.ALERTS)
    apply(made, AlertsUpdate(at=START, alerts=(alert("b"), alert("c"))), "am2/alerts", Topic.ALERTS)
    assert sorted(a.name for a in made.snapshot(START).alerts) == ["a", "b", "c"]
    later = START + timedelta(seconds=10)
    apply(made, AlertsUpdate(at=later, alerts=(alert("b"),)), "am1/alerts", Topic.ALERTS, after=10)
    assert {a.name: a.state for a in made.snapshot(later).alerts}[lit("a")] is AlertState.RESOLVED
    much_later = START + RESOLVED_STAYS + timedelta(seconds=20)
    apply(made, AlertsUpdate(at=much_later, alerts=(alert("b"),)), "am1/alerts", Topic.ALERTS)
    assert sorted(a.name for a in made.snapshot(much_later).alerts) == ["b", "c"]


def test_an_alert_whose_end_its_source_tells_is_over_at_once_and_only_once() -> None:
    made = board("api")
    over = alert("a", state=AlertState.RESOLVED)
    apply(made, AlertsUpdate(at=START, alerts=(alert("a"),)), "gcp/alerts", Topic.ALERTS)
    apply(
        made,
        AlertsUpdate(at=START, alerts=(over, alert("brief", state=AlertState.RESOLVED))),
        "gcp/alerts",
        Topic.ALERTS,
    )
    apply(made, AlertsUpdate(at=START, alerts=()), "gcp/alerts", Topic.ALERTS)
    found = made.snapshot(START)
    assert sorted((one.name, one.state) for one in found.alerts) == [
        ("a", AlertState.RESOLVED),
        ("brief", AlertState.RESOLVED),
    ]
    assert [change.text for change in found.changes if change.text.endswith("resolved")] == ["P2 a resolved"]


def test_an_alert_that_is_over_at_one_source_and_fires_at_another_fires() -> None:
    made = board("api")
    apply(made, AlertsUpdate(at=START, alerts=(alert("a", state=AlertState.RESOLVED),)), "gcp/alerts", Topic.ALERTS)
    apply(made, AlertsUpdate(at=START, alerts=(alert("a"),)), "am/alerts", Topic.ALERTS)
    assert [found.state for found in made.snapshot(START).alerts] == [AlertState.FIRING]


def test_a_failed_alert_poll_resolves_nothing() -> None:
    made = board("api")
    apply(made, AlertsUpdate(at=START, alerts=(alert("a"),)), "am/alerts", Topic.ALERTS)
    apply(made, None, "am/alerts", Topic.ALERTS, after=10)
    assert [a.state for a in made.snapshot(START).alerts] == [AlertState.FIRING]


def test_quiet_is_proven_only_by_live_feeds_whose_watchdog_barks() -> None:
    made = board("api")
    assert not made.snapshot(START).quiet_is_proven(START)
    apply(made, AlertsUpdate(at=START, watchdog=False), "am/alerts", Topic.ALERTS)
    assert not made.snapshot(START).quiet_is_proven(START)
    apply(made, AlertsUpdate(at=START, watchdog=True), "am/alerts", Topic.ALERTS)
    assert made.snapshot(START).quiet_is_proven(START)
    assert not made.snapshot(START).quiet_is_proven(START + timedelta(minutes=2))


def silence(board: Board, *, rules_fail: bool) -> None:
    """A live Alertmanager without alerts, and a Prometheus behind it."""
    apply(board, AlertsUpdate(at=START, watchdog=True), "am/alerts", Topic.ALERTS)
    apply(board, HealthUpdate(at=START, rules_fail=rules_fail), "prom", Topic.HEALTH)


def test_failing_rules_leave_quiet_unproven_until_they_are_seen_to_work() -> None:
    made = board("api")
    silence(made, rules_fail=True)
    assert not made.snapshot(START).quiet_is_proven(START)
    apply(made, None, "prom", Topic.HEALTH)
    assert not made.snapshot(START).quiet_is_proven(START)
    silence(made, rules_fail=False)
    assert made.snapshot(START).quiet_is_proven(START)


def test_a_silence_ends_when_its_feed_goes_stale_and_counts_again_when_it_is_back() -> None:
    made = board("api")
    silenced = AlertsUpdate(at=START, alerts=(alert("a", state=AlertState.SILENCED),))
    firing = AlertsUpdate(at=START, alerts=(alert("a"),), knows_silences=False)
    apply(made, silenced, "am/alerts", Topic.ALERTS)
    apply(made, firing, "prom/alerts", Topic.ALERTS)

    def states(after: float) -> list[AlertState]:
        return [found.state for found in made.snapshot(START + timedelta(seconds=after)).alerts]

    assert states(0) == [AlertState.SILENCED]
    apply(made, firing, "prom/alerts", Topic.ALERTS, after=18)
    assert states(18) == [AlertState.SILENCED]
    assert made.tick(START + timedelta(seconds=25))
    assert states(25) == [AlertState.FIRING]
    assert "P2 a firing" in [change.text for change in made.snapshot(START).changes]
    assert not made.tick(START + timedelta(seconds=26))
    apply(made, silenced, "am/alerts", Topic.ALERTS, after=27)
    assert states(27) == [AlertState.SILENCED]


def test_an_unchanged_report_is_weighed_again_when_another_feed_went_stale() -> None:
    made = board("api")
    firing = AlertsUpdate(at=START, alerts=(alert("a"),), knows_silences=False)
    apply(made, AlertsUpdate(at=START, alerts=(alert("a", state=AlertState.SILENCED),)), "am/alerts", Topic.ALERTS)
    apply(made, firing, "prom/alerts", Topic.ALERTS)
    apply(made, firing, "prom/alerts", Topic.ALERTS, after=60)
    assert [found.state for found in made.snapshot(START).alerts] == [AlertState.FIRING]


def test_forgetting_a_feed_keeps_what_ended_at_others() -> None:
    made = board("api")
    apply(made, AlertsUpdate(at=START, alerts=(alert("ended"),)), "am1/alerts", Topic.ALERTS)
    apply(made, AlertsUpdate(at=START, alerts=(alert("gone"),)), "am2/alerts", Topic.ALERTS)
    apply(made, AlertsUpdate(at=START), "am1/alerts", Topic.ALERTS)
    made.forget("am2/alerts")
    assert [(found.name, found.state) for found in made.snapshot(START).alerts] == [("ended", AlertState.RESOLVED)]


def test_changes_tell_of_states_alerts_and_feeds() -> None:
    made = board("api")
    health(made, ("api", 0.0))
    apply(made, AlertsUpdate(at=START, alerts=(alert("old"),)), "am/alerts", Topic.ALERTS)
    health(made, ("api", 0.3), after=10)
    apply(made, AlertsUpdate(at=START, alerts=(alert("old"), alert("fresh"))), "am/alerts", Topic.ALERTS, after=10)
    texts = [str(change.text) for change in made.snapshot(START).changes]
    assert texts == ["P2 fresh firing", "ok → DOWN  ERR% 30.0% > 20.0%", "P2 old began, firing"]
    assert made.tick(START + timedelta(seconds=60))
    assert any("live → stale" in change.text for change in made.snapshot(START).changes)
    assert not made.tick(START + timedelta(seconds=61))


def test_a_limit_that_is_held_turns_the_state_when_it_lasts() -> None:
    held = msgspec.structs.replace(ERRORS, hold=30.0)
    service = msgspec.structs.replace(shop("api").services[0], measures=(Measure(indicator=held, reading=None),))
    made = Board(Environment(lit("test")), (msgspec.structs.replace(shop(), services=(service,)),))
    found = []
    for step, value in enumerate((0.0, 0.3, 0.0, 0.3, 0.3, 0.3, 0.3, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0)):
        health(made, ("api", value), after=10 * step)
        found.append(state(made, "api", 10 * step).name)
        if step == 5:
            # What was declared anew is still what it was.
            made.health.declare(made.health.systems)
    assert found == ["OK"] * 6 + ["DOWN"] * 6 + ["OK"]
    assert [change.text for change in made.snapshot(START).changes] == ["DOWN → ok  ", "ok → DOWN  ERR% 30.0% > 20.0%"]


def test_a_limit_that_is_still_held_says_when_it_was_crossed_last() -> None:
    held = msgspec.structs.replace(ERRORS, hold=10.0)
    service = msgspec.structs.replace(shop("api").services[0], measures=(Measure(indicator=held, reading=None),))
    made = Board(Environment(lit("test")), (msgspec.structs.replace(shop(), services=(service,)),))
    for step, value in enumerate((0.3, 0.3, 0.3, 0.0, 0.0)):
        health(made, ("api", value), after=6 * step)
    (api,) = made.snapshot(START).systems[0].services
    verdict = judge_service(api, made.snapshot(START).statuses, START + timedelta(seconds=24))
    assert (verdict.state, verdict.reason) == (State.DOWN, "ERR% 0.00%, > 20.0% until 6s ago")


def test_a_value_that_was_missing_ends_what_was_held() -> None:
    held = msgspec.structs.replace(ERRORS, hold=60.0)
    service = msgspec.structs.replace(shop("api").services[0], measures=(Measure(indicator=held, reading=None),))
    made = Board(Environment(lit("test")), (msgspec.structs.replace(shop(), services=(service,)),))
    for step, value in enumerate((0.0, None, 0.3)):
        health(made, ("api", value), after=10 * step)
    assert state(made, "api", 20) is State.DOWN


def test_what_no_answer_changed_is_the_same_object() -> None:
    made = Board(Environment(lit("test")), (shop("api", "web"), msgspec.structs.replace(shop(), system=lit("other"))))
    made.expect(Feed(Topic.HEALTH, SourceStatus(name=lit("prom"), kind=lit("x"), interval=10.0)))
    health(made, ("api", 0.0))
    before = made.snapshot(START)
    apply(made, AlertsUpdate(at=START), "am/alerts", Topic.ALERTS)
    assert made.snapshot(START).systems is before.systems
    health(made, ("api", 0.3), after=1)
    after = made.snapshot(START)
    assert after.systems is not before.systems
    assert after.systems[0].services[1] is before.systems[0].services[1], "nothing was said of it"
    assert after.systems[1] is before.systems[1], "the feed measures nothing of it"


def test_a_reading_tells_at_once_what_it_says() -> None:
    made = board("api")
    health(made, ("api", 0.3))
    (measure,) = made.snapshot(START).systems[0].services[0].measures
    assert measure.said is not None
    assert measure.said == judge_live(msgspec.structs.replace(measure, said=None), START)
    assert measure.said.state is State.DOWN


def test_a_trend_is_another_object_only_when_a_value_in_it_differs() -> None:
    trend = Trend(ERRORS)
    trend.add(0.0, 0.5)
    before = trend.steps()
    trend.add(1.0, 0.4)
    assert trend.steps() is before, "a better value hides behind a worse one"
    trend.add(2.0, 0.6)
    assert trend.steps() is not before
    assert trend.steps()[-1] == 0.6
