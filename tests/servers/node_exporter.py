"""The exporter of this machine's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.http import answers
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.packages import Program


class NodeExporter:
    """One node exporter."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.port = free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.target}/metrics"
        command: list[str | Path] = [program.path, f"--web.listen-address={self.target}"]
        self.process = ServerProcess(command, folder / "node-exporter.log", environment=program.environment)

    def start(self) -> None:
        self.process.start(lambda: answers(self.url))

    def stop(self) -> None:
        self.process.stop()
