"""Secret Manager: states and ages of versions; values go in and never out."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.google.secrets import SecretsApi
from tuiops.errors import AccessDenied, QueryRefused, SourceError
from tuiops.sources.abilities import Acts, AddsSecretVersion, Progress, StateChanged, Target

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

KEY = """
[systems.shop.services.api]
[systems.shop.resources.key]
kind = "secret"
source = "gcp"
service = "api"
name = "payment-key"
rotate = "> 90d"
"""
TARGET = Target("shop", "key")
CANARY = b"canary-5up3r-s3cret-value"
IN_BASE64 = "Y2FuYXJ5LTV1cDNyLXMzY3JldC12YWx1ZQ=="


@pytest.fixture
def secrets(google: GoogleStage) -> SecretsApi:
    """The API with a secret of one version."""
    api = google.teach(SecretsApi(google.clock))
    api.create("payment-key")
    api.add("payment-key")
    return api


async def readings(source: GcpSource) -> dict[str, Reading]:
    return {reading.indicator: reading for reading in (await source.read_health()).readings}


async def test_the_age_is_that_of_the_newest_enabled_version(google: GoogleStage, secrets: SecretsApi) -> None:
    google.clock.advance(86_400)
    secrets.add("payment-key")
    google.clock.advance(3600)
    secrets.add("payment-key")["state"] = "DISABLED"
    google.clock.advance(3600)

    found = await readings(google.source(KEY))

    assert (found["resource:key:age"].value, found["resource:key:age"].note) == (7200, "version 2")
    assert found["resource:key"].value == 1
    assert found["resource:key"].note == (
        "version 2 enabled · version 3, the latest, is disabled · 1 disabled, 2 enabled in all"
    )


async def test_one_enabled_version_is_well(google: GoogleStage, secrets: SecretsApi) -> None:
    found = await readings(google.source(KEY))

    assert (found["resource:key"].value, found["resource:key"].note) == (0, "version 1 enabled")


async def test_without_an_enabled_version_a_secret_is_down_and_has_no_age(google: GoogleStage) -> None:
    google.teach(SecretsApi(google.clock)).create("payment-key")

    found = await readings(google.source(KEY))

    assert (found["resource:key"].value, found["resource:key"].note) == (2, "no enabled version")
    assert found["resource:key:age"].value is None


async def test_where_older_versions_are_not_read_none_enabled_is_not_called_down(
    google: GoogleStage, secrets: SecretsApi
) -> None:
    for _ in range(100):
        secrets.add("payment-key")["state"] = "DISABLED"

    found = await readings(google.source(KEY))

    why = "none of the newest 100 versions is enabled; older ones not read"
    assert {reading.unknown for reading in found.values()} == {why}
    assert found["resource:key"].value is found["resource:key:age"].value is None


async def test_what_is_about_to_be_lost_is_told(google: GoogleStage, secrets: SecretsApi) -> None:
    now = google.clock.now()
    old = secrets.add("payment-key")
    old |= {"state": "DISABLED", "scheduledDestroyTime": (now + timedelta(days=2)).isoformat()}
    secrets.add("payment-key")
    secrets.create("other", expireTime=(now + timedelta(days=3)).isoformat())
    secrets.add("other")
    other = KEY.replace("resources.key]", "resources.other]").replace("[systems.shop.services.api]", "")

    found = await readings(google.source(KEY + other.replace("payment-key", "other")))

    assert "version 2 will be destroyed in 2d0h" in found["resource:key"].note
    assert (found["resource:other"].value, found["resource:other"].note) == (1, "version 1 enabled · expires in 3d0h")


async def test_a_rotation_that_is_overdue_is_told(google: GoogleStage, secrets: SecretsApi) -> None:
    due = google.clock.now() - timedelta(days=2)
    secrets.create("payment-key", rotation={"nextRotationTime": due.isoformat()})
    secrets.add("payment-key")

    assert "rotation is overdue by 2d0h" in (await readings(google.source(KEY)))["resource:key"].note


async def test_a_state_that_nobody_knows_is_not_taken_for_enabled(google: GoogleStage, secrets: SecretsApi) -> None:
    google.fault(
        "secretmanager",
        "versions.list",
        change=lambda page: page | {"versions": [page["versions"][0] | {"state": "FROZEN", "novelty": 1}]},
    )

    found = (await readings(google.source(KEY)))["resource:key"]

    assert (found.value, found.note) == (2, "no enabled version · 1 frozen")


async def test_one_secret_that_is_forbidden_leaves_the_others_alone(google: GoogleStage, secrets: SecretsApi) -> None:
    secrets.create("other")
    secrets.add("other")
    google.fault("secretmanager", path="/secrets/other", status=403, message="no secretmanager.versions.list")
    other = KEY.replace("resources.key]", "resources.other]").replace("[systems.shop.services.api]", "")
    source = google.source(KEY + other.replace("payment-key", "other"))

    update = await source.read_health()
    found: dict[str, Reading] = {reading.indicator: reading for reading in update.readings}

    assert found["resource:key"].value == 0
    refusal = "secretmanager forbids this (403): no secretmanager.versions.list"
    assert found["resource:other"].unknown == found["resource:other:age"].unknown == refusal
    assert update.warnings == (f"Secret Manager other: {refusal}",)


# Adding a version.


async def test_a_version_is_added(google: GoogleStage, secrets: SecretsApi) -> None:
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")
    receipt = await source.perform_secret(prepared, CANARY)
    later = await source.look_up(receipt)

    assert isinstance(source, AddsSecretVersion)
    assert isinstance(source, Acts)
    assert " ".join(prepared.argv) == (
        "gcloud secrets versions add payment-key --data-file=- --project=shop-production"
    )
    assert receipt.progress is later.progress is Progress.DONE
    assert prepared.after[0] == receipt.facts[0]
    assert secrets.values["projects/shop-production/secrets/payment-key/versions/2"] == CANARY


async def test_a_value_appears_nowhere_but_in_its_request(
    google: GoogleStage, secrets: SecretsApi, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")
    receipt = await source.perform_secret(prepared, CANARY)
    later = await source.look_up(receipt)

    said = capfd.readouterr()
    shown = [caplog.text, said.out, said.err, repr(source), repr(vars(source))]
    for value in (prepared, receipt, later):
        shown += [repr(value), repr(msgspec.json.encode(value)), repr(pickle.dumps(value))]
    for text in shown:
        assert CANARY.decode() not in text
        assert IN_BASE64[:12] not in text


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500])
@pytest.mark.parametrize("quoted", [CANARY.decode(), "5up3r-s3cret", IN_BASE64, IN_BASE64[:16], IN_BASE64[9:21]])
async def test_a_server_that_quotes_the_value_is_not_quoted(
    google: GoogleStage, secrets: SecretsApi, status: int, quoted: str
) -> None:
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")
    google.fault("secretmanager", "addVersion", status=status, message=f"Invalid value at payload.data: {quoted}")

    try:
        said = repr(await source.perform_secret(prepared, CANARY))
    except SourceError as error:
        said = "".join(traceback.format_exception(error))

    assert "its own words are not shown, for they may quote the value" in said
    assert quoted not in said


async def test_a_refusal_keeps_its_kind(google: GoogleStage, secrets: SecretsApi) -> None:
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")
    google.fault("secretmanager", "addVersion", status=403, message="no secretmanager.versions.add")
    with pytest.raises(AccessDenied, match=r"^secretmanager: access denied; its own words are not shown"):
        await source.perform_secret(prepared, CANARY)


async def test_without_a_value_nothing_is_performed(google: GoogleStage, secrets: SecretsApi) -> None:
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")

    with pytest.raises(QueryRefused, match="use perform_secret"):
        await source.perform(prepared)
    for value in (b"", b"x" * 65_537):
        with pytest.raises(QueryRefused, match="1 to 65536 bytes"):
            await source.perform_secret(prepared, value)

    assert google.asked("addVersion") == []


async def test_a_version_that_somebody_else_added_since_is_a_reason_to_stop(
    google: GoogleStage, secrets: SecretsApi
) -> None:
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")
    secrets.add("payment-key")

    with pytest.raises(StateChanged):
        await source.perform_secret(prepared, CANARY)

    assert google.asked("addVersion") == []


async def test_a_version_whose_answer_was_lost_is_not_claimed(google: GoogleStage, secrets: SecretsApi) -> None:
    source = google.source(KEY)
    prepared = await source.prepare_secret_version(TARGET, "1")
    google.fault("secretmanager", "addVersion", lost=True)

    lost = await source.perform_secret(prepared, CANARY)
    later = await source.look_up(lost)

    assert lost.progress is later.progress is Progress.UNKNOWN
    assert later.text == "version 2 has appeared; whether it holds this value is not told"
    assert len(google.asked("addVersion")) == 1


def test_no_code_can_ask_for_a_value() -> None:
    folder = Path(__file__).parents[3] / "tuiops" / "sources" / "gcp"
    found = [path.name for path in folder.rglob("*.py") if re.search(r":access\b", path.read_text(encoding="utf-8"))]

    assert found == []


async def test_no_value_is_asked_for_whatever_is_done(google: GoogleStage, secrets: SecretsApi) -> None:
    source = google.source(KEY)
    await source.read_health()
    await source.look_up(await source.perform_secret(await source.prepare_secret_version(TARGET, "1"), CANARY))

    assert {call.method.id.rpartition(".")[2] for call in google.calls} == {"get", "list", "addVersion"}
