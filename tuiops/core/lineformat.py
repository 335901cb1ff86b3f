"""What is known beforehand about the lines of a stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import cache
from typing import Final

import msgspec

from tuiops.core.guarded import Guarded
from tuiops.core.text import SafeText, lit

MAX_PARSED: Final = 64 * 1024
"""Bytes of a line that are looked at: what is longer is shown cut, unparsed."""
MAX_FIELDS: Final = 64
MASKED: Final = lit("***")


class LineFormat(msgspec.Struct, frozen=True):
    """How the lines of a stream are to be read.

    `kind` is `auto`, `json`, `logfmt`, `syslog` or `plain`; `fields` says where records keep `time`, `level`,
    `message` and `service` (dots reach into objects); fields named in `mask` show as `***`; times without an
    offset are in `zone`; lines that do not match `multiline` continue the record above.
    """

    kind: str = "auto"
    fields: Mapping[str, str] = {}
    mask: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    multiline: Guarded | None = None

    def masks(self, name: str) -> bool:
        """Whether the field is personal data; a name in `mask` also means any nested field of that name."""
        return bool(self.mask) and (name in self.mask or name.rpartition(".")[2] in self.mask)

    def clean(self, text: SafeText) -> SafeText:
        """The text with `name=value` masked wherever `name` is to be."""
        # Replacing part of a safe text by three asterisks leaves it safe.
        return SafeText(_masking(self.mask).sub(r"\1***", text)) if self.mask else text


@cache
def _masking(mask: frozenset[str]) -> re.Pattern[str]:
    """Finds `name=value`, the name and its sign as the first group."""
    names = "|".join(re.escape(name) for name in sorted(mask))
    return re.compile(rf"""(\b(?:{names})["']?\s{{0,2}}[=:]\s{{0,2}})("[^"]*"?|'[^']*'?|[^\s,;&}}\])]+)""")
