"""Settings that come from outside the files: environment variables, and options of the command line over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tuiops.config.tree import KeyPath, Tree

CONFIG_VARIABLE = "TUIOPS_CONFIG"
"""Environment variable with the path of the configuration file."""


def _truth(text: str) -> bool | str:
    """`1`, `yes` and their like as booleans; anything else stays text, and the conversion says what is wrong."""
    word = text.strip().lower()
    return True if word in {"1", "true", "yes", "on"} else False if word in {"0", "false", "no", "off"} else text


def _text(text: str) -> str:
    return text


VARIABLES: Mapping[str, tuple[KeyPath, Callable[[str], object]]] = {
    "TUIOPS_ENVIRONMENT": (("environment",), _text),
    "TUIOPS_THEME": (("display", "theme"), _text),
    "TUIOPS_TIME_ZONE": (("display", "time_zone"), _text),
    "TUIOPS_TIME_STYLE": (("display", "time_style"), _text),
    "TUIOPS_ASCII": (("display", "ascii"), _truth),
    "TUIOPS_MOUSE": (("display", "mouse"), _text),
    "TUIOPS_BELL": (("display", "bell"), _truth),
    "TUIOPS_KEYS": (("keys", "preset"), _text),
}
"""The setting that each variable overrides; an empty variable overrides nothing."""

OPTIONS: Mapping[str, KeyPath] = {
    "--environment": ("environment",),
    "--theme": ("display", "theme"),
    "--time-zone": ("display", "time_zone"),
    "--ascii": ("display", "ascii"),
    "--keys": ("keys", "preset"),
}
"""The setting that each option overrides."""


def override(tree: Tree, environ: Mapping[str, str], options: Mapping[str, object]) -> None:
    """Put the environment over the files, and the options (by their names in `OPTIONS`) over both."""
    for variable, (path, read) in VARIABLES.items():
        if environ.get(variable):
            tree.override(path, read(environ[variable]), variable)
    for option, value in options.items():
        if value is not None:
            tree.override(OPTIONS[option], value, option)
