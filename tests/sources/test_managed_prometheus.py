"""Prometheus where a cloud keeps it: the same API, with tokens or signatures, and errors in the cloud's own form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers.http import request_json
from tests.servers.ministack import KEYS
from tests.servers.processes import wait_until
from tests.sources.aws.account import only_keys_of_the_test
from tests.sources.hostile import Hostile, Request
from tuiops import wiring
from tuiops.config.credentials import AwsCredentials, GoogleCredentials
from tuiops.config.load import load
from tuiops.config.model import Config
from tuiops.config.sources import PrometheusConfig, aws_region, takes_google_tokens
from tuiops.config.systems import GaugeIndicator, Service, System
from tuiops.core.clock import SystemClock
from tuiops.errors import AccessDenied, ConfigError, QueryRefused, RateLimited, SourceError
from tuiops.sources.aws.managed import AmazonManaged
from tuiops.sources.http import HttpConnector
from tuiops.sources.prometheus.alerts import prometheus_source
from tuiops.sources.prometheus.source import PrometheusSource
from tuiops.sources.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tests.servers.fixtures import Servers
    from tuiops.hub.hub import Plan

PREFIX = "/v1/projects/shop-production/location/global/prometheus"
AMAZON = "https://aps-workspaces.ap-northeast-1.amazonaws.com/workspaces/ws-1"
QUERY = 'sum by (service) (rate(x{path=~"/a b/.*", k!="ä&="}[5m]))'
ANSWER = {"status": "success", "data": {"resultType": "vector", "result": []}}


def config(google: GoogleStage, url: str, **settings: object) -> Config:
    gauge = GaugeIndicator(source="prom", heading="UP", query="up", by="job")
    system = System(services={"api": Service()}, indicators={"up": gauge})
    return Config(
        credentials={"console": GoogleCredentials(file=str(google.key_file()))},
        sources={"prom": PrometheusConfig(url=url, credentials="console", targets=False, **settings)},  # type: ignore[arg-type] # by the test
        systems={"shop": system},
    )


def source_of(plan: Plan) -> PrometheusSource:
    (found,) = (source for source in plan.sources if isinstance(source, PrometheusSource))
    return found


async def close(plan: Plan) -> None:
    for one in (*plan.sources, *plan.shared):
        await one.close()


async def test_a_real_prometheus_is_read_at_googles_addresses(google: GoogleStage, servers: Servers) -> None:
    exporter = servers.exporter()
    prometheus = servers.prometheus(
        scrape_targets={"api": [exporter.target]}, arguments=[f"--web.route-prefix={PREFIX}"]
    )
    plan = wiring.plan(config(google, prometheus.url + PREFIX), SystemClock())
    source = source_of(plan)

    def scraped() -> bool:
        answer = request_json(f"{prometheus.url}{PREFIX}/api/v1/query?query=up")
        return [one["value"][1] for one in answer["data"]["result"]] == ["1"]

    wait_until(scraped, "a scrape")
    (reading,) = (await source.read_health()).readings

    assert reading.value == 1
    assert len(google.tokens.grants) == 1
    await close(plan)


class Front:
    """Google's own front door: tokens are checked before Prometheus is asked anything."""

    def __init__(self, google: GoogleStage) -> None:
        self._google = google
        self.refusal: tuple[bytes, str] | None = None
        self.seen: list[Request] = []

    async def answer(self, request: Request) -> None:
        self.seen.append(request)
        try:
            self._google.tokens.check(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test reads it as a refusal
            body = {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": str(error)}}
            await request.answer(json.dumps(body).encode(), "401 Unauthorized")
            return
        if self.refusal is not None:
            await request.answer(*self.refusal)
        else:
            await request.answer(json.dumps(ANSWER).encode())


async def test_requests_carry_a_token_that_is_renewed_when_it_is_refused(google: GoogleStage) -> None:
    front = Front(google)
    async with Hostile(front.answer) as server:
        plan = wiring.plan(config(google, server.url + PREFIX), google.clock)
        source = source_of(plan)
        await source.read_health()
        google.clock.advance(1)
        google.tokens.revoke()
        await source.read_health()

        assert len(google.tokens.grants) == 2
        assert {request.header("authorization").partition(" ")[0] for request in front.seen} == {"Bearer"}
        await close(plan)


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (
            "403 Forbidden",
            {
                "error": {
                    "code": 403,
                    "status": "PERMISSION_DENIED",
                    "message": "off",
                    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}],
                }
            },
            AccessDenied,
            "monitoring is not enabled in project shop-production",
        ),
        (
            "429 Too Many Requests",
            {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slower"}},
            RateLimited,
            "monitoring limit: slower",
        ),
        (
            "400 Bad Request",
            {"status": "error", "errorType": "bad_data", "error": "parse error"},
            QueryRefused,
            "parse error",
        ),
    ],
)
async def test_refusals_are_told_in_googles_words_and_in_those_of_prometheus(
    google: GoogleStage, status: str, body: Mapping[str, object], error: type[SourceError], said: str
) -> None:
    front = Front(google)
    front.refusal = (json.dumps(body).encode(), status)
    async with Hostile(front.answer) as server:
        plan = wiring.plan(config(google, server.url + PREFIX), google.clock)

        with pytest.raises(error, match=said):
            await source_of(plan).read_health()
        await close(plan)


async def test_a_login_is_kept_over_a_reload_that_does_not_concern_it(google: GoogleStage) -> None:
    front = Front(google)
    async with Hostile(front.answer) as server:
        shared = Shared()
        before = wiring.plan(config(google, server.url + PREFIX), google.clock, shared)
        await source_of(before).read_health()
        after = wiring.plan(config(google, server.url + PREFIX, watchdog="Watchdog"), google.clock, shared)
        await source_of(after).read_health()

        assert len(google.tokens.grants) == 1
        await close(before)
        await close(after)


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        (f"https://monitoring.googleapis.com{PREFIX}", True),
        (f"https://monitoring-shop.p.googleapis.com{PREFIX}", True),
        (f"http://127.0.0.1:9090{PREFIX}", True),
        (f"http://[::1]:9090{PREFIX}", True),
        (f"http://monitoring.googleapis.com{PREFIX}", False),
        (f"https://any.host{PREFIX}", False),
        ("https://any.host/?x=.googleapis.com", False),
        ("https://monitoring.googleapis.com.any.host", False),
        ("https://monitoring.googleapis.com@any.host", False),
        ("https://evilgoogleapis.com", False),
        ("http://127.0.0.1.any.host", False),
    ],
)
def test_a_token_is_for_google_alone(url: str, fits: bool) -> None:
    assert takes_google_tokens(url) is fits


def test_an_address_that_is_not_googles_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "tuiops.toml"
    file.write_text(
        """
        [credentials.console]
        type = "google"
        [sources.prom]
        type = "prometheus"
        url = "http://any.host"
        credentials = "console"
        """
    )

    with pytest.raises(ConfigError, match="url: is not Google's over https, and would be sent Google's access token"):
        load(file, environ={})


# Amazon's.


async def amazon(url: str) -> tuple[PrometheusSource, AmazonManaged]:
    clock = SystemClock()
    managed = AmazonManaged(AMAZON, AwsCredentials(), clock)
    gauge = GaugeIndicator(source="prom", heading="X", query=QUERY)
    system = System(services={"api": Service()}, indicators={"x": gauge})
    connector = managed.signing(HttpConnector(lambda _: "", clock))
    return prometheus_source(
        "prom", PrometheusConfig(url=url, targets=False), {"shop": system}, connector, clock
    ), managed


async def test_requests_are_signed_for_amazon_as_it_checks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature is computed again from what arrived."""
    only_keys_of_the_test(monkeypatch)
    right: list[bool] = []

    async def check(request: Request) -> None:
        given = request.header("authorization")
        assert "/ap-northeast-1/aps/aws4_request" in given
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        headers = {name: request.header(name) for name in names}
        verb = request.head.split(" ", 1)[0]
        url = f"http://{request.header('host')}{request.target}"
        again = AWSRequest(verb, url, headers=headers, data=request.body.encode())
        again.context["timestamp"] = request.header("x-amz-date")
        keys = Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
        signer = SigV4Auth(keys, "aps", "ap-northeast-1")
        expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        right.append(given.endswith(f"Signature={expected}"))
        await request.answer(json.dumps(ANSWER).encode())

    async with Hostile(check) as server:
        source, managed = await amazon(f"{server.url}/workspaces/ws-1")
        await source.read_health()
        await source.close()
        await managed.close()

    assert right
    assert all(right)


@pytest.mark.parametrize(
    ("status", "code", "error", "said"),
    [
        ("403 Forbidden", "ExpiredTokenException", AccessDenied, "logged out: the AWS credentials have expired"),
        ("403 Forbidden", "AccessDeniedException", AccessDenied, "no aps:QueryMetrics"),
        ("429 Too Many Requests", "ThrottlingException:http://internal", RateLimited, "aps limit"),
        ("400 Bad Request", "", QueryRefused, "no aps:QueryMetrics"),
    ],
)
async def test_refusals_of_amazon_are_told(
    monkeypatch: pytest.MonkeyPatch, status: str, code: str, error: type[SourceError], said: str
) -> None:
    only_keys_of_the_test(monkeypatch)

    async def refuse(request: Request) -> None:
        body = json.dumps({"message": "no aps:QueryMetrics"}).encode()
        await request.answer(body, status, x_amzn_ErrorType=code)

    async with Hostile(refuse) as server:
        source, managed = await amazon(f"{server.url}/workspaces/ws-1")
        with pytest.raises(error, match=said):
            await source.read_health()
        await source.close()
        await managed.close()


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (AMAZON, "ap-northeast-1"),
        ("https://vpce-1.aps-workspaces.us-gov-west-1.vpce.amazonaws.com/workspaces/ws-1", "us-gov-west-1"),
        ("https://prometheus.shop.example/?x=//aps-workspaces.us-east-1.", None),
        ("https://prometheus.shop.example", None),
    ],
)
def test_the_region_is_that_of_the_address(url: str, region: str | None) -> None:
    assert aws_region(url) == region


def test_an_address_without_a_region_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "tuiops.toml"
    file.write_text(
        """
        [credentials.amazon]
        type = "aws"
        [sources.prom]
        type = "prometheus"
        url = "https://prometheus.shop.example"
        credentials = "amazon"
        """
    )

    with pytest.raises(ConfigError, match="url: names no region for which requests could be signed"):
        load(file, environ={})
