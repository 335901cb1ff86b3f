"""Exit codes and documents: never OK on what is missing, stale or partial."""

from __future__ import annotations

import json
import math

import pytest

from tests.cli.snapshots import NOW, alert, feed, service, snapshot
from tuiops.cli import views
from tuiops.cli.commands import alerts, services, status
from tuiops.cli.exits import Exit
from tuiops.cli.watching import Seen
from tuiops.core.alerts import AlertState
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Snapshot, Topic

FINE = service("api", 0.001)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (snapshot(FINE), Exit.OK),
        (snapshot(FINE, service("web", 0.05)), Exit.DEGRADED),
        (snapshot(FINE, service("web", 0.05), service("db", 0.5)), Exit.DOWN),
        (snapshot(FINE, service("web", None)), Exit.UNKNOWN),
        (snapshot(FINE, service("web", math.nan)), Exit.UNKNOWN),
        (snapshot(service("web", None), service("db", 0.05)), Exit.DEGRADED),
        (snapshot(), Exit.UNKNOWN),
        (snapshot(FINE, alerts=(alert(Severity.P1),)), Exit.DOWN),
        (snapshot(FINE, alerts=(alert(Severity.P2),)), Exit.DEGRADED),
        (snapshot(FINE, alerts=(alert(Severity.P3), alert(Severity.P4, "b"))), Exit.OK),
        (snapshot(FINE, alerts=(alert(Severity.P1, state=AlertState.SILENCED),)), Exit.OK),
        (snapshot(FINE, alerts=(alert(Severity.P1, state=AlertState.RESOLVED),)), Exit.OK),
        (snapshot(FINE, feeds=(feed("prom", Topic.HEALTH, 400),)), Exit.UNKNOWN),
        (snapshot(FINE, feeds=(feed("prom", Topic.HEALTH, None),)), Exit.UNKNOWN),
        (snapshot(FINE, feeds=(feed("prom", Topic.HEALTH), feed("x/rollouts", Topic.ROLLOUTS, 60))), Exit.UNKNOWN),
        (snapshot(FINE, feeds=(feed("prom", Topic.HEALTH), feed("am/alerts", Topic.ALERTS, 60))), Exit.UNKNOWN),
        (snapshot(FINE, feeds=(feed("prom", Topic.HEALTH), feed("am/alerts", Topic.ALERTS, 3, watchdog=False))),
         Exit.UNKNOWN),
        (snapshot(FINE, feeds=(feed("prom", Topic.HEALTH),)), Exit.OK),
    ],
)  # fmt: skip
def test_the_exit_code_of_status(seen: Snapshot, code: Exit) -> None:
    assert views.status_exit(seen, NOW) is code


def test_alerts_are_quiet_only_when_every_source_is_live() -> None:
    assert views.alerts_exit(snapshot(), NOW) is Exit.OK
    assert views.alerts_exit(snapshot(feeds=(feed("prom", Topic.HEALTH),)), NOW) is Exit.UNKNOWN
    assert views.alerts_exit(snapshot(feeds=(feed("a", Topic.ALERTS, 60),)), NOW) is Exit.UNKNOWN
    assert views.alerts_exit(snapshot(alerts=(alert(Severity.P2),), feeds=()), NOW) is Exit.DEGRADED


def test_one_system_only() -> None:
    seen = snapshot(FINE, service("web", 0.5, "other"), alerts=(alert(Severity.P1, system="other"),))
    assert views.status_exit(seen, NOW, "shop") is Exit.OK
    assert views.status_exit(seen, NOW, "other") is Exit.DOWN
    assert [row["system"] for row in views.status(seen, NOW, "shop")["systems"]] == ["shop"]


def test_documents_are_json_with_base_units_and_without_nan() -> None:
    seen = snapshot(FINE, service("web", math.nan), alerts=(alert(Severity.P1),))
    for view in (status.VIEW, services.VIEW, alerts.VIEW):
        document = view.document(seen, NOW, None)
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert (document["schema"], document["at"]) == (1, "2026-01-31T12:00:00Z")
        for row in Seen(view).rows(document):
            assert row["kind"] in {"system", "service", "alert"}
            assert row["at"] == document["at"]
    fine, idle = services.VIEW.document(seen, NOW, None)["services"]
    assert fine["indicators"][0] == {
        "indicator": "errors", "heading": "ERR%", "state": "ok", "reason": "", "value": 0.001, "shown": "0.10%",
        "unit": "ratio", "at": "2026-01-31T12:00:00Z", "degraded": "> 1.00%", "down": "> 20.0%", "source": "prom",
    }  # fmt: skip
    assert (idle["state"], idle["indicators"][0]["value"]) == ("unknown", None)


def test_an_alert_row() -> None:
    row = views.alert_row(alert(Severity.P1))
    assert (row["severity"], row["state"], row["labels"]) == ("P1", "firing", {"severity": "page"})
    assert (row["started"], row["due"]) == ("2026-01-31T11:55:00Z", "2026-01-31T12:10:00Z")
    assert "\x1b" not in row["summary"]
