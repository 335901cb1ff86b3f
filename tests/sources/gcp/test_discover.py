"""A look around a Google Cloud project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.google.fixtures import PROJECT, REGION
from tests.google.listings import APIS, ListingApi
from tuiops.config.advice import query_faults
from tuiops.config.clouds import GcpConfig
from tuiops.config.draft import Draft
from tuiops.config.load import load
from tuiops.config.people import rules
from tuiops.config.proposal import lines
from tuiops.config.resources import CloudRunResource, RunExpectation
from tuiops.errors import AccessDenied
from tuiops.sources.gcp import discover as discovery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tuiops.config.model import Config
    from tuiops.config.proposal import Proposal

IN_PROJECT = f"projects/{PROJECT}"
IN_REGION = f"{IN_PROJECT}/locations/{REGION}"


def run_service(name: str, **scaling: int) -> dict[str, Any]:
    template = {"scaling": scaling} if scaling else {}
    return {"name": f"{IN_REGION}/services/{name}", "template": template}


Place = dict[str, Sequence[Mapping[str, Any]]]

PLACE: Place = {
    "run": [run_service("chat", minInstanceCount=3, maxInstanceCount=20), run_service("web")],
    "sqladmin": [
        {"name": "main-db", "databaseVersion": "POSTGRES_16", "settings": {"backupConfiguration": {"enabled": True}}},
        {"name": "scratch", "databaseVersion": "MYSQL_8_0"},
    ],
    "redis": [
        {"name": f"{IN_REGION}/instances/cache"},
        {"name": f"{IN_PROJECT}/locations/asia-northeast2/instances/far"},
    ],
    "firebasehosting": [{"name": f"{IN_PROJECT}/sites/shop-site"}],
    "monitoring": [
        {
            "name": f"{IN_PROJECT}/uptimeCheckConfigs/chat-1", "displayName": "Chat is there",
            "monitoredResource": {"type": "cloud_run_revision", "labels": {"service_name": "chat"}},
        },
        {
            "name": f"{IN_PROJECT}/uptimeCheckConfigs/front-1", "displayName": "Front",
            "monitoredResource": {"type": "uptime_url", "labels": {"host": "www.shop.example"}},
        },
        {"name": f"{IN_PROJECT}/uptimeCheckConfigs/off", "displayName": "Off", "disabled": True},
    ],
    "secretmanager": [{"name": f"{IN_PROJECT}/secrets/api_key"}],
}  # fmt: skip


async def look(google: GoogleStage, place: Place | None = None, region: str | None = REGION) -> Proposal:
    for name in APIS:
        google.serve(ListingApi(name, (PLACE | (place or {}))[name]))
    config = google.config("")
    source = config.sources["gcp"]
    assert isinstance(source, GcpConfig)
    asked = GcpConfig(project=PROJECT, region=region)
    return await discovery.discover(google.client(config), asked, {}, ("google", "shop"))


def loaded(folder: Path, proposal: Proposal) -> Config:
    file = folder / "proposed.toml"
    file.write_text("\n".join(lines(proposal)), encoding="utf-8")
    return load(file, environ={}, inspections=[query_faults]).config


async def test_everything_in_a_project_is_proposed(google: GoogleStage, tmp_path: Path) -> None:
    proposal = await look(google)

    assert proposal.warnings == ()
    config = loaded(tmp_path, proposal)
    system = config.systems["shop"]
    assert set(system.services) == {
        "chat", "web", "main-db", "scratch", "cache", "far", "shop-site", "www-shop-example", "secrets",
    }  # fmt: skip
    chat = system.resources["chat"]
    assert isinstance(chat, CloudRunResource)
    assert chat.expect == RunExpectation(min_instances=3, max_instances=20)
    table = tomli.loads("\n".join(lines(proposal)))["systems"]["shop"]
    assert table["resources"]["main-db"]["backup"] == "> 26h"
    assert "backup" not in table["resources"]["scratch"]
    assert (table["resources"]["far"]["region"], "region" in table["resources"]["cache"]) == ("asia-northeast2", False)
    kinds = {(each["kind"], each["service"], each["name"]) for each in table["resources"].values()}
    assert {("uptime_check", "chat", "chat-1"), ("uptime_check", "www-shop-example", "front-1")} <= kinds
    assert not any(name == "off" for _, _, name in kinds)
    assert set(table["indicators"]) == {"errors", "p95", "cpu", "main-db-cpu", "scratch-cpu"}
    assert table["indicators"]["errors"]["services"] == ["chat", "web"]
    assert table["indicators"]["main-db-cpu"]["max_age"] == "5m"
    assert all(entry.why for entry in proposal.entries)
    # Nothing says whether it is production, and so nobody may act on it.
    assert config.environments[system.environment or ""].production
    assert all("shop" not in rule.environments for rule in rules(config))


async def test_what_refuses_is_named_and_the_rest_is_proposed(google: GoogleStage, tmp_path: Path) -> None:
    google.fault("redis", status=403, message="Memorystore has not been used in this project")
    google.fault("secretmanager", status=403, message="no\x1b[31m permission")
    proposal = await look(google)

    assert len(proposal.warnings) == 2
    assert all("\x1b" not in warning for warning in proposal.warnings)
    assert "cache" not in loaded(tmp_path, proposal).systems["shop"].services


async def test_a_project_that_lets_nobody_in_is_an_error(google: GoogleStage) -> None:
    for name in APIS:
        google.fault(name, status=403)
    with pytest.raises(AccessDenied):
        await look(google)


async def test_without_a_region_services_are_not_looked_for(google: GoogleStage, tmp_path: Path) -> None:
    proposal = await look(google, region=None)
    assert proposal.warnings == ("Cloud Run services: name their region with --region",)
    assert "chat" in loaded(tmp_path, proposal).systems["shop"].services  # its uptime check
    assert google.asked("projects.locations.services.list") == []


async def test_an_empty_project_is_no_proposal(google: GoogleStage) -> None:
    proposal = await look(google, dict.fromkeys(APIS, ()))
    assert (proposal.entries, proposal.warnings) == ((), ())


async def test_pages_are_read_up_to_a_limit(google: GoogleStage, tmp_path: Path) -> None:
    many = [run_service(f"s{number:03}") for number in range(discovery.MOST + 50)]
    proposal = await look(google, {"run": many})
    assert "Cloud Run services: there are more than 200" in proposal.warnings
    assert {"s000", "s199"} <= set(loaded(tmp_path, proposal).systems["shop"].services)
    assert "s200" not in loaded(tmp_path, proposal).systems["shop"].services


NAMES = st.text(max_size=12) | st.sampled_from(
    ["", "a b", "a.b", '"', "x\u202e", "\x1b[2J", "A", "a", "日本", "x" * 300]
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, max_size=6), words=st.lists(NAMES, min_size=2, max_size=2))
def test_whatever_names_there_are_the_proposal_loads(tmp_path: Path, names: list[str], words: list[str]) -> None:
    finder = discovery._Finder(GcpConfig(project=PROJECT, region=REGION), {}, Draft("google", "shop"))
    resource = discovery.Monitored(labels={"host": words[0]})
    databases = [discovery.Database(name=name, database_version=words[1]) for name in names]
    everything: dict[str, list[Any]] = {
        "sql": databases,
        "redis": [discovery.Named(name=f"p/a/l/{words[0]}/i/{name}") for name in names],
        "hosting": [discovery.Named(name=name) for name in names],
        "uptime": [discovery.Check(name=name, display_name=words[1], monitored_resource=resource) for name in names],
        "secrets": [discovery.Named(name=name) for name in names],
    }
    for kind, items in everything.items():
        finder.take(kind, items)
    loaded(tmp_path, finder.proposal())
