"""MiniStack: AWS on loopback, whose ECS scheduler really rolls, fails, breaks the circuit and rolls back.

It runs containers through docker-py; `ministack_docker` is put before that, so that no Docker is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.http import answers
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-east-1"
KEYS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "AKIATUIOPSTEST", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}


class Ministack:
    """One AWS account in one region, in memory."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._holds = folder / "holds"
        self._holds.mkdir()
        environment = {
            "BIND_HOST": "127.0.0.1",
            "FAKE_DOCKER_HOLDS": str(self._holds),
            "GATEWAY_PORT": str(self.port),
            "HOME": str(folder),
            "LOG_LEVEL": "WARNING",
            "MINISTACK_REGION": REGION,
            "PYTHONPATH": str(Path(__file__).parent / "ministack_docker"),
            "S3_DATA_DIR": str(folder / "s3"),
            "TMPDIR": str(folder),
        }
        command = [sys.executable, "-m", "ministack"]
        self.process = ServerProcess(command, folder / "ministack.log", environment=environment, folder=folder)

    def start(self) -> None:
        self.process.start(lambda: answers(f"{self.url}/_ministack/health"))

    def stop(self) -> None:
        self.process.stop()

    def hold(self, tag: str) -> None:
        """Let no container of images with this tag start until `release`."""
        (self._holds / tag).touch()

    def let_one(self, tag: str) -> None:
        """Let one container through, in spite of `hold`."""
        (self._holds / f"{tag}.1").touch()

    def release(self, tag: str) -> None:
        """Undo `hold`."""
        (self._holds / tag).unlink()
