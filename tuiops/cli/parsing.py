"""argparse as it is used here."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, NoReturn

from tuiops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Parser(argparse.ArgumentParser):
    """argparse with the exit code of sysexits.h, and without a way for arguments to control the terminal."""

    def __init__(self, **given: Any) -> None:
        # argparse measures the terminal with shutil, which imports every compressor there is: 6 ms.
        super().__init__(**given, formatter_class=lambda prog: argparse.HelpFormatter(prog, width=_columns()))

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` shows what there is")


class MixedParser(Parser):
    """One whose options may stand anywhere among what else it takes."""

    _mixing = False

    def parse_known_args(  # type: ignore[override] # of its overloads, the one that argparse itself calls
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if self._mixing:
            return super().parse_known_args(args, namespace)
        # What parses them mixed calls this for each half.
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False


def _columns() -> int:
    try:
        return max(40, os.get_terminal_size(1).columns - 2)
    except OSError:
        return 78
