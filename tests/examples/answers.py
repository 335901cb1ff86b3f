"""Effects for runbooks of the examples whose commands and addresses exist nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tuiops.config.secrets import resolve_secret
from tuiops.core.text import lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.format.captures import captured
from tuiops.runbooks.format.model import CommandAction, HttpCheck
from tuiops.runbooks.gates import Look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tuiops.runbooks.format.model import CommandCheck
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector


class CommandFailed(Exception):
    """It ends with 1, and says this."""


class Answers(Executions):
    """Every address answers, and every command is what `program` makes of it: it returns what is printed."""

    down = ""
    """What stands in the address that does not answer."""

    def __init__(self, folder: Path, program: Callable[[tuple[str, ...]], Awaitable[str]]) -> None:
        super().__init__(resolve_secret, lambda: cast("HttpConnector", None), no_bastion, base=folder)
        self._program = program
        self.asked: list[str] = []

    async def look(self, check: HttpCheck | CommandCheck) -> Look:
        assert isinstance(check, HttpCheck)
        self.asked.append(check.url)
        return Look(holds=not self.down or self.down not in check.url, value=lit("asked"))

    async def command(self, execution: str, do: CommandAction, **_: object) -> Outcome:
        try:
            return Outcome(end=End.SUCCEEDED, captured=captured(do.capture, await self._program(do.argv)))
        except (CommandFailed, Refused) as error:
            return Outcome(end=End.FAILED, text=safe(str(error)))


def no_bastion(name: str) -> Bastion:
    raise KeyError(name)
