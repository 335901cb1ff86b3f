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


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is to be found; exactly one of the three. The configuration never holds the secret itself."""

    env: Annotated[str | None, Meta(description="Name of the environment variable that holds it.")] = None
    file: Annotated[
        str | None,
        Meta(description="Path of the file that holds it; only its owner may be able to read it (mode 0600)."),
    ] = None
    command: Annotated[
        tuple[str, ...] | None,
        Meta(description="Command that prints it, as a list of words; no shell is involved."),
    ] = None
