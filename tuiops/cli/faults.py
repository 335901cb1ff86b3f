"""What is wrong with a configuration, and what is to be filled in, as lines on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli.output import Tone
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, join, lit, safe

if TYPE_CHECKING:
    from tuiops.cli.output import Output
    from tuiops.errors import Blank, ConfigError

_FEW = 10
"""Blanks that are listed where somebody wanted something else than a check."""


def tell(error: ConfigError, out: Output, *, whole: bool) -> None:
    """Mistakes, then blanks, then how many there are of each. Without `whole`, blanks come short and few."""
    for fault in error.mistakes:
        out.line((lit("error  "), Tone.WORST), safe(str(fault), LINE))
    shown = error.blanks if whole else error.blanks[:_FEW]
    for blank in shown:
        out.line((lit("blank  "), Tone.BAD), safe(str(blank), LINE) if whole else _short(blank))
    more = len(error.blanks) - len(shown)
    if more:
        out.line(fmt("       and {} more; `tuiops check` lists them all", more))
    mistakes = _several(len(error.mistakes), lit("mistake"), lit("mistakes"))
    blanks = _several(len(error.blanks), lit("blank to fill in"), lit("blanks to fill in"))
    out.line(join(", ", (part for part in (mistakes, blanks) if part)))


def _short(blank: Blank) -> SafeText:
    return fmt("{}: {}", safe(blank.key, LINE), safe(blank.remedy, LINE))


def _several(count: int, one: SafeText, many: SafeText) -> SafeText:
    return fmt("{} {}", count, one if count == 1 else many) if count else EMPTY
