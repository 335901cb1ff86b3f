"""What surrounds a rollout: what could be done to it, and how earlier ones of its service went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.rollout_times import past
from tuiops.core.rollout_verbs import consequences
from tuiops.core.text import EMPTY, fmt, lit
from tuiops.ui.format import fit, width_of
from tuiops.ui.phases import change, lasted, phase_glyph, phase_style, who
from tuiops.ui.screens.parts import MOST, rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.rollouts import Rollout
    from tuiops.core.text import SafeText
    from tuiops.ui.screens.pen import Pen, Row

_ROOM_FOR_WHO = 90
_INDENT = lit("   ")


def verb_rows(pen: Pen, rollout: Rollout) -> list[Row]:
    """One sentence a verb; what would do nothing is muted."""
    rows: list[Row] = []
    for found in consequences(rollout):
        style = pen.look.palette.text if found.possible else pen.look.palette.muted
        narrow = msgspec.structs.replace(pen, width=pen.width - len(_INDENT))
        indent = (_INDENT, pen.look.palette.text)
        rows += [(indent, *row) for row in narrow.paragraph(found.verb.word, found.text, style)]
    return rows


def past_rows(pen: Pen, rollout: Rollout, known: Sequence[Rollout]) -> list[Row]:
    """Earlier rollouts of the service, newest first, with how long they took."""
    found = past(rollout, known)
    if not found:
        none = lit("None is known: neither its source nor this console remembers one.")
        return list(pen.sentence(none))
    most = max(16, min(40, pen.width - 56))
    room = min(most, max(width_of(change(one, most, pen.look.glyphs)) for one in found[:MOST]))
    return [_past_row(pen, one, room) for one in found[:MOST]] + rest(pen, len(found) - MOST)


def _past_row(pen: Pen, one: Rollout, room: int) -> Row:
    glyphs, style = pen.look.glyphs, phase_style(one.phase, pen.look.palette)
    took = lasted(one.took) if one.took is not None else EMPTY
    by: SafeText = fmt("  {}", who(one)) if pen.width >= _ROOM_FOR_WHO else EMPTY
    return (
        (fmt("  {} ", phase_glyph(one.phase, glyphs)), style),
        pen.muted(fmt("{}  ", fit(pen.moment(one.started), 12))),
        (fmt("{}  ", fit(one.phase.word, 11)), style),
        pen.text(fmt("{}  ", fit(took, 5, right=True))),
        pen.text(fit(change(one, room, glyphs), room, mark=glyphs.cut)),
        pen.muted(fmt("  {}", fit(one.strategy, 12, mark=glyphs.cut))),
        pen.muted(by),
    )
