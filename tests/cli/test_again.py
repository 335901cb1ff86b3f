"""Commands that are proposed to people: they reach the same configuration, and the same world."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import LEE
from tests.runbooks.engine.stage import step
from tuiops.cli.again import again
from tuiops.cli.exits import Exit
from tuiops.cli.main import parser

if TYPE_CHECKING:
    from tests.cli.shop import Shop


@pytest.mark.parametrize(
    "given",
    [
        (), ("--demo",), ("--config", "my file.toml"), ("--demo", "--config", "a$b;c", "--environment", "it's"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("behind", [False, True])
def test_what_a_command_is_about_is_given_on(given: tuple[str, ...], behind: bool) -> None:
    words = ["runbook", "undo", "1", *given] if behind else [*given, "runbook", "undo", "1"]
    arguments = parser().parse_args([*words, "--ascii"])
    arguments.demo = getattr(arguments, "demo", False)
    proposed = shlex.split(again(arguments, "runbook", "settle", "1", "roll[two words].shift"))
    assert proposed == ["tuiops", *given, "runbook", "settle", "1", "roll[two words].shift"]


def test_what_is_proposed_of_a_run_goes_to_its_ledger(shop: Shop) -> None:
    shop.write(step("ask", '{ kind = "manual", instructions = "Turn the key" }', danger="S"))
    run = shop.begin("runbook", "run", "mend")
    given = f"tuiops --config {shop.folder / 'config.toml'} runbook"
    run.says(f"{given} settle 1 ask --succeeded --note …")
    aborted = shop.run("abort", "1", by=LEE)
    assert "“Step ask” is not asked for any more." in aborted.out
    assert (aborted.code, run.code) == (Exit.OK, Exit.RUN_ABORTED)
    shop.write(step("one", shop.add % "one"))
    refused = shop.run("run", "mend")
    assert f"what `{given} plan mend --system shop` prints behind `confirm`" in refused.err


def test_a_description_is_shown_whole(shop: Shop) -> None:
    file = shop.folder / "runbooks" / "mend.toml"
    long = "word " * 200 + "and its end"
    file.write_text(f'description = "{long}"\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert "and its end" in shop.run("show", "mend").out
