"""Commands whose standard input, output or error is closed: it is as with /dev/null."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tuiops import __version__
from tuiops.cli.commands.console import interactive
from tuiops.cli.exits import Exit
from tuiops.cli.output import Output

if TYPE_CHECKING:
    from tests.cli.shop import Shop

_ALL = "<&- >&- 2>&-"


def closed(which: str, *words: str, shop: Shop) -> subprocess.CompletedProcess[str]:
    """A program of Python whose descriptors are closed as the shell is told."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {which}', "sh", sys.executable, *words], capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL, timeout=60, env=shop.environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("which", "words", "code", "out", "err"),
    [
        (">&-", ["--version"], Exit.OK, "", ""),
        ("2>&-", ["--version"], Exit.OK, f"tuiops {__version__}\n", ""),
        (">&-", ["themes"], Exit.OK, "", ""),
        (_ALL, ["themes"], Exit.OK, "", ""),
        ("2>&-", ["bogus"], Exit.USAGE, "", ""),
        (_ALL, ["bogus"], Exit.USAGE, "", ""),
        ("2>&-", ["ledger", "verify", "--demo"], Exit.UNKNOWN, "", ""),
        (">&-", ["ledger", "verify", "--demo"], Exit.UNKNOWN, "", "there is no ledger"),
    ],
)
def test_what_would_be_said_goes_nowhere_and_the_exit_code_stays(
    which: str, words: list[str], code: Exit, out: str, err: str, shop: Shop
) -> None:
    ended = closed(which, "-m", "tuiops", *words, shop=shop)
    assert (ended.returncode, ended.stdout) == (code, out)
    assert err in ended.stderr if err else not ended.stderr


def test_a_check_without_standard_error_says_what_is_down(shop: Shop) -> None:
    ended = closed("2>&-", "-m", "tuiops", "status", "--demo", shop=shop)
    assert (ended.returncode, "DOWN" in ended.stdout) == (Exit.DOWN, True)


def test_a_closed_input_confirms_nothing(shop: Shop) -> None:
    ended = closed("<&-", "-m", "tuiops", "runbook", "run", "mend", *_config(shop), shop=shop)
    assert (ended.returncode, "it takes --confirm" in ended.stderr, shop.done) == (Exit.REFUSED, True, [])


def test_a_run_without_standard_streams_leaves_its_ledger_whole(shop: Shop) -> None:
    planned = closed("", "-m", "tuiops", "runbook", "plan", "mend", "-o", "json", *_config(shop), shop=shop)
    words = ["runbook", "run", "mend", "--verbose", "--confirm", json.loads(planned.stdout)["confirm"]]
    ended = closed(_ALL, "-m", "tuiops", *words, *_config(shop), shop=shop)
    assert (ended.returncode, shop.done) == (Exit.OK, ["one", "two"])
    assert shop.tuiops("ledger", "verify").code == Exit.OK
    assert "succeeded" in shop.tuiops("ledger", "show").out


@pytest.mark.parametrize("which", ["<&-", ">&-", "2>&-", "<&- 2>&-", _ALL])
def test_files_opened_later_are_no_standard_streams(which: str, shop: Shop) -> None:
    program = (
        "import os, subprocess, sys; from tuiops.__main__ import fill_descriptors; fill_descriptors(); "
        "opened = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT); "
        "print('lost', flush=True); print('lost', file=sys.stderr, flush=True); sys.stdin.read(); "
        "child = subprocess.run(['sh', '-c', 'cat; echo lost; echo lost >&2']); "
        "sys.exit(child.returncode or (50 if opened > 2 else 51))"
    )
    file = shop.folder / "precious"
    assert closed(which, "-c", program, str(file), shop=shop).returncode == 50
    assert not file.read_bytes()


def test_nothing_is_drawn_on_standard_error_that_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "w"), os.fdopen(theirs) as terminal:
        monkeypatch.setenv("TERM", "xterm")
        for name in ("stdin", "stderr"):
            monkeypatch.setattr(sys, name, terminal)
        assert interactive(Output(terminal, os.environ))
        with Path(os.devnull).open("w", encoding="utf-8") as nothing:
            monkeypatch.setattr(sys, "stderr", nothing)
            assert not interactive(Output(terminal, os.environ))


def _config(shop: Shop) -> list[str]:
    return ["--config", str(shop.folder / "config.toml")]
