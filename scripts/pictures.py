#!/usr/bin/env python3
"""Draw the pictures of the documentation: docs/pictures/*.svg, the same ones in every run.

They show the simulated fleet at one moment, through the real program: no network, no clock, no chance.
`pictures.py NAME…` draws only those whose name begins with one of the words.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.ui.desk import FakeDesk, past, run, unknown, waiting_for_approval
from tests.ui.fakes import FakeBackend, fleet
from tests.ui.still import StillBackend, still
from tuiops.config.model import Display, Wallboard
from tuiops.core.runs import RunState
from tuiops.core.severity import Severity
from tuiops.core.text import lit
from tuiops.ui.actions import Scope
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.alert import AlertScreen
from tuiops.ui.screens.beside import PAUSE
from tuiops.ui.screens.changes import ChangesScreen
from tuiops.ui.screens.help import HelpScreen
from tuiops.ui.screens.rollout import RolloutScreen
from tuiops.ui.screens.service import ServiceScreen
from tuiops.ui.screens.sources import SourcesScreen
from tuiops.ui.wallboard.app import WallboardApp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tuiops.core.runs import RunView
    from tuiops.ui.screens.detail import DetailScreen
    from tuiops.ui.shell import Shell

PICTURES = ROOT / "docs" / "pictures"
SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
THEMES = ("dark", "light", "high-contrast", "colour-blind", "mono")
STALE_AFTER = 200.0
"""Seconds without an answer in the pictures of a console whose sources went quiet."""


@dataclass(frozen=True)
class Picture:
    """One file: which program, in which size, and what was opened in it."""

    name: str
    size: tuple[int, int]
    app: Callable[[], Shell]
    screen: Callable[[], DetailScreen] | None = None
    keys: tuple[str, ...] = ()
    """What is pressed then."""


def display(theme: str = "dark") -> Display:
    return Display(theme=theme, time_zone="Asia/Tokyo")


def pictures(backend: StillBackend) -> Iterator[Picture]:
    """Everything that the documentation shows."""

    def console(theme: str = "dark") -> Callable[[], Shell]:
        return lambda: TuiopsApp(backend, display(theme), own_process=False)

    def wall(page: str) -> Callable[[], Shell]:
        return lambda: WallboardApp(backend, display(), Wallboard(pages=(page,)), own_process=False)

    snapshot = backend.snapshot
    alert = next(alert for alert in snapshot.alerts if alert.severity is Severity.P1)
    rollout = next(rollout for rollout in snapshot.rollouts if rollout.live)
    details: dict[str, Callable[[], DetailScreen]] = {
        "service": lambda: ServiceScreen(lit("pricealert"), lit("api")),
        "alert": lambda: AlertScreen(alert.identity),
        "rollout": lambda: RolloutScreen(rollout.id),
        "sources": SourcesScreen,
        "changes": ChangesScreen,
        "help": lambda: HelpScreen(Scope.ALERTS),
    }
    for theme in THEMES:
        for size in (SMALL, MIDDLE, LARGE) if theme == "dark" else (MIDDLE,):
            yield Picture(f"console-{theme}-{size[0]}x{size[1]}", size, console(theme))
    for name, screen in details.items():
        yield Picture(f"{name}-120x40", MIDDLE, console(), screen)
    yield from acting()
    for size in (SMALL, LARGE):
        yield Picture(f"wallboard-incident-{size[0]}x{size[1]}", size, wall("overview"))
        for page in ("overview", "health", "alerts", "rollouts"):
            yield Picture(f"wallboard-{page}-{size[0]}x{size[1]}", size, wall(page))


def acting() -> Iterator[Picture]:
    """From a row to a run."""
    runs = (run(42), unknown(46), waiting_for_approval(45), past(41, RunState.SUCCEEDED), past(40, RunState.FAILED))

    def desk(*present: RunView) -> Callable[[], Shell]:
        def made() -> Shell:
            backend = FakeBackend(msgspec.structs.replace(fleet(), runs=present))
            return TuiopsApp(backend, display(), desk=FakeDesk(backend), own_process=False)

        return made

    for size in (SMALL, MIDDLE, LARGE):
        yield Picture(f"card-{size[0]}x{size[1]}", size, desk(), keys=("x", "a"))
    for size in (MIDDLE, LARGE):
        at = f"{size[0]}x{size[1]}"
        yield Picture(f"menu-{at}", size, desk(), keys=("x",))
        yield Picture(f"run-{at}", size, desk(run(42)), keys=("X", "enter"))
        yield Picture(f"runs-{at}", size, desk(*runs), keys=("X",))
    yield Picture("run-unknown-80x24", SMALL, desk(unknown(42)), keys=("X", "enter"))


async def draw(picture: Picture) -> str:
    """The picture as SVG."""
    app = picture.app()
    async with app.run_test(size=picture.size) as pilot:
        if picture.screen is not None:
            await app.push_screen(picture.screen())
        for key in picture.keys:
            await pilot.press(key)
            await pilot.pause()
        for _ in range(3):
            await pilot.pause()
            await app.workers.wait_for_complete()
            if picture.size == LARGE:
                # The sheets beside the panes ask for the past a moment after the first frame.
                await pilot.pause(2 * PAUSE)
        await pilot.pause()
        app.title = "tuiops"
        return app.export_screenshot(title="tuiops")


async def main(wanted: list[str]) -> None:
    backend = await still()
    full = backend.snapshot
    calm = msgspec.structs.replace(full, alerts=tuple(a for a in full.alerts if a.severity is not Severity.P1))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for picture in pictures(backend):
        if wanted and not picture.name.startswith(tuple(wanted)):
            continue
        quiet = picture.name.startswith("wallboard-") and "incident" not in picture.name
        backend.snapshot = calm if quiet else full
        (PICTURES / f"{picture.name}.svg").write_text(await draw(picture), encoding="utf-8")
        sys.stdout.write(f"{picture.name}\n")
    if not wanted or "console-stale".startswith(tuple(wanted)):
        backend.clock.advance(STALE_AFTER)
        backend.snapshot = full
        stale = Picture("console-stale-120x40", MIDDLE, lambda: TuiopsApp(backend, display(), own_process=False))
        (PICTURES / "console-stale-120x40.svg").write_text(await draw(stale), encoding="utf-8")
        backend.snapshot = calm
        wall = Picture("wallboard-stale-80x24", SMALL, lambda: WallboardApp(backend, display(), Wallboard()))
        (PICTURES / "wallboard-stale-80x24.svg").write_text(await draw(wall), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
