"""A run that is followed on the command line: what is told of it, what Ctrl-c does, and what ends the following."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import CONFIG
from tests.runbooks.engine.stage import step
from tuiops.cli import loop
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.processes import Command
    from tests.cli.shop import Shop

MANY_SECONDS = "3600"


def forbid(shop: Shop, event: str) -> None:
    """Have the ledger fail as soon as such an event is to be recorded."""
    trigger = f"""
    CREATE TRIGGER full BEFORE INSERT ON ledger_entries WHEN NEW.event = '{event}'
    BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END
    """
    with closing(sqlite3.connect(shop.folder / "state" / "tuiops" / "ledger.db", timeout=30)) as ledger:
        ledger.execute(trigger)
        ledger.commit()


@pytest.fixture
def run(shop: Shop) -> Command:
    """Run #1, at work on its first step, which goes on until the shop releases it."""
    shop.write(step("one", shop.hold % "one", undo=shop.add % "unone"), step("two", shop.add % "two"))
    run = shop.begun()
    shop.until_done("one")
    return run


def test_a_run_that_begins_is_never_called_paused(shop: Shop) -> None:
    confirm = shop.hash()
    ended = shop.run("run", "mend", "--confirm", confirm, "-o", "ndjson")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["state"] for row in rows if row["kind"] == "run-state"] == ["running", "succeeded"]


def test_a_ledger_that_fails_in_the_midst_ends_the_following_and_says_why(shop: Shop, run: Command) -> None:
    forbid(shop, "step.ended")
    shop.release()
    assert (run.code, shop.done) == (Exit.RUN_UNKNOWN, ["one"])
    assert "run cut off: " in run.err
    assert "disk is full" in run.err


def test_an_abort_that_cannot_be_recorded_ends_the_run_and_says_so(shop: Shop, run: Command) -> None:
    forbid(shop, "run.aborting")
    run.tell(signal.SIGINT)
    run.says("nothing more is begun; how it stands: ")
    assert run.err.count("was aborted here (it is being ended), which is not recorded yet: ") == 1
    assert "what was begun goes on" not in run.err
    assert (run.code, shop.done) == (Exit.RUN_UNKNOWN, ["one"])


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of a server that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("word", ["abort", "skip"])
def test_what_stops_a_run_waits_for_no_source(shop: Shop, run: Command, silent: str, word: str) -> None:
    source = f'[sources.metrics]\ntype = "prometheus"\nurl = "{silent}"\ntimeout = "1h"\ninterval = "1h"\n'
    shop.configure(CONFIG + source)
    words, code = (("abort", "1"), Exit.OK) if word == "abort" else (("skip", "1", "two"), Exit.REFUSED)
    assert shop.run(*words, "--note", "no more", "--timeout", MANY_SECONDS).code == code


@pytest.fixture
def signals() -> Iterator[None]:
    """What signals did before the test, they do after it."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_ctrl_c_ends_a_command_that_follows_no_run_any_more() -> None:
    heard: list[str] = []

    async def work() -> Exit:
        told = asyncio.Event()

        def hear() -> None:
            heard.append("aborting")
            told.set()

        with loop.interrupts(hear):
            os.kill(os.getpid(), signal.SIGINT)
            await told.wait()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()
        return Exit.OK

    assert loop.run(work()) == Exit.INTERRUPTED
    assert heard == ["aborting"]


@pytest.mark.usefixtures("signals")
def test_sigterm_ends_a_command_that_follows_a_run() -> None:
    async def work() -> Exit:
        with loop.interrupts(lambda: None):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        return Exit.OK

    assert loop.run(work()) == Exit.TERMINATED
