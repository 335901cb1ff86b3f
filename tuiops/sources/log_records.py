"""From what a log store holds to a line of JSON that is read like any other log line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tuiops.core.logformat import LineFormat, parse
from tuiops.sources.stored_logs import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

TIME: Final = "_time"
"""Key that holds the store's own time of a record. Writers have keys of their own, in forms of their own."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def stored_format(form: LineFormat, time: str = TIME) -> LineFormat:
    """The format of lines that are JSON whatever their text is, with the time at `time` unless it is configured."""
    return LineFormat(kind="json", fields={"time": time, **form.fields}, mask=form.mask, zone=form.zone)


def envelope(at: int, text: str, labels: Mapping[str, Any], form: LineFormat, now: datetime) -> bytes:
    """A line of text as a store keeps it, with its time and the labels beside it, as one JSON object.

    Text that is a JSON object is taken apart, its own keys counting before labels of the same name. Any other text
    is read in the stream's format, so that its level, service and fields are found as in a file.
    """
    values: dict[str, Any] = {TIME: rfc3339(at)}
    if form.kind in {"auto", "json"} and text[:1] == "{":
        try:
            inner = _decode(text)
        except (msgspec.DecodeError, RecursionError):
            inner = None
        if isinstance(inner, dict):
            inner.pop(TIME, None)
            return _encode({**values, **labels, **inner})
    record = parse(text.encode("utf-8", "replace"), form, now)
    if record.level:
        values["level"] = record.level.name.lower()
    if record.service:
        values["service"] = record.service
    # The message is what the reader made of it only when it took the text apart.
    values["message"] = record.message if record.fields or record.at is not None else text
    values.update({name: value for name, value in record.fields if name not in values})
    values.update({name: value for name, value in labels.items() if name not in values})
    return _encode(values)
