"""A console that is killed in the midst of a step, and what the command line makes of the run it leaves."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.cli.shop import LEE
from tests.runbooks.engine.stage import step
from tests.waiting import wait_until
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from tests.cli.processes import Command
    from tests.cli.shop import Ended, Shop


@pytest.fixture
def run(shop: Shop) -> Command:
    """Run #1, at work on its first step, which goes on until the shop releases it."""
    shop.write(
        step("one", shop.hold % "one", undo=shop.add % "unone"), step("two", shop.add % "two", undo=shop.add % "untwo")
    )
    run = shop.begun()
    shop.until_done("one")
    return run


def resumed(shop: Shop) -> Ended:
    """How `resume` ends as soon as it does not find the step at work any more."""
    said: list[Ended] = []

    def over() -> bool:
        said.append(shop.go("resume"))
        return said[-1].code != Exit.RUN_UNKNOWN

    wait_until(over, "the end of the step")
    return said[-1]


def story(shop: Shop) -> str:
    """The first line of `tuiops ledger show 1`."""
    return shop.tuiops("ledger", "show", "1").out.splitlines()[0]


def test_it_is_resumed_once_the_step_has_ended_and_does_nothing_twice(shop: Shop, run: Command) -> None:
    holder = f"{run.pid}"
    for words, said in {
        ("run", "mend", "--confirm", shop.hash(LEE)): "holds mend:shop/shop: run #1 Mend the shop",
        ("resume", "1"): "it is running, carried out by",
        ("undo", "1"): "is running; abort it first",
        ("settle", "1", "one", "--succeeded", "--note", "I saw it"): "`Step one` is running",
        ("skip", "1", "one", "--note", "not needed"): "`Step one` is running",
    }.items():
        refused = shop.run(*words, by=LEE)
        assert (refused.code, said in refused.err, refused.out) == (Exit.REFUSED, True, ""), refused
        assert holder in refused.err or "it is running, carried out by" not in said
    assert f"running, held by 64001 on {os.uname().nodename}, process {holder}" in story(shop)

    run.kill()
    assert story(shop).endswith("unknown: the console that carried it out is gone")
    for word in ("resume", "undo"):
        unknown = shop.run(word, "1", by=LEE)
        assert (unknown.code, unknown.out) == (Exit.RUN_UNKNOWN, "#1 Mend the shop  unknown: it is running\n")
        assert "the console that carried out run #1 is gone; looking up what it had begun" in unknown.err
        assert "nobody saw how `Step one` ended: it is running" in unknown.err
        assert "runbook settle 1 one --succeeded --note …" in unknown.err
    refused = shop.run("run", "mend", "--confirm", shop.hash())
    assert (refused.code, "held by a run that was cut off (run #1 Mend the shop)" in refused.err) == (10, True)
    assert story(shop).endswith("unknown: it is running")
    assert json.loads(shop.tuiops("ledger", "show", "1", "-o", "json").out)["stands"] == "unknown"

    shop.release()
    ended = resumed(shop)
    assert (ended.code, shop.done) == (Exit.OK, ["one", "two"]), ended
    assert "#1 Mend the shop  succeeded" in ended.out
    over = shop.go("resume")
    assert (over.code, "cannot be resumed; it is succeeded" in over.err) == (Exit.REFUSED, True)
    assert shop.go("undo").code == Exit.OK
    assert shop.done == ["one", "two", "untwo", "unone"]


def test_abort_ends_what_it_left_running(shop: Shop, run: Command) -> None:
    run.kill()
    process, _ = shop.held
    aborted = shop.run("abort", "1", by=LEE)
    assert (aborted.code, shop.done) == (Exit.OK, ["one"])
    assert "64002  aborts it" in shop.tuiops("ledger", "show", "1").out
    assert "begun, and perhaps done in part: Step one" in aborted.out
    assert not psutil.pid_exists(process)
    again = shop.run("abort", "1")
    assert (again.code, "run #1 is over: aborted" in again.err) == (Exit.REFUSED, True)


def test_another_process_aborts_what_a_living_one_carries_out(shop: Shop, run: Command) -> None:
    assert shop.run("abort", "1", "--note", "no more", by=LEE).code == Exit.OK
    assert (run.code, shop.done) == (Exit.RUN_ABORTED, ["one"])
    assert "no more" in shop.tuiops("ledger", "show", "1").out


@pytest.mark.parametrize(
    ("words", "code", "done"),
    [
        (("settle", "--succeeded"), Exit.OK, ["one", "two"]),
        (("settle", "--failed"), Exit.RUN_FAILED, ["one"]),
        (("skip",), Exit.OK, ["one", "two"]),
    ],
)
def test_what_nobody_can_tell_a_person_says(
    shop: Shop, run: Command, words: tuple[str, ...], code: Exit, done: list[str]
) -> None:
    _, watcher = shop.held
    os.kill(watcher, signal.SIGKILL)
    run.kill()
    unknown = shop.go("resume")
    assert (unknown.code, "whoever watched it is gone" in unknown.err) == (Exit.RUN_UNKNOWN, True)
    shop.release()

    what, *options = words
    silent = shop.run(what, "1", "one", *options)
    assert (silent.code, "say what you know of it" in silent.err) == (Exit.REFUSED, True)
    assert shop.run(what, "1", *options, "--note", "seen").code == Exit.USAGE
    if options:
        assert shop.run(what, "1", "one", "--note", "seen").code == Exit.USAGE
    told = shop.run(what, "1", "one", *options, "--note", "seen on the screen", by=LEE)
    assert (told.code, told.out) == (Exit.OK, "#1 Mend the shop  paused: the console that carried it out is gone\n")
    assert (shop.go("resume").code, shop.done) == (code, done)
    assert "seen on the screen" in shop.tuiops("ledger", "show", "1").out


def test_word_that_does_not_come_is_waited_for_so_long_and_no_longer(shop: Shop) -> None:
    well = shop.folder / "well"
    confirm = f'{{ by = "command", argv = ["test", "-e", "{well}"], within = "5m", every = "100ms" }}'
    shop.write(step("one", shop.add % "one", undo=shop.add % "unone", confirm=confirm), step("two", shop.add % "two"))
    run = shop.begun()
    shop.until_done("one")
    run.kill()

    short = shop.go("resume", "--timeout", "0.3")
    assert (short.code, shop.done) == (Exit.RUN_UNKNOWN, ["one"])
    assert "looking up what it had begun, for at most 0.3 s" in short.err
    assert "nothing is known of it yet" in short.err
    left = shop.begin("runbook", "resume", "1", "--timeout", "60")
    left.says("looking up")
    left.tell(signal.SIGINT)
    assert (left.code, left.out, shop.done) == (Exit.INTERRUPTED, "", ["one"])

    well.touch()
    assert (shop.go("resume").code, shop.done) == (Exit.OK, ["one", "two"])
