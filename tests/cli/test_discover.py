"""`tuiops discover` as a command: options, formats, exit codes."""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.google.listings import APIS, ListingApi
from tuiops.cli.commands import discover
from tuiops.cli.exits import Exit
from tuiops.cli.main import main, parser
from tuiops.cli.output import Output
from tuiops.config.load import load
from tuiops.sources.gcp import client as google_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tests.servers.fixtures import Servers


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["discover"], "the following arguments are required: what"),
        (["discover", "azure"], "invalid choice: 'azure'"),
        (["discover", "gcp"], "discover gcp needs --project"),
        (["discover", "aws"], "discover aws needs --region"),
        (["discover", "prometheus"], "discover prometheus needs --url"),
        (["discover", "gcp", "--project", "shop-production", "--url", "http://h"], "discover gcp has no --url"),
        (["discover", "prometheus", "--url", "http://h", "--profile", "x"], "discover prometheus has no --profile"),
        (["discover", "gcp", "--project", "NO"], "--project: 'NO' does not look right"),
        (["discover", "aws", "--region", "\x1b[31m"], "--region: "),
        (["discover", "prometheus", "--url", "ftp://h"], "--url: 'ftp://h' is not an address"),
        (["discover", "prometheus", "--url", "http://me:hush@h"], "--url: holds a user name or password"),
    ],
)
def test_a_wrong_command_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == Exit.USAGE
    streams = capsys.readouterr()
    assert said in streams.err
    assert "hush" not in streams.err
    assert "\x1b" not in streams.err
    assert streams.out == ""


def test_credentials_that_others_can_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key.json"
    key.write_text("{}")
    key.chmod(0o644)
    assert main(["discover", "gcp", "--project", "shop-production", "--credentials", str(key)]) == Exit.USAGE
    assert "others can read" in capsys.readouterr().err


def test_a_prometheus(servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exporter = servers.exporter()
    exporter.set("shop_requests_total", 1, {"code": "200"})
    prometheus = servers.prometheus(scrape_targets={"shop": [exporter.target]})
    prometheus.wait_for("shop_requests_total")

    assert main(["discover", "prometheus", "--url", prometheus.url, "--system", "My Shop"]) == Exit.OK
    text = capsys.readouterr().out
    assert text.startswith("# Proposed by `tuiops discover prometheus` from what is there.\n")
    file = tmp_path / "proposed.toml"
    file.write_text(text, encoding="utf-8")
    assert set(load(file, environ={}).config.systems["my-shop"].indicators) == {"up", "shop_requests_total"}

    assert main(["discover", "prometheus", "--url", prometheus.url, "-o", "json"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["kind"], document["warnings"]) == (1, "proposal", [])
    assert ["systems", "found", "services", "shop"] in [entry["table"] for entry in document["entries"]]


def test_a_server_that_is_not_there_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discover", "prometheus", "--url", "http://127.0.0.1:9"]) == Exit.UNKNOWN
    assert "127.0.0.1:9 cannot be reached" in capsys.readouterr().err


def test_a_server_that_never_answers_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert main(["discover", "prometheus", "--url", url, "--timeout", "0.2"]) == Exit.UNKNOWN
    assert "nothing was found within 0.2 s; give more with --timeout" in capsys.readouterr().err


def test_a_token_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    words = ["discover", "prometheus", "--url", "http://127.0.0.1:9", "--bearer-env", "SHOP_TOKEN"]
    assert main(words) == Exit.CONFIG
    assert "environment variable SHOP_TOKEN: is not set" in capsys.readouterr().err


async def test_a_project_that_is_read_in_part(
    google: GoogleStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in APIS:
        google.serve(ListingApi(name))
    google.serve(ListingApi("firebasehosting", [{"name": "projects/shop-production/sites/shop"}]))
    google.fault("redis", status=403)
    monkeypatch.setattr(google_client, "HOSTS", google.endpoints)
    key = google.key_file()
    place = ["--project", "shop-production", "--region", "asia-northeast1"]
    arguments = parser().parse_args(["discover", "gcp", *place, "--credentials", str(key)])

    code = await discover._look(arguments, Output(sys.stdout, {}), discover._config(arguments))

    assert code == Exit.UNKNOWN
    text = capsys.readouterr().out
    assert "# Not here: Memorystore instances: " in text
    file = tmp_path / "proposed.toml"
    file.write_text(text, encoding="utf-8")
    config = load(file, environ={}).config
    assert set(config.systems["shop-production"].services) == {"shop"}
    assert config.credentials["google"].file == str(key)  # type: ignore[union-attr] # the table of that name is Google's
