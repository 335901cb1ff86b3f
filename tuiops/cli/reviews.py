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


def theme_name(config: Config) -> Iterator[Fault]:
    """A theme that does not exist."""
    name = config.display.theme
    if paths.theme_files(name):
        return  # reading every theme would be felt at each start
    from tuiops.ui import theme

    found, errors = theme.load_all([paths.shipped_themes(), paths.user_themes()])
    if name not in found:
        for error in errors:
            yield from error.faults
        yield Fault("", "display.theme", f"there is no theme {name!r}", nearest(name, found))


def theme_file(config: Config) -> Iterator[Fault]:
    """A theme whose file is wrong."""
    from tuiops.ui import theme

    try:
        for file in paths.theme_files(config.display.theme)[:1]:
            theme.load(file)
    except ConfigError as error:
        yield from error.faults


ALWAYS = (theme_name,)
"""What every command that reads a configuration checks."""
DRAWING = (keys, theme_file)
"""What is checked besides where something is drawn."""
