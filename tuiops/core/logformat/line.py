"""What is known beforehand about the lines of a stream."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Final

from tuiops.core.text import SafeText, lit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.guarded import Guarded

MAX_PARSED: Final = 64 * 1024
"""Bytes of a line that are looked at: what is longer is shown cut, unparsed."""
MAX_FIELDS: Final = 64
MASKED: Final = lit("***")


@dataclass(frozen=True)
class LineFormat:
    """How the lines of a stream are to be read.

    `kind` is `auto`, `json`, `logfmt`, `syslog` or `plain`; `fields` says where records keep `time`, `level`,
    `message` and `service` (dots reach into objects); fields named in `mask` show as `***`; times without an
    offset are in `zone`; lines that do not match `multiline` continue the record above.
    """

    kind: str = "auto"
    fields: Mapping[str, str] = field(default_factory=dict)
    mask: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    multiline: Guarded | None = None
    _masking: re.Pattern[str] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.mask:
            names = "|".join(re.escape(name) for name in sorted(self.mask))
            pattern = re.compile(rf"""(\b(?:{names})["']?\s{{0,2}}[=:]\s{{0,2}})("[^"]*"?|'[^']*'?|[^\s,;&}}\])]+)""")
            object.__setattr__(self, "_masking", pattern)

    def masks(self, name: str) -> bool:
        """Whether the field is personal data; a name in `mask` also means any nested field of that name."""
        return bool(self.mask) and (name in self.mask or name.rpartition(".")[2] in self.mask)

    def clean(self, text: SafeText) -> SafeText:
        """The text with `name=value` masked wherever `name` is to be."""
        # Replacing part of a safe text by three asterisks leaves it safe.
        return SafeText(self._masking.sub(r"\1***", text)) if self._masking else text
