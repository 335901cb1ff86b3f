"""Units that systemd gave up on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.sources.host.command import output_of
from tuiops.sources.host.indicators import FAILED
from tuiops.sources.host.report import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOTED = Path("/run/systemd/system")
"""Exists where systemd is the service manager (sd_booted(3))."""
_COMMAND = (
    "systemctl", "list-units", "--state=failed", "--all", "--plain", "--no-legend", "--no-pager", "--output=json",
)  # fmt: skip
_PATIENCE = 3.0
_NAMED = 5
_LABEL = lit("systemd units")


class _Unit(msgspec.Struct):
    unit: str


async def look_at_units(command: Sequence[str] = _COMMAND, booted: Path = BOOTED) -> tuple[Seen, ...]:
    """How many units failed, and which. Nothing where there is no systemd; no value when it does not answer."""
    if not await asyncio.to_thread(booted.is_dir):
        return ()
    output = await asyncio.to_thread(output_of, command, _PATIENCE)
    names = None if output is None else failed_units(output)
    if names is None:
        return (Seen(lit("units"), _LABEL, FAILED),)
    shown = join(", ", (safe(name) for name in names[:_NAMED]))
    more = len(names) - _NAMED
    note = fmt("{} and {} more", shown, more) if more > 0 else shown
    return (Seen(lit("units"), _LABEL, FAILED, float(len(names)), EMPTY, note),)


def failed_units(output: bytes) -> tuple[str, ...] | None:
    """Names in the answer of systemctl; None when it is none. systemd before 246 prints columns, name first."""
    if not output.lstrip().startswith(b"["):
        lines = output.decode("utf-8", "replace").splitlines()
        return tuple(line.split(None, 1)[0] for line in lines if line.strip())
    try:
        return tuple(unit.unit for unit in msgspec.json.decode(output, type=list[_Unit]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
