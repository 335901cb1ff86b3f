"""A small Loki on loopback: the documented answers of `query_range` and `query`, over lines that a test pushes.

No package registry has a Loki server. What the real one does and this one does too: streams grouped by labels, times
in nanoseconds as text, `end` excluded, a bound on the lines of one answer, one and the same line stored once.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.sources.hostile import Hostile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.sources.hostile import Request

LIMIT = 5_000


class Loki(Hostile):
    """Stores what is pushed; every query gets all of it within its range."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.entries: dict[tuple[tuple[tuple[str, str], ...], int, str], dict[str, str]] = {}
        self.queries: list[dict[str, str]] = []
        self.refusals: list[tuple[str, bytes]] = []
        """Statuses and bodies of the next answers."""

    def push(
        self,
        at: int,
        line: str,
        labels: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """A line, `at` in nanoseconds since 1970."""
        self.entries[tuple(sorted((labels or {"app": "api"}).items())), at, line] = dict(metadata or {})

    async def _answer(self, request: Request) -> None:
        parts = urlsplit(request.target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.queries.append(query)
        if self.refusals:
            status, body = self.refusals.pop(0)
            await request.answer(body, status)
            return
        answer = {"/loki/api/v1/query_range": self._range, "/loki/api/v1/query": self._count}[parts.path](query)
        await request.answer(json.dumps({"status": "success", "data": answer}).encode())

    def _range(self, query: dict[str, str]) -> dict[str, Any]:
        limit = int(query["limit"])
        assert 0 < limit <= LIMIT
        start, end = int(query["start"]), int(query["end"])
        assert start < end
        backward = query["direction"] == "backward"
        found = [key for key in self.entries if start <= key[1] < end]
        found.sort(key=lambda key: key[1], reverse=backward)
        streams: dict[tuple[tuple[str, str], ...], list[list[Any]]] = defaultdict(list)
        for labels, at, line in found[:limit]:
            # Without an encoding flag structured metadata come as labels of the stream.
            merged = dict(labels) | self.entries[labels, at, line]
            streams[tuple(sorted(merged.items()))].append([str(at), line])
        result = [{"stream": dict(labels), "values": values} for labels, values in streams.items()]
        return {"resultType": "streams", "result": result, "stats": {}}

    def _count(self, query: dict[str, str]) -> dict[str, Any]:
        found = re.fullmatch(r"sum\(count_over_time\((.+) \[(\d+)s\]\)\)", query["query"])
        assert found is not None
        until = int(query["time"])
        since = until - int(found[2]) * 10**9
        # A range vector excludes its beginning.
        count = sum(since < at <= until for _, at, _ in self.entries)
        result = [{"metric": {}, "value": [until / 1e9, str(count)]}] if count else []
        return {"resultType": "vector", "result": result}
