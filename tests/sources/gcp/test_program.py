"""The whole read side over a Google project, from a configuration file to a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.google.run import RunApi
from tuiops import wiring
from tuiops.config.load import Loaded
from tuiops.core.health import State, judge_service
from tuiops.core.rollouts import Phase

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.snapshot import Snapshot

SHOP = """
[systems.shop.services.chat]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
expect = { max_instances = 20 }
"""


async def snapshot(google: GoogleStage) -> Snapshot:
    config = google.config(SHOP, settings="alerts = false")
    hub = await wiring.hub(wiring.Subject(loaded=Loaded(config, ())), google.clock)
    await hub.start()
    try:
        await hub.first_round(30)
        return hub.snapshot
    finally:
        await hub.stop()


def state(shown: Snapshot, google: GoogleStage) -> State:
    return judge_service(shown.systems[0].services[0], shown.statuses, google.clock.now()).state


async def test_health_rollouts_and_drift_reach_the_snapshot(google: GoogleStage) -> None:
    run = google.teach(RunApi(google.clock))
    run.deploy("chat", "shop/chat:1")
    google.clock.advance(60)
    new = run.deploy("chat", "shop/chat:2", traffic=False)
    google.clock.advance(60)
    run.share("chat", {new: 10, run.service("chat")["traffic"][0]["revision"]: 90})
    google.clock.advance(60)

    shown = await snapshot(google)

    assert state(shown, google) is State.OK
    live = [rollout for rollout in shown.rollouts if rollout.live]
    assert [(rollout.new, rollout.phase, rollout.share_actual) for rollout in live] == [(new, Phase.RUNNING, 0.1)]
    assert [drift.text() for drift in shown.drifts] == ["max instances 10, expected 20"]
    assert len(google.tokens.grants) == 1


async def test_nobody_logged_in_is_grey_and_says_so(google: GoogleStage) -> None:
    google.teach(RunApi(google.clock)).deploy("chat", "shop/chat:1")
    google.tokens.refuse("invalid_grant", "Token has been expired or revoked.")

    shown = await snapshot(google)

    assert state(shown, google) is State.UNKNOWN
    assert shown.rollouts == ()
    assert {status.word for status in shown.statuses.values()} == {"access denied"}
    assert all(status.error.startswith("logged out: ") for status in shown.statuses.values())
