"""Redis, and the exporter of its metrics."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.servers.http import answers
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.packages import Program


class Redis:
    """One Redis that keeps nothing on disk."""

    def __init__(self, program: Program, folder: Path, *, password: str | None = None) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.password = password
        command: list[str | Path] = [
            program.path,
            "--port",
            str(self.port),
            "--bind",
            self.host,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        if password:
            command += ["--requirepass", password]
        self.process = ServerProcess(command, folder / "redis.log", environment=program.environment, folder=folder)

    def start(self) -> None:
        self.process.start(lambda: self.send(b"PING\r\n")[:1] in {b"+", b"-"})

    def stop(self) -> None:
        self.process.stop()

    def send(self, command: bytes) -> bytes:
        """The answer to an inline command, as bytes of the protocol; nothing when nobody listens."""
        try:
            with socket.create_connection((self.host, self.port), timeout=PATIENCE) as connection:
                connection.sendall(command)
                return connection.recv(65536)
        except OSError:
            return b""


class RedisExporter:
    """The exporter of one Redis."""

    def __init__(self, program: Program, folder: Path, redis: Redis) -> None:
        self.port = free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.target}/metrics"
        command: list[str | Path] = [
            program.path,
            f"-redis.addr=redis://{redis.host}:{redis.port}",
            f"-web.listen-address={self.target}",
        ]
        self.process = ServerProcess(command, folder / "redis-exporter.log", environment=program.environment)

    def start(self) -> None:
        self.process.start(lambda: answers(self.url))

    def stop(self) -> None:
        self.process.stop()
