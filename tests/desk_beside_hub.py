"""A desk in front of a hub in its own thread, with a runbook and a configuration that a test rewrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runbooks.engine.stage import HEAD, step
from tests.waiting import eventually
from tuiops import wiring
from tuiops.config.load import Loaded, load
from tuiops.config.people import local_account, principal
from tuiops.core.clock import SystemClock
from tuiops.runbooks.desk.distant import DistantDesk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tuiops.hub.thread import HubThread

CONFIG = """
environment = "staging"
[environments.staging]
production = false
[environments.live]
production = true
[systems.shop]
label = "Shop"
"""

PEOPLE = """
[people.boss]
accounts = ["local:boss"]
role = "approver"
[[permissions]]
danger = "X"
"""


class Console:
    """The read side with a desk, as a front end has it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "config.toml"
        self.write(CONFIG)
        self.effects = folder / "effects"
        (folder / "runbooks").mkdir()
        touch = f'{{ kind = "command", argv = ["touch", "{self.effects}"] }}'
        text = HEAD + step("one", touch, undo='"none"', undo_reason='"a test"')
        (folder / "runbooks" / "mend.toml").write_text(text, encoding="utf-8")
        self.desk = DistantDesk(principal(self.read().config, local_account(), ""), SystemClock())
        subject = wiring.Subject(loaded=self.read(), reload=self.read)
        self.reads: HubThread = wiring.backend(subject, desk=self.desk)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def read(self) -> Loaded:
        return load(self.file, environ={})

    async def until(self, holds: Callable[[], bool]) -> None:
        await eventually(holds, "what the console is to bring about")

    async def attached(self) -> None:
        await self.until(lambda: self.desk._there is not None)
