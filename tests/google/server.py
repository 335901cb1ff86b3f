"""Google's APIs on loopback, as far as somebody has taught them: `google.serve(RunApi(clock))`.

An API is a discovery document and handlers by the ID of its methods. Whatever is asked and whatever is answered is
held to the document; what does not conform is kept in `violations`, and the fixture `google` fails the test with it.

    google.fault("run", "services.list", status=429, headers={"Retry-After": "7"}, times=1)
    google.fault("run", hold=asyncio.Event())
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from tests.google.errors import GoogleError
from tests.sources.hostile import Hostile, Request

if TYPE_CHECKING:
    from types import TracebackType

    from tests.google.discovery import Document, Method
    from tests.google.oauth import Tokens

Handler = Callable[["Call"], object]
"""Returns an answer to be encoded, or raises GoogleError."""


@dataclass(frozen=True)
class Call:
    """One request to a method of an API."""

    api: str
    method: Method
    variables: tuple[str, ...]
    """Of the path, in its order."""
    query: Sequence[tuple[str, str]]
    body: Any
    """Decoded; None without one."""
    headers: Request
    """Where `header(name)` finds the headers."""

    def parameter(self, name: str, default: str = "") -> str:
        """A parameter of the query, the first one of that name."""
        return next((value for key, value in self.query if key == name), default)


class Api(Protocol):
    """One API as the server knows it."""

    name: str
    """As in `endpoints` of the configuration."""
    document: Document

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """By the method's ID without the API's name, such as `projects.locations.services.list`."""
        ...


@dataclass
class Fault:
    """What happens to the requests of an API instead of, or on top of, an answer."""

    api: str
    method: str = ""
    """End of the method's ID, such as `services.list`; all of them when empty."""
    path: str = ""
    """Part of the path, such as a region; all of them when empty."""
    status: int = 0
    """An error instead of the answer."""
    reason: str = ""
    """Reason of its ErrorInfo, such as `SERVICE_DISABLED`."""
    message: str = "refused by the test"
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    """Nothing is answered before this is set."""
    cut: bool = False
    """The connection ends in the middle of the answer."""
    lost: bool = False
    """The request is carried out, and the connection ends before an answer."""
    change: Callable[[Any], Any] | None = None
    """What becomes of a good answer, which was checked before: fields and values that no document knows."""
    raw: bytes | None = None
    """Sent instead of the answer, with status 200."""
    times: int = 1_000_000
    met: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has befallen a request."""

    def meets(self, call: Call, path: str) -> bool:
        """Whether it befalls this request."""
        return self.times > 0 and self.api == call.api and call.method.id.endswith(self.method) and self.path in path


class Google:
    """The server; as an asynchronous context manager, in the running event loop."""

    def __init__(self, *apis: Api, tokens: Tokens) -> None:
        self.tokens = tokens
        self.violations: list[str] = []
        self.calls: list[Call] = []
        """Requests that reached an API, refused ones included."""
        self._apis: dict[str, Api] = {}
        self._faults: list[Fault] = []
        self._server = Hostile(self._answer)
        for api in apis:
            self.serve(api)

    def serve(self, api: Api) -> None:
        """Teach it an API."""
        prefix = f"{api.name}."
        known = {method.id.removeprefix(prefix) for method in api.document.methods}
        assert set(api.handlers) <= known, f"{api.name} has no methods {set(api.handlers) - known}"
        self._apis[api.name] = api

    @property
    def apis(self) -> tuple[Api, ...]:
        """What it was taught."""
        return tuple(self._apis.values())

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def endpoints(self) -> dict[str, str]:
        """Addresses by API, for the configuration."""
        return {name: f"{self.url}/{name}" for name in self._apis}

    def fault(self, api: str, method: str = "", **what: Any) -> Fault:
        """From now on something befalls requests; the first fault that meets one counts."""
        found = Fault(api, method, **what)
        self._faults.append(found)
        return found

    def mend(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def asked(self, method: str) -> list[Call]:
        """The requests to methods whose ID ends so."""
        return [call for call in self.calls if call.method.id.endswith(method)]

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, trace)

    async def _answer(self, request: Request) -> None:
        try:
            await self._serve(request)
        except GoogleError as error:
            await request.answer(error.body(), error.line, close=False, **dict(error.headers))
        except (AssertionError, KeyError, LookupError, TypeError, ValueError, AttributeError) as error:
            # A fault of the fake is a fault of the test, not a silence in the middle of it.
            self.violations.append(f"{request.head.splitlines()[0]}: {type(error).__name__}: {error}")
            await request.answer(b"{}", "500 Internal Server Error")

    async def _serve(self, request: Request) -> None:
        parts = urlsplit(request.target)
        _, name, *_ = parts.path.split("/", 2)
        if name not in self._apis:
            body, status, headers = self.tokens.answer(parts.path, request)
            await request.answer(body, status, close=False, **headers)
            return
        call = self._call(self._apis[name], request, parts.path.removeprefix(f"/{name}"), parts.query)
        self.calls.append(call)
        fault = next((fault for fault in self._faults if fault.meets(call, request.target)), None)
        if fault is None:
            self.tokens.check(request)
            await request.answer(json.dumps(self._handle(call)).encode())
            return
        fault.times -= 1
        fault.met.set()
        await self._spoil(fault, call, request)

    async def _spoil(self, fault: Fault, call: Call, request: Request) -> None:
        if fault.hold is not None:
            await fault.hold.wait()
        if fault.status:
            raise GoogleError(fault.status, fault.message, reason=fault.reason, headers=fault.headers)
        if fault.raw is not None:
            await request.answer(fault.raw)
            return
        self.tokens.check(request)
        answer = self._handle(call)
        if fault.change is not None:
            answer = fault.change(json.loads(json.dumps(answer)))
        body = json.dumps(answer).encode()
        if fault.lost:
            request.writer.close()
        elif fault.cut:
            await request.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
            request.writer.close()
        else:
            await request.answer(body)

    def _call(self, api: Api, request: Request, path: str, query: str) -> Call:
        verb = request.head.split(" ", 1)[0]
        found = api.document.match(verb, path)
        if found is None:
            self.violations.append(f"{api.name}: {verb} {path} is no method of the API")
            raise GoogleError(404, "no such method")
        pairs = parse_qsl(query, keep_blank_values=True)
        body = json.loads(request.body) if request.body else None
        wrong = api.document.check_request(found.method, pairs, body)
        if request.body and not request.header("content-type").startswith("application/json"):
            wrong.append("a body that is not declared as JSON")
        if wrong:
            self.violations += [f"{found.method.id}: {problem}" for problem in wrong]
            raise GoogleError(400, "; ".join(wrong))
        return Call(api.name, found.method, found.variables, pairs, body, request)

    def _handle(self, call: Call) -> object:
        api = self._apis[call.api]
        handler = api.handlers.get(call.method.id.removeprefix(f"{call.api}."))
        if handler is None:
            self.violations.append(f"nobody taught the fake {call.method.id}")
            raise GoogleError(501, "not implemented")
        answer = handler(call)
        wrong = api.document.check_response(call.method, answer)
        self.violations += [f"the fake's answer to {call.method.id}: {problem}" for problem in wrong]
        return answer


def paged(call: Call, items: Sequence[object], name: str, *, most: int) -> dict[str, object]:
    """A page of a listing: `pageSize` items, at most `most`, and the token of the next page when there is one."""
    size = min(int(call.parameter("pageSize") or most) or most, most)
    found = re.fullmatch(r"page-(\d+)", call.parameter("pageToken") or "page-0")
    if found is None:
        raise GoogleError(400, "the page token is not one of ours")
    start = int(found[1])
    page: dict[str, object] = {name: list(items[start : start + size])} if items[start:] else {}
    return page if start + size >= len(items) else {**page, "nextPageToken": f"page-{start + size}"}
