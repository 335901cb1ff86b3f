"""An Alertmanager that calls nobody."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.servers.http import answers, request_json
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.servers.packages import Program

_TEMPLATES = b"/usr/share/prometheus/alertmanager"


class Alertmanager:
    """One Alertmanager. It keeps its port and its silences when it is stopped and started again."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        inhibit_rules: Sequence[Mapping[str, object]] = (),
        webhooks: Sequence[str] = (),
        web_config: str | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        scheme = "https" if web_config and "tls_server_config" in web_config else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.target = f"127.0.0.1:{self.port}"
        receiver = {"name": "test", "webhook_configs": [{"url": url, "send_resolved": True} for url in webhooks]}
        config = {
            "route": {
                "receiver": "test",
                "group_by": ["alertname"],
                "group_wait": "1s",
                "group_interval": "1s",
                "repeat_interval": "1h",
            },
            "receivers": [receiver],
            "inhibit_rules": list(inhibit_rules),
        }
        (folder / "alertmanager.json").write_text(json.dumps(config), encoding="utf-8")
        command: list[str | Path] = [
            _relocatable(program),
            f"--config.file={folder / 'alertmanager.json'}",
            f"--storage.path={folder / 'alertmanager-data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            *arguments,
        ]
        if web_config:
            (folder / "alertmanager-web.yml").write_text(web_config, encoding="utf-8")
            command.append(f"--web.config.file={folder / 'alertmanager-web.yml'}")
        self.process = ServerProcess(
            command, folder / "alertmanager.log", environment=program.environment, folder=program.root
        )

    def start(self) -> None:
        """Run it and wait until it answers (or, where users are required, refuses)."""
        self.process.start(lambda: answers(f"{self.url}/-/ready", 200, 401, 404))

    def stop(self) -> None:
        self.process.stop()

    def post(self, *alerts: Mapping[str, object]) -> None:
        """Report alerts as API v2 takes them: `labels`, `annotations`, `startsAt`, `endsAt`, `generatorURL`."""
        request_json(f"{self.url}/api/v2/alerts", method="POST", payload=list(alerts))

    def fire(self, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> None:
        """Report one alert that began a minute ago and goes on for an hour."""
        now = datetime.now(UTC)
        self.post(
            {
                "labels": dict(labels),
                "annotations": dict(annotations or {}),
                "startsAt": (now - timedelta(minutes=1)).isoformat(),
                "endsAt": (now + timedelta(hours=1)).isoformat(),
            }
        )

    def resolve(self, labels: Mapping[str, str]) -> None:
        """Report the end of an alert."""
        now = datetime.now(UTC)
        begun = (now - timedelta(minutes=1)).isoformat()
        self.post({"labels": dict(labels), "startsAt": begun, "endsAt": now.isoformat()})

    def silence(self, labels: Mapping[str, str], *, author: str = "tester", comment: str = "a test") -> str:
        """Silence whatever has these labels for an hour; the identifier of the silence."""
        now = datetime.now(UTC)
        answer = request_json(
            f"{self.url}/api/v2/silences",
            method="POST",
            payload={
                "matchers": [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()],
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(hours=1)).isoformat(),
                "createdBy": author,
                "comment": comment,
            },
        )
        identifier: str = answer["silenceID"]
        return identifier

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert, as the API gives them."""
        found: list[dict[str, Any]] = request_json(f"{self.url}/api/v2/alerts")
        return found

    def wait_for(self, name: str, state: str = "active") -> dict[str, Any]:
        """The first alert of that name in that state (`active` or `suppressed`)."""
        matching: list[dict[str, Any]] = []

        def there() -> bool:
            matching[:] = [
                alert
                for alert in self.alerts()
                if alert["labels"]["alertname"] == name and alert["status"]["state"] == state
            ]
            return bool(matching)

        wait_until(there, f"alert {name} {state}")
        return matching[0]


def _relocatable(program: Program) -> Path:
    """The program itself, or a copy that finds its unpacked templates.

    Debian compiles the absolute path of the templates in. Without its leading slash, and with one at its end
    to keep the length, it is relative to the working folder, which is the root of the unpacked tree.
    """
    if program.root is None:
        return program.path
    copy = program.path.with_name(f"{program.path.name}.relocatable")
    if not copy.exists():
        content = program.path.read_bytes()
        assert _TEMPLATES in content, f"{program.path} has no template path to replace"
        partial = copy.with_suffix(f".{os.getpid()}")
        partial.write_bytes(content.replace(_TEMPLATES, _TEMPLATES[1:] + b"/"))
        partial.chmod(0o755)
        partial.replace(copy)
    return copy
