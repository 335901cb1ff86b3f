"""Values that a configuration file writes as text and the program reads as numbers, and secrets by reference."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class Duration(float):
    """Seconds, written as `500ms`, `15s`, `5m`, `1h30m` or `30d`."""

    __slots__ = ()


class Size(int):
    """Bytes, written as `512KB`, `64MB` or `2GiB`."""

    __slots__ = ()


KIND = "kind"
"""Key in `Meta.extra` that says what a text is, beyond being text; `config.texts` checks each kind."""

ID_PATTERN = "^[a-z0-9][a-z0-9_-]*$"
URL_PATTERN = "^https?://"

Id = Annotated[str, Meta(pattern=ID_PATTERN, max_length=64)]
"""A name that other keys refer to."""

FilePath = Annotated[str, Meta(extra={KIND: "path"})]
"""A path; `~` is the home folder, and a relative one starts at the file that names it."""

PrivateFile = Annotated[str, Meta(extra={KIND: "private"})]
"""A path of a file that only its owner may be able to read."""

Regex = Annotated[str, Meta(max_length=1000, extra={KIND: "regex"})]
"""A regular expression in Python's syntax."""

Zone = Annotated[str, Meta(extra={KIND: "zone"})]
"""An IANA time zone, such as `Asia/Tokyo`."""

Url = Annotated[str, Meta(pattern=URL_PATTERN, extra={KIND: "url"})]
"""An HTTP address without user name and password."""

LEAST = "least"
"""Key in `Meta.extra` of a duration: the fewest seconds that it may be."""

Interval = Annotated[Duration, Meta(extra={LEAST: 0.1})]
"""A duration between two of the same; bounded, so that nothing is asked without a pause."""

Promql = Annotated[str, Meta(max_length=10_000, extra={KIND: "promql"})]
"""A query or a selector; may have several lines."""

Port = Annotated[int, Meta(ge=1, le=65535)]
"""A TCP or UDP port."""


ONE_PLACE = "give exactly one of env, file, command"
"""What to do about `Secret.mistake`."""


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is to be found; exactly one of the three. The configuration never holds the secret itself."""

    env: Annotated[str | None, Meta(description="Name of the environment variable that holds it.")] = None
    file: Annotated[
        PrivateFile | None,
        Meta(description="Path of the file that holds it; only its owner may be able to read it (mode 0600)."),
    ] = None
    command: Annotated[
        Annotated[tuple[str, ...], Meta(min_length=1)] | None,
        Meta(description="Command that prints it, as a list of words; no shell is involved."),
    ] = None

    @property
    def mistake(self) -> str:
        """What is wrong with the number of places that it names; empty when nothing is."""
        given = [name for name in ("env", "file", "command") if getattr(self, name) is not None]
        if len(given) == 1:
            return ""
        return f"names {' and '.join(given)}" if given else "names no place"
