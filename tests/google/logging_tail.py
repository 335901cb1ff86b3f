"""LoggingServiceV2.TailLogEntries in this process, over real gRPC: what Google streams, when a test says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from google.cloud.logging_v2.types import logging as types
from google.protobuf.json_format import ParseDict
from grpc import StatusCode, aio, method_handlers_generic_handler, stream_stream_rpc_method_handler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType


class LoggingTail:
    """The server; each session gets what is said from its beginning on, until it is ended."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.opened = asyncio.Event()
        self.refusal: tuple[StatusCode, str] | None = None
        """What the next session is refused with."""
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._server = aio.server()

    async def __aenter__(self) -> Self:
        handler = stream_stream_rpc_method_handler(
            self._tail,
            request_deserializer=types.TailLogEntriesRequest.deserialize,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
        service = "google.logging.v2.LoggingServiceV2"
        self._server.add_generic_rpc_handlers((method_handlers_generic_handler(service, {"TailLogEntries": handler}),))
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(0)

    def say(self, *entries: Mapping[str, Any], suppressed: Mapping[str, int] | None = None) -> None:
        """Entries in JSON, as `entries.list` would give them, and counts of what is left out by reason."""
        infos = [{"reason": reason, "suppressedCount": count} for reason, count in (suppressed or {}).items()]
        body = {"entries": list(entries), "suppressionInfo": infos}
        self._queue.put_nowait(ParseDict(body, types.TailLogEntriesResponse.pb()()))

    def say_unknown(self, insert_id: str, at: str) -> None:
        """An entry whose payload is of a type that nobody here knows."""
        answer = types.TailLogEntriesResponse.pb()()
        ParseDict({"entries": [{"insertId": insert_id, "timestamp": at, "logName": "projects/p/logs/l"}]}, answer)
        answer.entries[0].proto_payload.type_url = "type.googleapis.com/shop.Unknown"
        self._queue.put_nowait(answer)

    def end(self, code: StatusCode, details: str) -> None:
        """End the session that is open."""
        self._queue.put_nowait((code, details))

    async def _tail(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        self.requests.append(await anext(requests))
        self.metadata.append({str(name): str(value) for name, value in context.invocation_metadata()})
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            await context.abort(*refusal)
        self.opened.set()
        while True:
            said = await self._queue.get()
            if isinstance(said, tuple):
                await context.abort(*said)
            yield said
