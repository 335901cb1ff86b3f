"""Checks of a configuration that only the user interface can make: its keys and its themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config import paths
from tuiops.config.texts import nearest
from tuiops.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.model import Config


def keys(config: Config) -> Iterator[Fault]:
    """Actions that do not exist, keys that cannot be used or clash."""
    from tuiops.ui import keymap

    try:
        keymap.build(config.keys.preset, config.keys.bind, file="")
    except ConfigError as error:
        yield from error.faults


def themes(config: Config) -> Iterator[Fault]:
    """A theme that does not exist, or whose file is wrong."""
    from tuiops.ui import theme

    if (paths.shipped_themes() / f"{config.display.theme}.toml").is_file():
        return  # reading every theme would be felt at each start; the console reads this one, and says what is wrong
    found, errors = theme.load_all([paths.shipped_themes(), paths.user_themes()])
    if config.display.theme not in found:
        for error in errors:
            yield from error.faults
        yield Fault(
            "", "display.theme", f"there is no theme {config.display.theme!r}", nearest(config.display.theme, found)
        )


ALL = (keys, themes)
