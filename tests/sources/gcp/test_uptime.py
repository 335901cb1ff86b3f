"""Uptime checks of Cloud Monitoring as states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.google.monitoring import MonitoringApi

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

SITE = """
[systems.shop.services.web]
[systems.shop.resources.site]
kind = "uptime_check"
source = "gcp"
service = "web"
name = "shop-web"
"""
PLACES = ("apac-singapore", "eur-belgium", "usa-oregon")


@pytest.fixture
def monitoring(google: GoogleStage) -> MonitoringApi:
    api = google.teach(MonitoringApi(google.clock))
    api.check("shop-web")
    return api


def check(google: GoogleStage, monitoring: MonitoringApi, *failing: str) -> None:
    """A result from each place, a minute after which it can be read."""
    for place in PLACES:
        monitoring.result("shop-web", place, passed=place not in failing)
    google.clock.advance(60)


async def reading(source: GcpSource) -> Reading:
    (found,) = (await source.read_health()).readings
    return found


@pytest.mark.parametrize(
    ("failing", "value", "note"),
    [
        ((), 0, "passes from 3 places"),
        (("eur-belgium",), 1, "fails from 1 of 3 places: eur-belgium"),
        (PLACES, 2, "fails from 3 of 3 places: apac-singapore, eur-belgium, usa-oregon"),
    ],
)
async def test_a_check_says_from_where_it_fails(
    google: GoogleStage, monitoring: MonitoringApi, failing: tuple[str, ...], value: float, note: str
) -> None:
    checked = google.clock.now()
    check(google, monitoring, *failing)

    found = await reading(google.source(SITE))

    assert (found.value, found.note, found.at) == (value, note, checked)


async def test_the_last_result_of_each_place_counts(google: GoogleStage, monitoring: MonitoringApi) -> None:
    check(google, monitoring, *PLACES)
    check(google, monitoring, "usa-oregon")

    assert (await reading(google.source(SITE))).note == "fails from 1 of 3 places: usa-oregon"


async def test_a_result_that_is_late_is_not_there_yet(google: GoogleStage, monitoring: MonitoringApi) -> None:
    monitoring.lateness = 180
    check(google, monitoring, *PLACES)
    source = google.source(SITE)
    before = await reading(source)
    google.clock.advance(121)
    after = await reading(source)

    assert (before.value, before.unknown) == (None, "no results within 5m")
    assert after.value == 2


async def test_results_that_are_too_old_say_nothing(google: GoogleStage, monitoring: MonitoringApi) -> None:
    check(google, monitoring)
    google.clock.advance(300)

    assert (await reading(google.source(SITE))).unknown == "no results within 5m"


async def test_a_window_of_its_own_reaches_further_back(google: GoogleStage, monitoring: MonitoringApi) -> None:
    check(google, monitoring)
    google.clock.advance(300)

    assert (await reading(google.source(SITE + 'window = "15m"'))).value == 0


async def test_a_check_that_is_not_there_or_off_is_unknown(google: GoogleStage, monitoring: MonitoringApi) -> None:
    check(google, monitoring)
    monitoring.checks[0]["disabled"] = True
    off = await reading(google.source(SITE))
    monitoring.checks.clear()
    gone = await reading(google.source(SITE))

    assert (off.unknown, gone.unknown) == ("is switched off", "no uptime check shop-web")


async def test_a_query_that_fails_in_part_is_a_warning(google: GoogleStage, monitoring: MonitoringApi) -> None:
    check(google, monitoring)
    google.fault(
        "monitoring",
        "timeSeries.list",
        change=lambda page: page | {"executionErrors": [{"code": 14, "message": "one cluster is away"}]},
    )

    update = await google.source(SITE).read_health()

    assert update.warnings == ("results of uptime checks: one cluster is away",)


async def test_points_that_hold_nothing_known_are_left_out(google: GoogleStage, monitoring: MonitoringApi) -> None:
    check(google, monitoring)
    google.fault(
        "monitoring",
        "timeSeries.list",
        change=lambda page: {
            "timeSeries": [
                one | {"points": [{"value": {"emojiValue": "x"}, "interval": {}}, *one["points"]]}
                for one in page["timeSeries"]
            ]
        },
    )

    assert (await reading(google.source(SITE))).value == 0


async def test_many_checks_take_one_request_for_results(google: GoogleStage, monitoring: MonitoringApi) -> None:
    monitoring.check("shop-api")
    monitoring.result("shop-api", "eur-belgium", passed=False)
    check(google, monitoring)
    other = SITE.replace("resources.site]", "resources.api]").replace("[systems.shop.services.web]", "")
    source = google.source(SITE + other.replace("shop-web", "shop-api"))

    first, second = await source.read_health(), await source.read_health()

    assert [one.value for one in first.readings] == [0, 2]
    assert (first.requests, second.requests) == (2, 1)
