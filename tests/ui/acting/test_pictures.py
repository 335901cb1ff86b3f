"""Menu, values, card, run and runs as they look, held to pictures: at three sizes, in themes, without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.acting.flow import console, press, with_runs
from tests.ui.desk import asking, card_of, past, printing, rollback_plan, run, unknown, waiting_for_approval
from tuiops.core.access import Danger
from tuiops.core.runs import RunState
from tuiops.core.text import lit, safe

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.ui.pictures import Compare
    from tuiops.core.snapshot import Snapshot

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)

FEW = with_runs(run(), unknown(46), waiting_for_approval(), past(41, RunState.SUCCEEDED), past(40, RunState.FAILED))


@pytest.mark.parametrize(
    ("keys", "known", "size", "theme", "ascii_only"),
    [
        pytest.param("x", None, MIDDLE, "dark", False, id="menu"),
        pytest.param("x", None, LARGE, "dark", False, id="menu-large"),
        pytest.param("x c", None, SMALL, "dark", False, id="values"),
        pytest.param("x a", None, SMALL, "dark", False, id="card-small"),
        pytest.param("x a", None, MIDDLE, "light", False, id="card-light"),
        pytest.param("x a tab", None, LARGE, "dark", False, id="card-large"),
        pytest.param("x a tab p r o tab", None, MIDDLE, "mono", True, id="card-ascii"),
        pytest.param("X enter", with_runs(run()), MIDDLE, "dark", False, id="run"),
        pytest.param("X enter", with_runs(run()), LARGE, "dark", False, id="run-large"),
        pytest.param("X enter", with_runs(printing()), SMALL, "dark", False, id="run-printing"),
        pytest.param("X enter", with_runs(unknown()), SMALL, "colour-blind", False, id="run-unknown"),
        pytest.param("X enter D", with_runs(asking()), SMALL, "dark", False, id="question"),
        pytest.param("X", FEW, MIDDLE, "dark", False, id="runs"),
        pytest.param("X", FEW, LARGE, "dark", False, id="runs-large"),
        pytest.param("1", FEW, SMALL, "dark", False, id="console-small"),
        pytest.param("1", FEW, LARGE, "high-contrast", False, id="console-large"),
    ],
)
def test_it_looks_as_it_did(
    snap_compare: Compare,
    keys: str,
    known: Snapshot | None,
    size: tuple[int, int],
    theme: str,
    ascii_only: bool,
) -> None:
    app, _, desk = console(known, theme=theme, ascii_only=ascii_only)
    desk.listed = {"snapshot": tuple(safe(f"rds:prod-2026-03-0{day}") for day in range(5, 0, -1))}
    if ascii_only:
        desk.card = card_of(rollback_plan(danger=Danger.DESTROYS), obstacles=(lit("api is held by run #41"),))

    async def pressed(pilot: Pilot[None]) -> None:
        await pilot.app.workers.wait_for_complete()
        await press(pilot, *keys.split())
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=pressed)
