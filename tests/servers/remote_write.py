"""Samples pushed into a server by Prometheus' remote write protocol 1.0: protocol buffers in a Snappy block.

Samples that were never scraped let a test begin with a past. Both formats are written out by hand, because
they need twenty lines here: https://prometheus.io/docs/specs/prw/remote_write_spec/ and
https://github.com/google/snappy/blob/main/format_description.txt.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.servers.http import request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Sample = tuple[float, float]
"""Seconds since the epoch and a value."""

_LITERAL_CHUNK = 0x10000
_LENGTH_DELIMITED = 2


def push(url: str, series: Iterable[tuple[Mapping[str, str], Sequence[Sample]]]) -> None:
    """Write series, each with its labels (`__name__` included) and its samples in the order of time."""
    status, content = request(
        url,
        method="POST",
        body=snappy(write_request(series)),
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    assert 200 <= status < 300, f"{url}: {status} {content[:500]!r}"


def write_request(series: Iterable[tuple[Mapping[str, str], Sequence[Sample]]]) -> bytes:
    """A prometheus.WriteRequest message."""
    message = bytearray()
    for labels, samples in series:
        timeseries = bytearray()
        for name, text in sorted(labels.items()):
            timeseries += _field(1, _field(1, name.encode()) + _field(2, text.encode()))
        for at, value in samples:
            # Sample: field 1 is a double (tag 0x09), field 2 a varint of milliseconds (tag 0x10).
            timeseries += _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(round(at * 1000)))
        message += _field(1, bytes(timeseries))
    return bytes(message)


def snappy(data: bytes) -> bytes:
    """A Snappy block made of literals only: valid, uncompressed."""
    block = bytearray(_varint(len(data)))
    for start in range(0, len(data), _LITERAL_CHUNK):
        chunk = data[start : start + _LITERAL_CHUNK]
        # Tag 61 << 2: a literal whose length less one follows in two bytes.
        block += b"\xf4" + struct.pack("<H", len(chunk) - 1) + chunk
    return bytes(block)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
