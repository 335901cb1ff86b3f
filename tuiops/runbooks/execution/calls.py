"""Declared HTTP calls: sent at most once, with the execution id as their idempotency key."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from tuiops.config.values import Secret
from tuiops.core.text import fmt, lit, safe
from tuiops.errors import ConfigError, Refused, SourceError, TimedOut
from tuiops.runbooks.execution.base import (
    Finding,
    Kind,
    Outcome,
    Output,
    Sight,
    always,
    is_execution,
    not_done,
    stood_still,
    unknown,
)
from tuiops.runbooks.execution.output import Lines
from tuiops.runbooks.execution.secret_forms import redacted
from tuiops.runbooks.format.template import with_secrets
from tuiops.sources.http import Endpoint, Signs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.runbooks.execution.base import Call, StillOurs
    from tuiops.sources.http import Heard, HttpConnector, Request
    from tuiops.sources.http_auth import Resolve

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
MOST_BYTES: Final = 1024 * 1024
"""Bytes of an answer that are read; an answer is evidence and captures, not data."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PASSED_NO_ANSWER_ON: Final = frozenset({502, 504})
"""Statuses of a proxy that had no answer from the server behind it, which may have done it all the same."""


class HttpCalls:
    """Makes calls. Nothing is sent a second time, and no redirect is followed."""

    def __init__(self, connector: HttpConnector, resolve: Resolve) -> None:
        self._connector = connector
        self._resolve = resolve

    async def run(self, call: Call, ours: StillOurs = always) -> Outcome:
        """Make a call and wait for its answer. Never raises for what goes wrong: that is an outcome.

        A secret, a name or a connection may take their time: what is not `ours` any more by then is not sent.
        """
        try:
            headers, body, secrets = await asyncio.to_thread(self._filled, call)
            origin, rest = _split(call.action.url)
            client = self._connector.open(
                Endpoint(origin, call.timeout, MOST_BYTES, call.action.via or None), _Nobody()
            )
        except (ConfigError, Refused) as error:
            return not_done(safe(str(error), 500))
        began = False

        def sent() -> None:
            nonlocal began
            if not ours():
                raise _NotOursError
            began = True

        try:
            heard = await client.once(call.action.method, origin + rest, body=body, headers=headers, sent=sent)
        except _NotOursError:
            return stood_still()
        except SourceError as error:
            # Errors name the server and the trouble, never what was sent; but a server may repeat it.
            text = safe(redacted(str(error).encode(), secrets).decode("utf-8", "replace"), 500)
            if not began:
                return not_done(fmt("{}; nothing was sent", text))
            return Outcome(kind=Kind.UNKNOWN, text=text, timed_out=isinstance(error, TimedOut))
        finally:
            await client.close()
        return _outcome(heard, call, secrets)

    async def find(self, execution: str) -> Finding:
        """What can be told later: nothing. Servers have no common way to be asked about an idempotency key."""
        return Finding(
            sight=Sight.NOBODY_KNOWS,
            text=fmt("no answer was recorded; ask the server about idempotency key {}", safe(execution)),
        )

    def _filled(self, call: Call) -> tuple[dict[str, str], bytes | None, list[str]]:
        """Headers and body with their secrets, and the values of these. Raises ConfigError, or Refused."""
        if not is_execution(call.execution):
            raise Refused(f"{safe(call.execution)} can be no execution id")
        named = {name: self._resolve(secret) for name, secret in call.action.secrets.items()}
        secrets = [*named.values()]
        action = with_secrets(call.action, named)
        headers: dict[str, str] = {}
        for name, value in action.headers.items():
            if isinstance(value, Secret):
                headers[name] = self._resolve(value)
                secrets.append(headers[name])
            else:
                headers[name] = value
        _check(headers)
        headers = {name: value for name, value in headers.items() if name.lower() != IDEMPOTENCY_KEY.lower()}
        headers[IDEMPOTENCY_KEY] = call.execution
        if action.body and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
        return headers, action.body.encode() if action.body else None, secrets


class _NotOursError(Exception):
    """A call is not for this console to make any more; nothing was sent."""


class _Nobody(Signs):
    """Shows nothing beside what the call itself declares."""

    @property
    def given(self) -> bool:
        return False

    async def sign(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the same for every request
        return {}

    async def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False


def _outcome(heard: Heard, call: Call, secrets: list[str]) -> Outcome:
    if heard.status in _PASSED_NO_ANSWER_ON and call.action.method != "GET":
        text = fmt("a proxy answered {}: it had no answer from the server, which may have done it", heard.status)
        return unknown(text)
    body = b"" if call.sec else redacted(heard.body, secrets)
    lines = Lines()
    lines.feed(body)
    lines.finish()
    digest = hashlib.sha256(body).hexdigest()
    output = Output() if call.sec else lines.output(len(body), digest)
    text = fmt("answered {}", heard.status)
    if 300 <= heard.status < 400:
        text = fmt("{}, a redirect, which is not followed", text)
    elif heard.cut:
        text = fmt("{}; {}", text, lit("only the beginning of the answer was read"))
    return Outcome(kind=Kind.ENDED, text=text, status=heard.status, output=output, stdout=body, stdout_cut=heard.cut)


def _check(headers: Mapping[str, str]) -> None:
    """Raises Refused for headers that cannot be sent: a line break in one would begin another."""
    for name, value in headers.items():
        if _TOKEN.fullmatch(name) is None or not (value.isascii() and value.isprintable()):
            raise Refused(f"header {safe(name)} holds characters that cannot be sent")


def _split(url: str) -> tuple[str, str]:
    """Where a call goes, and what is asked for there. A fragment is no part of a request."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", urlunsplit(("", "", parts.path or "/", parts.query, ""))
