"""A look around a Prometheus: a real one, hostile ones, and names that nobody would choose."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.http import request_json
from tests.sources.hostile import Hostile, Request
from tests.waiting import wait_until
from tuiops.config.advice import query_faults
from tuiops.config.load import load
from tuiops.config.proposal import lines
from tuiops.errors import AccessDenied, BadAnswer, QueryRefused, RateLimited, SourceError, TimedOut, Unreachable
from tuiops.sources.daemon import DaemonWorker
from tuiops.sources.prometheus import discover as discovery
from tuiops.sources.prometheus.api_client import ApiClient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tests.servers.victoriametrics import VictoriaMetrics
    from tuiops.config.model import Config
    from tuiops.config.proposal import Proposal

RULES = """
groups:
- name: shop
  rules:
  - alert: Watchdog
    expr: vector(1)
  - alert: ShopDown
    expr: up == 0
  - record: shop:up
    expr: up
"""
LATENCY = "shop_request_duration_seconds"
METRICS: tuple[tuple[str, dict[str, str]], ...] = (
    ("shop_requests_total", {"service": "api", "code": "200"}),
    ("shop_requests_total", {"service": "api", "code": "503"}),
    ("shop_requests_total", {"service": "web front", "code": "200"}),
    ("jobs_done_total", {"result": "success"}),
    ("jobs_done_total", {"result": "failed"}),
    ("mails_sent_total", {"outcome": "delivered"}),
    ("cache_reads_total", {}),
    ("go_gc_errors_total", {"status": "error"}),
    (f"{LATENCY}_bucket", {"le": "0.1"}),
    (f"{LATENCY}_bucket", {"le": "+Inf"}),
    ("shop_db_milliseconds_bucket", {"le": "10"}),
    ("shop_db_milliseconds_bucket", {"le": "+Inf"}),
)


@pytest.fixture
def victoriametrics(servers: Servers) -> VictoriaMetrics:
    return servers.victoriametrics()


def look(client: ApiClient, bearer_env: str = "") -> Proposal:
    try:
        return discovery.discover(client, ("prometheus", "shop"), bearer_env)
    finally:
        client.close()


def loaded(folder: Path, proposal: Proposal) -> Config:
    """The proposal as a console would read it: there must be nothing wrong with it."""
    text = "\n".join(lines(proposal))
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))
    file = folder / "proposed.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ={}, inspections=[query_faults]).config


def test_a_real_server(servers: Servers, tmp_path: Path) -> None:
    exporter = servers.exporter()
    for metric, labels in METRICS:
        exporter.set(metric, 1, labels)
    prometheus = servers.prometheus(scrape_targets={"shop": [exporter.target]}, rules=RULES)
    prometheus.wait_for("shop_db_milliseconds_bucket")

    proposal = look(ApiClient(prometheus.url))

    assert proposal.warnings == ()
    config = loaded(tmp_path, proposal)
    assert config == load(tmp_path / "proposed.toml", environ={}).config
    source = tomli.loads("\n".join(lines(proposal)))["sources"]["prometheus"]
    assert source == {"type": "prometheus", "url": prometheus.url, "alerts": True, "watchdog": "Watchdog"}
    system = config.systems["shop"]
    assert {name: service.match for name, service in system.services.items()} == {
        "shop": None, "api": None, "web-front": "web front",
    }  # fmt: skip
    table = tomli.loads("\n".join(lines(proposal)))["systems"]["shop"]["indicators"]
    assert set(table) == {
        "up", "shop_requests_total", "jobs_done_total", "mails_sent_total", f"{LATENCY}_bucket",
        "shop_db_milliseconds_bucket",
    }  # fmt: skip
    assert table["shop_requests_total"]["bad"] == 'shop_requests_total{code=~"5.."}'
    assert (table["shop_requests_total"]["by"], table["jobs_done_total"]["by"]) == ("service", "job")
    assert table["jobs_done_total"]["bad"] == 'jobs_done_total{result=~"failed"}'
    assert table["mails_sent_total"]["good"] == 'mails_sent_total{outcome=~"delivered"}'
    assert table["shop_db_milliseconds_bucket"]["histogram_unit"] == "milliseconds"
    why = {entry.table[-1]: entry.why for entry in proposal.entries}
    assert why["shop"] == "The job shop. 1 of 1 targets are up."
    assert "2 alerting rules" in why["prometheus"]


def test_another_implementation_of_the_api(victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    now = time.time()
    victoriametrics.push([({"__name__": metric, "job": "shop", **labels}, [(now, 1.0)]) for metric, labels in METRICS])
    query = {"query": "shop_db_milliseconds_bucket", "latency_offset": "1ms"}
    address = f"{victoriametrics.url}/api/v1/query?{urlencode(query)}"
    wait_until(lambda: bool(request_json(address)["data"]["result"]), "what was pushed")
    config = loaded(tmp_path, look(ApiClient(victoriametrics.url)))
    assert set(config.systems["shop"].services) >= {"api", "web-front", "shop"}
    assert {"shop_requests_total", "jobs_done_total", f"{LATENCY}_bucket"} <= set(config.systems["shop"].indicators)


class Canned(ApiClient):
    """Answers without a server."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://prometheus.example")
        self._answers = answers

    def query(self, query: str, kind: Any, params: Any = None) -> Any:
        name = "ups" if query == "count by (job) (up)" else "counters" if "_total" in query else "histograms"
        series = [{"metric": metric, "value": [0, "1"]} for metric in self._answers.get(name, [])]
        return msgspec.convert(series, kind, strict=False)

    def targets(self, kind: Any) -> Any:
        raise QueryRefused("no targets here")

    def rules(self, kind: Any) -> Any:
        raise BadAnswer("no rules here")


TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "a.b",
        "A b",
        "a-b",
        "api\x1b[31m",
        "x\u202ey",
        '"',
        "\\",
        "'''",
        "#",
        "é",
        "日本",
        "\U0001f600",
        "a" * 300,
        "1",
    ]
)


@settings(max_examples=150)
@given(
    series=st.lists(
        st.fixed_dictionaries(
            {"__name__": st.sampled_from(["requests_total", "hits_total", "a:b_total", "bad name_total"]) | TEXT},
            optional={"service": TEXT, "job": TEXT, "code": st.sampled_from(["200", "5xx"]) | TEXT, "result": TEXT},
        ),
        max_size=8,
    ),
    jobs=st.lists(TEXT, max_size=6),
)
def test_whatever_names_there_are_the_proposal_loads(
    tmp_path_factory: pytest.TempPathFactory, series: list[dict[str, str]], jobs: list[str]
) -> None:
    histograms = [{**one, "__name__": one["__name__"] + "_seconds_bucket"} for one in series]
    proposal = look(Canned(counters=series, histograms=histograms, ups=[{"job": job} for job in jobs]))
    if proposal.entries:
        loaded(tmp_path_factory.mktemp("proposed"), proposal)
    assert {"targets: no targets here", "rules: no rules here"} <= set(proposal.warnings)


def test_what_is_too_much_is_left_out_and_said_so(tmp_path: Path) -> None:
    counters = [{"__name__": f"m{number}_total", "job": "j", "code": "200"} for number in range(100)]
    proposal = look(Canned(counters=counters, ups=[{"job": f"job{number}"} for number in range(300)]))
    system = loaded(tmp_path, proposal).systems["shop"]
    assert len(system.services) == discovery.MOST_SERVICES
    assert len(system.indicators) <= discovery.MOST_INDICATORS
    assert "services: there are more than 200" in proposal.warnings


def test_metrics_that_are_nobodys_are_named() -> None:
    proposal = look(Canned(counters=[{"__name__": "requests_total", "code": "200"}]))
    assert proposal.entries == ()
    assert "requests_total: neither `service` nor `job` tells whose it is" in proposal.warnings


def canned_answer(status: str, body: bytes) -> Any:
    async def answer(request: Request) -> None:
        await request.answer(body, status)

    return answer


OK = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("401 Unauthorized", b"{}", AccessDenied),
        ("403 Forbidden", b"{}", AccessDenied),
        ("429 Too Many Requests", b"{}", RateLimited),
        ("422 Unprocessable Entity", b"{}", QueryRefused),
        ("500 Internal Server Error", b"{}", BadAnswer),
        ("200 OK", b"<html>", BadAnswer),
        ("200 OK", b"[]", BadAnswer),
        ("200 OK", b'{"data": {"result": [7]}}', BadAnswer),
        ("200 OK", b"[" * 100_000, BadAnswer),
        ("200 OK", b" " * 70_000 + OK, BadAnswer),
    ],
)
async def test_what_a_server_may_answer(status: str, body: bytes, kind: type[SourceError]) -> None:
    async with Hostile(canned_answer(status, body)) as server:
        client = ApiClient(server.url, seconds=5, limit=60_000)
        with pytest.raises(kind):
            await in_thread(client)


async def test_a_server_that_is_not_there_is_asked_once() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 cannot be reached"):
        await in_thread(ApiClient("http://127.0.0.1:9", seconds=5))


async def test_a_server_that_never_answers() -> None:
    asked = 0

    async def wait(request: Request) -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    async with Hostile(wait) as server:
        with pytest.raises(TimedOut):
            await in_thread(ApiClient(server.url, seconds=0.2))
    assert asked == 1


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
    ],
)
async def test_a_server_whose_answer_never_ends(begun: bytes) -> None:
    """A byte now and then, each well within the time that a byte may take."""

    async def drip(request: Request) -> None:
        await request.write(begun)
        await request.drip(b" ")

    async with Hostile(drip) as server, asyncio.timeout(20):
        with pytest.raises(TimedOut, match=r"sent no complete answer within 0\.2 s"):
            await in_thread(ApiClient(server.url, seconds=0.2))


async def test_a_redirect_is_not_followed() -> None:
    async def away(request: Request) -> None:
        await request.answer(b"", "302 Found", Location="http://127.0.0.1:9/login")

    async with Hostile(away) as server:
        with pytest.raises(BadAnswer, match="leads elsewhere"):
            await in_thread(ApiClient(server.url, seconds=5, bearer="hush"))


async def in_thread(client: ApiClient) -> Proposal:
    worker = DaemonWorker("test")
    try:
        return await worker.run(lambda: look(client))
    finally:
        worker.close()
