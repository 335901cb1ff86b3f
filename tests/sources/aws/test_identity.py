"""Where AWS credentials come from, and what is said when there are none."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.servers.ministack import KEYS, REGION
from tests.servers.ports import free_port
from tests.sources.hostile import Hostile, Request
from tuiops.config.credentials import AwsCredentials
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, SourceError, TimedOut, Unreachable
from tuiops.sources import look_up
from tuiops.sources.aws.auth import LOOK_AGAIN, AwsAuth
from tuiops.sources.aws.identity import Identity, Keys
from tuiops.sources.look_up import AGAIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.moto import Moto

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OWN = Keys(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], None)
ROLE = "arn:aws:iam::123456789012:role/ops"


def auth(credentials: AwsCredentials, clock: FakeClock | None = None) -> AwsAuth:
    return AwsAuth(credentials, REGION, clock or FakeClock(NOW))


async def keys(**settings: str) -> Keys:
    found = auth(AwsCredentials(**settings))
    try:
        return await found.keys()
    finally:
        await found.close()


async def refusal(kind: type[SourceError] = AccessDenied, **settings: str) -> str:
    with pytest.raises(kind) as caught:
        await keys(**settings)
    return str(caught.value)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without keys; `config` in it is the AWS configuration."""
    for name in KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


async def test_the_environment_comes_first() -> None:
    assert await keys() == OWN


async def test_nothing_at_all_is_logged_out(home: Path) -> None:
    assert await refusal() == (
        "logged out: no AWS credentials in the environment, profile default, container or instance; "
        "run `aws configure` or `aws sso login`"
    )


async def test_a_profile_is_read_from_its_files(home: Path) -> None:
    (home / "credentials").write_text("[ops]\naws_access_key_id = A\naws_secret_access_key = B\n")
    assert await keys(profile="ops") == Keys("A", "B", None)
    assert "there is no AWS profile other" in await refusal(profile="other")


async def test_a_profile_that_is_incomplete_or_broken_says_so(home: Path) -> None:
    (home / "credentials").write_text("[ops]\naws_access_key_id = A\n")
    assert "the AWS credentials are incomplete" in await refusal(profile="ops")
    (home / "config").write_text("no ini file at all = [\n")
    assert await refusal(profile="ops")


async def test_a_command_may_hand_out_keys(home: Path) -> None:
    script = home / "hand-out.py"
    script.write_text('print(\'{"Version": 1, "AccessKeyId": "C", "SecretAccessKey": "D", "SessionToken": "E"}\')')
    (home / "config").write_text(f"[profile ops]\ncredential_process = {sys.executable} {script}\n")
    assert await keys(profile="ops") == Keys("C", "D", "E")
    script.write_text("raise SystemExit('no luck')")
    assert "no luck" in await refusal(profile="ops")


async def test_an_sso_session_that_has_ended_names_the_login(home: Path) -> None:
    (home / "config").write_text(
        "[profile ops]\nsso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = ops\n"
    )
    assert await refusal(profile="ops") == (
        "logged out: the SSO session of profile ops has ended; run `aws sso login --profile ops`"
    )
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(b"https://x.awsapps.com/start").hexdigest()
    stale = {"startUrl": "https://x.awsapps.com/start", "accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z"}
    (cache / f"{name}.json").write_text(json.dumps(stale))
    assert "the SSO session of profile ops has ended" in await refusal(profile="ops")


async def test_a_role_is_assumed_with_its_external_id(moto: Moto) -> None:
    found = await keys(role=ROLE, external_id="partner", sts_endpoint=moto.url)
    assert found.access_key.startswith("ASIA")
    assert found.token


async def test_what_a_role_is_asked_for_is_what_is_configured() -> None:
    async def handler(request: Request) -> None:
        assert "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fops" in request.body
        assert "ExternalId=partner" in request.body
        assert "RoleSessionName=tuiops" in request.body
        body = (
            b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
            b"<Message>User: arn:aws:iam::1:user/ops is not authorized to perform: sts:AssumeRole</Message></Error>"
            b"</ErrorResponse>"
        )
        await request.answer(body, "403 Forbidden", Content_Type="text/xml")

    async with Hostile(handler) as server:
        said = await refusal(role=ROLE, external_id="partner", sts_endpoint=server.url)
    assert said.startswith(f"logged out: {ROLE}: AssumeRole was refused: AccessDenied: User: arn:aws:iam::1:user/ops")


async def test_sts_that_is_not_there_is_unreachable() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert await refusal(Unreachable, role=ROLE, sts_endpoint=url) == (
        f"AWS credentials cannot be renewed: {url}/ cannot be reached"
    )


async def test_a_chain_of_roles_is_followed(home: Path, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    (home / "credentials").write_text("[base]\naws_access_key_id = A\naws_secret_access_key = B\n")
    (home / "config").write_text(
        f"[profile one]\nrole_arn = {ROLE}\nsource_profile = base\n"
        "[profile two]\nrole_arn = arn:aws:iam::123456789012:role/more\nsource_profile = one\n"
    )
    found = await keys(profile="two")
    assert found.access_key.startswith("ASIA")


async def test_a_second_factor_is_never_asked_for_on_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "credentials").write_text("[base]\naws_access_key_id = A\naws_secret_access_key = B\n")
    (home / "config").write_text(
        f"[profile mfa]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    )
    assert await refusal(profile="mfa") == (
        "logged out: profile mfa asks for a code of a second factor; "
        "run `aws sts get-caller-identity --profile mfa` and enter it there"
    )


async def test_a_role_that_the_command_line_assumed_is_used(home: Path) -> None:
    """After `aws sts get-caller-identity --profile mfa` the code needs no second entry."""
    (home / "credentials").write_text("[base]\naws_access_key_id = A\naws_secret_access_key = B\n")
    serial = "arn:aws:iam::123456789012:mfa/me"
    (home / "config").write_text(f"[profile mfa]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = {serial}\n")
    cache = home / ".aws" / "cli" / "cache"
    cache.mkdir(parents=True)
    wanted = json.dumps({"RoleArn": ROLE, "SerialNumber": serial}, sort_keys=True)
    path = cache / f"{hashlib.sha1(wanted.encode()).hexdigest()}.json"
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    kept = {"AccessKeyId": "K", "SecretAccessKey": "L", "SessionToken": "M", "Expiration": later}
    path.write_text(json.dumps({"Credentials": kept}))

    assert await keys(profile="mfa") == Keys("K", "L", "M")
    assert [found.name for found in cache.iterdir()] == [path.name]  # nothing of ours is written to disk


async def test_a_container_hands_out_keys_and_new_ones_in_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore renews from 15 minutes before their end: keys that end in ten are asked for again each time."""
    count = 0

    async def handler(request: Request) -> None:
        nonlocal count
        count += 1
        end = (datetime.now(UTC) + timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = {"AccessKeyId": f"K{count}", "SecretAccessKey": "S", "Token": "T", "Expiration": end}
        await request.answer(json.dumps(found).encode())

    clock = FakeClock(NOW)
    async with Hostile(handler) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/keys")
        found = auth(AwsCredentials(), clock)
        first = await found.keys()
        again = await found.keys()
        clock.advance(LOOK_AGAIN + 1)
        later = await found.keys()
        await found.close()

    assert first.access_key == again.access_key
    assert later.access_key != first.access_key


async def test_an_instance_hands_out_keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(request: Request) -> None:
        path = request.target
        if path.endswith("/api/token"):
            await request.answer(b"token", X_aws_ec2_metadata_token_ttl_seconds="21600")
        elif path.endswith("/security-credentials/"):
            await request.answer(b"machine")
        else:
            end = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
            found = {"Code": "Success", "AccessKeyId": "I", "SecretAccessKey": "J", "Token": "K", "Expiration": end}
            await request.answer(json.dumps(found).encode())

    async with Hostile(handler) as server:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{server.url}/")
        assert await keys() == Keys("I", "J", "K")


class _Slow(Identity):
    """One that answers when told to."""

    def __init__(self) -> None:
        super().__init__(AwsCredentials(), REGION)
        self.asked = 0
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.error: SourceError | None = None

    def keys(self) -> Keys:
        self.asked += 1
        self.begun.set()
        self.gate.wait(30)
        if self.error is not None:
            raise self.error
        return OWN


async def test_many_requests_lead_to_one_look_up() -> None:
    identity = _Slow()
    found = AwsAuth(AwsCredentials(), REGION, FakeClock(NOW), identity)
    asking = [asyncio.create_task(found.keys()) for _ in range(20)]
    await asyncio.sleep(0)
    identity.gate.set()
    assert set(await asyncio.gather(*asking)) == {OWN}
    assert identity.asked == 1
    await found.close()


async def test_a_failure_stands_for_some_seconds() -> None:
    identity, clock = _Slow(), FakeClock(NOW)
    identity.gate.set()
    identity.error = AccessDenied("logged out: x")
    found = AwsAuth(AwsCredentials(), REGION, clock, identity)
    for _ in range(3):
        with pytest.raises(AccessDenied):
            await found.keys()
    assert identity.asked == 1
    clock.advance(AGAIN + 1)
    identity.error = None
    assert await found.keys() == OWN
    await found.close()


async def test_a_look_up_that_hangs_holds_up_nothing_but_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_up, "PATIENCE", 0.05)
    identity = _Slow()
    found = AwsAuth(AwsCredentials(), REGION, FakeClock(NOW), identity)
    with pytest.raises(TimedOut, match="does a credential_process or SSO hang"):
        await found.keys()
    await found.close()
    identity.gate.set()


async def test_keys_that_are_refused_while_a_look_up_hangs_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_up, "PATIENCE", 0.05)
    identity, clock = _Slow(), FakeClock(NOW)
    found = AwsAuth(AwsCredentials(), REGION, clock, identity)
    identity.gate.set()
    refused = await found.keys()
    identity.gate.clear()
    clock.advance(LOOK_AGAIN + 1)
    with pytest.raises(TimedOut):
        await found.keys()
    async with asyncio.timeout(10):
        with pytest.raises(TimedOut, match="does a credential_process or SSO hang"):
            await found.renew(refused)
    await found.close()
    identity.gate.set()


async def test_who_waits_for_keys_gets_them_when_another_one_closes() -> None:
    """A source that a new configuration drops closes what a log stream goes on with."""
    identity = _Slow()
    found = AwsAuth(AwsCredentials(), REGION, FakeClock(NOW), identity)
    waiting = asyncio.create_task(found.keys())
    assert await asyncio.to_thread(identity.begun.wait, 30)
    await found.close()
    identity.gate.set()
    assert await waiting == OWN
    assert await found.keys() == OWN
    assert identity.asked == 2  # what was closed forgot its keys
    await found.close()


def test_keys_are_never_shown() -> None:
    assert repr(OWN) == "<Keys>"
    assert str([OWN]) == "[<Keys>]"
    assert "AKIA" not in repr(AwsAuth(AwsCredentials(), REGION, FakeClock(NOW)))
