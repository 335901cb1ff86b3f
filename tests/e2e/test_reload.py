"""A configuration that is edited while the console runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e import stage
from tests.terminal.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers


def test_a_running_console_reads_its_configuration_again(servers: Servers, tmp_path: Path) -> None:
    exporter = servers.exporter()
    prometheus = servers.prometheus(scrape_targets={"shop": [exporter.target]})
    right = stage.HEAD + stage.source("prom", "prometheus", prometheus.url) + stage.SHOP
    file = tmp_path / "config.toml"
    file.write_text(right, encoding="utf-8")
    with stage.Traffic(exporter), Terminal("--config", file, home=tmp_path) as terminal:
        terminal.wait_for("▾ shop", "degraded", " ok ")

        renamed = right.replace("[systems.shop]", '[systems.shop]\nlabel = "Corner shop"')
        file.write_text(f"{renamed}\n[systems.shop.services.billing]\n", encoding="utf-8")
        terminal.wait_for("▾ Corner shop", "billing", "degraded")

        file.write_text(f"{renamed}\ncolour = 1\n[systems.shop", encoding="utf-8")
        terminal.wait_for("configuration not relo", "Corner shop", "billing")
        seen = terminal.output.count(b"\x1b[")
        terminal.until(lambda: terminal.output.count(b"\x1b[") > seen, "the old configuration to go on")

        file.write_text(right, encoding="utf-8")
        terminal.wait_gone("configuration not relo", "Corner shop", "billing")
        terminal.wait_for("▾ shop", "degraded", " ok ")
