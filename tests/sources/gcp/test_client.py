"""Requests to Google's APIs: what errors become, quotas, pages, tokens that end, changes that are sent once."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.google.fixtures import NOW, REGION
from tests.google.run import RunApi
from tests.sources.hostile import Hostile, Request
from tuiops.core.text import lit
from tuiops.errors import (
    AccessDenied,
    BadAnswer,
    Conflict,
    NotFound,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)
from tuiops.sources.gcp.client import HOSTS, QUOTAS
from tuiops.sources.gcp.errors import explain
from tuiops.sources.gcp.run.wire import Services
from tuiops.sources.http_errors import Refusal

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.sources.gcp.client import GoogleClient

PATH = f"v2/projects/shop-production/locations/{REGION}/services"
CHAT = """
[systems.shop.services.chat]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
"""


@pytest.fixture
def run(google: GoogleStage) -> RunApi:
    found = google.teach(RunApi(google.clock))
    found.deploy("chat", "shop/chat:1")
    google.clock.advance(60)
    return found


def connected(google: GoogleStage, settings: str = "") -> GoogleClient:
    return google.client(google.config(CHAT, settings))


def refusal(status: int, body: str, **headers: str) -> SourceError | None:
    found = Refusal(status, "", {key.replace("_", "-"): value for key, value in headers.items()}, body.encode(), "")
    return explain(found, lit("run.googleapis.com:443"), NOW, api="run", project="shop-production")


def body(status: str, message: str = "no", detail: str = "") -> str:
    details = f', "details": [{detail}]' if detail else ""
    return f'{{"error": {{"code": 0, "status": "{status}", "message": "{message}"{details}}}}}'


@pytest.mark.parametrize(
    ("status", "text", "error", "said"),
    [
        (400, body("INVALID_ARGUMENT"), QueryRefused, "run at run.googleapis.com:443: no (400)"),
        (400, body("FAILED_PRECONDITION"), QueryRefused, "no (400)"),
        (401, body("UNAUTHENTICATED"), AccessDenied, "logged out: run refused the credentials: no; run `gcloud auth"),
        (403, body("PERMISSION_DENIED", "may not"), AccessDenied, "run forbids this (403): may not"),
        (
            403,
            body("X", detail='{"reason": "SERVICE_DISABLED"}'),
            AccessDenied,
            "gcloud services enable run.googleapis",
        ),
        (403, body("X", detail='{"reason": "USER_PROJECT_DENIED"}'), AccessDenied, "serviceUsageConsumer"),
        (403, body("X", detail='{"reason": "BILLING_DISABLED"}'), AccessDenied, "billing is off"),
        (403, body("X", detail='{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}'), AccessDenied, "scope cloud-platform"),
        (403, '{"error": {"code": 403, "errors": [{"reason": "accessNotConfigured"}]}}', AccessDenied, "not enabled"),
        (403, '{"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}}', RateLimited, "run limit"),
        (404, body("NOT_FOUND"), NotFound, "no (404)"),
        (404, '{"error": {"code": 404, "message": "gone"}}', NotFound, "gone (404)"),
        (409, body("ABORTED"), Conflict, "no (409)"),
        (409, body("ALREADY_EXISTS"), Conflict, "no (409)"),
        (412, '{"error": {"code": 412}}', Conflict, "(412)"),
        (408, '{"error": {"code": 408}}', TimedOut, "(408)"),
        (499, body("CANCELLED"), TimedOut, "no (499)"),
        (499, '{"error": {"code": 499}}', TimedOut, "(499)"),
        (418, body("TEAPOT"), QueryRefused, "no (418)"),
        (429, body("RESOURCE_EXHAUSTED"), RateLimited, "run limit: no"),
        (500, body("INTERNAL"), Unreachable, "no (500)"),
        (503, body("UNAVAILABLE"), Unreachable, "no (503)"),
        (504, body("DEADLINE_EXCEEDED"), TimedOut, "no (504)"),
    ],
)
def test_each_error_of_googles_becomes_one_of_ours(status: int, text: str, error: type[SourceError], said: str) -> None:
    found = refusal(status, text)

    assert type(found) is error
    assert said in str(found)


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"error": "no"}', '{"error": {"code": "x"}}', "[" * 5000])
def test_what_is_not_in_googles_form_is_left_to_http(text: str) -> None:
    assert refusal(503, text) is None


@pytest.mark.parametrize(
    ("headers", "detail", "wait"),
    [
        ({"retry_after": "7"}, "", 7.0),
        ({}, '{"retryDelay": "12.5s"}', 12.5),
        ({"retry_after": "7"}, '{"retryDelay": "12s"}', 7.0),
        ({}, '{"retryDelay": "99999s"}', 3600.0),
        ({}, '{"retryDelay": [1]}', None),
        ({}, "", None),
    ],
)
def test_how_long_to_wait_is_read_from_header_and_details(
    headers: dict[str, str], detail: str, wait: float | None
) -> None:
    found = refusal(429, body("RESOURCE_EXHAUSTED", detail=detail), **headers)

    assert found is not None
    assert found.retry_after == wait


def test_a_clock_that_is_off_is_mentioned_when_credentials_are_refused() -> None:
    date = format_datetime(NOW - timedelta(hours=1), usegmt=True)

    assert "this machine's clock differs" in str(refusal(401, body("UNAUTHENTICATED"), date=date))


def test_what_google_says_is_text() -> None:
    found = refusal(400, body("INVALID_ARGUMENT", r"\u001b]0;x\u0007" + "y" * 10_000))

    assert str(found).isprintable()
    assert len(str(found)) < 500


def test_every_api_has_a_quota() -> None:
    assert set(QUOTAS) == set(HOSTS)


async def test_after_a_refusal_for_its_limit_nothing_is_sent_until_it_may_be(google: GoogleStage, run: RunApi) -> None:
    google.fault("run", status=429, headers={"Retry-After": "20"}, times=1)
    source = google.source(CHAT)
    for waited in range(10):
        with pytest.raises(RateLimited) as caught:
            await source.read_health()
        assert caught.value.retry_after == pytest.approx(20 - 1.5 * waited)
        google.clock.advance(1.5)
    assert len(google.calls) == 1

    google.clock.advance(10)

    assert (await source.read_health()).readings[0].value == 0.0
    assert len(google.calls) == 2


async def test_a_limit_of_one_api_is_a_note_on_what_the_others_tell(google: GoogleStage, run: RunApi) -> None:
    source = google.source(CHAT)
    await source.read_rollouts()
    run.deploy("chat", "shop/chat:2")
    google.clock.advance(5)
    google.fault("run", "revisions.list", status=429, headers={"Retry-After": "20"})

    update = await source.read_rollouts()

    assert any("limit" in warning and "20s" in warning for warning in update.warnings)


async def test_no_more_is_asked_than_the_quota_allows(google: GoogleStage, run: RunApi) -> None:
    client = connected(google, 'timeout = "5s"\nquotas = { run = 6 }')
    await client.get(dict[str, Any], "run", PATH)

    with pytest.raises(RateLimited, match="run may be asked 6 times a minute") as caught:
        await client.get(dict[str, Any], "run", PATH)

    assert caught.value.retry_after == pytest.approx(10)
    google.clock.advance(10)
    await client.get(dict[str, Any], "run", PATH)
    assert client.requests == 2


async def test_pages_are_followed_up_to_a_bound(google: GoogleStage, run: RunApi) -> None:
    for number in range(24):
        run.deploy(f"s{number:02}", "shop/s:1")
    client = connected(google)
    params = (("pageSize", "10"),)

    whole = await client.pages(Services, "run", PATH, params, items=lambda page: page.services)
    some = await client.pages(Services, "run", PATH, params, items=lambda page: page.services, most=15)

    assert (len(whole.items), whole.truncated, whole.warnings(lit("services"))) == (25, False, ())
    assert (len(some.items), some.truncated) == (15, True)
    assert some.warnings(lit("services")) == ("services: only the first 15 were read; raise max_items",)
    assert [call.parameter("pageToken") for call in google.calls] == ["", "page-10", "page-20", "", "page-10"]


async def test_regions_that_did_not_answer_are_named(google: GoogleStage, run: RunApi) -> None:
    google.fault("run", "services.list", change=lambda answer: answer | {"unreachable": ["osaka\x1b"]})

    found = await connected(google).pages(Services, "run", PATH, items=lambda page: page.services)

    assert found.warnings(lit("services")) == ("services: osaka␛ did not answer",)


async def test_pages_without_an_end_end(google: GoogleStage, run: RunApi) -> None:
    google.fault("run", "services.list", raw=b'{"nextPageToken": "again"}')

    with pytest.raises(BadAnswer, match="names a page twice"):
        await connected(google).pages(Services, "run", PATH, items=lambda page: page.services)

    assert len(google.calls) == 2


async def test_a_token_that_ends_in_the_middle_is_replaced_without_a_word(google: GoogleStage, run: RunApi) -> None:
    client = connected(google)
    await client.get(dict[str, Any], "run", PATH)
    google.tokens.revoke()

    await client.get(dict[str, Any], "run", PATH)

    assert len(google.tokens.grants) == 2


async def test_credentials_that_are_revoked_in_the_middle_log_out(google: GoogleStage, run: RunApi) -> None:
    source = google.source(CHAT)
    await source.read_health()
    google.clock.advance(30)
    google.tokens.revoke()
    google.tokens.refuse("invalid_grant", "Token has been expired or revoked.")

    with pytest.raises(AccessDenied, match=r"^logged out: invalid_grant"):
        await source.read_health()


async def test_a_source_that_watches_nothing_proves_its_credentials(google: GoogleStage, run: RunApi) -> None:
    source = google.source("[systems.shop.services.chat]")

    assert (await source.read_health()).readings == ()
    assert len(google.tokens.grants) == 1

    google.clock.advance(3600)
    google.tokens.refuse("invalid_grant", "no")
    with pytest.raises(AccessDenied, match=r"^logged out"):
        await source.read_health()


async def test_a_change_leaves_this_machine_once(google: GoogleStage, run: RunApi) -> None:
    client = connected(google)
    await client.get(dict[str, Any], "run", PATH)
    google.fault("run", "services.patch", lost=True)

    with pytest.raises(SourceError):
        await client.send(dict[str, Any], "run", "PATCH", f"{PATH}/chat", {"description": "x"})

    assert len(google.asked("services.patch")) == 1


async def test_an_endpoint_of_ones_own_is_asked_instead(google: GoogleStage, run: RunApi) -> None:
    async def page(request: Request) -> None:
        await request.answer(b"<html>the portal</html>", "302 Found", Location="https://elsewhere.example/")

    async with Hostile(page) as portal:
        google.serve(run)
        config = google.config(CHAT)
        source = config.sources["gcp"]
        source.endpoints["run"] = portal.url  # type: ignore[union-attr] # the fake's is a GcpConfig
        client = google.client(config)
        with pytest.raises(BadAnswer, match="redirects"):
            await client.get(dict[str, Any], "run", PATH)

    assert len(portal.requests) == 1
