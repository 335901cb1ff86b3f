"""The reference of all actions and their keys; `python -m tuiops.cli.key_reference` prints it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tuiops.ui import keymap
from tuiops.ui.actions import ACTIONS, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# Keys

`?` shows the keys that work where you are; `tuiops keys` prints them as configured. Give an action other keys by its
name, several separated by commas, or take all of them away with an empty text:

```toml
[keys]
preset = "vim"

[keys.bind]
"pane.next" = "tab,n"
```

Two actions that work in the same place cannot share a key; `tuiops check` names both. Keys that terminals, screen and
tmux need for themselves (`Ctrl-a`, `Ctrl-b`, `Ctrl-s`, `Ctrl-q`) and all keys with Alt are refused.

What is typed ahead, even before the console has drawn anything, is carried out key by key once it can be. A line feed
(`Ctrl-j` in most terminals) is Enter, unless an action was given `ctrl+j`.
"""


def text() -> str:
    """The reference as it is checked in: the default keys, by the place where they work."""
    return _HEAD + "".join(_lines())


def _lines() -> Iterator[str]:
    keys = keymap.build()
    for scope in Scope:
        actions = [action for action in ACTIONS.values() if action.scope is scope]
        if not actions:
            continue
        yield f"\n## {scope.word[0].upper()}{scope.word[1:]}\n\n| action | keys | what it does |\n|---|---|---|\n"
        for action in actions:
            shown = " ".join(f"`{_cell(key)}`" if key != "`" else "`` ` ``" for key in keys.shown(action.id))
            yield f"| `{action.id}` | {shown} | {_cell(action.help)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
