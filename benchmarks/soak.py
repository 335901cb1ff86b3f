"""The console in tmux for a while, on real servers: `python -m benchmarks.soak --minutes 15`.

A Prometheus that scrapes real exporters each second, an Alertmanager with rules that fire, a log that grows
by 5,000 lines/s and this machine. A third of the way in, the Prometheus is stopped for a while and started
again. Prints what the screen said and when, and what the console cost; ends with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.load import Writer
from tests.e2e import stage as shop
from tests.servers.alertmanager import Alertmanager
from tests.servers.exporter import Exporter
from tests.servers.node_exporter import NodeExporter
from tests.servers.packages import locate
from tests.servers.prometheus import Prometheus
from tests.servers.redis import Redis, RedisExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTERVAL = 1.0
"""Seconds between polls in the configuration."""
RATE = 5_000
RULES = """
groups:
- name: soak
  interval: 1s
  rules:
  - alert: Watchdog
    expr: vector(1)
    labels: {severity: none, system: shop, service: api}
  - alert: HighErrorRate
    expr: sum by (service) (rate(http_requests_total{status="500"}[10s])) / sum by (service) (rate(http_requests_total[10s])) > 0.01
    for: 3s
    labels: {severity: high, system: shop}
    annotations: {summary: "{{ $labels.service }}: {{ $value | humanizePercentage }} of requests fail"}
"""  # noqa: E501 - a rule is one line
PROBE = """
[systems.shop.probes.redis]
kind = "redis"
service = "web"
host = "127.0.0.1"
port = {redis}
interval = "1s"
[sources.host]
type = "host"
interval = "1s"
"""


class Tmux:
    """The console in a tmux session of its own server."""

    def __init__(self, config: Path, folder: Path, columns: int, rows: int) -> None:
        self._base = ["tmux", "-S", str(folder / "tmux")]
        command = f"{sys.executable} -m tuiops --config {config}; echo left with $?; sleep 600"
        self._run("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def screen(self) -> str:
        """What is on screen."""
        return self._run("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._run("send-keys", *keys)

    def console(self) -> psutil.Process:
        """The console's process."""
        shell = psutil.Process(int(self._run("list-panes", "-F", "#{pane_pid}")))
        return next(child for child in shell.children(recursive=True) if "tuiops" in child.cmdline())

    def stop(self) -> None:
        """End the server."""
        subprocess.run([*self._base, "kill-server"], check=False, capture_output=True)

    def _run(self, *arguments: str) -> str:
        return subprocess.run([*self._base, *arguments], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[tuple[Prometheus, Path]]:
    """The servers and the configuration that watches them."""
    with contextlib.ExitStack() as stack:
        for name in ("node", "redis", "redis-exporter", "prometheus", "alertmanager"):
            (folder / name).mkdir()
        exporter, node = Exporter(), NodeExporter(locate("node_exporter"), folder / "node")
        redis = Redis(locate("redis"), folder / "redis")
        redis_exporter = RedisExporter(locate("redis_exporter"), folder / "redis-exporter", redis)
        alertmanager = Alertmanager(locate("alertmanager"), folder / "alertmanager")
        targets = {"shop": [exporter.target], "node": [node.target], "redis": [redis_exporter.target]}
        prometheus = Prometheus(
            locate("prometheus"),
            folder / "prometheus",
            scrape_targets=targets,
            rules=RULES,
            alertmanagers=[alertmanager.target],
        )
        for server in (exporter, node, redis, redis_exporter, alertmanager, prometheus):
            stack.callback(server.stop)
            server.start()
        stack.enter_context(shop.Traffic(exporter))
        log = folder / "api.log"
        log.touch()
        writer = Writer(log, RATE)
        writer.start()
        stack.callback(writer.stop)
        config = folder / "config.toml"
        config.write_text(
            shop.HEAD
            + shop.source("prom", "prometheus", prometheus.url)
            + shop.source("am", "alertmanager", alertmanager.url, 'watchdog = "Watchdog"')
            + shop.SHOP
            + PROBE.format(redis=redis.port)
            + shop.log(log),
            encoding="utf-8",
        )
        yield prometheus, config


def until(condition: Callable[[], bool], patience: float) -> float | None:
    """Seconds until the condition holds, None when it does not in time."""
    begun = time.monotonic()
    while time.monotonic() - begun < patience:
        if condition():
            return time.monotonic() - begun
        time.sleep(0.1)
    return None


def row(screen: str, name: str) -> str:
    """The line of the screen that a service stands on, as far as the health pane goes."""
    return next((line[:66] for line in screen.splitlines() if f" {name} " in line[:30]), "")


def title(screen: str) -> str:
    """The border of the health pane, which says how old its data is."""
    return next((line[:66] for line in screen.splitlines() if "1 Health" in line), "")


def say(begun: float, text: str) -> None:
    """A line of the transcript."""
    print(f"{time.monotonic() - begun:7.1f} s  {text}", flush=True)


def watch(tmux: Tmux, seconds: float, begun: float) -> None:
    """Let it run, and note what it costs once a minute."""
    process = tmux.console()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        cpu = process.cpu_percent(min(60.0, left))
        say(begun, f"CPU {cpu:.1f}% of a core, {process.memory_info().rss / 1e6:.0f} MB resident")


def outage(tmux: Tmux, prometheus: Prometheus, begun: float) -> list[str]:
    """Stop Prometheus and start it again; what the console got wrong."""
    broken: list[str] = []
    say(begun, "Prometheus is stopped")
    prometheus.stop()
    grey = until(lambda: "stale" in title(tmux.screen()), 10)
    say(begun, f"health says stale after {grey:.1f} s" if grey is not None else "health never said stale")
    if grey is None or grey > 2 * INTERVAL + 0.5:  # the screen itself is redrawn once a second
        broken.append("not stale within two polls")
    time.sleep(20)
    screen = tmux.screen()
    say(begun, "the screen, twenty seconds on:\n" + screen)
    if " ok " in row(screen, "api") or " ok " in row(screen, "web"):
        broken.append("a service of a dead source is shown as ok")
    say(begun, "Prometheus is started")
    prometheus.start()
    live = until(lambda: "live" in title(tmux.screen()) and "degraded" in row(tmux.screen(), "api"), 60)
    say(begun, f"health is live again after {live:.1f} s" if live is not None else "health never came back")
    if live is None:
        broken.append("not live again without a key")
    return broken


def leave(tmux: Tmux, begun: float) -> list[str]:
    """Quit, and look at what is left on the terminal."""
    tmux.keys(":", "q", "Enter")
    left = until(lambda: "left with" in tmux.screen(), 10)
    say(begun, f"left after {left:.1f} s; the terminal shows:\n{tmux.screen().strip()}" if left else "did not leave")
    return [] if left is not None and "left with 0" in tmux.screen() else ["did not leave cleanly"]


def run(minutes: float) -> int:
    """0 when every promise was kept."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name, stage(Path(name)) as (prometheus, config):
        tmux = Tmux(config, Path(name), 132, 38)
        try:
            up = until(lambda: "degraded" in row(tmux.screen(), "api"), 30)
            say(begun, f"every pane live after {up:.1f} s:\n{tmux.screen()}" if up else f"not up:\n{tmux.screen()}")
            broken = [] if up else ["not up within 30 s"]
            watch(tmux, minutes * 20, begun)
            broken += outage(tmux, prometheus, begun)
            watch(tmux, minutes * 40 - 25, begun)
            say(begun, "the screen at the end:\n" + tmux.screen())
            broken += leave(tmux, begun)
        finally:
            tmux.stop()
    print("kept every promise" if not broken else "BROKEN: " + "; ".join(broken))
    return 1 if broken else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    return run(parser.parse_args().minutes)


if __name__ == "__main__":
    sys.exit(main())
