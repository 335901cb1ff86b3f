"""Events as AWS sends them (vnd.amazon.eventstream), for answers that no emulator gives."""

from __future__ import annotations

import json
import struct
import zlib


def event(kind: str, content: object) -> bytes:
    """One event of an operation's stream."""
    return _message({":message-type": "event", ":event-type": kind, ":content-type": "application/json"}, content)


def exception(kind: str, message: str) -> bytes:
    """The end of a stream by an error that its model names."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return _message(headers, {"message": message})


def _message(headers: dict[str, str], content: object) -> bytes:
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in headers.items()
    )
    payload = json.dumps(content).encode()
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    body = prelude + head + payload
    return body + struct.pack("!I", zlib.crc32(body))
