"""What reaches out into the world: commands, HTTP calls and abilities, each named by its execution."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

import msgspec

from tuiops.core.record import Evidence
from tuiops.core.text import EMPTY, SafeText

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.runbooks.gates import Look
    from tuiops.runbooks.model import CommandAction, CommandCheck, HttpAction, HttpCheck

    Printed = Callable[[tuple[SafeText, ...]], None]
    """Is given the last lines of an output, at most ten times a second."""


class End(Enum):
    """How an effect ended, as far as can be told."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_BEGUN = "not begun"
    """It certainly did not happen."""
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an effect."""

    end: End
    text: SafeText = EMPTY
    evidence: Evidence = Evidence()
    captured: dict[str, str] = {}
    running: bool = False
    """Whether it goes on at this moment; `end` is UNKNOWN then."""


class Effects(Protocol):
    """Carries out what is no ability of a source. An execution is begun at most once, whoever asks how often."""

    async def command(
        self, execution: str, do: CommandAction, *, sec: bool, seconds: float, printed: Printed
    ) -> Outcome:
        """Run a command to its end. Cancelling ends its whole process tree first."""
        ...

    async def http(self, execution: str, do: HttpAction, *, sec: bool, seconds: float) -> Outcome:
        """Make a call. An answer that is lost leaves the outcome unknown."""
        ...

    async def look(self, check: HttpCheck | CommandCheck) -> Look:
        """Look at a condition that reads only."""
        ...

    async def find(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        """What can be told of an execution that another process began."""
        ...

    async def abort(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        """End what an execution started, whoever began it; the text names what is left."""
        ...
