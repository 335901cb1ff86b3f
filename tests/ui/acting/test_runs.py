"""The table of runs, and the commands that lead to one of them."""

from __future__ import annotations

from tests.ui.acting.flow import console, press, told, with_runs
from tests.ui.desk import past, run
from tuiops.core.runs import RunState
from tuiops.ui.acting.ask import AskScreen
from tuiops.ui.acting.run import RunScreen
from tuiops.ui.screens.runs import RunsScreen


async def test_without_a_number_the_newest_run_opens() -> None:
    waits = run(41, RunState.PAUSED)
    app, _, _ = console(with_runs(waits, past(99, RunState.SUCCEEDED), past(40, RunState.FAILED)))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Run #99" in await press(pilot, "colon", *"run", "enter")
        assert "Run #41" in await press(pilot, "colon", *"run 41", "enter")
    app, _, _ = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon", *"run", "enter")
        assert isinstance(app.screen, RunsScreen), "without any run, the table says where they come from"


async def test_a_run_can_be_aborted_from_the_table() -> None:
    app, _, desk = console(with_runs(run(44), run(43), past(40, RunState.SUCCEEDED)))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "X", "j")
        assert "K abort" in text.splitlines()[-1]
        text = await press(pilot, "K")
        assert isinstance(app.screen, AskScreen)
        assert "Abort run #43" in text
        assert desk.calls == [], "the key alone does nothing"
        await press(pilot, "tab", "enter")
        assert desk.calls == [("abort", "r43", "")]
        assert isinstance(app.screen, RunScreen)


async def test_what_is_over_is_not_aborted() -> None:
    app, _, desk = console(with_runs(run(44), past(40, RunState.SUCCEEDED)))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "X", "j")
        assert "K abort" not in text.splitlines()[-1]
        await press(pilot, "K", "tab", "enter")
        assert desk.calls == []
        assert "abort means nothing here: the run is succeeded." in told(app)
