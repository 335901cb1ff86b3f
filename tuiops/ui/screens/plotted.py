"""What the detail screens with plots share: a range, the answers of the history, and when to ask again."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.plots import FIRST_RANGE, REFRESH, Past, ask, following_range

if TYPE_CHECKING:
    from tuiops.core.health import ServiceHealth


class PlottedScreen(DetailScreen):
    """A sheet with the plots of one service."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = FIRST_RANGE
        """The range of the plots."""
        self.pasts: dict[str, Past] = {}
        """What the history said, by the id of the indicator."""

    @property
    def idle(self) -> frozenset[str]:
        return super().idle - {"detail.range"} if self.plotted() is not None else super().idle

    @abstractmethod
    def plotted(self) -> ServiceHealth | None:
        """The service whose indicators are plotted; None when there is none."""

    def begin(self) -> None:
        super().begin()
        self.set_interval(REFRESH, self.ask)
        self.ask()

    def ask(self) -> None:
        """Ask the history; an answer that is still on its way is given up."""
        service = self.plotted()
        if service is not None and not self.host.frozen:
            self.run_worker(self._ask(service, self.seconds), group="history", exclusive=True)

    async def _ask(self, service: ServiceHealth, seconds: float) -> None:
        self.pasts = await ask(self.host.backend, service, seconds, self.pasts)
        self.show_now()

    def action_detail_range(self) -> None:
        self.seconds = following_range(self.seconds)
        self.pasts = {}
        self.show_now()
        self.ask()
