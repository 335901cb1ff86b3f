"""Plots cost what is seen of them."""

from __future__ import annotations

from tests.ui.fakes import NOW, FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.pen import BLANK, Pen
from tuiops.ui.screens.plots import FIRST_RANGE, plot_rows

HEIGHT = 7


def test_a_plot_out_of_sight_leaves_its_place_empty() -> None:
    app = TuiopsApp(FakeBackend(fleet()), Display(), own_process=False)
    pen = Pen(look=app.look, times=app.times, now=NOW, width=80)
    statuses = fleet().statuses
    measures = next(
        service.measures for system in fleet().systems for service in system.services if len(service.measures) > 1
    )[:2]
    whole = plot_rows(pen, measures, {}, FIRST_RANGE, statuses, HEIGHT)
    part = plot_rows(pen, measures, {}, FIRST_RANGE, statuses, HEIGHT, 3)
    half = len(plot_rows(pen, measures[:1], {}, FIRST_RANGE, statuses, HEIGHT))
    assert len(part) == len(whole)
    assert part[:half] == whole[:half], "the first one begins in sight"
    assert part[half + 1] == whole[half + 1], "what is counted below the sheet is as long as it would be"
    assert BLANK not in whole[half + 2 : half + 2 + HEIGHT]
    assert set(part[half + 2 : half + 2 + HEIGHT]) == {BLANK}
