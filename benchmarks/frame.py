"""What a frame of the alerts pane costs, with few rows and with very many: the same, or the design is broken.

The real console runs without a terminal, its compositor included. Frames of both sizes alternate, so that whatever
else the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from benchmarks.table import Row, median, show
from tests.ui.fakes import FakeBackend, alert, fleet
from tuiops.config.model import Display
from tuiops.core.severity import Severity
from tuiops.ui.app import TuiopsApp
from tuiops.ui.panes.alerts import AlertsPane

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

FEW, MANY = 100, 100_000
ROUNDS = 150
SIZE = (200, 50)
WITHIN = 0.2


def console(rows: int) -> tuple[TuiopsApp, FakeBackend]:
    """A console with so many alerts."""
    alerts = tuple(
        alert(number, f"system{number % 7}/service{number % 90}", Severity(1 + number % 4), f"number {number}",
              left=600 + number)
        for number in range(rows)
    )  # fmt: skip
    backend = FakeBackend(msgspec.structs.replace(fleet(), alerts=alerts))
    return TuiopsApp(backend, Display(time_zone="UTC", bell=False), own_process=False), backend


def key(app: TuiopsApp, backend: FakeBackend, turn: int) -> None:  # noqa: ARG001 - both are called alike
    """Move the selection, up and down about the first page, so that both have the same to draw."""
    table = app.console_screen.query_one(AlertsPane).table
    (table.action_table_down if turn // 10 % 2 == 0 else table.action_table_up)()


def tick(app: TuiopsApp, backend: FakeBackend, turn: int) -> None:  # noqa: ARG001 - both are called alike
    """A second goes by: every countdown that is seen moves."""
    backend.clock.advance(1.0)
    app.show_now()


async def cost(pilot: Pilot[None], cause: Callable[[], None]) -> float:
    """CPU seconds from a cause to the last cell composed."""
    # Each pilot waits for its own app only; the other one stands still.
    with pilot.app._context():  # noqa: SLF001 - two apps in one task
        begun = time.process_time()
        cause()
        await pilot.pause()
        return time.process_time() - begun


async def measure() -> dict[str, tuple[float, float]]:
    """The median cost of a frame with few and with many rows, by its cause."""
    few, many = console(FEW), console(MANY)
    found: dict[str, tuple[float, float]] = {}
    async with few[0].run_test(size=SIZE) as first, many[0].run_test(size=SIZE) as second:
        for cause in (key, tick):
            costs: tuple[list[float], list[float]] = ([], [])
            for turn in range(ROUNDS):
                for (app, backend), pilot, into in ((few, first, costs[0]), (many, second, costs[1])):
                    into.append(await cost(pilot, partial(cause, app, backend, turn)))
            found[cause.__name__] = median(costs[0]), median(costs[1])
    return found


def main() -> None:
    """Print the table."""
    rows = [
        Row(
            f"a frame after a {cause}, {MANY:,} rows",
            f"{many * 1000:.2f} ms",
            f"{FEW} rows {few * 1000:.2f} ms",
            f"{many / few:.2f} ×",
            f"1 ± {WITHIN:.0%}",
            abs(many / few - 1) <= WITHIN,
        )
        for cause, (few, many) in asyncio.run(measure()).items()
    ]
    show("CPU of a frame of the alerts pane, 200×50", rows)


if __name__ == "__main__":
    main()
