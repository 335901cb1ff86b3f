"""Moto: AWS on loopback, for the services that are only read or simply changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.servers.http import answers, request
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path


class Moto:
    """All of AWS that Moto knows, in memory."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {"HOME": str(folder), "AWS_ACCESS_KEY_ID": "moto", "AWS_SECRET_ACCESS_KEY": "moto"}
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = ServerProcess(command, folder / "moto.log", environment=environment, folder=folder)

    def start(self) -> None:
        self.process.start(lambda: answers(f"{self.url}/moto-api/data.json"))

    def stop(self) -> None:
        self.process.stop()

    def reset(self) -> None:
        """Forget everything."""
        status, _ = request(f"{self.url}/moto-api/reset", method="POST")
        assert status == 200
