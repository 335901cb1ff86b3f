"""The options of `tuiops runbook`: each word takes its own, and what they hold back is not done."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import CONFIG, KIM, LEE
from tests.runbooks.engine.stage import step
from tuiops.cli.exits import Exit
from tuiops.cli.main import parser
from tuiops.errors import UsageError

if TYPE_CHECKING:
    from tests.cli.shop import Shop

WORDS = {
    "list": "", "show": "mend", "plan": "mend", "run": "mend", "approve": "1", "reject": "1", "resume": "1",
    "abort": "1", "settle": "1 one --succeeded", "skip": "1 one", "undo": "1",
}  # fmt: skip
TAKEN = {
    "--dry-run": {"run", "resume", "undo"},
    "--confirm x": {"run", "approve", "resume", "undo"},
    "--note x": {"reject", "abort", "settle", "skip"},
    "--failed": set(),
    "--system shop": {"list", "plan", "run"},
    "--timeout 5": {"plan", "run", "resume", "abort", "settle", "skip", "undo"},
    "name=value": {"plan", "run"},
}
"""What each option is for; nothing takes `--failed` beside `--succeeded`, nor without a step."""


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("option", TAKEN)
def test_a_word_takes_what_it_uses_and_refuses_all_else(word: str, option: str) -> None:
    line = f"runbook {word} {WORDS[word]} {option}".split()
    if word in TAKEN[option]:
        assert parser().parse_args(line).what == word
    else:
        with pytest.raises(UsageError):
            parser().parse_args(line)


def test_options_may_stand_anywhere() -> None:
    for line in (
        "runbook plan break --system manga service=phase1 -o json count=2",
        "runbook plan --system manga -o json break service=phase1 count=2",
        "runbook plan break service=phase1 count=2 --system manga -o json",
    ):
        given = parser().parse_args(line.split())
        assert (given.name, list(given.values), given.system) == ("break", ["service=phase1", "count=2"], "manga")
        assert given.output == "json"
    assert list(parser().parse_args(["runbook", "run", "mend", "--", "--x=1"]).values) == ["--x=1"]


@pytest.fixture
def ran(shop: Shop) -> Shop:
    """Run #1 has done both steps."""
    assert shop.run("run", "mend", "--confirm", shop.hash()).code == Exit.OK
    return shop


def test_a_dry_run_of_an_undo_undoes_nothing(ran: Shop) -> None:
    shown = ran.run("undo", "1", "--dry-run")
    assert (shown.code, ran.done) == (Exit.OK, ["one", "two"])
    head, *steps, confirm = shown.out.splitlines()
    assert head == "#1 Mend the shop  shop shop in staging: goes back"
    assert [line.strip() for line in steps[::2]] == ["1 C undo Step two  [two]", "2 C undo Step one  [one]"]
    assert [line.split()[-1] for line in steps[1::2]] == ["untwo", "unone"]
    document = ran.document("undo", "1", "--dry-run")
    assert (document["kind"], document["confirm"]) == ("ahead", confirm.split()[1])
    assert ran.done == ["one", "two"]


def test_without_a_terminal_an_undo_takes_the_hash_of_what_it_does(ran: Shop) -> None:
    blind = ran.run("undo", "1")
    assert (blind.code, ran.done) == (Exit.REFUSED, ["one", "two"])
    given = f"tuiops --config {ran.folder / 'config.toml'}"
    assert f"what `{given} runbook undo 1 --dry-run` prints behind `confirm`" in blind.err
    right = ran.document("undo", "1", "--dry-run")["confirm"]
    for other in ("yes", "0" * 64, ran.hash()):
        wrong = ran.run("undo", "1", "--confirm", other)
        assert (wrong.code, "this is not what was confirmed" in wrong.err) == (Exit.REFUSED, True)
    assert ran.done == ["one", "two"]
    assert ran.run("undo", "1", "--confirm", right).code == Exit.OK
    assert ran.done == ["one", "two", "untwo", "unone"]
    assert ran.run("undo", "1", "--confirm", right).code == Exit.REFUSED


def test_an_undo_says_who_has_acted_on_the_same_since_and_its_hash_is_of_that(ran: Shop) -> None:
    before = ran.document("undo", "1", "--dry-run")
    assert before["overtaken"] == ""
    assert ran.run("run", "mend", "--confirm", ran.hash()).code == Exit.OK
    stale = ran.run("undo", "1", "--confirm", before["confirm"])
    assert (stale.code, "this is not what was confirmed" in stale.err) == (Exit.REFUSED, True)
    shown = ran.run("undo", "1", "--dry-run").out
    assert "careful  acted on the same target since: run #2 Mend the shop of 64001 (" in shown
    assert "run #2" in ran.document("undo", "1", "--dry-run")["overtaken"]
    assert ran.done == ["one", "two"] * 2
    assert ran.go("undo").code == Exit.OK
    assert ran.done == ["one", "two"] * 2 + ["untwo", "unone"]


def test_a_hash_is_good_for_the_run_as_it_stood(shop: Shop) -> None:
    """A step that was done meanwhile, by whomever, makes another run of it."""
    shop.write(*(step(word, shop.hold % word, undo=shop.add % f"un{word}") for word in ("one", "two")))
    run = shop.begun()
    shop.until_done("one")
    run.kill()
    shop.release()
    assert shop.run("settle", "1", "one", "--succeeded", "--note", "seen").code in {Exit.OK, Exit.REFUSED}
    seen = shop.document("resume", "1", "--dry-run")
    assert [one["step"] for one in seen["steps"]] == ["two"]
    assert shop.run("skip", "1", "two", "--note", "not needed", by=LEE).code == Exit.OK
    moved = shop.run("resume", "1", "--confirm", seen["confirm"])
    assert (moved.code, "the run has moved on" in moved.err, shop.done) == (Exit.REFUSED, True, ["one"])
    assert shop.run("resume", "1").code == Exit.OK  # nothing that is left changes anything


def test_what_destroys_is_confirmed_by_its_hash_as_well(shop: Shop) -> None:
    people = f'[people.kim]\naccounts = ["local:{KIM}"]\nrole = "operator"\n[[permissions]]\ndanger = "X"\n'
    shop.configure(CONFIG + people)
    shop.write(step("one", shop.add % "one", undo=shop.add % "unone", danger="X"))
    assert shop.run("run", "mend", "--confirm", shop.hash()).code == Exit.OK
    assert shop.run("undo", "1").code == Exit.REFUSED
    assert shop.go("undo").code == Exit.OK
    assert shop.done == ["one", "unone"]


def test_a_plan_makes_no_ledger_and_needs_none(shop: Shop) -> None:
    plan = shop.run("plan", "mend")
    assert (plan.code, plan.err) == (Exit.OK, "")
    assert not list((shop.folder / "state").rglob("*.db*"))
    (shop.folder / "state" / "tuiops").mkdir(parents=True, exist_ok=True)
    (shop.folder / "state" / "tuiops" / "ledger.db").write_bytes(b"no database" * 500)
    blind = shop.run("plan", "mend")
    assert (blind.code, "confirm  " in blind.out) == (Exit.OK, True)
    assert "who holds what is not known: ledger: " in blind.err


def test_a_plan_tells_who_holds_it_and_leaves_no_trace(shop: Shop) -> None:
    shop.write(step("one", shop.hold % "one", undo=shop.add % "unone"))
    run = shop.begun()
    shop.until_done("one")
    file = shop.folder / "state" / "tuiops" / "ledger.db"
    with closing(sqlite3.connect(file)) as ledger:
        before = list(ledger.iterdump())
        assert "held     shop is held by run #1 Mend the shop (running" in shop.run("plan", "mend", by=LEE).out
        run.kill()
        assert "held     shop is held by run #1 Mend the shop (unknown" in shop.run("plan", "mend", by=LEE).out
        after = [row for row in ledger.iterdump() if row not in before]
    assert not [row for row in after if "entries" in row or "StepEnded" in row]


@pytest.mark.parametrize("word", ["show", "plan", "run"])
def test_a_runbook_with_mistakes_is_none_that_is_missing(shop: Shop, word: str) -> None:
    file = shop.folder / "runbooks" / "mend.toml"
    (shop.folder / "runbooks" / "other.toml").write_text(
        file.read_text().replace('id = "mend"', 'id = "fix"') + "nonsense = 1\n", encoding="utf-8"
    )
    for name in ("fix", "other"):
        mistaken = shop.run(word, name)
        assert mistaken.code == Exit.USAGE
        check = f"tuiops --config {shop.folder / 'config.toml'} check"
        assert f"the runbook '{name}' has mistakes; `{check}` names them" in mistaken.err
    missing = shop.run(word, "nothing")
    assert (missing.code, "there is no runbook 'nothing'" in missing.err) == (Exit.USAGE, True)
    assert json.loads(shop.run("show", "mend", "-o", "json").out)["id"] == "mend"
