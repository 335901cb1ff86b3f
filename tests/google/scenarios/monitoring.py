"""Every request to Cloud Monitoring."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.google.monitoring import MonitoringApi
from tuiops.sources.gcp.source import GcpAlertsSource

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage

_SITE = """
[systems.shop.services.web]
[systems.shop.resources.site]
kind = "uptime_check"
source = "gcp"
service = "web"
name = "shop-web"
"""


async def play(google: GoogleStage) -> None:
    """Uptime checks, incidents, and a snooze."""
    monitoring = google.teach(MonitoringApi(google.clock))
    monitoring.check("shop-web")
    monitoring.result("shop-web", "apac-singapore", passed=True)
    policy = monitoring.policy("Orders fail")
    monitoring.close(monitoring.open(policy))
    monitoring.open(policy)
    google.clock.advance(60)
    source = google.source(_SITE)
    assert isinstance(source, GcpAlertsSource)
    await source.read_health()
    await source.read_alerts()
    start = google.clock.now()
    prepared = await source.prepare_snooze(("Orders fail",), start, start + timedelta(hours=1), "maintenance", "1")
    await source.look_up(await source.perform(prepared))
