"""A Prometheus server with fast scrapes and rules, and room for samples pushed by the test."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.servers import remote_write
from tests.servers.http import request_json
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.servers.packages import Program

Rules = str | Path
"""The text of a rule file, or the path of one."""


class Prometheus:
    """One Prometheus. It keeps its port and its data when it is stopped and started again."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        scrape_targets: Mapping[str, Sequence[str]] | None = None,
        scrape_configs: Sequence[Mapping[str, object]] = (),
        rules: Rules | Sequence[Rules] = (),
        alertmanagers: Sequence[str] = (),
        scrape: str = "1s",
        external_labels: Mapping[str, str] | None = None,
        web_config: str | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """Prepare it; `start` runs it.

        `scrape_targets` maps job names to `host:port`s; `scrape_configs` are whole entries of the configuration;
        `alertmanagers` are `host:port`s; `web_config` is the text of a web configuration file (TLS, users).
        """
        self.port = free_port()
        scheme = "https" if web_config and "tls_server_config" in web_config else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.target = f"127.0.0.1:{self.port}"
        self._folder = folder
        jobs: list[Mapping[str, object]] = [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]}
            for job, targets in (scrape_targets or {}).items()
        ]
        self._config: dict[str, Any] = {
            "global": {
                "scrape_interval": scrape,
                "scrape_timeout": scrape,
                "evaluation_interval": "1s",
                "external_labels": dict(external_labels or {}),
            },
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
            "scrape_configs": [*jobs, *scrape_configs],
        }
        self._write_config(rules)
        command: list[str | Path] = [
            program.path,
            f"--config.file={folder / 'prometheus.json'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
            "--rules.alert.resend-delay=1s",
            "--rules.alert.for-grace-period=0s",
            *arguments,
        ]
        if web_config:
            (folder / "web.yml").write_text(web_config, encoding="utf-8")
            command.append(f"--web.config.file={folder / 'web.yml'}")
        self.process = ServerProcess(command, folder / "prometheus.log", environment=program.environment)

    def start(self) -> None:
        """Run it and wait until it answers queries (or, where users are required, refuses them)."""
        # Its own word: behind a route prefix or a login, the address of readiness answers before queries do.
        self.process.start(lambda: self.process.logged("Server is ready to receive web requests"))

    def stop(self) -> None:
        self.process.stop()

    def push(self, series: Iterable[tuple[Mapping[str, str], Sequence[remote_write.Sample]]]) -> None:
        """Write samples: [({"__name__": "up", "job": "api"}, [(seconds, value), …]), …]."""
        remote_write.push(f"{self.url}/api/v1/write", series)

    def query(self, expression: str, **parameters: str) -> list[dict[str, Any]]:
        """The result of an instant query, as the API gives it."""
        answer = request_json(f"{self.url}/api/v1/query?{urlencode({'query': expression, **parameters})}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """The first result of an instant query that is not empty."""
        wait_until(lambda: bool(self.query(expression)), f"a result of {expression}")
        return self.query(expression)

    def wait_for_alert(self, name: str, state: str = "firing") -> None:
        """Wait until a rule has an alert of that name in that state."""

        def there() -> bool:
            found = request_json(f"{self.url}/api/v1/alerts")["data"]["alerts"]
            return any(alert["labels"]["alertname"] == name and alert["state"] == state for alert in found)

        wait_until(there, f"alert {name} {state}")

    def reload(self, rules: Rules | Sequence[Rules]) -> None:
        """Replace the rules of the running server."""
        before = self._loaded()
        self._write_config(rules)
        os.kill(self.process.pid, signal.SIGHUP)
        wait_until(lambda: self._loaded() > before, "the configuration to be read again")

    def _loaded(self) -> int:
        return self.process.log.read_text(encoding="utf-8").count("Completed loading of configuration file")

    def _write_config(self, rules: Rules | Sequence[Rules]) -> None:
        files: list[str] = []
        for number, entry in enumerate([rules] if isinstance(rules, str | Path) else rules):
            if isinstance(entry, Path):
                files.append(str(entry.absolute()))
            else:
                path = self._folder / f"rules-{number}.yml"
                path.write_text(entry, encoding="utf-8")
                files.append(str(path))
        self._config["rule_files"] = files
        # JSON is YAML.
        (self._folder / "prometheus.json").write_text(json.dumps(self._config), encoding="utf-8")
