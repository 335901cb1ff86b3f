"""The console as it looks, held to pictures: few, and each for a reason that no assertion on text covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from tests.ui.fakes import FakeBackend, fleet, nothing, stale
from tuiops.config.model import Display
from tuiops.ui.app import TuiopsApp

if TYPE_CHECKING:
    from textual.app import App

    from tuiops.core.snapshot import Snapshot


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: App[None], *, terminal_size: tuple[int, int]) -> bool: ...


@pytest.mark.parametrize(
    ("known", "size", "theme", "ascii_only"),
    [
        pytest.param(fleet(), (80, 24), "dark", False, id="small"),
        pytest.param(fleet(), (120, 40), "dark", False, id="middle"),
        pytest.param(fleet(), (200, 60), "dark", False, id="large"),
        pytest.param(stale(fleet()), (132, 38), "dark", False, id="stale"),
        pytest.param(nothing(), (120, 40), "dark", False, id="unconfigured"),
        pytest.param(fleet(), (120, 40), "light", False, id="light"),
        pytest.param(fleet(), (120, 40), "mono", True, id="ascii"),
    ],
)
def test_the_console_looks_as_it_did(
    snap_compare: Compare,
    known: Snapshot,
    size: tuple[int, int],
    theme: str,
    ascii_only: bool,
) -> None:
    display = Display(theme=theme, time_zone="Asia/Tokyo", ascii=ascii_only)
    assert snap_compare(TuiopsApp(FakeBackend(known), display, own_process=False), terminal_size=size)
