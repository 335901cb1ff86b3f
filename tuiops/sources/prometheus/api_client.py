"""prometheus-api-client kept within bounds: it asks once, for a limited time, and reads a limited answer.

By itself it tries three times with growing pauses, waits for ever, follows redirects and takes whatever comes.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Retry

from tuiops.core.text import SafeText, safe
from tuiops.core.units import show_size
from tuiops.errors import (
    AccessDenied,
    BadAnswer,
    NotFound,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)
from tuiops.sources.curfew import Curfew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from socket import socket

_T = TypeVar("_T")

MAX_BYTES = 32_000_000
"""Largest answer, after decompression."""

_BLOCK = 65_536
_STATUS = re.compile(r"HTTP Status Code (\d{3})", re.ASCII)
_ERRORS: Mapping[int, type[SourceError]] = {
    400: QueryRefused, 401: AccessDenied, 403: AccessDenied, 404: NotFound, 405: NotFound, 422: QueryRefused,
    429: RateLimited, 501: NotFound,
}  # fmt: skip


class _Bounded(HTTPAdapter):
    """Ends answers that are too long or take too long. One request at a time."""

    def __init__(self, seconds: float, limit: int) -> None:
        self._seconds = seconds
        self._limit = limit
        self._curfew: Curfew | None = None
        super().__init__(max_retries=Retry(total=0, read=False))

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """The pools that all connections come from."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watch)

    def send(self, request: requests.PreparedRequest, *_: Any, **rest: Any) -> requests.Response:
        """The answer, read whole."""
        try:
            with Curfew(self._seconds) as self._curfew:
                response = super().send(request, **{**rest, "stream": True, "timeout": self._seconds})
                response._content = self._body(response)  # noqa: SLF001 - where requests itself keeps what it has read
        except TimeoutError:
            raise TimedOut(f"sent no complete answer within {self._seconds:g} s") from None
        return response

    def _watch(self, connected: socket) -> None:
        if self._curfew is not None:
            self._curfew.watch(connected)

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for block in response.iter_content(_BLOCK):
            body += block
            if len(body) > self._limit:
                response.close()
                raise BadAnswer(f"sent more than {show_size(self._limit)}")
        return bytes(body)


def _pools(watch: Callable[[socket], None]) -> dict[str, type[HTTPConnectionPool]]:
    """Pools whose connections are watched from their first byte on, and again with every request."""

    class Watched(HTTPConnection):
        def _new_conn(self) -> socket:
            connected = super()._new_conn()
            watch(connected)
            return connected

        def request(self, *args: Any, **more: Any) -> None:
            if self.sock is not None:
                watch(self.sock)
            super().request(*args, **more)

    class WatchedSecure(Watched, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Watched  # type: ignore[mutable-override] # urllib3 means it to be set so

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = WatchedSecure  # type: ignore[mutable-override] # urllib3 means it to be set so

    return {"http": Pool, "https": SecurePool}


class ApiClient:
    """The questions of a look around. All of them block, and raise errors.SourceError only."""

    def __init__(self, url: str, *, bearer: str = "", seconds: float = 10.0, limit: int = MAX_BYTES) -> None:
        """`seconds` is the deadline of one answer, `limit` its bytes."""
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.max_redirects = 0
        if bearer:
            self._session.headers["authorization"] = f"Bearer {bearer}"
        retry = Retry(total=0)
        self._client = PrometheusConnect(self.url, session=self._session, retry=retry, timeout=max(1, round(seconds)))
        # The library has mounted an adapter of its own at the address; the longer prefix counts.
        self._session.mount(f"{self.url}/api/", _Bounded(seconds, limit))

    def query(self, query: str, kind: type[_T], params: Mapping[str, str] | None = None) -> _T:
        """The result of an instant query."""
        with self._told():
            return msgspec.convert(self._client.custom_query(query, dict(params or {})), kind, strict=False)

    def targets(self, kind: type[_T]) -> _T:
        """The scrape targets that are active."""
        with self._told():
            return msgspec.convert(self._client.get_targets(state="active"), kind, strict=False)

    def rules(self, kind: type[_T]) -> _T:
        """The rules, which the library has no question for."""
        with self._told():
            response = self._session.get(f"{self.url}/api/v1/rules")
            if not response.ok:
                raise PrometheusApiClientException(f"HTTP Status Code {response.status_code}")
            return msgspec.convert(response.json()["data"], kind, strict=False)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        server = safe(self._session_host())
        try:
            yield
        except SourceError as error:
            raise type(error)(f"{server} {error}") from None
        except PrometheusApiClientException as error:
            raise _refused(str(error), server) from None
        except requests.exceptions.Timeout:
            raise TimedOut(f"{server} did not answer in time") from None
        except requests.exceptions.TooManyRedirects:
            raise BadAnswer(f"{server} leads elsewhere; does the address lead to a login page?") from None
        except (requests.exceptions.JSONDecodeError, msgspec.ValidationError, KeyError, TypeError, RecursionError):
            raise BadAnswer(f"{server} sent something else than Prometheus would; check the address") from None
        except (requests.exceptions.RequestException, ValueError) as error:
            raise Unreachable(f"{server} cannot be reached: {safe(_cause(error), 200)}") from None

    def _session_host(self) -> str:
        return str(self._client.prometheus_host) or self.url


def _refused(said: str, server: SafeText) -> SourceError:
    found = _STATUS.search(said)
    status = int(found[1]) if found else 0
    kind = _ERRORS.get(status, BadAnswer)
    return kind(f"{server} answered with status {status}" if status else f"{server}: {safe(said, 200)}")


def _cause(error: BaseException) -> str:
    """What lies at the bottom, without the names of the libraries between."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
