"""What reaches out into the world: commands, HTTP calls and abilities, each named by its execution."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

import msgspec

from tuiops.core.record import Evidence
from tuiops.core.text import EMPTY, SafeText, lit, safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.runbooks.format.model import CommandAction, CommandCheck, HttpAction, HttpCheck
    from tuiops.runbooks.gates import Look

    Printed = Callable[[tuple[SafeText, ...]], None]
    """Is given the last lines of an output, at most ten times a second."""


STOOD_STILL = lit("not begun: this console stood still for too long")
"""Said by a console whose run may be in other hands by now."""


class End(Enum):
    """How an effect ended, as far as can be told."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_BEGUN = "not begun"
    """It certainly did not happen."""
    ABORTED = "aborted"
    UNKNOWN = "unknown"

    @property
    def word(self) -> SafeText:
        return safe(self.value)


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

    async def name(self, run: str, attempt: int, do: object) -> str:
        """An execution id, which says where it is begun: elsewhere nobody can tell that it was not begun.

        Raises errors.SourceError when that cannot be told; then nothing can be begun there either.
        """
        ...

    async def command(
        self,
        execution: str,
        do: CommandAction,
        *,
        sec: bool,
        seconds: float,
        printed: Printed,
        ours: Callable[[], bool],
    ) -> Outcome:
        """Run a command to its end. When its task is cancelled the command goes on; `abort` ends it.

        `ours` is asked, from any thread, when all is at hand and nothing is begun: False leaves it so.
        """
        ...

    async def http(
        self, execution: str, do: HttpAction, *, sec: bool, seconds: float, ours: Callable[[], bool]
    ) -> Outcome:
        """Make a call. An answer that is lost leaves the outcome unknown. `ours` as in `command`."""
        ...

    async def look(self, check: HttpCheck | CommandCheck) -> Look:
        """Look at a condition that reads only."""
        ...

    async def find(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        """What can be told of an execution that another process began."""
        ...

    async def settle(self, execution: str, do: CommandAction | HttpAction) -> None:
        """Let its files go some day: how it came out is in the ledger."""
        ...

    async def abort(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        """End what an execution started, whoever began it; the text names what is left."""
        ...
