"""Plain HTTP for the harness itself, so that it shares no code with what it tests."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping


def request(
    url: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body. OSError or HTTPException when there is no answer; certificates are not verified."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port
    connection = (
        HTTPSConnection(host, port, timeout=PATIENCE, context=ssl._create_unverified_context())
        if parts.scheme == "https"
        else HTTPConnection(host, port, timeout=PATIENCE)
    )
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target or "/", body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def request_json(url: str, *, method: str = "GET", payload: object = None) -> Any:
    """The decoded answer of a JSON API; AssertionError when the status is not a good one."""
    body = None if payload is None else json.dumps(payload).encode()
    status, content = request(url, method=method, body=body, headers={"Content-Type": "application/json"})
    assert 200 <= status < 300, f"{method} {url}: {status} {content[:500]!r}"
    return json.loads(content) if content else None


def answers(url: str, *statuses: int) -> bool:
    """Whether a GET is answered with one of the statuses (200 when none is named)."""
    try:
        status, _ = request(url)
    except (OSError, HTTPException):
        return False
    return status in (statuses or (200,))
