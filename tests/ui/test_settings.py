from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.fakes import FakeBackend, fleet
from tuiops.config import paths
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp
from tuiops.ui.keymap import build
from tuiops.ui.messages import SettingsChanged
from tuiops.ui.terminal import screen_text

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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


async def test_a_theme_is_found_by_the_name_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    paths.user_themes().mkdir(parents=True)
    own = (paths.shipped_themes() / "light.toml").read_text(encoding="utf-8")
    (paths.user_themes() / "mine.toml").write_text(own.replace('name = "light"', 'name = "ocean"'), encoding="utf-8")
    app = TuiopsApp(FakeBackend(fleet()), Display(theme="ocean"), own_process=False)
    assert app.look.palette.name == "ocean"
