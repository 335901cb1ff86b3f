"""Where things are on this machine: the XDG folders, and the files that come with the program."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_NAME = "tuiops"
_PACKAGE = Path(__file__).resolve().parent.parent


def config_file() -> Path:
    """The configuration that is read when none is named; it need not exist."""
    return platformdirs.user_config_path(_NAME, appauthor=False) / "config.toml"


def user_themes() -> Path:
    """The folder of the user's own theme files; it need not exist."""
    return platformdirs.user_config_path(_NAME, appauthor=False) / "themes"


def state_dir() -> Path:
    """Records that must survive; it need not exist."""
    return platformdirs.user_state_path(_NAME, appauthor=False)


def cache_dir() -> Path:
    """Whatever can be had again; it need not exist."""
    return platformdirs.user_cache_path(_NAME, appauthor=False)


def share_dir() -> Path:
    """The folder with `themes/`, `examples/` and `config.example.toml`: the wheel's own, or the source tree's."""
    installed = _PACKAGE / "share"
    return installed if installed.is_dir() else _PACKAGE.parent


def shipped_themes() -> Path:
    """The folder of the theme files that come with the program."""
    return share_dir() / "themes"


def theme_files(name: str) -> list[Path]:
    """The files that a theme of this name may be in, the user's own before the one that comes with the program."""
    if Path(name).name != name:
        return []
    files = (folder / f"{name}.toml" for folder in (user_themes(), shipped_themes()))
    return [file for file in files if file.is_file()]


def example_config() -> Path:
    """The commented configuration that comes with the program."""
    return share_dir() / "config.example.toml"
