"""Sources that go away and come back, seen in the console: stale at once, never green, live again without a key."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.e2e import stage
from tests.terminal.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.alertmanager import Alertmanager
    from tests.servers.fixtures import Servers
    from tests.servers.prometheus import Prometheus
    from tests.servers.sshd import Sshd

BACK_SECONDS = 60.0
"""A failing source is asked again after 5 s, then 10, then 20, and on a busy machine it may miss one of them."""


class Shop:
    """The servers of a module."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.exporter = servers.exporter()
        self.alertmanager: Alertmanager = servers.alertmanager()
        self.prometheus: Prometheus = servers.prometheus(
            scrape_targets={"shop": [self.exporter.target]},
            rules=stage.RULES,
            alertmanagers=[self.alertmanager.target],
        )
        self.victoria = servers.victoriametrics(scrape_targets={"shop": [self.exporter.target]})
        self.sshd: Sshd = servers.sshd()
        self.log = folder / "api.log"

    def config(self, folder: Path, prometheus: str, via: str = "") -> Path:
        more = [f'via = "{via}"'] if via else []
        path = folder / "config.toml"
        path.write_text(
            stage.HEAD
            + (stage.bastion(self.sshd) if via else "")
            + stage.source("prom", "prometheus", prometheus, *more)
            + stage.source("am", "alertmanager", self.alertmanager.url, 'watchdog = "Watchdog"', *more)
            + stage.SHOP
            + stage.log(self.log),
            encoding="utf-8",
        )
        return path


@pytest.fixture(scope="module")
def shop(module_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    found = Shop(module_servers, tmp_path_factory.mktemp("shop"))
    with ExitStack() as stack:
        stack.enter_context(stage.Traffic(found.exporter))
        stack.enter_context(stage.Writer(found.log))
        found.alertmanager.wait_for("Watchdog")
        yield found


def health_row(terminal: Terminal, service: str) -> str:
    """What the health pane says about a service."""
    return next((line[:59] for line in terminal.lines if line[1:30].strip().startswith(f"{service} ")), "")


def wait_live(terminal: Terminal, seconds: float = BACK_SECONDS) -> None:
    """Wait until every pane is live: both services judged, quiet proven, no source missing."""
    terminal.until(
        lambda: (
            "degraded" in health_row(terminal, "api")
            and " ok " in health_row(terminal, "web")
            and terminal.shows("2/2 live", "!! 0", "order")
        ),
        "every pane live",
        seconds,
    )


def test_prometheus_goes_away_and_comes_back(shop: Shop, tmp_path: Path) -> None:
    with Terminal("--config", shop.config(tmp_path, shop.prometheus.url), home=tmp_path) as terminal:
        wait_live(terminal)
        first = shop.log.read_text(encoding="utf-8").count("\n")
        terminal.wait_for(f"order {first + 5} done")

        shop.prometheus.stop()
        try:
            terminal.until(lambda: "stale" in terminal.line("1 Health"), "the health pane to be stale")
            terminal.wait_for("1/2 live · prom stale", "unreachable")
            for service in ("api", "web"):
                row = health_row(terminal, service)
                assert " ok " not in row
                assert " degraded " not in row
                assert "stale" in row or "unknown" in row
        finally:
            shop.prometheus.start()
        wait_live(terminal)


def test_alertmanager_goes_away_and_comes_back(shop: Shop, tmp_path: Path) -> None:
    with Terminal("--config", shop.config(tmp_path, shop.prometheus.url), home=tmp_path) as terminal:
        wait_live(terminal)

        shop.alertmanager.stop()
        try:
            terminal.wait_for("!! ?", "1/2 live", "stale")
            assert not terminal.shows("!! 0"), "a zero that nothing proves"
            assert " ok " in health_row(terminal, "web"), "the other source is not touched"
        finally:
            shop.alertmanager.start()
        wait_live(terminal)


def test_victoriametrics_serves_the_same_configuration(shop: Shop, tmp_path: Path) -> None:
    with Terminal("--config", shop.config(tmp_path, shop.victoria.url), home=tmp_path) as terminal:
        wait_live(terminal)
        terminal.press("1", "j", ENTER)
        terminal.wait_for("Service · shop/api", "ERR%", "QUEUE", "now")


def test_a_bastion_goes_away_and_comes_back(shop: Shop, tmp_path: Path) -> None:
    config = shop.config(tmp_path, shop.victoria.url, via="edge")
    with Terminal("--config", config, home=tmp_path) as terminal:
        wait_live(terminal)
        terminal.press("1", "j", ENTER)
        terminal.wait_for("Service · shop/api", "now")
        terminal.press("q")

        for process in psutil.Process(shop.sshd.process.pid).children(recursive=True):
            process.kill()
        shop.sshd.process.kill()
        try:
            terminal.wait_for("0/2 live", "!! ?", "stale")
            assert " ok " not in health_row(terminal, "web")
            terminal.prompt(":", "sources")
            terminal.wait_for("Sources · 0 of 2 live", "bastion edge")
            terminal.press("q")
        finally:
            shop.sshd.start()
        wait_live(terminal)
