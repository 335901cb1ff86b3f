"""What stands beside a pane on a large screen: the plots and indicators of its selection, or its alert, whole."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import msgspec
from textual.containers import Vertical

from tuiops.core.alerts import Alert
from tuiops.core.text import SafeText, fmt, lit
from tuiops.ui.panes.base import TitleBar
from tuiops.ui.screens.alert import alert_sheet
from tuiops.ui.screens.pen import BLANK, Pen
from tuiops.ui.screens.plots import FIRST_RANGE, REFRESH, Past, ask
from tuiops.ui.screens.service import service_rows
from tuiops.ui.shell import shell_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.timer import Timer

    from tuiops.core.health import ServiceHealth
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.panes.alerts import AlertsPane
    from tuiops.ui.panes.health import HealthPane
    from tuiops.ui.screens.pen import Row

PLOT_LINES = 7
SETTLED = 0.1
"""Seconds that a selection must last before it is drawn."""
PAUSE = 0.3
"""Seconds that a selection must last before the history is asked about it: `j` held down asks nothing."""


class Beside(Vertical):
    """A sheet that follows the selection of a pane. It never takes the focus."""

    DEFAULT_CSS = """
    Beside > Document { height: 1fr; border: round $line; border-top: none; overflow-y: hidden; }
    Beside.-ascii > Document { border: ascii $line; border-top: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._pasts: dict[str, Past] = {}
        self._asked_about: tuple[str, str] | None = None
        self._pause: Timer | None = None
        self._drawn_in: datetime | None = None
        self._settling: Timer | None = None

    @abstractmethod
    def heading(self) -> SafeText:
        """What the sheet is about."""

    @abstractmethod
    def service(self) -> ServiceHealth | None:
        """The service whose history is asked for; None when there is none."""

    @abstractmethod
    def sheet(self, pen: Pen) -> Sequence[Row]:
        """Its rows, for a pen of a given width."""

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield Document()

    def on_mount(self) -> None:
        self.set_class(look_of(self).glyphs.corners.isascii(), "-ascii")
        self.query_one(Document).can_focus = False
        self.set_interval(REFRESH, self._ask)

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    def follow(self) -> None:
        """Draw, but not twice in a second: a long sheet costs more than the pane that it stands beside."""
        second = shell_of(self).now.replace(microsecond=0)
        if second != self._drawn_in:
            self._drawn_in = second
            self.draw()

    def turn(self) -> None:
        """Another row is selected: draw when it has been for a moment, so that keys held down wait for nothing."""
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLED, self.draw)

    def draw(self) -> None:
        """Draw what is different; ask the history when the selection is another one."""
        if not self.display or not self.is_mounted:
            return
        document = self.query_one(Document)
        if document.size.width == 0:
            return
        service = self.service()
        about = service.key if service is not None else None
        if about != self._asked_about:
            self._asked_about, self._pasts = about, {}
            if self._pause is not None:
                self._pause.stop()
            self._pause = self.set_timer(PAUSE, self._ask)
        shell = shell_of(self)
        pen = Pen(look=shell.look, times=shell.times, now=shell.now, width=document.columns)
        rows = [pen.clip(row) for row in self.sheet(pen)]
        # As many rows as there are lines: a sheet of another length would lay out the whole screen anew.
        height = document.size.height
        document.show([*rows[:height], *[BLANK] * (height - len(rows))])
        below = len(rows) - height
        more = [pen.muted(fmt("{} {} more", pen.look.glyphs.down, below))] if below > 0 else []
        self.query_one(TitleBar).show((pen.bold(self.heading()),), more)

    def _ask(self) -> None:
        service = self.service() if self.display else None
        if service is not None and service.measures and not shell_of(self).frozen:
            self.run_worker(self._hear(service), group="history", exclusive=True)

    async def _hear(self, service: ServiceHealth) -> None:
        pasts = await ask(shell_of(self).backend, service, FIRST_RANGE, self._pasts)
        if service.key == self._asked_about:
            self._pasts = pasts
            self.draw()


class BesideHealth(Beside):
    """The service that is selected in the health pane; of a system, the one that is worst off."""

    def __init__(self, pane: HealthPane, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._pane = pane
        self._alerts: tuple[tuple[Alert, ...], tuple[str, str], tuple[Alert, ...]] = ((), ("", ""), ())

    def service(self) -> ServiceHealth | None:
        return self._pane.selected_service()

    def heading(self) -> SafeText:
        service = self.service()
        return lit("Service") if service is None else fmt("{}/{}", service.system, service.label)

    def sheet(self, pen: Pen) -> Sequence[Row]:
        service = self.service()
        if service is None:
            return pen.sentence(lit("The indicators and plots of the selected service stand here."))
        snapshot = self._of_interest(shell_of(self).snapshot, service)
        seen = self.query_one(Document).size.height
        return service_rows(
            pen, snapshot, (service.system, service.service), self._pasts, FIRST_RANGE, PLOT_LINES, seen
        )

    def _of_interest(self, snapshot: Snapshot, service: ServiceHealth) -> Snapshot:
        """The snapshot with the alerts of the service only: finding them each second would cost as much as all are."""
        alerts, key, kept = self._alerts
        if alerts is not snapshot.alerts or key != service.key:
            kept = tuple(alert for alert in snapshot.alerts if (alert.system, alert.service) == service.key)
            self._alerts = (snapshot.alerts, service.key, kept)
        return msgspec.structs.replace(snapshot, alerts=kept)


class BesideAlerts(Beside):
    """The alert that is selected in the queue."""

    def __init__(self, pane: AlertsPane, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._pane = pane

    def _alert(self) -> Alert | None:
        row = self._pane.table.selected
        return row if isinstance(row, Alert) else None

    def service(self) -> ServiceHealth | None:
        # Its plots would push labels and links out of sight; they stand above, and in its own screen.
        return None

    def heading(self) -> SafeText:
        alert = self._alert()
        return lit("Alert") if alert is None else alert.name

    def sheet(self, pen: Pen) -> Sequence[Row]:
        alert = self._alert()
        if alert is None:
            return pen.sentence(lit("The labels, annotations and links of the selected alert stand here."))
        # A snapshot without systems gives no plots.
        snapshot = msgspec.structs.replace(shell_of(self).snapshot, systems=())
        return alert_sheet(pen, snapshot, alert, {}, FIRST_RANGE)
