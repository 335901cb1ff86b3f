"""Which lines continue the record above them: stack traces, wrapped messages, pretty-printed values."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, Final

from tuiops.core.logformat.levels import all_begin_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.lineformat import LineFormat

_BRACE: Final = 0x7B
_HEAD: Final = 2048
"""Bytes of a line that a configured pattern is asked about: it describes how records begin."""
_CONTINUES = re.compile(
    rb"[ \t]+\S|Traceback \(most recent call last\)|Caused by: |\.\.\. \d+ more|During handling of the above"
    rb"|The above exception was"
)
# The last line of a Python traceback: it continues a record only when the line above does.
_RAISED = re.compile(rb"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Group)\b(?::|\s*$)")
_BEGINNINGS = (b" ", b"\t", b"Traceback (", b"Caused by: ", b"... ", b"During handling", b"The above exc")


def continues(line: bytes, form: LineFormat, *, above: bool = False) -> bool:
    """Whether the line belongs to the record above it; `above` says whether the line above continued one too."""
    if form.multiline is not None:
        return not form.multiline.matches(line[:_HEAD]) and not form.multiline.gave_up
    if form.kind == "json" or line[:1] == b"{":
        return False
    return _CONTINUES.match(line) is not None or (above and _RAISED.match(line) is not None)


def continuations(data: bytes, starts: Sequence[int], form: LineFormat, *, above: bool = False) -> array[int]:
    """The numbers of the lines in a block that continue the record above them, ascending."""
    found = array("I")
    if form.multiline is None and not above and (form.kind == "json" or not _may_continue(data, starts)):
        return found
    size = len(data)
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else size
        above = continues(data[start:stop], form, above=above)
        if above:
            found.append(number)
    return found


def leading(data: bytes, form: LineFormat) -> int:
    """How many bytes of the lines at the beginning continue a record that is above them, if one is."""
    stop = 0
    while stop < len(data):
        after = data.find(b"\n", stop) + 1 or len(data)
        # The line above is not here to be asked: what may continue it does.
        if not continues(data[stop:after], form, above=True):
            break
        stop = after
    return stop


def last_record(data: bytes, form: LineFormat) -> int:
    """Where the last record of some lines begins; 0 when all of them continue one that is above them."""
    start = len(data)
    while start:
        stop, start = start, data.rfind(b"\n", 0, start - 1) + 1
        if not continues(data[start:stop], form, above=True):
            break
    return start


def _may_continue(data: bytes, starts: Sequence[int]) -> bool:
    """A quick look at a whole block: plain searches, because a regular expression takes twenty times as long."""
    if data[:1] == b"{" and all_begin_with(_BRACE, data, starts):
        return False
    return data.startswith(_BEGINNINGS) or any(b"\n" + beginning in data for beginning in _BEGINNINGS)
