"""An OpenSearch-compatible server that keeps everything in memory, from a package of the development group."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from osmem_server import resolve_binary

from tests.servers.http import answers, request, request_json
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BULK = 1_000
"""Documents of one request: it has to be answered within the harness's patience."""


class Osmem:
    """One server. Documents are visible as soon as they are indexed."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [resolve_binary(), "--addr", f"127.0.0.1:{port}", "--no-ja", "--no-stdin-watch"]
        self.process = ServerProcess(command, folder / "osmem.log")

    def start(self) -> None:
        self.process.start(lambda: answers(f"{self.url}/"))

    def stop(self) -> None:
        self.process.stop()

    def index(self, name: str, documents: Iterable[Mapping[str, Any]]) -> None:
        """Add documents; one with `_id` keeps it."""
        pending = list(documents)
        while pending:
            self._bulk(name, pending[:_BULK])
            pending = pending[_BULK:]

    def _bulk(self, name: str, documents: Iterable[Mapping[str, Any]]) -> None:
        lines: list[str] = []
        for document in documents:
            action = {"index": {"_index": name, **({"_id": document["_id"]} if "_id" in document else {})}}
            lines += [json.dumps(action), json.dumps({key: value for key, value in document.items() if key != "_id"})]
        body = ("\n".join(lines) + "\n").encode()
        status, content = request(
            f"{self.url}/_bulk?refresh=true",
            method="POST",
            body=body,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert status == 200, content[:500]
        assert not json.loads(content)["errors"], content[:500]

    def create(self, name: str, properties: Mapping[str, Any]) -> None:
        """An index with a mapping."""
        request_json(f"{self.url}/{name}", method="PUT", payload={"mappings": {"properties": properties}})

    def delete(self, name: str) -> None:
        request_json(f"{self.url}/{name}", method="DELETE")
