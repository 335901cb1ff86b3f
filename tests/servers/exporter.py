"""A service with metrics that the test sets, for a real Prometheus to scrape."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exporter:
    """Serves /metrics in the text format. Its values may be changed while it runs."""

    def __init__(self) -> None:
        self.port = free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.target}/metrics"
        self.status = 200
        """The HTTP status of the answers."""
        self.scrapes = 0
        self._lines: dict[str, float] = {}
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def set(self, metric: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Give one series a value."""
        with self._lock:
            self._lines[_series(metric, labels)] = value

    def add(self, metric: str, amount: float, labels: Mapping[str, str] | None = None) -> None:
        """Let a counter grow."""
        with self._lock:
            series = _series(metric, labels)
            self._lines[series] = self._lines.get(series, 0.0) + amount

    def remove(self, metric: str, labels: Mapping[str, str] | None = None) -> None:
        """Let one series vanish."""
        with self._lock:
            del self._lines[_series(metric, labels)]

    def text(self) -> str:
        """What a scrape gets."""
        with self._lock:
            self.scrapes += 1
            return "".join(f"{series} {value!r}\n" for series, value in self._lines.items())

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="exporter")
        self._thread.start()

    def stop(self) -> None:
        """Idempotent; `start` opens the same port again."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None


def _series(metric: str, labels: Mapping[str, str] | None) -> str:
    escaped = {
        name: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        for name, value in (labels or {}).items()
    }
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], exporter: Exporter) -> None:
        super().__init__(address, _Handler)
        self.exporter = exporter


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        exporter = cast("_Server", self.server).exporter
        body = exporter.text().encode()
        self.send_response(exporter.status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Scrapes are no news."""
