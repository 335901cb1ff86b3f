from __future__ import annotations

from tests.ui.fakes import FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.keymap import build
from tuiops.ui.messages import SettingsChanged
from tuiops.ui.terminal import screen_text


async def test_settings_that_changed_on_disk_are_drawn_at_once() -> None:
    app = TuiopsApp(FakeBackend(fleet()), Display(time_zone="UTC"), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.look.palette.name == "dark"
        assert " UTC" in screen_text(app).splitlines()[0]
        app.post_message(SettingsChanged(Display(theme="light", time_zone="Asia/Tokyo"), build("less")))
        await pilot.pause()
        assert app.look.palette.name == "light"
        assert " JST" in screen_text(app).splitlines()[0]
        assert app.keymap.keys("table.page_down") == build("less").keys("table.page_down")


async def test_a_theme_chosen_by_hand_outlives_a_change_of_something_else() -> None:
    app = TuiopsApp(FakeBackend(fleet()), Display(), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        app.switch_theme("light")
        app.post_message(SettingsChanged(Display(time_zone="Asia/Tokyo"), build()))
        await pilot.pause()
        assert app.look.palette.name == "light"
