"""VictoriaMetrics: a second implementation of Prometheus' query API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers import remote_write
from tests.servers.http import answers, request
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.servers.packages import Program


class VictoriaMetrics:
    """One single-node server that scrapes and takes remote writes."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        scrape_targets: Mapping[str, Sequence[str]] | None = None,
        scrape: str = "1s",
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        jobs = [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]}
            for job, targets in (scrape_targets or {}).items()
        ]
        config = {"global": {"scrape_interval": scrape, "scrape_timeout": scrape}, "scrape_configs": jobs}
        (folder / "scrape.json").write_text(json.dumps(config), encoding="utf-8")
        command: list[str | Path] = [
            program.path,
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={folder / 'victoria-data'}",
            f"-promscrape.config={folder / 'scrape.json'}",
            "-search.latencyOffset=0s",
            "-memory.allowedBytes=128MB",
            "-retentionPeriod=3",
        ]
        self.process = ServerProcess(command, folder / "victoria.log", environment=program.environment)

    def start(self) -> None:
        self.process.start(lambda: answers(f"{self.url}/health"))

    def stop(self) -> None:
        self.process.stop()

    def push(self, series: Iterable[tuple[Mapping[str, str], Sequence[remote_write.Sample]]]) -> None:
        """Write samples and make them visible at once."""
        remote_write.push(f"{self.url}/api/v1/write", series)
        request(f"{self.url}/internal/force_flush")
