"""Secrets Manager: stages and ages of versions; values go in and never out. From Moto where it can, else a script."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tuiops.config.resources import SecretsManagerResource
from tuiops.config.systems import Service, System
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, QueryRefused, SourceError
from tuiops.sources.abilities import Acts, AddsSecretVersion, Progress, StateChanged, Target, Tells

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.moto import Moto
    from tuiops.core.health import Reading
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.source import AwsSource

TARGET = Target("shop", "key")
CANARY = b"canary-5up3r-s3cret-value"
FIRST, SECOND, THIRD, FOURTH = (digit * 32 for digit in "1234")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:payment-key-AbCdEf"


def system(*names: str) -> dict[str, System]:
    resources = {
        "key" if name == "payment-key" else name: SecretsManagerResource(
            source="aws", service="api", name=name, rotate="> 90d"
        )
        for name in names or ("payment-key",)
    }
    return {"shop": System(services={"api": Service()}, resources=dict(resources))}


def secret(**members: Any) -> dict[str, Any]:
    return {"ARN": ARN, "Name": "payment-key", "VersionIdsToStages": {FIRST: ["AWSCURRENT"]}, **members}


def versions(*ids: str, **more: Any) -> dict[str, Any]:
    return {"Versions": [{"VersionId": one, "CreatedDate": at(-60)} for one in ids], **more}


@asynccontextmanager
async def scripted(*names: str, **answers: Any) -> AsyncIterator[tuple[AwsSource, Scripted, FakeClock]]:
    answers = {"DescribeSecret": secret(), "ListSecretVersionIds": versions(FIRST)} | answers
    script, clock = Scripted("secretsmanager", **answers), FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"secretsmanager": server.url}, system(*names), clock)
        try:
            yield source, script, clock
        finally:
            await source.close()


async def readings(source: AwsSource) -> dict[str, Reading]:
    return {str(reading.indicator): reading for reading in (await source.read_health()).readings}


@pytest.fixture
async def account(moto: Moto) -> AsyncIterator[tuple[AwsSource, AwsClient]]:
    """An account of Moto's with a secret of one version."""
    client = aws_client(aws_config(moto.url))
    await client.call("secretsmanager", "CreateSecret", {"Name": "payment-key", "SecretString": "first"})
    source = source_of(moto.url, system())
    yield source, client
    await source.close()
    params = {"SecretId": "payment-key", "ForceDeleteWithoutRecovery": True}
    await client.call("secretsmanager", "DeleteSecret", params)
    await client.close()


async def value_of(client: AwsClient) -> str:
    """The test may ask for it; the product has no way to."""
    found = await client.call("secretsmanager", "GetSecretValue", {"SecretId": "payment-key"})
    return str(found["SecretString"])


async def test_a_secret_stands_by_its_current_version(account: tuple[AwsSource, AwsClient]) -> None:
    found = await readings(account[0])

    assert found["resource:key"].value == 0.0
    assert re.fullmatch(r"version [0-9a-f]{8} is current", found["resource:key"].note)
    age = found["resource:key:age"]
    assert age.value is not None
    assert age.value < 600
    assert found["resource:key"].note == f"{age.note} is current"


async def test_the_age_is_that_of_the_current_version_and_is_asked_for_when_another_one_becomes_it() -> None:
    async with scripted() as (source, script, clock):
        first = await readings(source)
        await readings(source)
        asked = script.count("ListSecretVersionIds")
        script.answers["DescribeSecret"] = secret(
            VersionIdsToStages={FIRST: ["AWSPREVIOUS"], SECOND: ["AWSCURRENT", "AWSPENDING"]}
        )
        script.answers["ListSecretVersionIds"] = {"Versions": [{"VersionId": SECOND, "CreatedDate": at(0)}]}
        clock.advance(30)
        later = await readings(source)

    assert (first["resource:key:age"].value, first["resource:key:age"].note) == (3600.0, "version 11111111")
    assert asked == 1
    assert (later["resource:key:age"].value, later["resource:key:age"].note) == (30.0, "version 22222222")


@pytest.mark.parametrize(
    ("members", "value", "note"),
    [
        ({"DeletedDate": at(0)}, 2.0, "is to be deleted, and cannot be read: 2026-05-01"),
        ({"VersionIdsToStages": {}}, 2.0, "no version is the current one"),
        ({"VersionIdsToStages": {FIRST: ["AWSPREVIOUS"]}}, 2.0, "no version is the current one"),
        (
            {"RotationEnabled": True, "NextRotationDate": at(-120)},
            1.0,
            "rotation is overdue by 2h00 · version 11111111 is current",
        ),
        ({"RotationEnabled": False, "NextRotationDate": at(-120)}, 0.0, "version 11111111 is current"),
        ({"RotationEnabled": True, "NextRotationDate": at(120)}, 0.0, "version 11111111 is current"),
        (
            {
                "ReplicationStatus": [
                    {"Region": "eu-west-1", "Status": "Failed"},
                    {"Region": "x-y-1", "Status": "InSync"},
                ]
            },
            1.0,
            "not replicated to eu-west-1 · version 11111111 is current",
        ),
    ],
)
async def test_what_a_secret_may_be(members: dict[str, Any], value: float, note: str) -> None:
    async with scripted(DescribeSecret=secret(**members)) as (source, _, _):
        found = (await readings(source))["resource:key"]

    assert (found.value, found.note) == (value, note)


async def test_an_age_that_is_not_listed_yet_is_asked_for_again() -> None:
    async with scripted(ListSecretVersionIds=versions()) as (source, script, _):
        early = await readings(source)
        script.answers["ListSecretVersionIds"] = versions(FIRST)
        later = await readings(source)

    assert (early["resource:key:age"].value, later["resource:key:age"].value) == (None, 3600.0)


async def test_without_the_right_to_list_versions_the_state_is_known_all_the_same() -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDeniedException", "not authorized to perform secretsmanager:ListSecretVersionIds", 400)

    async with scripted(ListSecretVersionIds=refuse) as (source, _, _):
        update = await source.read_health()

    found = {str(reading.indicator): reading for reading in update.readings}
    assert found["resource:key"].value == 0.0
    assert "ListSecretVersionIds" in found["resource:key:age"].unknown
    assert "payment-key" in update.warnings[0]


async def test_without_a_limit_of_its_age_versions_are_not_listed() -> None:
    resource = SecretsManagerResource(source="aws", service="api", name="payment-key")
    script = Scripted("secretsmanager", DescribeSecret=secret())
    async with Hostile(script) as server:
        systems = {"shop": System(services={"api": Service()}, resources={"key": resource})}
        source = source_of({"secretsmanager": server.url}, systems, FakeClock(at(0)))
        found = await readings(source)
        await source.close()

    assert list(found) == ["resource:key"]
    assert script.count("ListSecretVersionIds") == 0


async def test_without_a_current_version_the_age_is_not_known() -> None:
    async with scripted(DescribeSecret=secret(VersionIdsToStages={})) as (source, _, _):
        assert (await readings(source))["resource:key:age"].value is None


async def test_one_secret_that_is_forbidden_leaves_the_others_alone() -> None:
    def describe(params: dict[str, Any]) -> dict[str, Any]:
        if params["SecretId"] == "other":
            said = "User: arn:aws:iam::1:user/ops is not authorized to perform: secretsmanager:DescribeSecret on x"
            raise Refuses("AccessDeniedException", said)
        return secret()

    async with scripted("payment-key", "other", DescribeSecret=describe) as (source, _, _):
        update = await source.read_health()

    found = {str(reading.indicator): reading for reading in update.readings}
    why = "the permission secretsmanager:DescribeSecret is missing for arn:aws:iam::1:user/ops"
    assert found["resource:key"].value == 0.0
    assert found["resource:other"].unknown == found["resource:other:age"].unknown == why
    assert update.warnings == (f"Secrets Manager other: {why}",)


# Adding a version.


async def test_a_version_is_added(account: tuple[AwsSource, AwsClient]) -> None:
    source, client = account
    before = (await client.call("secretsmanager", "DescribeSecret", {"SecretId": "payment-key"}))["VersionIdsToStages"]
    prepared = await source.prepare_secret_version(TARGET, "1")
    receipt = await source.perform_secret(prepared, CANARY)
    later = await source.look_up(receipt)

    assert isinstance(source, AddsSecretVersion)
    assert isinstance(source, Acts)
    version = receipt.operation
    assert " ".join(prepared.argv) == (
        f"aws secretsmanager put-secret-value --secret-id payment-key --client-request-token {version} "
        "--secret-string file:///dev/stdin --region us-east-1"
    )
    (old,) = before
    assert prepared.before[0].value == old
    assert [(fact.what, fact.value) for fact in prepared.after] == [
        ("current version", version),
        ("previous version", old),
    ]
    assert (receipt.progress, later.progress) == (Progress.RUNNING, Progress.DONE)
    assert [(fact.what, fact.value) for fact in later.facts] == [
        ("current version", version),
        ("other versions", f"{old} (AWSPREVIOUS)"),
    ]
    assert prepared.undo == f"move the stage AWSCURRENT back to {old}"
    assert await value_of(client) == CANARY.decode()


async def test_the_same_action_twice_adds_one_version(account: tuple[AwsSource, AwsClient]) -> None:
    source, client = account
    prepared = await source.prepare_secret_version(TARGET, "1")
    first = await source.perform_secret(prepared, CANARY)
    second = await source.perform_secret(prepared, CANARY)
    with pytest.raises(SourceError, match="its own words are not shown"):
        await source.perform_secret(prepared, b"another value")

    found = await client.call("secretsmanager", "DescribeSecret", {"SecretId": "payment-key"})
    assert first.operation == second.operation
    assert len(found["VersionIdsToStages"]) == 2
    assert await value_of(client) == CANARY.decode()


async def test_a_value_appears_nowhere_but_in_its_request(
    account: tuple[AwsSource, AwsClient], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    source, _ = account
    caplog.set_level(logging.DEBUG)
    prepared = await source.prepare_secret_version(TARGET, "1")
    receipt = await source.perform_secret(prepared, CANARY)
    later = await source.look_up(receipt)

    said = capfd.readouterr()
    shown = [caplog.text, said.out, said.err, repr(source), repr(vars(source))]
    for value in (prepared, receipt, later):
        shown += [repr(value), repr(msgspec.json.encode(value)), repr(pickle.dumps(value))]
    for text in shown:
        assert CANARY.decode() not in text


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidParameterException", 400),
        ("AccessDeniedException", 400),
        ("ThrottlingException", 400),
        ("ResourceExistsException", 400),
        ("ResourceNotFoundException", 400),
        ("InternalServiceError", 500),
        ("ExpiredTokenException", 400),
    ],
)
@pytest.mark.parametrize("quoted", [CANARY.decode(), "5up3r-s3cret"])
async def test_a_server_that_quotes_the_value_is_not_quoted(code: str, status: int, quoted: str) -> None:
    def refuse(params: dict[str, Any]) -> dict[str, Any]:
        raise Refuses(code, f"Invalid SecretString: {quoted}", status)

    async with scripted(PutSecretValue=refuse) as (source, _, _):
        prepared = await source.prepare_secret_version(TARGET, "1")
        try:
            said = repr(await source.perform_secret(prepared, CANARY))
        except SourceError as error:
            said = "".join(traceback.format_exception(error))

    assert "its own words are not shown, for they may quote the value" in said
    assert quoted not in said


async def test_a_refusal_keeps_its_kind() -> None:
    def refuse(params: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDeniedException", "no")

    async with scripted(PutSecretValue=refuse) as (source, _, _):
        prepared = await source.prepare_secret_version(TARGET, "1")
        with pytest.raises(AccessDenied, match=r"^secretsmanager: access denied; its own words are not shown"):
            await source.perform_secret(prepared, CANARY)


async def test_without_a_value_that_can_be_nothing_is_performed() -> None:
    async with scripted() as (source, script, _):
        prepared = await source.prepare_secret_version(TARGET, "1")
        with pytest.raises(QueryRefused, match="use perform_secret"):
            await source.perform(prepared)
        for value in (b"", b"x" * 65_537):
            with pytest.raises(QueryRefused, match="1 to 65536 bytes"):
                await source.perform_secret(prepared, value)
        with pytest.raises(QueryRefused, match="no text in UTF-8") as caught:
            await source.perform_secret(prepared, CANARY + b"\xff")

    assert CANARY.decode() not in "".join(traceback.format_exception(caught.value))
    assert script.count("PutSecretValue") == 0


async def test_what_cannot_get_a_version_is_refused() -> None:
    async with scripted() as (source, script, _):
        with pytest.raises(QueryRefused, match="shop has no secret nothing"):
            await source.prepare_secret_version(Target("shop", "nothing"), "1")
        script.answers["DescribeSecret"] = secret(DeletedDate=at(0))
        with pytest.raises(QueryRefused, match="is to be deleted"):
            await source.prepare_secret_version(TARGET, "1")


async def test_a_version_that_somebody_else_added_since_is_a_reason_to_stop() -> None:
    async with scripted() as (source, script, _):
        prepared = await source.prepare_secret_version(TARGET, "1")
        script.answers["DescribeSecret"] = secret(VersionIdsToStages={FIRST: ["AWSPREVIOUS"], SECOND: ["AWSCURRENT"]})
        with pytest.raises(StateChanged) as raised:
            await source.perform_secret(prepared, CANARY)

    assert raised.value.facts[0].value == SECOND
    assert script.count("PutSecretValue") == 0


async def test_a_version_whose_answer_was_lost_is_known_by_its_id() -> None:
    def lost(params: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("InternalServiceError", "lost", 500)

    async with scripted(PutSecretValue=lost) as (source, script, _):
        unknown = await source.perform_secret(await source.prepare_secret_version(TARGET, "1"), CANARY)
        missing = await source.look_up(unknown)
        (version,) = (params["ClientRequestToken"] for name, params in script.asked if name == "PutSecretValue")
        script.answers["ListSecretVersionIds"] = lambda params: (
            versions(version) if "NextToken" in params else versions(FIRST, NextToken="2")
        )
        found = await source.look_up(missing)
        script.answers["ListSecretVersionIds"] = versions(FIRST)
        cleaned_up = await source.look_up(found)

    assert (unknown.progress, missing.progress) == (Progress.UNKNOWN, Progress.UNKNOWN)
    assert missing.text == "the version is not there so far"
    assert (found.progress, found.operation) == (Progress.DONE, version)
    assert cleaned_up == found


async def test_versions_are_told_the_one_that_is_read_first(account: tuple[AwsSource, AwsClient]) -> None:
    source, client = account
    first = await source.look_up(await source.perform_secret(await source.prepare_secret_version(TARGET, "1"), CANARY))
    second = await source.perform_secret(await source.prepare_secret_version(TARGET, "2"), b"another")
    acts: object = source.acting(TARGET)
    assert isinstance(acts, Tells)
    before = await acts.tell(TARGET, "secret_versions")
    stage = {
        "SecretId": "payment-key", "VersionStage": "AWSCURRENT",
        "MoveToVersionId": first.operation, "RemoveFromVersionId": second.operation,
    }  # fmt: skip
    await client.call("secretsmanager", "UpdateSecretVersionStage", stage)

    assert before == (second.operation, first.operation)
    assert await acts.tell(TARGET, "secret_versions") == (first.operation, second.operation)
    with pytest.raises(QueryRefused, match="a secret has no backups"):
        await acts.tell(TARGET, "backups")
    with pytest.raises(QueryRefused, match="shop has no secret nothing"):
        await acts.tell(Target("shop", "nothing"), "secret_versions")


async def test_versions_that_no_stage_names_are_not_told() -> None:
    listed = [
        {"VersionId": FIRST, "CreatedDate": at(-90)},
        {"VersionId": SECOND, "CreatedDate": at(-60), "VersionStages": ["AWSPREVIOUS"]},
        {"VersionId": THIRD, "CreatedDate": at(-30), "VersionStages": ["AWSCURRENT"]},
        {"VersionId": FOURTH, "CreatedDate": at(-10), "VersionStages": ["AWSPENDING"]},
    ]

    def pages(params: dict[str, Any]) -> dict[str, Any]:
        assert not params["IncludeDeprecated"]
        first = {"Versions": listed[:2], "NextToken": "2"}
        return first if "NextToken" not in params else {"Versions": listed[2:]}

    async with scripted(ListSecretVersionIds=pages) as (source, _, _):
        acts: object = source.acting(TARGET)
        assert isinstance(acts, Tells)
        assert await acts.tell(TARGET, "secret_versions") == (THIRD, FOURTH, SECOND)


def test_no_code_can_ask_for_a_value() -> None:
    folder = Path(__file__).parents[3] / "tuiops"
    found = [path.name for path in folder.rglob("*.py") if "GetSecretValue" in path.read_text(encoding="utf-8")]

    assert found == []


async def test_no_value_is_asked_for_whatever_is_done() -> None:
    answer = {"VersionId": SECOND}
    async with scripted(PutSecretValue=answer) as (source, script, _):
        await source.read_health()
        await source.look_up(await source.perform_secret(await source.prepare_secret_version(TARGET, "1"), CANARY))

    assert {name for name, _ in script.asked} == {"DescribeSecret", "ListSecretVersionIds", "PutSecretValue"}
