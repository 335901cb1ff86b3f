"""Runs that take a second person, between processes of several people on one ledger."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import CONFIG, KIM, LEE, SAM, Shop
from tests.runbooks.engine.stage import step
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from tests.cli.processes import Command
    from tests.servers.fixtures import Servers
    from tests.servers.postgresql import Postgresql

KIM_AGAIN, VIEWER = 64004, 64005
PEOPLE = f"""
[people.kim]
accounts = ["local:{KIM}", "local:{KIM_AGAIN}"]
role = "approver"
[people.lee]
accounts = ["local:{LEE}"]
role = "approver"
[people.sam]
accounts = ["local:{SAM}"]
role = "operator"
[[permissions]]
danger = "X"
second = "C"
"""
SHARED = """
[ledger]
url = { env = "TEST_SHARED_LEDGER" }
"""
LATE = 16 * 60.0
"""Seconds: a minute more than a second person has."""


@pytest.fixture(scope="module")
def postgresql(module_servers: Servers) -> Postgresql:
    return module_servers.postgresql()


BOTH = pytest.mark.parametrize(
    "office", ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)], indirect=True
)


@pytest.fixture
def office(request: pytest.FixtureRequest, shop: Shop) -> Shop:
    """The shop, where changes take two."""
    shared = ""
    if getattr(request, "param", "sqlite") == "postgresql":
        server: Postgresql = request.getfixturevalue("postgresql")
        shop.environment["TEST_SHARED_LEDGER"] = server.schema()
        shared = SHARED
    shop.configure(CONFIG + shared + PEOPLE)
    return shop


@pytest.fixture
def asked(office: Shop) -> Command:
    """Kim's run #1, which waits for somebody else."""
    run = office.begun(by=KIM)
    run.says("#1 Mend the shop  awaiting approval")
    return run


def the_hash(office: Shop) -> str:
    """The digest of the plan that is waited for, as it is told to whoever looks at the record."""
    story = office.tuiops("ledger", "show", "1", by=LEE).out
    return next(line.split()[1] for line in story.splitlines() if line.startswith("    plan "))


@BOTH
def test_the_run_begins_by_itself_when_another_person_approves_it_and_only_then(office: Shop, asked: Command) -> None:
    right = the_hash(office)
    for by, given, ahead, reason in (
        (KIM, right, 0.0, "nobody approves a run of their own"),
        (KIM_AGAIN, right, 0.0, "nobody approves a run of their own"),
        (SAM, right, 0.0, "this takes approver"),
        (VIEWER, right, 0.0, "64005 is viewer"),
        (LEE, "0" * 64, 0.0, "this is not the plan that was asked for"),
        (LEE, right, LATE, "16m ago, which is too long"),
        (LEE, right, -LATE, "the clock was set back since it was asked for"),
    ):
        refused = office.run("approve", "1", "--confirm", given, by=by, ahead=ahead)
        assert (refused.code, reason in refused.err) == (Exit.REFUSED, True), refused
    blind = office.run("approve", "1", by=LEE)
    assert (blind.code, "without a terminal it takes --confirm" in blind.err) == (Exit.REFUSED, True)
    early = office.go("resume", by=LEE)
    assert (early.code, "another person must approve it first" in early.err) == (Exit.REFUSED, True)
    assert (asked.over, office.done) == (False, [])

    approved = office.run("approve", "1", "--confirm", right, by=LEE)
    assert (approved.code, "runbook resume 1" in approved.out) == (Exit.OK, True)
    assert (asked.code, office.done) == (Exit.OK, ["one", "two"])
    again = office.run("approve", "1", "--confirm", right, by=LEE)
    assert (again.code, "does not wait for an approval; it is succeeded" in again.err) == (Exit.REFUSED, True)
    entries = office.tuiops("ledger", "show", "1", by=LEE).out
    assert "lee  approved it" in entries
    assert f"by  kim (local:{KIM}), lee (local:{LEE})" in entries


def test_a_run_that_is_rejected_does_not_begin(office: Shop, asked: Command) -> None:
    silent = office.run("reject", "1", by=LEE)
    assert (silent.code, "say why it is rejected" in silent.err) == (Exit.REFUSED, True)
    assert office.run("reject", "1", "--note", "not today", by=SAM).code == Exit.REFUSED
    rejected = office.run("reject", "1", "--note", "not today", by=LEE)
    assert (rejected.code, rejected.out) == (Exit.OK, "#1 Mend the shop  rejected: not today\n")
    assert (asked.code, office.done) == (Exit.RUN_FAILED, [])
    late = office.run("approve", "1", "--confirm", the_hash(office), by=LEE)
    assert (late.code, "does not wait for an approval; it is rejected" in late.err) == (Exit.REFUSED, True)


def test_whoever_asked_can_take_it_back(office: Shop, asked: Command) -> None:
    asked.tell(signal.SIGINT)
    assert (asked.code, office.done) == (Exit.RUN_ABORTED, [])
    late = office.run("approve", "1", "--confirm", the_hash(office), by=LEE)
    assert (late.code, "it is aborted" in late.err) == (Exit.REFUSED, True)


def test_what_nobody_approves_in_time_is_given_up(office: Shop, asked: Command) -> None:
    asked.tell(signal.SIGUSR1)
    assert (asked.code, office.done) == (Exit.RUN_WAITS, [])
    assert "nobody has approved run #1 in time; plan it again" in asked.err


def test_a_run_whose_asker_has_left_begins_when_somebody_resumes_it_in_time(office: Shop, asked: Command) -> None:
    asked.kill()
    assert office.run("approve", "1", "--confirm", the_hash(office), by=LEE).code == Exit.OK
    late = office.go("resume", by=SAM, ahead=LATE)
    assert (late.code, "which is too long; plan it again" in late.err) == (Exit.REFUSED, True)
    was = (office.folder / "runbooks" / "mend.toml").read_text()
    office.write(step("other", office.add % "other", undo='"none"', undo_reason='"a test"'))
    moved = office.go("resume", by=SAM)
    assert (moved.code, "since it was shown" in moved.err, office.done) == (Exit.REFUSED, True, [])
    (office.folder / "runbooks" / "mend.toml").write_text(was)

    resumed = office.go("resume", by=SAM)
    assert (resumed.code, office.done) == (Exit.OK, ["one", "two"]), resumed
    assert "sam  began" in office.tuiops("ledger", "show", "1", by=LEE).out


def test_what_has_moved_before_the_approval_is_not_begun(office: Shop, asked: Command) -> None:
    right = the_hash(office)
    office.write(step("other", office.add % "other", undo='"none"', undo_reason='"a test"'))
    assert office.run("approve", "1", "--confirm", right, by=LEE).code == Exit.OK
    assert (asked.code, office.done) == (Exit.RUN_WAITS, [])
    assert "since it was shown" in asked.out


@BOTH
def test_the_one_who_asked_and_one_who_is_in_a_hurry_begin_it_once(office: Shop, asked: Command) -> None:
    assert office.run("approve", "1", "--confirm", the_hash(office), by=LEE).code == Exit.OK
    hurried = office.go("resume", by=SAM)
    assert hurried.code in {Exit.OK, Exit.REFUSED}
    assert (asked.code, office.done) == (Exit.OK, ["one", "two"])
