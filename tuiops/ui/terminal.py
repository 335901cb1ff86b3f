"""What is done to the terminal itself, and pictures of what is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.paths import state_dir

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.ui.shell import Shell


def takes_mouse(app: Shell) -> bool:
    """Whether the program takes the mouse, as it was started or as it was told since."""
    # Textual offers the choice at start only; what it was and is stands in the driver.
    return app._driver is not None and app._driver._mouse  # noqa: SLF001 - see above


def set_mouse(app: Shell, *, on: bool) -> None:
    """Take the mouse, or leave it to the terminal, also after the program was stopped and goes on."""
    driver = app._driver  # noqa: SLF001 - as in takes_mouse
    if driver is None:
        return
    # The drivers of terminals share these two names. Either does nothing for a driver that was to have no mouse.
    change = getattr(driver, "_enable_mouse_support" if on else "_disable_mouse_support", None)
    driver._mouse = True  # noqa: SLF001 - as in takes_mouse
    if change is not None:
        change()
    driver._mouse = on  # noqa: SLF001 - as in takes_mouse


def screen_text(app: Shell) -> str:
    """What is on screen as plain lines."""
    # The same value that Textual's own screenshot draws from.
    strips = app.screen._compositor.render_strips()  # noqa: SLF001 - there is no public name for it
    return "".join(f"{strip.text.rstrip()}\n" for strip in strips)


def dump(app: Shell) -> Path:
    """Write the screen as text and as a picture; returns the path without its ending. Raises OSError."""
    folder = state_dir() / "dumps"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{app.backend.clock.now():%Y%m%dT%H%M%SZ}"
    path.with_suffix(".txt").write_text(screen_text(app), encoding="utf-8")
    path.with_suffix(".svg").write_text(app.export_screenshot(), encoding="utf-8")
    return path
