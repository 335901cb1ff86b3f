from __future__ import annotations

from tests.ui.fakes import FakeBackend, fleet
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.rollout import RolloutScreen
from tuiops.ui.terminal import screen_text


async def test_the_detail_of_a_rollout_opens_from_its_row_and_closes_again() -> None:
    snapshot = fleet()
    app = TuiopsApp(FakeBackend(snapshot), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "d")
        await pilot.pause()
        assert isinstance(app.screen, RolloutScreen)
        rollout = app.screen.rollout()
        assert rollout in snapshot.rollouts
        assert "gate" in screen_text(app).lower()
        await pilot.press("q")
        assert not isinstance(app.screen, RolloutScreen)
