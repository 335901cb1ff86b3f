"""Every request to Cloud Run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.google.run import RunApi
from tuiops.sources.abilities import Target

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.sources.abilities import Prepared

_CHAT = """
[systems.shop.services.chat]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
"""


async def play(google: GoogleStage) -> None:
    """Health, rollouts, and every action to its end."""
    run = google.teach(RunApi(google.clock))
    old = run.deploy("chat", "shop/chat:1")
    google.clock.advance(60)
    new = run.deploy("chat", "shop/chat:2")
    google.clock.advance(60)
    source, target = google.source(_CHAT), Target("shop", "chat")
    await source.read_health()
    await source.read_rollouts()

    async def carry_out(prepared: Prepared) -> None:
        receipt = await source.perform(prepared)
        google.clock.advance(60)
        await source.look_up(receipt)

    await carry_out(await source.prepare_shift(target, {new: 10, old: 90}, "1"))
    await carry_out(await source.prepare_rollback(target, old, "2"))
    await carry_out(await source.prepare_shift(target, {"LATEST": 100}, "3"))
    await carry_out(await source.prepare_restart(target, "4"))
    await carry_out(await source.prepare_scale(target, 1, 5, "5"))
