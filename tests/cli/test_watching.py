"""Watching: what counts as a change, and what is printed of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from tests.cli.snapshots import NOW, alert, feed, service, snapshot
from tuiops.cli.commands import alerts, services, status
from tuiops.cli.watching import Seen, View
from tuiops.core.alerts import AlertState
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Snapshot, Topic
from tuiops.core.text import safe

LATER = NOW + timedelta(seconds=15)


def rows(seen: Seen, view: View, snapshot: Snapshot, later: bool = True) -> list[dict[str, Any]]:
    return list(seen.rows(view.document(snapshot, LATER if later else NOW, None)))


def polled_again(before: Snapshot) -> Snapshot:
    """The same answers, fifteen seconds later."""
    systems = [
        msgspec.structs.replace(
            system,
            services=tuple(
                msgspec.structs.replace(
                    each,
                    measures=tuple(
                        msgspec.structs.replace(m, reading=msgspec.structs.replace(m.reading, at=LATER))
                        for m in each.measures
                        if m.reading is not None
                    ),
                )
                for each in system.services
            ),
        )
        for system in before.systems
    ]
    feeds = {
        name: msgspec.structs.replace(each, status=msgspec.structs.replace(each.status, answered=LATER))
        for name, each in before.feeds.items()
    }
    return msgspec.structs.replace(before, systems=tuple(systems), feeds=feeds, at=LATER)


def test_a_poll_that_finds_nothing_else_prints_nothing() -> None:
    before = snapshot(service("api", 0.001), service("web", 0.5), alerts=(alert(Severity.P1),))
    after = polled_again(before)
    for view in (status.VIEW, services.VIEW, alerts.VIEW):
        seen = Seen(view)
        assert rows(seen, view, before, later=False)
        assert rows(seen, view, after) == []
        assert seen.changed(view.document(before, NOW, None))
        assert not seen.changed(view.document(after, LATER, None))


def test_growing_old_is_no_change() -> None:
    gone = snapshot(service("api", 0.001), feeds=(feed("prom", Topic.HEALTH, age=200),))
    seen = Seen(services.VIEW)
    (first,) = rows(seen, services.VIEW, gone, later=False)
    assert first["reason"] == "stale 3m"
    later = services.VIEW.document(gone, NOW + timedelta(seconds=60), None)
    assert later["services"][0]["reason"] == "stale 4m"
    assert list(seen.rows(later)) == []


def test_only_the_rows_that_differ() -> None:
    seen = Seen(services.VIEW)
    rows(seen, services.VIEW, snapshot(service("api", 0.001), service("web", 0.001)), later=False)
    (changed,) = rows(seen, services.VIEW, snapshot(service("api", 0.001), service("web", 0.05)))
    assert (changed["service"], changed["state"], changed["kind"]) == ("web", "degraded", "service")


def test_a_row_that_is_no_longer_there_is_told_once() -> None:
    seen = Seen(services.VIEW)
    rows(seen, services.VIEW, snapshot(service("api", 0.001), service("web", 0.001)), later=False)
    (gone,) = rows(seen, services.VIEW, snapshot(service("api", 0.001)))
    assert (gone["service"], gone["state"], gone["at"]) == ("web", "gone", "2026-01-31T12:00:15Z")
    assert rows(seen, services.VIEW, snapshot(service("api", 0.001))) == []


def test_an_alert_is_resolved_once() -> None:
    fire, smoke = alert(Severity.P1, "Fire"), alert(Severity.P2, "Smoke")
    seen = Seen(alerts.VIEW)
    assert len(rows(seen, alerts.VIEW, snapshot(alerts=(fire, smoke)), later=False)) == 2
    (resolved,) = rows(
        seen, alerts.VIEW, snapshot(alerts=(alert(Severity.P1, "Fire", state=AlertState.RESOLVED), smoke))
    )
    assert (resolved["name"], resolved["state"]) == ("Fire", "resolved")
    (gone,) = rows(seen, alerts.VIEW, snapshot())
    assert (gone["name"], gone["state"]) == ("Smoke", "resolved")


def test_the_rest_of_a_vendors_limit_is_no_change_but_its_beginning_is() -> None:
    def limited(*warnings: str) -> Snapshot:
        entry = feed("run", Topic.HEALTH)
        known = msgspec.structs.replace(entry.status, warnings=tuple(safe(warning) for warning in warnings))
        return snapshot(service("api", 0.001), feeds=(msgspec.structs.replace(entry, status=known),))

    seen = Seen(status.VIEW)
    assert seen.changed(status.VIEW.document(limited(), NOW, None))
    assert seen.changed(status.VIEW.document(limited("run limit 34s"), LATER, None))
    assert not seen.changed(status.VIEW.document(limited("run limit 19s"), LATER, None))
    assert seen.changed(status.VIEW.document(limited("logging limit 19s"), LATER, None))
