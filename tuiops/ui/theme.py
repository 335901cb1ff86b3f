"""Themes: TOML files that give every meaning a style, and the palette that widgets draw with.

A theme file has a `name`, a `label`, `dark = true|false` and the tables below; every key is required, so that
no meaning is ever left to chance. A style is written as Rich writes them: `#e6b450`, `bold #ffffff on #b3151b`,
`dim`, `reverse`. Colours may be left out (`bold`), which makes a theme that works without any.

    [base]          background, panel, text, muted, faint, border, accent, selection, glow
    [severity]      p1, p2, p3, p4
    [state]         ok, unknown, degraded, down, stale
    [level]         fatal, error, warning, info, debug, none
    [environment]   production, other

Files in the `themes` folder of the configuration directory come on top of the built-in ones.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import tomli
from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.style import Style
from textual.theme import Theme

from tuiops.core.health import State
from tuiops.core.logs import Level
from tuiops.core.severity import Severity
from tuiops.core.source import Freshness
from tuiops.core.text import SafeText, safe
from tuiops.errors import ConfigError, Fault
from tuiops.ui.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from textual.widget import Widget

FALLBACK = "dark"
COLOURLESS = "mono"
_MAX_BYTES = 64 * 1024


class _Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme file, whole."""

    name: str
    label: str
    dark: bool
    base: dict[str, str]
    severity: dict[str, str]
    state: dict[str, str]
    level: dict[str, str]
    environment: dict[str, str]


_KEYS: Mapping[str, tuple[str, ...]] = {
    "base": ("background", "panel", "text", "muted", "faint", "border", "accent", "selection", "glow"),
    "severity": ("p1", "p2", "p3", "p4"),
    "state": ("ok", "unknown", "degraded", "down", "stale"),
    "level": ("fatal", "error", "warning", "info", "debug", "none"),
    "environment": ("production", "other"),
}


class Palette(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Every style that a widget may draw with. Each one carries the background, unless it is an overlay."""

    name: str
    label: SafeText
    dark: bool
    colourless: bool
    text: Style
    bold: Style
    muted: Style
    """What is there but need not be read."""
    faint: Style
    """What separates: rules, empty cells."""
    border: Style
    accent: Style
    """The focus, and nothing else."""
    panel: Style
    """Header and footer."""
    selection: Style
    """Overlay: only a background or attributes, added to a cell's own style."""
    glow: Style
    """Overlay for rows that just changed."""
    dimmed: Style
    """Overlay for rows that are stale."""
    severity: Mapping[Severity, Style]
    state: Mapping[State, Style]
    stale: Style
    level: Mapping[Level, Style]
    production: Style
    other: Style

    def freshness(self, freshness: Freshness) -> Style:
        """The style of a pane's age."""
        if freshness is Freshness.LIVE:
            return self.muted
        return self.state[State.DOWN] if freshness is Freshness.DEAD else self.stale


class LoadedTheme(msgspec.Struct, frozen=True, eq=False):
    """A theme for the two ways of drawing: our palette and Textual's CSS."""

    palette: Palette
    textual: Theme


def load(path: Path) -> LoadedTheme:
    """Read a theme file. Raises ConfigError that names the file, the key and the remedy."""
    try:
        raw = path.read_bytes()[:_MAX_BYTES]
        # As in configuration files, a byte order mark is forgiven.
        tables = msgspec.convert(tomli.loads(raw.removeprefix(codecs.BOM_UTF8).decode()), _Tables)
    except OSError as error:
        raise ConfigError([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Fault(str(path), "", f"is not TOML: {error}")]) from error
    except msgspec.ValidationError as error:
        raise ConfigError([Fault(str(path), "", str(error), "compare it with a built-in theme")]) from error
    styles = _parse(tables, str(path))
    return LoadedTheme(_palette(tables, styles), _textual(tables, styles))


def load_all(folders: Iterable[Path]) -> tuple[dict[str, LoadedTheme], list[ConfigError]]:
    """Every theme of the folders by name, later folders on top, and what was wrong with the others."""
    themes: dict[str, LoadedTheme] = {}
    errors: list[ConfigError] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = load(path)
            except ConfigError as error:
                errors.append(error)
            else:
                themes[theme.palette.name] = theme
    return themes, errors


def _parse(tables: _Tables, file: str) -> dict[str, Style]:
    """Styles by `table.key`."""
    faults: list[Fault] = []
    styles: dict[str, Style] = {}
    for table, keys in _KEYS.items():
        written: dict[str, str] = getattr(tables, table)
        faults.extend(
            Fault(file, f"{table}.{key}", "is missing", "every key is required") for key in keys if key not in written
        )
        for key, text in written.items():
            if key not in keys:
                faults.append(Fault(file, f"{table}.{key}", "is not known", f"known are {', '.join(keys)}"))
                continue
            try:
                styles[f"{table}.{key}"] = Style.parse(text)
            except (StyleSyntaxError, ColorParseError) as error:
                faults.append(Fault(file, f"{table}.{key}", str(error), "write a style such as 'bold #ff0000'"))
    if faults:
        raise ConfigError(faults)
    return styles


def _palette(tables: _Tables, styles: Mapping[str, Style]) -> Palette:
    ground = Style(bgcolor=styles["base.background"].color)
    text = ground + styles["base.text"]

    def on_ground(key: str) -> Style:
        return text + styles[key]

    return Palette(
        name=tables.name,
        label=safe(tables.label),
        dark=tables.dark,
        colourless=all(style.color is None and style.bgcolor is None for style in styles.values()),
        text=text,
        bold=text + Style(bold=True),
        muted=on_ground("base.muted"),
        faint=on_ground("base.faint"),
        border=on_ground("base.border"),
        accent=on_ground("base.accent"),
        panel=Style(bgcolor=styles["base.panel"].color) + styles["base.text"],
        selection=_overlay(styles["base.selection"]),
        glow=_overlay(styles["base.glow"]),
        dimmed=styles["base.faint"],
        severity={severity: on_ground(f"severity.p{severity.value}") for severity in Severity},
        state={state: on_ground(f"state.{state.name.lower()}") for state in State},
        stale=on_ground("state.stale"),
        level={
            Level.FATAL: on_ground("level.fatal"),
            Level.ERROR: on_ground("level.error"),
            Level.WARNING: on_ground("level.warning"),
            Level.INFO: on_ground("level.info"),
            Level.DEBUG: on_ground("level.debug"),
            Level.TRACE: on_ground("level.debug"),
            Level.NONE: on_ground("level.none"),
        },
        production=on_ground("environment.production"),
        other=on_ground("environment.other"),
    )


def _overlay(style: Style) -> Style:
    """A lone colour means a background: an overlay never changes what a cell's own colour says."""
    if style.color is not None and style.bgcolor is None:
        return Style(bgcolor=style.color)
    return style


def _textual(tables: _Tables, styles: Mapping[str, Style]) -> Theme:
    def colour(key: str) -> str:
        found = styles[key].color
        if found is None:
            return "ansi_default"
        return found.get_truecolor().hex

    ansi = styles["base.background"].color is None
    text, ground, panel = colour("base.text"), colour("base.background"), colour("base.panel")
    accent = colour("base.accent")
    overlay = _overlay(styles["base.selection"]).bgcolor
    selection = "ansi_default" if overlay is None else overlay.get_truecolor().hex
    return Theme(
        name=tables.name,
        dark=tables.dark,
        ansi=ansi,
        primary=accent,
        secondary=accent,
        accent=accent,
        warning=colour("state.degraded"),
        error=colour("state.down"),
        success=colour("state.ok"),
        foreground=text,
        background=ground,
        surface=panel,
        panel=panel,
        boost=panel,
        variables={
            "ansi-background": ground,
            "ansi-foreground": text,
            "line": colour("base.border"),
            "quiet": colour("base.muted"),
            "selected": selection,
            "border": accent,
            "border-blurred": colour("base.border"),
            "input-cursor-background": text,
            "input-cursor-foreground": ground,
            "input-selection-background": selection,
            "block-cursor-background": selection,
            "block-cursor-foreground": text,
            "block-cursor-text-style": "reverse" if ansi else "none",
            "screen-selection-background": selection,
            "screen-selection-foreground": text,
            "scrollbar": colour("base.border"),
            "scrollbar-hover": colour("base.muted"),
            "scrollbar-active": accent,
            "scrollbar-background": ground,
            "scrollbar-background-hover": ground,
            "scrollbar-background-active": ground,
            "scrollbar-corner-color": ground,
        },
    )


class Look(msgspec.Struct, frozen=True, eq=False):
    """What a widget needs to draw itself."""

    palette: Palette
    glyphs: Glyphs = UNICODE


class HasLook:
    """What an app must have for `look_of`."""

    look: Look


def look_of(widget: Widget) -> Look:
    """The palette and glyphs of the app that a widget lives in."""
    app = widget.app
    assert isinstance(app, HasLook), "widgets of the console live in an app with a look"
    return app.look


def palette_of(widget: Widget) -> Palette:
    """The palette of the app that a widget lives in."""
    return look_of(widget).palette
