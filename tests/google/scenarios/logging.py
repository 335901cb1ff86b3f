"""Every request to Cloud Logging but the tail, which is not HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.google.logging import LoggingApi
from tuiops.config.logs import CloudLog
from tuiops.config.values import Duration
from tuiops.core.text import lit
from tuiops.sources.gcp.logging import CloudLogSource
from tuiops.sources.stored_logs import nanoseconds, rfc3339

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage


async def play(google: GoogleStage) -> None:
    """The past, and one poll after it."""
    logging = google.teach(LoggingApi(google.clock))
    logging.write(rfc3339(nanoseconds(google.clock.now() - timedelta(seconds=5))), textPayload="paid")
    client = google.client(google.config(""))
    config = CloudLog(
        source="gcp",
        interval=Duration(5),
        resource="cloud_run_revision",
        labels={"service_name": "chat"},
        names=("run.googleapis.com/stdout",),
        severity="INFO",
        text="paid",
    )
    source = CloudLogSource(lit("shop/chat"), lit("shop"), lit("chat"), config, client, google.clock)
    async for _ in source.follower.poll():
        pass
