"""What a runbook needs of Google Cloud: calls that stay the same, the way back, and names to choose from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.google.hosting import HostingApi
from tests.google.monitoring import MonitoringApi
from tests.google.run import RunApi
from tests.google.secrets import SecretsApi
from tests.google.sql import SqlApi
from tuiops.errors import QueryRefused
from tuiops.runbooks.format.abilities import prepare
from tuiops.runbooks.format.model import ApiAction
from tuiops.sources.abilities import (
    Acts,
    AddsSecretVersion,
    Prepared,
    Progress,
    Restarts,
    RestoresBackup,
    RollsBack,
    Scales,
    ShiftsTraffic,
    Snoozes,
    TakesBackup,
    Target,
    Tells,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.google.fixtures import GoogleStage
    from tuiops.sources.abilities import Told
    from tuiops.sources.gcp.source import GcpSource

SHOP = """
[systems.shop.services.shop]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "shop"
name = "chat"
[systems.shop.resources.site]
kind = "firebase_hosting"
source = "gcp"
service = "shop"
name = "shop-web"
[systems.shop.resources.orders]
kind = "cloud_sql"
source = "gcp"
service = "shop"
name = "orders"
[systems.shop.resources.key]
kind = "secret"
source = "gcp"
service = "shop"
name = "api-key"
[systems.shop.resources.cache]
kind = "memorystore"
source = "gcp"
service = "shop"
name = "cache"
"""
CHAT, SITE, ORDERS, KEY = (Target("shop", name) for name in ("chat", "site", "orders", "key"))
TOKEN = "20260501T120000Z-ab12cd34ef56"
ABILITIES = (
    Acts, ShiftsTraffic, RollsBack, Restarts, Scales, TakesBackup, RestoresBackup, AddsSecretVersion, Snoozes, Tells,
)  # fmt: skip


class Shop:
    """One of each, all of them well."""

    def __init__(self, google: GoogleStage) -> None:
        self.google = google
        self.run = google.teach(RunApi(google.clock))
        self.hosting = google.teach(HostingApi(google.clock))
        self.sql = google.teach(SqlApi(google.clock))
        self.secrets = google.teach(SecretsApi(google.clock))
        self.monitoring = google.teach(MonitoringApi(google.clock))
        self.old = self.run.deploy("chat", "shop/chat:1")
        google.clock.advance(60)
        self.new = self.run.deploy("chat", "shop/chat:2")
        self.hosting.create("shop-web")
        self.before = self.hosting.deploy("shop-web")
        google.clock.advance(60)
        self.live = self.hosting.deploy("shop-web")
        self.sql.create("orders")
        self.backup = self.sql.backup("orders", hours_ago=5)
        self.last_backup = self.sql.backup("orders", hours_ago=1)
        self.secrets.create("api-key")
        self.secrets.add("api-key", b"x")
        self.monitoring.policy("Orders fail")
        google.clock.advance(60)
        self.started = google.clock.now()
        self.source: GcpSource = google.source(SHOP)

    async def tell(self, target: Target, of: Told) -> tuple[str, ...]:
        acts = self.source.acting(target)
        assert acts is not None
        assert isinstance(acts, Tells)
        return await acts.tell(target, of)

    async def done(self, prepared: Prepared) -> None:
        receipt = await self.source.perform(prepared)
        self.google.clock.advance(60)
        assert (await self.source.look_up(receipt)).progress is Progress.DONE

    async def wished(self, wish: Wish | None) -> Prepared:
        """The chat's way back, as a runbook asks for it."""
        assert wish is not None
        if wish.ability == "scale":
            least, most = (int(wish.arguments[name]) for name in ("least", "most"))
            return await self.source.prepare_scale(CHAT, least, most, TOKEN)
        assert wish.ability == "shift_traffic"
        pairs = (pair.partition("=") for pair in wish.arguments["shares"].split(","))
        return await self.source.prepare_shift(CHAT, {name: int(share) for name, _, share in pairs}, TOKEN)

    def traffic(self) -> str:
        statuses = self.run.service("chat")["trafficStatuses"]
        return ",".join(sorted(f"{one['revision']}={one['percent']}" for one in statuses if one.get("percent")))


@pytest.fixture
def shop(google: GoogleStage) -> Shop:
    return Shop(google)


@pytest.mark.parametrize(
    ("resource", "able"),
    [
        ("chat", {Acts, ShiftsTraffic, RollsBack, Restarts, Scales, Snoozes, Tells}),
        ("site", {Acts, RollsBack, Snoozes, Tells}),
        ("orders", {Acts, TakesBackup, RestoresBackup, Snoozes, Tells}),
        ("key", {Acts, AddsSecretVersion, Snoozes, Tells}),
        ("cache", {Acts, Snoozes}),
        ("other", set()),
    ],
)
def test_a_resource_has_the_abilities_of_its_part_and_no_others(shop: Shop, resource: str, able: set[type]) -> None:
    found = shop.source.acting(Target("shop", resource))

    assert {ability for ability in ABILITIES if isinstance(found, ability)} == able
    assert shop.source.acting(Target("elsewhere", resource)) is None


ACTIONS: dict[str, Callable[[Shop], Awaitable[Prepared]]] = {
    "shift": lambda shop: shop.source.prepare_shift(CHAT, {shop.old: 10, shop.new: 90}, TOKEN),
    "roll back": lambda shop: shop.source.prepare_rollback(CHAT, shop.old, TOKEN),
    "restart": lambda shop: shop.source.prepare_restart(CHAT, TOKEN),
    "scale": lambda shop: shop.source.prepare_scale(CHAT, 1, 5, TOKEN),
    "release": lambda shop: shop.source.prepare_rollback(SITE, shop.before, TOKEN),
    "backup": lambda shop: shop.source.prepare_backup(ORDERS, "x", TOKEN),
    "restore": lambda shop: shop.source.prepare_restore(ORDERS, shop.backup, "orders-then", TOKEN),
    "restore a moment": lambda shop: shop.source.prepare_restore(
        ORDERS, shop.started - timedelta(hours=1), "orders-then", TOKEN
    ),
    "secret": lambda shop: shop.source.prepare_secret_version(KEY, TOKEN),
    "snooze": lambda shop: shop.source.prepare_snooze(
        ("Orders fail",), shop.started, shop.started + timedelta(hours=1), "x", TOKEN
    ),
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_what_is_prepared_twice_is_the_same_while_nothing_moves(shop: Shop, action: str) -> None:
    first = await ACTIONS[action](shop)
    shop.google.clock.advance(240)
    await shop.source.read_rollouts()

    second = await ACTIONS[action](shop)

    assert second == first
    assert msgspec.json.decode(msgspec.json.encode(first), type=Prepared) == first


async def test_a_snooze_is_carried_out_by_whoever_acts_on_a_resource_of_the_project(shop: Shop) -> None:
    acts = shop.source.acting(ORDERS)
    assert acts is not None
    given = {"policies": "Orders fail", "lasts": "1h", "comment": "moving house"}
    snooze = ApiAction(ability="snooze", resource="orders", arguments=given)

    prepared = await prepare(acts, ORDERS, snooze, TOKEN, shop.started)
    receipt = await acts.perform(prepared)

    assert prepared.target == ORDERS
    assert (await acts.look_up(receipt)).progress is Progress.DONE
    assert [one["displayName"] for one in shop.monitoring.snoozes] == ["moving house"]


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"shift", "roll back", "restart", "scale", "release"}))
async def test_what_no_ability_puts_back_says_how_it_is_undone(shop: Shop, action: str) -> None:
    prepared = await ACTIONS[action](shop)

    assert prepared.reversal is None
    assert prepared.undo


@pytest.mark.parametrize("action", ["shift", "roll back"])
async def test_traffic_that_floated_floats_again(shop: Shop, action: str) -> None:
    before = shop.traffic()
    prepared = await ACTIONS[action](shop)
    await shop.done(prepared)
    assert shop.traffic() != before

    back = await shop.wished(prepared.reversal)
    await shop.done(back)

    assert prepared.reversal == Wish("shift_traffic", {"shares": "LATEST=100"})
    assert shop.traffic() == before
    assert back.after == prepared.before[:1]


@pytest.mark.parametrize("action", ["roll back", "restart"])
async def test_traffic_that_was_shared_is_shared_so_again(shop: Shop, action: str) -> None:
    shop.run.share("chat", {shop.new: 70, shop.old: 30})
    shop.google.clock.advance(60)
    before = shop.traffic()
    prepared = await ACTIONS[action](shop)
    await shop.done(prepared)

    await shop.done(await shop.wished(prepared.reversal))

    assert shop.traffic() == before
    assert prepared.reversal == Wish("shift_traffic", {"shares": f"{shop.old}=30,{shop.new}=70"})


async def test_after_a_restart_traffic_goes_back_to_the_very_revision_that_served(shop: Shop) -> None:
    prepared = await ACTIONS["restart"](shop)
    await shop.done(prepared)
    assert shop.traffic() != f"{shop.new}=100"

    await shop.done(await shop.wished(prepared.reversal))

    assert shop.traffic() == f"{shop.new}=100"


async def test_bounds_are_set_again(shop: Shop) -> None:
    prepared = await ACTIONS["scale"](shop)
    await shop.done(prepared)

    back = await shop.wished(prepared.reversal)
    await shop.done(back)

    assert prepared.reversal == Wish("scale", {"least": "0", "most": "10"})
    assert next(fact.value for fact in back.after if fact.what == "instances") == "0 to 10"


async def test_bounds_of_pinned_traffic_were_never_left(shop: Shop) -> None:
    """The new revision gets no traffic, so that going back means to leave it where it is."""
    shop.run.share("chat", {shop.new: 100})
    shop.google.clock.advance(60)
    prepared = await ACTIONS["scale"](shop)
    await shop.done(prepared)

    await shop.done(await shop.wished(prepared.reversal))

    assert prepared.reversal == Wish("shift_traffic", {"shares": f"{shop.new}=100"})
    assert shop.traffic() == f"{shop.new}=100"


async def test_a_site_releases_again_what_was_live(shop: Shop) -> None:
    prepared = await ACTIONS["release"](shop)
    shop.hosting.disable("shop-web")
    dark = await ACTIONS["release"](shop)

    assert prepared.reversal == Wish("roll_back", {"revision": shop.live})
    assert (dark.reversal, dark.undo.partition(":")[0]) == (None, "nothing was live before")


async def test_revisions_are_told_newest_first_with_what_serves_and_what_served_before(shop: Shop) -> None:
    dark = shop.run.deploy("chat", "shop/chat:3", traffic=False)
    shop.run.share("chat", {shop.new: 80, shop.old: 20})
    shop.google.clock.advance(60)

    assert await shop.tell(CHAT, "revisions") == (dark, shop.new, shop.old)
    assert await shop.tell(CHAT, "serving") == (shop.new,)
    assert await shop.tell(CHAT, "previous") == (shop.old,)
    with pytest.raises(QueryRefused, match="a Cloud Run service has no secret versions"):
        await shop.tell(CHAT, "secret_versions")


async def test_before_the_first_revision_none_served_and_a_broken_one_cannot(shop: Shop) -> None:
    shop.run.share("chat", {shop.old: 100})
    shop.google.clock.advance(60)
    first = await shop.tell(CHAT, "previous")
    shop.run.failure = "The container failed to start."
    shop.run.deploy("chat", "shop/chat:3", traffic=False)
    shop.google.clock.advance(60)
    shop.run.failure = ""
    last = shop.run.deploy("chat", "shop/chat:4", traffic=False)
    shop.google.clock.advance(60)
    shop.run.share("chat", {last: 100})
    shop.google.clock.advance(60)

    assert first == ()
    assert await shop.tell(CHAT, "previous") == (shop.new,)


async def test_what_was_seen_to_serve_before_counts_more_than_what_is_older(shop: Shop) -> None:
    await shop.source.read_rollouts()
    tried = shop.run.deploy("chat", "shop/chat:3", traffic=False)
    shop.google.clock.advance(60)
    await shop.source.read_rollouts()
    last = shop.run.deploy("chat", "shop/chat:4", traffic=False)
    shop.google.clock.advance(60)
    shop.run.share("chat", {last: 100})
    shop.google.clock.advance(60)
    await shop.source.read_rollouts()

    assert await shop.tell(CHAT, "serving") == (last,)
    assert await shop.tell(CHAT, "previous") == (shop.new,)
    assert tried in await shop.tell(CHAT, "revisions")


async def test_versions_of_a_site_are_told(shop: Shop) -> None:
    told = [await shop.tell(SITE, of) for of in ("revisions", "serving", "previous")]
    await shop.done(await ACTIONS["release"](shop))
    after = [await shop.tell(SITE, of) for of in ("revisions", "serving", "previous")]
    shop.hosting.disable("shop-web")

    assert told == [(shop.live, shop.before), (shop.live,), (shop.before,)]
    assert after == [(shop.before, shop.live), (shop.before,), ()]
    assert await shop.tell(SITE, "serving") == ()
    with pytest.raises(QueryRefused, match="a Firebase Hosting site has no backups"):
        await shop.tell(SITE, "backups")


async def test_backups_that_can_be_restored_are_told(shop: Shop) -> None:
    shop.sql.backup("orders", hours_ago=0.5, status="FAILED")

    found = await shop.tell(ORDERS, "backups")

    assert found == (shop.last_backup, shop.backup)
    await shop.source.prepare_restore(ORDERS, found[0], "orders-then", TOKEN)
    with pytest.raises(QueryRefused, match="a Cloud SQL instance has no revisions"):
        await shop.tell(ORDERS, "revisions")


async def test_versions_of_a_secret_are_told_but_those_that_cannot_be_read(shop: Shop) -> None:
    shop.secrets.add("api-key", b"y")
    shop.secrets.add("api-key", b"z", state="DESTROYED")
    shop.secrets.add("api-key", b"taken back", state="DISABLED")

    assert await shop.tell(KEY, "secret_versions") == ("2", "1")
    with pytest.raises(QueryRefused, match="a secret has no backups"):
        await shop.tell(KEY, "backups")
