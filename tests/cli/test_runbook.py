"""`tuiops runbook`, as a person and as a script use it: a real process, a real ledger."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import CONFIG, LEE
from tests.runbooks.engine.stage import step
from tests.waiting import wait_until
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from tests.cli.shop import Shop


def test_what_there_is_is_listed_and_shown(shop: Shop) -> None:
    assert shop.document("list")["runbooks"][0]["id"] == "mend"
    code, said, _ = shop.run("list")
    assert (code, said.splitlines()[1].split()[:3]) == (Exit.OK, ["mend", "C", "shop"])
    assert "Step one" in shop.run("show", "mend")[1]
    code, _, said = shop.run("show", "nothing")
    assert (code, "there is no runbook 'nothing'" in said) == (Exit.USAGE, True)


def test_a_plan_does_nothing_and_its_hash_confirms_one_run(shop: Shop) -> None:
    plan = shop.document("plan", "mend")
    assert plan["plan"]["steps"][0]["call"]["text"].endswith("one")
    assert shop.document("run", "mend", "--dry-run")["plan"]["title"] == "Mend the shop"
    assert not shop.effects.exists()

    code, said, _ = shop.run("run", "mend", "--confirm", plan["confirm"])
    assert (code, shop.done) == (Exit.OK, ["one", "two"])
    assert "#1 Mend the shop  succeeded" in said
    code, _, complaint = shop.run("run", "mend", "--confirm", plan["confirm"])
    assert (code, shop.done) == (Exit.REFUSED, ["one", "two"])
    assert "it is run #1" in complaint
    assert shop.go("undo").code == Exit.OK
    assert shop.done == ["one", "two", "untwo", "unone"]


def test_without_a_terminal_what_changes_something_takes_a_hash(shop: Shop) -> None:
    code, _, said = shop.run("run", "mend")
    assert (code, "it takes --confirm" in said, shop.done) == (Exit.REFUSED, True, [])
    code, _, said = shop.run("run", "mend", "--confirm", "yes")
    assert (code, "'yes' does not confirm a plan" in said) == (Exit.USAGE, True)


def test_the_hash_alone_does_not_confirm_a_plan_and_the_refusal_says_what_does(shop: Shop) -> None:
    printed = dict(line.split() for line in shop.run("plan", "mend").out.splitlines() if len(line.split()) == 2)
    code, _, said = shop.run("run", "mend", "--confirm", printed["plan"])
    assert (code, "give what stands behind `confirm`" in said, shop.done) == (Exit.USAGE, True, [])
    assert printed["confirm"].endswith(f"-{printed['plan']}")
    assert shop.run("run", "mend", "--confirm", printed["confirm"]).code == Exit.OK


def test_without_a_terminal_what_destroys_takes_a_hash(shop: Shop) -> None:
    shop.write(step("drop", shop.add % "dropped", danger="X"))
    code, _, said = shop.run("run", "mend")
    assert (code, "it takes --confirm" in said, shop.done) == (Exit.REFUSED, True, [])
    wrong = shop.hash()[:-1] + "x"
    code, _, said = shop.run("run", "mend", "--confirm", wrong)
    assert (code, "not what was confirmed" in said, shop.done) == (Exit.REFUSED, True, [])
    assert shop.run("run", "mend", "--confirm", shop.hash()).code == Exit.OK
    assert shop.done == ["dropped"]


def test_a_hash_is_good_for_fifteen_minutes(shop: Shop) -> None:
    late = shop.run("run", "mend", "--confirm", shop.hash(), ahead=16 * 60)
    assert (late.code, "it was read 16m ago, which is too long" in late.err, shop.done) == (Exit.REFUSED, True, [])


@pytest.mark.parametrize(
    ("words", "code", "state"),
    [
        (("settle", "--succeeded"), Exit.OK, "succeeded"),
        (("settle", "--failed"), Exit.RUN_FAILED, "failed"),
        (("skip",), Exit.OK, "skipped"),
    ],
)
def test_another_process_says_how_a_manual_step_came_out(
    shop: Shop, words: tuple[str, ...], code: Exit, state: str
) -> None:
    shop.write(step("ask", '{ kind = "manual", instructions = "Turn the key" }', danger="S"))
    run = shop.begin("runbook", "run", "mend")
    run.says("runbook settle 1 ask --succeeded --note")
    what, *options = words
    told = shop.run(what, "1", "ask", *options, "--note", "as it was told", by=LEE)
    assert (told.code, run.code) == (Exit.OK, code)
    assert f"{state}  Step ask  {LEE} says: as it was told" in run.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGHUP, Exit.HANGUP)])
def test_a_step_outlives_the_command_and_the_run_waits_for_somebody(
    shop: Shop, number: signal.Signals, code: Exit
) -> None:
    shop.write(step("one", shop.hold % "one"), step("two", shop.add % "two"))
    run = shop.begun()
    shop.until_done("one")
    run.tell(number)
    assert run.code == code
    assert shop.go("resume").code == Exit.RUN_UNKNOWN
    shop.release()
    wait_until(lambda: shop.go("resume").code == Exit.OK, "the end of the step")
    assert shop.done == ["one", "two"]


def test_a_mistake_of_the_configuration_is_told_apart(shop: Shop) -> None:
    shop.configure("systems = 3\n")
    assert shop.run("run", "mend").code == Exit.CONFIG
    assert shop.run("resume", "1").code == Exit.CONFIG


@pytest.mark.parametrize(
    "words",
    [
        ("run",), ("resume",), ("resume", "7"), ("settle", "7", "one", "--succeeded", "--note", "x"),
        ("run", "nothing"), ("run", "mend", "no-parameter"), ("skip", "7", "one", "two"), ("mend", "all"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_mistake_of_the_command_line(shop: Shop, words: tuple[str, ...]) -> None:
    told = shop.run(*words)
    assert (told.code, told.out, shop.done) == (Exit.USAGE, "", [])


def test_what_only_reads_is_run_at_once(shop: Shop) -> None:
    shop.write(step("look", '{ kind = "command", argv = ["true"] }', danger="S"))
    assert shop.run("run", "mend")[0] == Exit.OK


def test_what_was_confirmed_is_what_is_run(shop: Shop) -> None:
    confirm = shop.document("plan", "mend")["confirm"]
    shop.write(step("other", shop.add % "other", undo='"none"', undo_reason='"a test"'))
    code, _, said = shop.run("run", "mend", "--confirm", confirm)
    assert (code, "not what was confirmed" in said, shop.done) == (Exit.REFUSED, True, [])


def test_on_production_nothing_is_allowed_unless_the_configuration_says_so(shop: Shop) -> None:
    shop.configure(CONFIG.replace('environment = "staging"', 'environment = "live"'))
    plan = shop.document("plan", "mend")
    assert not plan["allowed"]
    code, _, said = shop.run("run", "mend", "--confirm", plan["confirm"])
    assert (code, "no rule lets" in said, shop.done) == (Exit.REFUSED, True, [])


def test_variables_of_the_environment_prove_nobody(shop: Shop) -> None:
    shop.configure(
        CONFIG + '[people.boss]\naccounts = ["local:boss"]\nrole = "approver"\n[[permissions]]\ndanger = "X"\n'
    )
    shop.environment |= {"USER": "boss", "LOGNAME": "boss", "SUDO_USER": "boss", "USERNAME": "boss"}
    plan = shop.document("plan", "mend")
    assert not plan["allowed"]
    assert "is viewer" in plan["reason"]


def test_a_failure_a_word_about_it_and_its_code(shop: Shop) -> None:
    (shop.folder / "bad.py").write_text("print('why'); raise SystemExit(3)", encoding="utf-8")
    bad = f'{{ kind = "command", argv = ["{sys.executable}", "{shop.folder / "bad.py"}"] }}'
    shop.write(step("bad", bad, danger="S"))
    code, said, _ = shop.run("run", "mend")
    assert code == Exit.RUN_FAILED
    assert "| why" in said
    rows = [json.loads(line) for line in shop.run("run", "mend", "-o", "ndjson")[1].splitlines()]
    assert {row["kind"] for row in rows} == {"step", "run-state"}
    assert rows[-1]["state"] == "failed"


def test_a_ledger_that_cannot_be_written_is_said_and_nothing_is_done(shop: Shop) -> None:
    (shop.folder / "state").write_text("a file where a folder should be", encoding="utf-8")
    shop.write(step("one", shop.add % "one", danger="S"))
    code, _, said = shop.run("run", "mend")
    assert (code, shop.done) == (Exit.REFUSED, [])
    assert "ledger" in said


@pytest.mark.parametrize(("times", "code"), [(1, Exit.RUN_ABORTED), (2, Exit.INTERRUPTED)])
def test_ctrl_c_aborts_and_a_second_one_leaves(shop: Shop, times: int, code: Exit) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(4)"
    (shop.folder / "long.py").write_text(stubborn, encoding="utf-8")
    shop.write(step("long", f'{{ kind = "command", argv = ["{sys.executable}", "{shop.folder / "long.py"}"] }}',
                    danger="S"))  # fmt: skip
    run = shop.begin("runbook", "run", "mend")
    run.says("running  Step long")
    run.tell(signal.SIGINT)
    run.says("aborting")
    if times == 2:
        run.tell(signal.SIGINT)
    assert run.code == code
