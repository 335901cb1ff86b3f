"""`python -m tuiops` and the `tuiops` command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from tuiops import __version__


def fill_descriptors() -> None:
    """Give standard streams that were closed a place that is empty and takes everything, as /dev/null does.

    Otherwise the next file that is opened, such as the ledger, would be standard error to whoever writes there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The system gives the lowest number that is free: with those before it taken, this one.
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
            stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def run() -> NoReturn:
    """The program."""
    fill_descriptors()
    if sys.argv[1:] == ["--version"]:
        # The parser costs more than the interpreter's own start; package managers and prompts ask this often.
        sys.stdout.write(f"tuiops {__version__}\n")
        sys.exit(0)
    from tuiops.cli.main import main

    sys.exit(main())


if __name__ == "__main__":
    run()
