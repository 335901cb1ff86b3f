"""Keys: presets hold, mistakes are refused by name."""

from __future__ import annotations

import pytest

from tuiops.core.access import Danger
from tuiops.errors import ConfigError
from tuiops.ui.actions import ACTIONS, RESERVED, by_command
from tuiops.ui.keymap import FORBIDDEN, PRESETS, build, key_name


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_free_of_clashes_and_claimed_keys(preset: str) -> None:
    keymap = build(preset)
    keys = {key for action in ACTIONS for key in keymap.keys(action)}
    assert not keys & set(FORBIDDEN)
    reading = {key for action in ACTIONS if ACTIONS[action].danger is Danger.SAFE for key in keymap.keys(action)}
    assert not reading & RESERVED
    assert not any(key.startswith("alt+") for key in keys)
    assert keymap.keys("app.command")


def test_a_clash_names_both_actions_and_the_key() -> None:
    with pytest.raises(ConfigError) as caught:
        build(bind={"table.sort": "f"}, file="x.toml")
    text = str(caught.value)
    assert "x.toml" in text
    assert "pane.maximise" in text
    assert "table.sort" in text


def test_two_actions_may_swap_their_keys() -> None:
    keymap = build(bind={"table.sort": "f", "pane.maximise": "s", "logs.level": "Y"})
    assert keymap.keys("table.sort") == ("f",)


@pytest.mark.parametrize("key", ["Ctrl-a", "ctrl+b", "ctrl+s", "ctrl+q", "Alt-x", "a", "X"])
def test_claimed_keys_are_refused(key: str) -> None:
    with pytest.raises(ConfigError):
        build(bind={"table.sort": key})


def test_a_misspelt_action_brings_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"table\.sort"):
        build(bind={"table.srt": "O"})


def test_there_is_always_a_way_out() -> None:
    with pytest.raises(ConfigError, match="no way out"):
        build(bind={"app.command": ""})


def test_keys_are_read_as_people_write_them() -> None:
    assert [key_name(key) for key in ("?", "Ctrl-d", "F5", "PgDn", "/", "／")] == [
        "question_mark", "ctrl+d", "f5", "pagedown", "slash", "fullwidth_solidus",
    ]  # fmt: skip


def test_commands_may_be_shortened_while_they_are_unique() -> None:
    assert by_command("q") is ACTIONS["app.quit"]
    assert by_command("the") is ACTIONS["app.theme"]
    assert by_command("r") is None


def test_nothing_that_changes_the_world_is_on_a_letter_that_reads_elsewhere() -> None:
    """Nor on Ctrl: a key that is pressed in the wrong place must not begin something."""
    writing = {key for action in ACTIONS.values() if action.danger is not Danger.SAFE for key in action.keys}
    assert writing <= RESERVED
    assert not any(key.startswith("ctrl+") for key in writing)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_acts_has_the_same_keys_in_every_preset(preset: str) -> None:
    keymap = build(preset)
    for action in ACTIONS.values():
        if action.danger is not Danger.SAFE:
            assert keymap.keys(action.id) == action.keys
