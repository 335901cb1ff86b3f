"""Keeping alert policies of Cloud Monitoring quiet."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.google.monitoring import MonitoringApi
from tuiops.core.alerts import AlertState
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import Progress, Snoozes, StateChanged
from tuiops.sources.gcp.source import GcpAlertsSource

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.sources.abilities import Prepared
    from tuiops.sources.gcp.source import GcpSource


@pytest.fixture
def monitoring(google: GoogleStage) -> MonitoringApi:
    """The API with two policies."""
    api = google.teach(MonitoringApi(google.clock))
    api.policy("Orders fail")
    api.policy("Disk full")
    return api


async def prepared(
    google: GoogleStage,
    source: GcpSource,
    *policies: str,
    start: float = 0,
    minutes: float = 60,
    comment: str = "moving house",
) -> Prepared:
    begins = google.clock.now() + timedelta(seconds=start)
    return await source.prepare_snooze(policies, begins, begins + timedelta(minutes=minutes), comment, "token-1")


async def test_policies_are_snoozed_with_a_comment_until_a_moment(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    monitoring.open(monitoring.policies[0])
    source = google.source("")
    action = await prepared(google, source, "Orders fail")
    receipt = await source.perform(action)
    found = await source.look_up(receipt)

    assert isinstance(source, Snoozes)
    name = monitoring.policies[0]["name"]
    assert action.argv == (
        *("gcloud", "monitoring", "snoozes", "create", "--display-name=moving house", f"--criteria-policies={name}"),
        *("--start-time=2026-05-01T12:00:00Z", "--end-time=2026-05-01T13:00:00Z", "--project=shop-production"),
    )
    assert (receipt.progress, found.progress) == (Progress.DONE, Progress.DONE)
    assert [one["displayName"] for one in monitoring.snoozes] == ["moving house"]
    assert isinstance(source, GcpAlertsSource)
    (alert,) = (await source.read_alerts()).alerts
    assert (alert.state, alert.silenced_by) == (AlertState.SILENCED, ("moving house (until 2026-05-01T13:00:00Z)",))


async def test_a_policy_may_be_named_by_its_id_or_whole_name(google: GoogleStage, monitoring: MonitoringApi) -> None:
    names = [one["name"] for one in monitoring.policies]
    action = await prepared(google, google.source(""), names[0], names[1].rpartition("/")[2], "Orders fail")

    assert f"--criteria-policies={','.join(names)}" in action.argv


@pytest.mark.parametrize(
    ("policies", "options", "why"),
    [
        ((), {}, "1 to 16 policies, not 0"),
        (("Orders fail",) * 17, {}, "1 to 16 policies, not 17"),
        (("Nobody",), {}, "there is no alert policy Nobody"),
        (("Twice",), {}, "several alert policies are called Twice"),
        (("Orders fail",), {"comment": " "}, "wants a comment"),
        (("Orders fail",), {"comment": "x" * 513}, "wants a comment"),
        (("Orders fail",), {"start": -7200, "minutes": 600}, "cannot begin in the past"),
        (("Orders fail",), {"start": 60, "minutes": 0}, "it ends later"),
        (("Orders fail",), {"start": -600, "minutes": 5}, "would be over by now"),
        (("Orders fail",), {"minutes": 60 * 24 * 400}, "within a year"),
    ],
)
async def test_what_cannot_be_snoozed_is_refused(
    google: GoogleStage, monitoring: MonitoringApi, policies: tuple[str, ...], options: dict[str, str], why: str
) -> None:
    for _ in range(2):
        monitoring.policy("Twice")

    with pytest.raises(QueryRefused, match=why):
        await prepared(google, google.source(""), *policies, **options)  # type: ignore[arg-type] # of several types


async def test_a_start_that_has_passed_while_somebody_thought_about_it_is_now(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    source = google.source("")
    action = await prepared(google, source, "Orders fail")
    google.clock.advance(300)

    receipt = await source.perform(action)
    lost = msgspec.structs.replace(receipt, operation="", progress=Progress.UNKNOWN)

    (sent,) = google.asked("snoozes.create")
    assert sent.body["interval"] == {"startTime": "2026-05-01T12:05:00Z", "endTime": "2026-05-01T13:00:00Z"}
    assert (await source.look_up(lost)).operation == receipt.operation
    google.clock.advance(3600)
    with pytest.raises(QueryRefused, match="would be over by now"):
        await source.perform(msgspec.structs.replace(action, seen=(await prepared(google, source, "Orders fail")).seen))


async def test_a_snooze_by_somebody_else_or_a_changed_policy_is_a_reason_to_stop(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    source = google.source("")
    action = await prepared(google, source, "Orders fail")
    monitoring.snooze("theirs", [monitoring.policies[0]["name"]])
    with pytest.raises(StateChanged) as raised:
        await source.perform(action)
    monitoring.snoozes.clear()
    monitoring.policies[0]["enabled"] = False
    with pytest.raises(StateChanged):
        await source.perform(action)

    assert raised.value.facts[-1].value == "theirs (until 2026-05-01T13:00:00Z)"
    assert google.asked("snoozes.create") == []


async def test_a_snooze_whose_answer_was_lost_is_known_by_what_it_says(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    source = google.source("")
    action = await prepared(google, source, "Orders fail")
    google.fault("monitoring", "snoozes.create", lost=True)

    lost = await source.perform(action)
    found = await source.look_up(lost)

    assert (lost.progress, found.progress) == (Progress.UNKNOWN, Progress.DONE)
    assert len(google.asked("snoozes.create")) == 1


async def test_a_snooze_that_has_ended_was_made_all_the_same(google: GoogleStage, monitoring: MonitoringApi) -> None:
    source = google.source("")
    receipt = await source.perform(await prepared(google, source, "Orders fail"))
    google.clock.advance(7200)

    assert (await source.look_up(receipt)).progress is Progress.DONE


async def test_times_of_other_zones_are_sent_as_utc(google: GoogleStage, monitoring: MonitoringApi) -> None:
    start = google.clock.now().astimezone(timezone(timedelta(hours=9)))
    action = await google.source("").prepare_snooze(("Disk full",), start, start + timedelta(hours=1), "x", "1")

    assert {"--start-time=2026-05-01T12:00:00Z", "--end-time=2026-05-01T13:00:00Z"} <= set(action.argv)


async def test_a_snooze_that_never_arrived_is_not_found(google: GoogleStage, monitoring: MonitoringApi) -> None:
    source = google.source("")
    action = await prepared(google, source, "Orders fail")
    google.fault("monitoring", "snoozes.create", raw=b"no")
    lost = await source.perform(action)
    monitoring.snooze("moving house", [monitoring.policies[1]["name"]])

    found = await source.look_up(lost)

    assert (found.progress, found.text) == (Progress.UNKNOWN, "no such snooze so far")
