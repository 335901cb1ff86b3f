"""Every request to Cloud SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.google.sql import SqlApi
from tuiops.sources.abilities import Target

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage

_ORDERS = """
[systems.shop.services.db]
[systems.shop.resources.db]
kind = "cloud_sql"
source = "gcp"
service = "db"
name = "orders"
backup = "> 26h"
"""


async def play(google: GoogleStage) -> None:
    """Health, a backup, and a restore of each kind."""
    sql = google.teach(SqlApi(google.clock))
    sql.create("orders")
    backup = sql.backup("orders", hours_ago=3)
    source, target = google.source(_ORDERS), Target("shop", "db")
    await source.read_health()
    await source.look_up(await source.perform(await source.prepare_backup(target, "before the change", "1")))
    google.clock.advance(600)
    moment = google.clock.now() - timedelta(hours=1)
    await source.perform(await source.prepare_restore(target, moment, "orders-then", "2"))
    google.clock.advance(600)
    await source.perform(await source.prepare_restore(target, backup, "orders-backup", "3"))
