"""Rows that several details share."""

from __future__ import annotations

import pytest

from tests.ui.fakes import NOW, FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.core.changes import Change
from tuiops.core.logs import StreamStatus
from tuiops.core.text import lit
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.parts import change_rows, stream_rows
from tuiops.ui.screens.pen import Pen, columns_of


@pytest.mark.parametrize(("uncounted", "text"), [(False, "3 lines dropped"), (True, "at least 3 lines dropped")])
def test_a_stream_says_how_much_was_lost_as_far_as_it_is_known(*, uncounted: bool, text: str) -> None:
    app = TuiopsApp(FakeBackend(fleet()), Display(), own_process=False)
    pen = Pen(look=app.look, times=app.times, now=NOW, width=80)
    rows = stream_rows(pen, [StreamStatus(name=lit("app"), dropped=3, uncounted=uncounted)], lit("none"))
    assert text in ["".join(str(piece[0]) for piece in row).strip() for row in rows]


def test_a_change_is_told_whole_in_as_many_rows_as_it_needs() -> None:
    app = TuiopsApp(FakeBackend(fleet()), Display(), own_process=False)
    pen = Pen(look=app.look, times=app.times, now=NOW, width=80)
    told = lit("rollout chat-00001 → chat-00002 failed: the container does not listen on the port that it was given")
    rows = change_rows(pen, [Change(at=NOW, system=lit("shop"), service=lit("chat"), text=told)], lit("none"))
    assert columns_of(rows) <= pen.width
    assert " ".join("".join(str(text) for text, _ in row) for row in rows).split()[3:] == told.split()
