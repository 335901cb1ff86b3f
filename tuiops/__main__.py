"""`python -m tuiops` and the `tuiops` command."""

from __future__ import annotations

import sys
from typing import NoReturn

from tuiops import __version__


def run() -> NoReturn:
    """The program."""
    if sys.argv[1:] == ["--version"]:
        # The parser costs more than the interpreter's own start; package managers and prompts ask this often.
        sys.stdout.write(f"tuiops {__version__}\n")
        sys.exit(0)
    from tuiops.cli.main import main

    sys.exit(main())


if __name__ == "__main__":
    run()
