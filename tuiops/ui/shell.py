"""What the console and the wallboard have in common: a backend, a look, a clock, one way of showing snapshots."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from abc import abstractmethod
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.filter import NoColor
from textual.screen import Screen
from textual.widget import Widget

from tuiops.config.paths import shipped_themes, theme_files, user_themes
from tuiops.core.text import SafeText, safe
from tuiops.errors import ConfigError
from tuiops.ui.ascii_only import AsciiSigns
from tuiops.ui.bridge import Bridge
from tuiops.ui.compositor import SparseCompositor
from tuiops.ui.format import Times, TimeStyle, zone
from tuiops.ui.frames import FrameApp, until_beat
from tuiops.ui.glyphs import ASCII, UNICODE
from tuiops.ui.theme import COLOURLESS, FALLBACK, HasLook, LoadedTheme, Look, load, load_all
from tuiops.ui.thrift import thrifty
from tuiops.ui.type_ahead import TypeAhead
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from textual.filter import LineFilter

    from tuiops.config.model import Display
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.backend import Backend
    from tuiops.ui.messages import SnapshotChanged

SETTLED = 4.0
"""Seconds after the first frame at which what sources import and make at their first answer is there."""
SWITCH = 0.0003
"""Seconds after which a busy thread gives way to another one."""


class View(Screen[None], inherit_bindings=False):
    """A screen that draws snapshots.

    Snapshots, ticks and answers come from elsewhere and at any time: before the parts of the screen are there,
    and while they are taken down. Here alone it is decided whether anything is drawn; what a subclass does in
    `begin`, `fit` and `draw` finds all of its parts.
    """

    HELD: ClassVar[float] = 0.0
    """Seconds for which the terminal keeps what it shows, at most, until the screen is filled."""
    LIVE: ClassVar[bool] = False
    """Whether it shows what is so at this moment while the others are frozen: people decide by it."""

    _composed = False
    _was_shown = False
    _drawn = False
    """Whether it was drawn since it is filled."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparseCompositor()
        self._held = self.HELD > 0

    @abstractmethod
    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        """Draw what is different. Called with every snapshot, every second, and when the screen comes back."""

    def begin(self) -> None:
        """What is done once, as soon as the parts are there."""

    def fit(self) -> None:
        """What a new size asks for, before it is drawn in."""

    @property
    def filled(self) -> bool:
        """Whether there is something to show: what was asked for when the screen was opened may be on its way."""
        return True

    @property
    def stands(self) -> bool:
        """Whether all the parts are there."""
        # Textual calls a screen displayed until the moment that it begins to take the screen's parts down.
        return self._composed and bool(self.display)

    def show(self, snapshot: Snapshot, now: datetime) -> None:
        """Draw what is different, if the screen stands; what came too early is drawn when it does."""
        if self.stands:
            if self.LIVE:
                backend = shell_of(self).backend
                snapshot, now = backend.snapshot, backend.clock.now()
            self.draw(snapshot, now)
            if self._held and self.filled:
                self._drawn = True
                self.check_idle()

    def _let_go(self) -> None:
        if self._held:
            self._held = False
            self.refresh()
            self._settle()

    def _settle(self) -> None:
        """Lay out and draw what waits for the next frame, without waiting for it."""
        if self.is_current and not self.app._batch_count:  # noqa: SLF001 - as Textual asks before each frame
            self._on_timer_update()

    async def _on_idle(self, event: events.Idle) -> None:  # noqa: ARG002 - Textual's own comes after this
        # A frame that is not written is nothing to wait for, and a screen is drawn in the sizes that it brings.
        if not self._held or any(part._layout_required for part in self.walk_children(Widget)):  # noqa: SLF001 - nothing public says that a part wants another place
            return
        self._settle()
        if self._callbacks:
            # They are called next, and may draw.
            self.call_next(self.check_idle)
        elif self._drawn:
            self._let_go()

    def _compositor_refresh(self) -> None:
        # Half a screen is worth neither its bytes nor the time, which the whole one would have to wait for.
        if self._held:
            self._dirty_widgets.clear()
        else:
            super()._compositor_refresh()

    def show_now(self) -> None:
        """Draw what the app shows at this moment."""
        shell = shell_of(self)
        self.show(shell.snapshot, shell.now)

    async def mount_composed_widgets(self, widgets: list[Widget]) -> None:
        await super().mount_composed_widgets(widgets)
        self._composed = True

    def on_mount(self) -> None:
        if self._held:
            self.set_timer(self.HELD, self._let_go)
        if self.stands:
            self.begin()

    def on_resize(self) -> None:
        if self.stands:
            self.fit()
            self.call_after_refresh(self.show_now)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        # What has just been made has its styles.
        event.refresh_styles, self._was_shown = self._was_shown, True
        # Textual lays the screen out after this: until then the parts have no sizes.
        self.call_next(self._resumed)

    def _resumed(self) -> None:
        self.show_now()
        shell_of(self).appear()


class Shell(FrameApp, HasLook, inherit_bindings=False):
    """An app that shows what a backend knows."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $background; color: $foreground; }
    Toast { background: $panel; color: $foreground; width: auto; max-width: 64; padding: 0 1; margin-top: 0; }
    Toast.-information { border-left: outer $quiet; }
    """

    def __init__(self, backend: Backend, display: Display, *, own_process: bool = True) -> None:
        """`own_process` is False where several apps share one process: signals are then not this app's business."""
        super().__init__(driver_class=thrifty(self.get_driver_class()) if own_process else None)
        self.backend = backend
        self.times = Times(zone(display.time_zone), TimeStyle(display.time_style))
        self.behind = 0
        """Snapshots that arrived since the screen was frozen."""
        self.read_only = False
        """Whether somebody gave up acting in this session."""
        self._own_process = own_process
        self._start = ExitStack()
        self._ascii = display.ascii or os.environ.get("TUIOPS_ASCII") == "1"
        self._latest = backend.snapshot
        self._held: tuple[Snapshot, datetime] | None = None
        self._bridge: Bridge | None = None
        self._second = 0
        """The second that was drawn last."""
        self._next_beat: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._problems: list[SafeText] = []
        self._type_ahead = TypeAhead(self, super().on_event)
        wanted = COLOURLESS if self.no_color else display.theme
        self.look = self._adopt(self._find_theme(wanted))

    # What is shown

    @property
    def snapshot(self) -> Snapshot:
        """What is on screen: the latest, or the one it was frozen at."""
        return self._latest if self._held is None else self._held[0]

    @property
    def now(self) -> datetime:
        """The moment that the screen shows; it stands still while frozen."""
        return self.backend.clock.now() if self._held is None else self._held[1]

    @property
    def frozen(self) -> bool:
        return self._held is not None

    @property
    def paused(self) -> float | None:
        """Seconds that the screen has been frozen for; None while it is not."""
        return None if self._held is None else (self.backend.clock.now() - self._held[1]).total_seconds()

    def freeze(self, *, on: bool) -> None:
        """Hold the screen still, or catch up."""
        self._held = (self._latest, self.backend.clock.now()) if on else None
        self.behind = 0
        self.show_now()

    def show_now(self) -> None:
        """Let the screen in front draw what is different."""
        self._second = self._this_second
        stack = self.screen_stack
        if stack and isinstance(stack[-1], View):
            stack[-1].show(self.snapshot, self.now)

    def redraw(self) -> None:
        """Draw all of it again, because something else has written to the terminal."""
        self.doubt_terminal()
        self.refresh(layout=True)
        for widget in self.screen.walk_children():
            widget.refresh()

    def on_snapshot_changed(self, message: SnapshotChanged) -> None:
        self._latest = message.snapshot
        if self.frozen:
            self.behind += message.merged
        self.show_now()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Let what is typed arrive only when what was typed before has been dealt with."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._type_ahead.take(event)
        else:
            await super().on_event(event)

    # Life

    async def run_async(self, *, headless: bool = False, **given: Any) -> Any:
        """Leave as `:q` does at a signal, from before the terminal is touched."""
        if self._own_process and not headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                # Not every loop takes signal handlers; without them the default action still ends the process.
                with suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(number, self._ended_by, number)
        return await super().run_async(headless=headless, **given)

    def on_load(self) -> None:
        self._start.enter_context(self.batch_update())
        if self._own_process:
            # No other thread may keep a frame or a key waiting for long: the default is five times this.
            sys.setswitchinterval(SWITCH)

    def appear(self) -> None:
        """Let the first frame be drawn, complete as it is."""
        self._start.close()

    def on_mount(self) -> None:
        for problem in self._problems:
            notify(self, problem, severity="warning", timeout=15)
        self._bridge = Bridge(self.backend, self, asyncio.get_running_loop())
        self._beat()
        self.call_after_refresh(self._first_frame_done)
        if self._own_process and not self.is_headless:
            self.app_resume_signal.subscribe(self, lambda _: self.redraw())

    def on_unmount(self) -> None:
        if self._bridge is not None:
            self._bridge.close()
        for timer in (self._next_beat, self._settling):
            if timer is not None:
                timer.cancel()

    def _beat(self) -> None:
        """Draw what came, ages and countdowns, once a second; what presses at each beat.

        A timer of asyncio costs a tenth of one of Textual's.
        """
        wait = until_beat(self.backend.clock.now())
        self._next_beat = asyncio.get_running_loop().call_later(wait, self._beat)
        turned = self._second != self._this_second
        came = self._bridge is not None and self._bridge.beat(full=turned)
        if turned and not came:
            self.call_later(self.show_now)

    @property
    def _this_second(self) -> int:
        return int(self.backend.clock.now().timestamp())

    def _first_frame_done(self) -> None:
        self.backend.start()
        if self._own_process:
            _keep_what_is()
            gc.enable()
            self._settling = asyncio.get_running_loop().call_later(SETTLED, _keep_what_is)

    def _ended_by(self, number: int) -> None:
        self.exit(return_code=128 + number)

    # Look

    def theme_names(self) -> tuple[str, ...]:
        """Every theme that can be switched to; those that cannot be read are reported."""
        themes, errors = load_all((shipped_themes(), user_themes()))
        for error in errors:
            notify(self, safe(str(error)), severity="warning", timeout=15)
        return tuple(themes)

    def switch_theme(self, name: str) -> bool:
        """Draw everything in another theme; False when it does not exist."""
        themes, _ = load_all((shipped_themes(), user_themes()))
        if name not in themes:
            return False
        self.look = self._adopt(themes[name])
        for screen in self.screen_stack:
            for widget in screen.walk_children():
                widget.refresh()
        self.show_now()
        return True

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual takes NO_COLOR to mean grey; here it means the terminal's own two colours."""
        filters = [NoColor()] if self.look.palette.colourless else list(super().get_line_filters())
        return [*filters, AsciiSigns()] if self._ascii else filters

    def _adopt(self, loaded: LoadedTheme) -> Look:
        self.register_theme(loaded.textual)
        self.theme = loaded.textual.name
        return Look(loaded.palette, ASCII if self._ascii else UNICODE)

    def _find_theme(self, name: str) -> LoadedTheme:
        for path in theme_files(name):
            try:
                return load(path)
            except ConfigError as error:
                self._problems.append(safe(str(error)))
        # A file may give its theme another name than its own.
        themes, _ = load_all((shipped_themes(), user_themes()))
        if name in themes:
            return themes[name]
        if name != FALLBACK:
            self._problems.append(safe(f"there is no usable theme {name!r}: using {FALLBACK!r}"))
        return load(shipped_themes() / f"{FALLBACK}.toml")


def _keep_what_is() -> None:
    """What lives now lives to the end: later collections need not walk it again, and hold up no key for it."""
    gc.collect()
    gc.freeze()


def shell_of(widget: Widget | Screen[Any]) -> Shell:
    """The app that a widget of the console or the wallboard lives in."""
    app = widget.app
    assert isinstance(app, Shell), "widgets of the console live in a Shell"
    return app
