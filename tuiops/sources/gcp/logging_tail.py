"""Cloud Logging's tail over gRPC: entries within a second or two, as many as Google sends.

A session lasts an hour at most, and a project has ten of them. Before each one's first entries the store is asked
once for what came between it and the one before. What Google suppresses is counted.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import AccessDenied, BadAnswer, QueryRefused, RateLimited, SourceError, TimedOut, Unreachable
from tuiops.sources.gcp.logging import record_of
from tuiops.sources.quota import PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tuiops.core.updates import LogChunk
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.stored_logs import Follower, Record

API: Final = "logging_tail"
"""The address of the tail among the `endpoints` of a source, as `http://` or `https://`."""
_METHOD: Final = "/google.logging.v2.LoggingServiceV2/TailLogEntries"
_HOST: Final = "logging.googleapis.com:443"
_LARGEST: Final = 32_000_000
"""Bytes of one message."""
CONNECTING: Final = 10.0
"""Seconds until a session must have begun."""
CALM: Final = 10.0
"""Seconds without an entry after which the stream is said to be alive all the same."""
SESSION: Final = 3540.0
"""Seconds after which a session is replaced by us, before Google ends it after an hour."""
SETTLED: Final = 15.0
"""Seconds after which a session has certainly begun: what was written while it did is asked for then."""
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_receive_message_length", _LARGEST),
)
_REASONS: Final[Mapping[int, SafeText]] = {
    1: lit("suppressed: more than Google sends"),
    2: lit("suppressed: read too slowly"),
}
"""By SuppressionInfo.Reason: RATE_LIMIT and NOT_CONSUMED."""


async def tail(follower: Follower, client: GoogleClient, wanted: str) -> AsyncIterator[LogChunk]:
    """One session after the other. Ends by SourceError, but not by the end of a session's time."""
    if client.bastion is not None:
        raise QueryRefused("a tail over gRPC cannot go through a bastion: leave out stream, or via")
    library = await asyncio.to_thread(_library)
    while True:
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(_channel(library, client))
            async for chunk in _session(library, channel, follower, client, wanted):
                yield chunk


async def _session(
    library: Any, channel: Any, follower: Follower, client: GoogleClient, wanted: str
) -> AsyncIterator[LogChunk]:
    types = library.types
    metadata = tuple((await client.authorization()).items())
    call = channel.stream_stream(
        _METHOD,
        request_serializer=types.TailLogEntriesRequest.serialize,
        response_deserializer=types.TailLogEntriesResponse.pb().FromString,
    )(metadata=metadata)
    request = types.TailLogEntriesRequest(resource_names=[f"projects/{client.project}"], filter=wanted)
    loop = asyncio.get_running_loop()
    begun, settled = loop.time(), False
    read: asyncio.Task[Any] | None = None
    try:
        async with asyncio.timeout(CONNECTING):
            await call.write(request)
        async for chunk in follower.poll():
            yield chunk
        while loop.time() - begun < SESSION:
            if not settled and loop.time() - begun >= SETTLED:
                settled = True
                async for chunk in follower.poll():
                    yield chunk
            read = read or asyncio.ensure_future(call.read())
            done, _ = await asyncio.wait({read}, timeout=CALM)
            if not done:
                yield follower.admit(())
                continue
            answer, read = read.result(), None
            if answer is library.aio.EOF:
                raise _explained((await call.code()).name, await call.details())
            yield _chunk(library, answer, follower)
    except TimeoutError:
        raise TimedOut(f"logging: the tail did not begin within {CONNECTING:g} s") from None
    except library.aio.AioRpcError as error:
        raise _explained(error.code().name, error.details()) from None
    finally:
        if read is not None:
            read.cancel()
        call.cancel()


def _chunk(library: Any, answer: Any, follower: Follower) -> LogChunk:
    chunk = follower.admit([_record(library, entry) for entry in answer.entries])
    thinned, dropped = EMPTY, 0
    for info in answer.suppression_info:
        dropped += info.suppressed_count
        thinned = _REASONS.get(info.reason, lit("suppressed"))
    note = fmt("{:,} records were {}", dropped, thinned) if dropped else EMPTY
    return msgspec.structs.replace(chunk, dropped=dropped, thinned=thinned, note=note)


def _record(library: Any, entry: Any) -> Record:
    """The entry in the JSON that the REST API would give."""
    try:
        text = library.to_json(entry, indent=None)
    except (TypeError, ValueError):
        # A payload of a type that is not known here cannot be written as JSON.
        kind = entry.proto_payload.type_url
        entry.ClearField("proto_payload")
        entry.text_payload = f"a payload of the type {kind}"
        text = library.to_json(entry, indent=None)
    return record_of(text.encode())


def _channel(library: Any, client: GoogleClient) -> Any:
    url = client.address(API)
    if url is None:
        return library.aio.secure_channel(_HOST, library.secure(), options=_OPTIONS)
    parts = urlsplit(url)
    if parts.scheme == "http":
        return library.aio.insecure_channel(parts.netloc, options=_OPTIONS)
    netloc = parts.netloc if parts.port else f"{parts.netloc}:443"
    return library.aio.secure_channel(netloc, library.secure(), options=_OPTIONS)


def _explained(code: str, details: str | None) -> SourceError:
    """Our error for the status that a call ended with (google.rpc.Code)."""
    said = safe(details or code, 300)
    if code == "RESOURCE_EXHAUSTED":
        return RateLimited(f"logging limit: {said}; a project has ten tails at once", retry_after=PAUSE)
    kind, text = _BY_CODE.get(code, (Unreachable, "the tail of logging failed: {said}"))
    return kind(text.format(said=said))


_REFUSED: Final = (QueryRefused, "logging refused the tail: {said}")
_OVER: Final = (Unreachable, "logging ended the tail: {said}; it is opened again")
_BY_CODE: Final[Mapping[str, tuple[type[SourceError], str]]] = {
    "UNAUTHENTICATED": (AccessDenied, "logged out: logging refused the credentials: {said}; check [credentials]"),
    "PERMISSION_DENIED": (AccessDenied, "logging forbids the tail: {said}"),
    "INVALID_ARGUMENT": _REFUSED,
    "NOT_FOUND": _REFUSED,
    "UNIMPLEMENTED": _REFUSED,
    "FAILED_PRECONDITION": _REFUSED,
    "OK": _OVER,
    "ABORTED": _OVER,
    "CANCELLED": _OVER,
    "OUT_OF_RANGE": _OVER,
    "DEADLINE_EXCEEDED": _OVER,
    "INTERNAL": (BadAnswer, "logging broke the tail: {said}"),
    "DATA_LOSS": (BadAnswer, "logging broke the tail: {said}"),
}


class _Library:
    """What the extra brings; importing it takes most of a second."""

    def __init__(self) -> None:
        from google.cloud.logging_v2.types import logging as types
        from google.protobuf.json_format import MessageToJson
        from grpc import aio, ssl_channel_credentials

        self.aio = aio
        self.secure = ssl_channel_credentials
        self.types = types
        self.to_json = MessageToJson


def _library() -> _Library:
    try:
        return _Library()
    except ImportError:
        raise QueryRefused("stream = true needs gRPC, which is not installed; pip install 'tuiops[gcp-tail]'") from None
