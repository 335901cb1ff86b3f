"""Google credentials: every kind, kept and renewed, and what is said when there are none or they are refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from google.auth.exceptions import TransportError

from tests.google.fixtures import PROJECT, private_key
from tests.google.oauth import IMPERSONATION, OAUTH, STS, claims
from tests.sources.certificates import Authority
from tests.sources.hostile import Hostile
from tests.sources.hostile import Request as Asked
from tests.waiting import eventually_answers
from tuiops.config.credentials import GoogleCredentials
from tuiops.errors import AccessDenied, SourceError, TimedOut, Unreachable
from tuiops.sources import look_up
from tuiops.sources.gcp import identity as identity_module
from tuiops.sources.gcp.auth import EARLY, GoogleAuth
from tuiops.sources.gcp.identity import Identity, Token
from tuiops.sources.gcp.token_transport import TokenAnswer, TokenTransport
from tuiops.sources.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.google.fixtures import GoogleStage

REQUEST = Request("GET", "https://run.googleapis.com/v2", {}, None)
ACCOUNT = f"deploy@{PROJECT}.iam.gserviceaccount.com"


class Redirected(TokenTransport):
    """Takes what is meant for Google to the fake."""

    def __init__(self, google: GoogleStage) -> None:
        super().__init__()
        self._places = {
            "https://oauth2.googleapis.com/token": f"{google.url}{OAUTH}",
            "https://sts.googleapis.com/v1/token": f"{google.url}{STS}",
            "https://iamcredentials.googleapis.com": f"{google.url}{IMPERSONATION}",
        }

    def __call__(self, url: str, *args: Any, **more: Any) -> TokenAnswer:
        for place, real in self._places.items():
            if url.startswith(place):
                url = real + url.removeprefix(place)
        return super().__call__(url, *args, **more)


def auth(google: GoogleStage, project: str | None = PROJECT, **config: Any) -> GoogleAuth:
    credentials = GoogleCredentials(**config)
    return GoogleAuth(credentials, google.clock, project, Identity(credentials, Redirected(google)))


def written(folder: Path, **info: object) -> str:
    path = folder / "credentials.json"
    path.write_text(json.dumps(info), encoding="utf-8")
    return str(path)


def person(folder: Path, **more: str) -> str:
    return written(folder, type="authorized_user", client_id="c", client_secret="s", refresh_token="r", **more)


async def sign(found: GoogleAuth) -> Mapping[str, str]:
    try:
        return await found.sign(REQUEST)
    finally:
        await found.close()


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, and no metadata server."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setattr(identity_module, "_METADATA", "http://127.0.0.1:9/")


async def test_a_service_account_signs_for_itself(google: GoogleStage) -> None:
    headers = await sign(auth(google, file=str(google.key_file())))

    assert headers == {"authorization": "Bearer ya29.token-1"}
    said = claims(google.tokens.grants[0]["assertion"])
    assert said["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert said["iss"] == f"console@{PROJECT}.iam.gserviceaccount.com"


async def test_a_person_counts_against_the_project_that_is_asked(google: GoogleStage, tmp_path: Path) -> None:
    headers = await sign(auth(google, file=person(tmp_path)))

    assert headers == {"authorization": "Bearer ya29.token-1", "x-goog-user-project": PROJECT}


@pytest.mark.parametrize(
    ("in_file", "configured", "project"),
    [({"quota_project_id": "theirs"}, None, "theirs"), ({"quota_project_id": "theirs"}, "ours", "ours")],
)
async def test_a_quota_project_that_is_named_counts_first(
    google: GoogleStage, tmp_path: Path, in_file: dict[str, str], configured: str | None, project: str
) -> None:
    headers = await sign(auth(google, file=person(tmp_path, **in_file), quota_project=configured))

    assert headers["x-goog-user-project"] == project


async def test_application_default_credentials_are_found_where_gcloud_leaves_them(
    google: GoogleStage, tmp_path: Path
) -> None:
    folder = tmp_path / "gcloud"
    folder.mkdir()
    (folder / "application_default_credentials.json").write_bytes((tmp_path / person(tmp_path)).read_bytes())

    assert (await sign(auth(google)))["authorization"] == "Bearer ya29.token-1"


async def test_the_variable_counts_before_gcloud(
    google: GoogleStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.key_file()))

    await sign(auth(google))

    assert "assertion" in google.tokens.grants[0]


async def test_workload_identity_trades_its_own_token(google: GoogleStage, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("proof-of-the-pipeline", encoding="utf-8")
    file = written(
        tmp_path,
        type="external_account",
        audience="//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url="https://sts.googleapis.com/v1/token",
        credential_source={"file": str(tmp_path / "token")},
    )

    headers = await sign(auth(google, file=file))

    assert headers == {"authorization": "Bearer ya29.token-1"}
    assert google.tokens.grants[0]["subject_token"] == "proof-of-the-pipeline"


async def test_a_machine_of_googles_has_an_account_of_its_own(
    google: GoogleStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """google-auth reads the variable when it is imported, so this needs a process of its own."""
    script = (
        "from tuiops.config.credentials import GoogleCredentials\n"
        "from tuiops.sources.gcp.identity import Identity\n"
        "print(Identity(GoogleCredentials()).token().text)"
    )
    monkeypatch.setenv("GCE_METADATA_HOST", google.url.removeprefix("http://"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, problem = await process.communicate()

    assert out.decode().strip() == "ya29.token-1", problem.decode()
    assert google.tokens.grants == [{"grant_type": "metadata"}]


async def test_another_account_is_impersonated(google: GoogleStage) -> None:
    headers = await sign(auth(google, file=str(google.key_file()), impersonate=ACCOUNT))

    assert headers == {"authorization": "Bearer ya29.token-2"}
    assert google.tokens.grants[1] == {"grant_type": "impersonation", "account": ACCOUNT}


async def test_a_token_is_kept_and_renewed_before_its_end(google: GoogleStage) -> None:
    found = auth(google, file=str(google.key_file()))
    first = await found.sign(REQUEST)

    google.clock.advance(3600 - EARLY - 10)
    assert await found.sign(REQUEST) == first
    google.clock.advance(20)

    async def renewed() -> bool:
        return await found.sign(REQUEST) != first

    await eventually_answers(renewed, "another token")
    google.clock.jump_wall(10 * 3600)
    await found.sign(REQUEST)
    assert len(google.tokens.grants) == 2
    await found.close()


async def test_those_who_ask_together_share_one_token(google: GoogleStage) -> None:
    found = auth(google, file=str(google.key_file()))

    signed = await asyncio.gather(*(found.sign(REQUEST) for _ in range(20)))

    assert len({one["authorization"] for one in signed}) == 1
    assert len(google.tokens.grants) == 1
    await found.close()


async def test_a_refused_token_is_replaced_once(google: GoogleStage) -> None:
    found = auth(google, file=str(google.key_file()))
    first = await found.sign(REQUEST)

    assert await found.renew(first)
    assert await found.renew(first)
    assert len(google.tokens.grants) == 2
    await found.close()


async def test_without_credentials_one_is_logged_out(google: GoogleStage) -> None:
    with pytest.raises(
        AccessDenied,
        match=r"^logged out: no application-default credentials on this machine; "
        r"run `gcloud auth application-default login`$",
    ):
        await sign(auth(google))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "are not JSON"),
        ("[]", "are not JSON"),
        ('{"type": "moon_account"}', "unknown type: moon_account"),
        ('{"type": "service_account"}', "logged out"),
        ('{"type": "service_account", "private_key": "x", "client_email": "a", "token_uri": "b"}', "logged out"),
        ('{"type": "authorized_user"}', "logged out"),
        ('{"type": "external_account", "credential_source": []}', "logged out"),
        ('{"type": "impersonated_service_account"}', "logged out"),
    ],
)
async def test_a_file_that_holds_no_credentials_is_named(
    google: GoogleStage, tmp_path: Path, content: str, why: str
) -> None:
    path = tmp_path / "odd.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(AccessDenied, match=why) as caught:
        await sign(auth(google, file=str(path)))

    assert str(caught.value).startswith("logged out: ")


async def test_a_file_that_is_gone_is_named(google: GoogleStage, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match=r"cannot be read: no such file.*check credentials.file"):
        await sign(auth(google, file=str(tmp_path / "gone.json")))


async def test_credentials_that_were_revoked_say_how_to_log_in(google: GoogleStage, tmp_path: Path) -> None:
    google.tokens.refuse("invalid_grant", "Token has been expired or revoked.")
    folder = tmp_path / "gcloud"
    folder.mkdir()
    (folder / "application_default_credentials.json").write_bytes((tmp_path / person(tmp_path)).read_bytes())

    with pytest.raises(
        AccessDenied, match=r"^logged out: invalid_grant: Token has been expired or revoked; run `gcloud"
    ):
        await sign(auth(google))


async def test_whoever_may_not_impersonate_is_told_what_it_needs(google: GoogleStage) -> None:
    google.tokens.refuse("denied", "Permission 'iam.serviceAccounts.getAccessToken' denied")

    with pytest.raises(AccessDenied, match="logged out: "):
        await sign(auth(google, file=str(google.key_file()), impersonate=ACCOUNT))


async def test_a_clock_that_is_off_is_the_reason_that_is_given(google: GoogleStage) -> None:
    google.tokens.date = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
    google.tokens.refuse("invalid_grant", "Invalid JWT: Token must be a short-lived token in a reasonable timeframe.")

    with pytest.raises(
        AccessDenied, match=r"^logged out: this machine's clock is 2h00 ahead of Google's; set it: invalid"
    ):
        await sign(auth(google, file=str(google.key_file())))


async def test_a_token_server_that_fails_does_not_log_out(google: GoogleStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    google.tokens.status = 503

    with pytest.raises(Unreachable, match="Google's token server fails"):
        await sign(auth(google, file=str(google.key_file())))


async def test_a_token_server_that_is_not_there_does_not_log_out(google: GoogleStage) -> None:
    with pytest.raises(Unreachable, match=r"Google's token server cannot be reached: 127.0.0.1: Connection refused"):
        await sign(auth(google, file=str(google.key_file(token_uri="http://127.0.0.1:9/token"))))


async def test_a_failure_stands_a_moment_and_is_then_tried_again(google: GoogleStage) -> None:
    google.tokens.refuse("invalid_grant", "no")
    found = auth(google, file=str(google.key_file()))

    for _ in range(5):
        with pytest.raises(AccessDenied):
            await found.sign(REQUEST)
    assert len(google.tokens.grants) == 1
    google.clock.advance(6)
    with pytest.raises(AccessDenied):
        await found.sign(REQUEST)
    assert len(google.tokens.grants) == 2
    await found.close()


async def test_logging_in_again_is_noticed(google: GoogleStage, tmp_path: Path) -> None:
    path = google.key_file(private_key="spoilt")
    found = auth(google, file=str(path))
    with pytest.raises(AccessDenied):
        await found.sign(REQUEST)

    google.key_file()
    google.clock.advance(6)

    assert (await found.sign(REQUEST))["authorization"].startswith("Bearer ")
    await found.close()


class Stuck(Identity):
    """Finds a token only when it is let."""

    def __init__(self, token: Token | SourceError) -> None:
        super().__init__(GoogleCredentials())
        self.gate = threading.Event()
        self._answer = token

    def token(self) -> Token:
        self.gate.wait()
        if isinstance(self._answer, SourceError):
            raise self._answer
        return self._answer


async def test_whoever_runs_out_of_time_leaves_the_look_up_to_the_next(google: GoogleStage) -> None:
    stuck = Stuck(Token("t", 3600, None, person=False))
    found = GoogleAuth(GoogleCredentials(), google.clock, None, stuck)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await found.sign(REQUEST)
    second = asyncio.create_task(found.sign(REQUEST))
    stuck.gate.set()

    assert await second == {"authorization": "Bearer t"}
    await found.close()


async def test_a_look_up_that_hangs_is_told_and_still_serves_the_next(
    google: GoogleStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck(Token("t", 3600, None, person=False))
    found = GoogleAuth(GoogleCredentials(), google.clock, None, stuck)
    with monkeypatch.context() as patch:
        patch.setattr(look_up, "PATIENCE", 0.0)
        with pytest.raises(TimedOut, match="no Google token came within 0s"):
            await found.sign(REQUEST)
    second = asyncio.create_task(found.sign(REQUEST))
    stuck.gate.set()

    assert await second == {"authorization": "Bearer t"}
    await found.close()


class Timers:
    """Stands for `threading.Timer`: time is up when a test says so."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []
        self.daemon = False

    def __call__(self, _: float, call: Callable[[], None]) -> Timers:
        self._calls.append(call)
        return self

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        pass

    def ring(self) -> None:
        """Time is up for everybody."""
        for call in self._calls:
            call()


async def test_an_answer_that_breaks_off_is_none() -> None:
    async def cut(request: Asked) -> None:
        await request.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"access')
        request.writer.close()

    async with Hostile(cut) as server:
        with pytest.raises(TransportError, match=r"^127\.0\.0\.1: IncompleteRead$"):
            await asyncio.to_thread(TokenTransport(), f"{server.url}/token", timeout=5.0)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nX-A: 1\r\n", b"HTTP/1.1 200 OK\r\n\r\n{"])
async def test_a_token_server_that_never_comes_to_an_end_is_left(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    timers = Timers()
    monkeypatch.setattr(threading, "Timer", timers)

    async def drip(request: Asked) -> None:
        await request.write(sent)
        timers.ring()

    async with Hostile(drip) as server:
        with pytest.raises(TransportError, match=r"^127\.0\.0\.1: no complete answer within 5s$"):
            await asyncio.to_thread(TokenTransport(), f"{server.url}/token", timeout=5.0)


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_token_server_is_asked_over_tls_that_is_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: bool
) -> None:
    authority = Authority(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async def answer(request: Asked) -> None:
        await request.answer(b"yes", close=True)

    async with Hostile(answer, authority.server()) as server:
        asking = asyncio.to_thread(TokenTransport(), f"{server.url}/token")
        if trusted:
            assert (await asking).data == b"yes"
        else:
            with pytest.raises(TransportError):
                await asking


async def test_closing_takes_no_token_from_those_who_wait_for_it(google: GoogleStage) -> None:
    stuck = Stuck(Token("t", 3600, None, person=False))
    found = GoogleAuth(GoogleCredentials(), google.clock, None, stuck)
    waiting = asyncio.create_task(found.sign(REQUEST))
    await asyncio.sleep(0)

    await found.close()
    stuck.gate.set()

    assert await waiting == {"authorization": "Bearer t"}


async def test_without_google_auth_the_remedy_is_the_error(
    google: GoogleStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)

    with pytest.raises(SourceError, match=r"pip install 'tuiops\[gcp\]'"):
        await sign(auth(google, file=str(google.key_file())))


async def test_no_secret_is_in_any_text(google: GoogleStage, tmp_path: Path) -> None:
    path = google.key_file(private_key=private_key()[:200])
    found = auth(google, file=str(path))
    with pytest.raises(AccessDenied) as caught:
        await sign(found)

    body = private_key().splitlines()[1]
    assert body[:20] not in str(caught.value) + repr(found) + repr(caught.value.__cause__)


def test_a_token_does_not_show_itself() -> None:
    token = Token("ya29.canary", 3600, None, person=False)

    assert "canary" not in f"{token} {token!r} {[token]}"


def test_finding_credentials_imports_no_requests() -> None:
    script = (
        "import sys\nfrom tuiops.config.credentials import GoogleCredentials\n"
        "from tuiops.sources.gcp.identity import Identity\n"
        "import tuiops.sources.gcp.source\n"
        "assert not [name for name in sys.modules if name.startswith('google')]\n"
        "try:\n    Identity(GoogleCredentials()).token()\nexcept Exception as error:\n    print(error)\n"
        "assert 'requests' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("logged out: ")
