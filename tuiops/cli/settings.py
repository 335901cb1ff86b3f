"""From the options of a command to what is to be watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops import wiring
from tuiops.cli import reviews
from tuiops.config import paths
from tuiops.config.load import Loaded, load
from tuiops.config.overrides import CONFIG_VARIABLE, OPTIONS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from tuiops.config.load import Review


def config_file(arguments: argparse.Namespace) -> Path | None:
    """The file to read: named, or the usual one if it exists."""
    named = getattr(arguments, "config", None) or os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    usual = paths.config_file()
    return usual if usual.exists() else None


def options(arguments: argparse.Namespace) -> dict[str, object]:
    """The options given that override settings, by their names; None for those that are not."""
    return {option: getattr(arguments, option.removeprefix("--").replace("-", "_"), None) for option in OPTIONS}


def read(arguments: argparse.Namespace, further: Iterable[Review] = ()) -> Loaded:
    """The configuration under the options given; the defaults under them without a file. Raises ConfigError.

    `further` are reviews beside those that are always made.
    """
    return load(config_file(arguments), options=options(arguments), reviews=(*reviews.ALWAYS, *further))


def subject(arguments: argparse.Namespace, further: Iterable[Review] = ()) -> wiring.Subject:
    """What to watch: the demonstration, the configuration, or this machine when there is none."""
    further = tuple(further)
    loaded = read(arguments, further)
    if getattr(arguments, "demo", False):
        return wiring.Subject(loaded=Loaded(wiring.demonstration(loaded.config), ()))
    if not loaded.files:
        return wiring.Subject(settings=loaded.config)
    return wiring.Subject(loaded=loaded, reload=lambda: read(arguments, further))
