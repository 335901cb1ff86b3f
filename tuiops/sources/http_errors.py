"""The one place where failures of HTTP, TLS, sockets and SSH tunnels become the errors of `tuiops.errors`.

Texts are for a tired person on call: who (`host:port`), what, and what to do about it. They never hold
credentials, and whatever a server wrote into them has passed through `safe`.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from tuiops.core.text import SafeText, safe
from tuiops.errors import (
    AccessDenied,
    BadAnswer,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    TuiopsError,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from datetime import datetime

MAX_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for more is asked again after this."""

_MESSAGE = 300
"""Characters kept of what a server says about itself."""


class Refusal(NamedTuple):
    """An answer whose status is not 2xx, with as much of its body as is worth reading."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    url: str


@contextlib.asynccontextmanager
async def deadline(seconds: float, server: SafeText) -> AsyncIterator[None]:
    """Everything inside is done within `seconds`, or TimedOut is raised."""
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TimedOut(f"{server} gave no complete answer within {seconds:g}s; is it overloaded? (timeout)") from None


@contextlib.contextmanager
def translated(server: SafeText) -> Iterator[None]:
    """Failures of a connection to `server` leave as errors of ours, without their causes: those may quote headers."""
    try:
        yield
    except TuiopsError:
        raise
    except Exception as error:  # what is no failure of a connection leaves as it came
        found = translate(error, server)
        if found is None:
            raise
        raise found from None


def translate(error: BaseException, server: SafeText) -> SourceError | None:
    """Our error for a failure below HTTP; None for what is no such failure, but a mistake in the program."""
    chain = list(_chain(error))
    for explain in (_ours, _tls, _no_host, _os):
        for found in chain:
            explained = explain(found, server)
            if explained is not None:
                return explained
    names = {kind.__name__ for found in chain for kind in type(found).__mro__}
    if names & {"RemoteProtocolError", "DecodingError"}:
        return _broken_protocol(chain, server)
    for kinds, error_class, text in _BY_NAME:
        if names & kinds:
            return error_class(text.format(server=server))
    if any(type(found).__module__.startswith("asyncssh") for found in chain):
        return Unreachable(f"the SSH connection to {server} was lost: {safe(str(error), _MESSAGE)}")
    return None


_BY_NAME: tuple[tuple[frozenset[str], type[SourceError], str], ...] = (
    (
        frozenset({"InvalidURL", "UnsupportedProtocol"}),
        Unreachable,
        "{server} is not an address that can be asked; check url",
    ),
    (
        frozenset({"LocalProtocolError", "UnicodeEncodeError"}),
        AccessDenied,
        "a header for {server} holds characters that cannot be sent; check headers and secrets",
    ),
    (
        frozenset({"NetworkError", "BrokenResourceError", "ClosedResourceError", "EndOfStream"}),
        Unreachable,
        "{server} dropped the connection",
    ),
    (
        frozenset({"TimeoutException"}),
        TimedOut,
        "{server} did not complete the connection in time; is a firewall in between?",
    ),
)
"""By the names of classes: httpx, httpcore and anyio share them, and none is imported for the sake of an error."""


def refused(refusal: Refusal, server: SafeText, now: datetime, *, credentials: bool) -> SourceError:
    """Our error for an answer that is not 2xx. `credentials`: whether any were sent."""
    status, message = refusal.status, said(refusal.body)
    because = f": {message}" if message else ""
    if 300 <= status < 400:
        return _redirect(refusal, server)
    wait = retry_after(refusal.headers.get("retry-after", ""), now)
    if status == 429 or (status == 503 and wait is not None):
        asks = f"asks to wait {wait:g}s" if wait is not None else "asks to be asked less often; raise interval"
        return RateLimited(f"{server} {asks} ({status}){because}", retry_after=wait)
    if status in {400, 422} or (status == 503 and _is_api_error(refusal.body)):
        return QueryRefused(f"{server} refused the query ({status}){because}")
    if status == 401 and credentials:
        return AccessDenied(f"{server} refused the credentials (401); check bearer or basic{because}")
    kind, text = _BY_STATUS.get(status, (BadAnswer, "{server} failed with {status} {reason}"))
    path = safe(urlsplit(refusal.url).path)
    reason = safe(refusal.reason) or "and no reason"
    return kind(text.format(server=server, path=path, status=status, reason=reason) + because)


_BY_STATUS: Mapping[int, tuple[type[SourceError], str]] = {
    401: (AccessDenied, "{server} wants credentials (401); set bearer or basic"),
    403: (AccessDenied, "{server} forbids {path} (403); its credentials lack the right"),
    404: (BadAnswer, "{server} has nothing at {path} (404); check the path in url"),
    407: (AccessDenied, "a proxy before {server} wants credentials (407); use via or another url"),
    502: (Unreachable, "the proxy at {server} cannot reach what is behind it (502)"),
    503: (Unreachable, "{server} is not ready to answer (503)"),
    504: (Unreachable, "the proxy at {server} got no answer from what is behind it (504)"),
}


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds named by a Retry-After header, be it a number or a date (RFC 9110 10.2.3); None when it names none."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(0.0, float(math.ceil(seconds))), MAX_RETRY_AFTER)


def server_time(headers: Mapping[str, str]) -> float | None:
    """Seconds since the epoch by the clock of a server, from its Date header (RFC 9110 6.6.1); None without one."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def said(body: bytes) -> SafeText:
    """What a server says about its refusal, from the error bodies of the APIs in use; empty for pages of HTML."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.strip()
        return safe("" if looks_like_html(text) else text.split(b"\n", 1)[0], _MESSAGE)
    for _ in range(2):
        if isinstance(found, dict):
            found = found.get("error") or found.get("message") or ""
    return safe(found if isinstance(found, str) else "", _MESSAGE)


def _is_api_error(body: bytes) -> bool:
    """Whether a body is Prometheus' own error, which it also sends with 503 when a query took too long."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("status") == "error" and "errorType" in found


def looks_like_html(body: bytes) -> bool:
    """Whether a body is a page for people."""
    return body.lstrip()[:1] == b"<"


def _chain(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The error and its causes, the members of groups included."""
    if depth > 8:
        return
    if not isinstance(error, (ssl.SSLWantReadError, ssl.SSLWantWriteError)):  # the ordinary course of a handshake
        yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _chain(member, depth + 1)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _chain(cause, depth + 1)


def _ours(error: BaseException, server: SafeText) -> SourceError | None:
    del server
    return error if isinstance(error, SourceError) else None


def _no_host(error: BaseException, server: SafeText) -> SourceError | None:
    if not isinstance(error, socket.gaierror):
        return None
    return Unreachable(f"no such host: {server} ({safe(error.strerror or 'lookup failed').lower()}); check url")


def _tls(error: BaseException, server: SafeText) -> SourceError | None:
    if not isinstance(error, ssl.SSLError):
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(safe(error.verify_message or "verification failed", _MESSAGE).rstrip("."), server)
    reason = safe((error.reason or str(error)).replace("_", " ").lower(), _MESSAGE)
    if "wrong version" in reason or "http request" in reason or "record layer" in reason:
        return Unreachable(f"{server} does not speak TLS; should url begin with http://?")
    if "certificate required" in reason or "handshake failure" in reason:
        return AccessDenied(f"{server} refused the TLS handshake ({reason}); does it want a client certificate?")
    return Unreachable(f"TLS with {server} failed: {reason}")


def _certificate(why: str, server: SafeText) -> SourceError:
    if "match" in why:
        return Unreachable(f"the certificate of {server} is for another name ({why}); check url or tls.server_name")
    if "expired" in why:
        return Unreachable(f"the certificate of {server} has expired")
    return Unreachable(f"the certificate of {server} is not trusted ({why}); set tls.ca")


def _os(error: BaseException, server: SafeText) -> SourceError | None:
    if not isinstance(error, OSError) or error.errno is None:
        return None
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{server} refused the connection; is it running, is the port right?")
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        return Unreachable(f"{server} dropped the connection")
    if isinstance(error, TimeoutError):
        return TimedOut(f"{server} did not answer the connection attempt; is a firewall in between?")
    return Unreachable(f"{server} cannot be reached: {safe(error.strerror or type(error).__name__).lower()}")


def _broken_protocol(chain: list[BaseException], server: SafeText) -> SourceError:
    text = " ".join(str(found) for found in chain)
    if "without sending a response" in text:
        return Unreachable(f"{server} closed the connection without an answer")
    if "incomplete" in text or "without sending complete" in text:
        return BadAnswer(f"{server} broke off in the middle of its answer")
    return BadAnswer(f"{server} does not speak HTTP as it should; does another service listen there?")


def _redirect(refusal: Refusal, server: SafeText) -> SourceError:
    """Redirects are not followed: credentials must not travel to another origin."""
    raw = refusal.headers.get("location", "")
    try:
        target = urlsplit(urljoin(refusal.url, raw))
        place = safe(f"{target.scheme}://{target.hostname or ''}" + (f":{target.port}" if target.port else ""))
        path = safe(target.path)
    except ValueError:
        return BadAnswer(f"{server} redirects ({refusal.status}) to an address that is none")
    if not raw:
        return BadAnswer(f"{server} answered {refusal.status} instead of data")
    return BadAnswer(f"{server} redirects ({refusal.status}) to {place}{path}, not followed; if it is right, mend url")
