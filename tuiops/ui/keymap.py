"""Which key does what: presets as data, the user's own keys on top, mistakes refused by name."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from textual.keys import KEY_NAME_REPLACEMENTS

from tuiops.core.access import Danger
from tuiops.core.text import SafeText, lit, safe
from tuiops.errors import ConfigError, Fault
from tuiops.ui.actions import ACTIONS, RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORBIDDEN: Mapping[str, str] = {
    "ctrl+a": "screen uses it",
    "ctrl+b": "tmux uses it",
    "ctrl+s": "terminals stop output with it",
    "ctrl+q": "terminals resume output with it",
}
UNBOUND = "unbound"
"""A key that no terminal sends; Textual's keymap cannot take a binding away."""

NEEDED = ("app.command", "app.back")
"""Actions without which there is no way out."""

PRESETS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "k9s": {
        "data.refresh": "ctrl+r,r",
        "table.wide": "ctrl+w,w",
        "table.unmark": "ctrl+backslash,u",
        "health.unhealthy": "ctrl+e,exclamation_mark",
        "table.sort": "O,s",
        "table.page_down": "ctrl+f,pagedown",
    },
    "vim": {
        "table.page_down": "ctrl+f,pagedown",
        "logs.page_down": "ctrl+f,pagedown",
        "detail.page_down": "ctrl+f,pagedown",
        "pane.next": "tab,ctrl+w",
        "view.older": "ctrl+o,left_square_bracket",
        "logs.mark_next": "apostrophe,grave_accent",
        "logs.record_previous": "left_curly_bracket,left_parenthesis",
        "logs.record_next": "right_curly_bracket,right_parenthesis",
    },
    "less": {
        "table.page_down": "space,ctrl+f,pagedown",
        "table.page_up": "b,pageup",
        "table.bottom": "G,greater_than_sign,end",
        "table.top": "g,less_than_sign,home",
        "table.mark": "M",
        "link.console": "B",
        "logs.page_down": "space,ctrl+f,pagedown",
        "logs.page_up": "b,pageup",
        "logs.bottom": "G,greater_than_sign,end",
        "logs.top": "g,less_than_sign,home",
        "detail.page_down": "space,ctrl+f,ctrl+d,pagedown",
        "detail.page_up": "b,ctrl+u,pageup",
    },
    "plain": {
        "app.help": "f1,question_mark,fullwidth_question_mark",
        "app.command": "f10,colon,fullwidth_colon",
        "app.back": "escape",
        "data.refresh": "f5",
        "data.freeze": "f8",
        "pane.maximise": "f11",
        "view.last": "f12",
        "table.down": "down",
        "table.up": "up",
        "table.top": "home",
        "table.bottom": "end",
        "table.half_down": UNBOUND,
        "table.half_up": UNBOUND,
        "table.filter": "f3,slash,fullwidth_solidus",
        "table.sort": "f6",
        "table.detail": "enter",
        "logs.down": "down",
        "logs.up": "up",
        "logs.top": "home",
        "logs.bottom": "end",
        "logs.half_down": UNBOUND,
        "logs.half_up": UNBOUND,
        "logs.detail": "enter",
        "logs.search": "f3,slash,fullwidth_solidus",
        "detail.down": "down",
        "detail.up": "up",
        "detail.top": "home",
        "detail.bottom": "end",
    },
}

_SHOWN: Mapping[str, SafeText] = {
    "question_mark": lit("?"), "colon": lit(":"), "slash": lit("/"), "minus": lit("-"), "asterisk": lit("*"),
    "exclamation_mark": lit("!"), "ampersand": lit("&"), "apostrophe": lit("'"), "backslash": lit("\\"),
    "comma": lit(","), "full_stop": lit("."), "left_square_bracket": lit("["), "right_square_bracket": lit("]"),
    "left_curly_bracket": lit("{"), "right_curly_bracket": lit("}"), "greater_than_sign": lit(">"),
    "less_than_sign": lit("<"), "grave_accent": lit("`"), "left_parenthesis": lit("("), "right_parenthesis": lit(")"),
    "escape": lit("Esc"), "enter": lit("Enter"), "tab": lit("Tab"), "shift+tab": lit("Shift-Tab"),
    "space": lit("Space"), "pagedown": lit("PgDn"), "pageup": lit("PgUp"), "home": lit("Home"), "end": lit("End"),
    "up": lit("Up"), "down": lit("Down"), "left": lit("Left"), "right": lit("Right"),
}  # fmt: skip


class Keymap:
    """The keys of every action."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._keys = dict(keys)

    def keys(self, action: str) -> tuple[str, ...]:
        """Textual's names of the keys of an action; none when it has no key."""
        return self._keys.get(action, ())

    def shown(self, action: str) -> tuple[SafeText, ...]:
        """The keys of an action as people read them, full-width twins left out."""
        return tuple(show_key(key) for key in self.keys(action) if key.isascii() and not key.startswith("fullwidth_"))

    def overrides(self) -> dict[str, str]:
        """What Textual's `set_keymap` takes: only the actions whose keys differ from the registry's."""
        return {
            action.id: ",".join(self._keys[action.id]) or UNBOUND
            for action in ACTIONS.values()
            if self._keys[action.id] != action.keys
        }


def show_key(key: str) -> SafeText:
    """`question_mark` is ?, `ctrl+d` is Ctrl-d."""
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return safe("Ctrl-" + show_key(key.removeprefix("ctrl+")))
    if len(key) > 1 and key[0] == "f" and key[1:].isdigit():
        return safe(key.upper())
    return safe(key)


def key_name(written: str) -> str:
    """Textual's name of a key as a person writes it: `?`, `Ctrl-d`, `tab`, `F5`."""
    text = written.strip()
    if len(text) == 1:
        if text.isalnum():
            return text
        name = unicodedata.name(text, text).lower().replace("-", "_").replace(" ", "_")
        return KEY_NAME_REPLACEMENTS.get(name, name)
    text = text.lower()
    for prefix in ("ctrl", "shift", "alt"):
        if text.startswith(f"{prefix}-"):
            return f"{prefix}+{key_name(text.removeprefix(f'{prefix}-'))}"
    return {"esc": "escape", "pgdn": "pagedown", "pgup": "pageup", "return": "enter"}.get(text, text)


def build(preset: str = "default", bind: Mapping[str, str] | None = None, file: str = "[keys]") -> Keymap:
    """The preset with the user's keys on top. Raises ConfigError with every mistake found; `file` is named in it."""
    if preset not in PRESETS:
        raise ConfigError([Fault(file, "keys.preset", f"{preset!r} is not a preset", f"use {', '.join(PRESETS)}")])
    faults: list[Fault] = []
    keys = {action.id: action.keys for action in ACTIONS.values()}
    keys |= {action: _split(written) for action, written in PRESETS[preset].items()}
    own = dict(bind or {})
    for action, written in own.items():
        where = f"keys.bind.{action}"
        if action not in ACTIONS:
            faults.append(Fault(file, where, "no such action", f"did you mean {_nearest(action)}?"))
            continue
        keys[action] = _split(written)
        faults.extend(Fault(file, where, problem, remedy) for problem, remedy in _mistakes(action, keys[action]))
    faults.extend(Fault(file, f"keys.bind.{action}", problem, remedy) for action, problem, remedy in _clashes(keys))
    faults.extend(
        Fault(file, f"keys.bind.{action}", "needs a key: without it there is no way out", "give it one")
        for action in NEEDED
        if not keys[action]
    )
    if faults:
        raise ConfigError(faults)
    return Keymap(keys)


def _split(written: str) -> tuple[str, ...]:
    parts = [part for part in written.split(",") if part.strip()]
    return tuple(name for name in map(key_name, parts) if name != UNBOUND)


def _mistakes(action: str, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key in keys:
        if key in FORBIDDEN:
            yield f"{show_key(key)} cannot be used: {FORBIDDEN[key]}", "use another key"
        if key.startswith("alt+"):
            yield f"{key} cannot be used: over SSH, Alt cannot be told from Esc", "use a key without Alt"
        if key in RESERVED and ACTIONS[action].danger is Danger.SAFE:
            yield f"{key} is kept for actions that write", "use another letter"


def _clashes(keys: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    """Each pair of actions that are live together and share a key, once."""
    holders: dict[str, list[str]] = {}
    for action, named in keys.items():
        for key in dict.fromkeys(named):
            for other in holders.get(key, ()):
                if ACTIONS[other].scope in ACTIONS[action].scope.meets:
                    yield (
                        action,
                        f"{show_key(key)} is also the key of {other}",
                        f"give {other} another key, or this one",
                    )
            holders.setdefault(key, []).append(action)


def keymap_of(app: object) -> Keymap:
    """The keys in force; the defaults in an app that has no keymap of its own."""
    keymap = getattr(app, "keymap", None)
    return keymap if isinstance(keymap, Keymap) else build()


def _nearest(action: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(action, ACTIONS, n=1, cutoff=0)
    return found[0] if found else "app.help"
