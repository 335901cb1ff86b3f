"""The write side beside a hub: a desk in another event loop, a ledger, a configuration that changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.desk_beside_hub import CONFIG, PEOPLE, Console
from tests.waiting import eventually_answers
from tuiops import acting
from tuiops.config.load import load
from tuiops.config.people import local_account, principal, rules
from tuiops.core.access import Danger, Deed, Place, Role, decide
from tuiops.core.runs import RunState
from tuiops.core.text import lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.engine.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tuiops.core.access import Principal


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Console(tmp_path)
    yield made
    made.reads.stop()


async def test_a_desk_plans_confirms_and_shows_its_runs_in_snapshots(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiops.runbooks.desk.distant.STARTING", 0.0)
    with pytest.raises(Refused, match="still starting"):
        await console.desk.plan("mend", "shop", {})
    console.reads.start()
    await console.attached()
    card = await console.desk.plan("mend", "shop", {})
    run = await console.desk.confirm(card)
    await console.until(lambda: any(one.state is RunState.SUCCEEDED for one in console.reads.snapshot.runs))

    assert [one.id for one in console.reads.snapshot.runs] == [run]
    assert console.effects.exists()


async def test_a_ledger_that_cannot_be_had_refuses_and_the_read_side_goes_on(console: Console, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be", encoding="utf-8")
    console.reads.start()
    await console.until(lambda: any("nothing can be done here" in one for one in console.reads.snapshot.notices))

    with pytest.raises(Refused, match="nothing can be done here"):
        await console.desk.plan("mend", "shop", {})
    assert [one.system for one in console.reads.snapshot.systems] == ["shop"]


async def test_a_fault_that_nobody_has_thought_of_is_said_and_it_is_tried_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "TRY_AGAIN", 0.05)
    start, faults = Engine.start, [RuntimeError("a mistake")]

    async def fails(engine: Engine) -> None:
        for fault in faults:
            raise fault
        await start(engine)

    monkeypatch.setattr(Engine, "start", fails)
    console.reads.start()
    said = "nothing can be done here: a fault of the console (RuntimeError), see its log"
    await console.until(lambda: any(said in one for one in console.reads.snapshot.notices))
    with pytest.raises(Refused, match="a fault of the console"):
        await console.desk.plan("mend", "shop", {})

    faults.clear()
    await console.attached()
    await console.until(lambda: not any(said in one for one in console.reads.snapshot.notices))
    assert (await console.desk.plan("mend", "shop", {})).decision.allowed


async def test_rules_follow_the_configuration(console: Console) -> None:
    console.reads.start()
    await console.attached()
    card = await console.desk.plan("mend", "shop", {})
    assert card.decision.allowed
    console.write(CONFIG + PEOPLE)

    async def refused() -> bool:
        return not (await console.desk.plan("mend", "shop", {})).decision.allowed

    await eventually_answers(refused, "the rules of the new configuration")
    with pytest.raises(Refused, match="not allowed"):
        await console.desk.confirm(card)
    assert not console.effects.exists()


def who(text: str, tmp_path: Path, account: str) -> tuple[Principal, Callable[[str, bool, Danger], bool]]:
    """A person under a configuration, and whether they may run something somewhere."""
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    config = load(file, environ={}).config
    person = principal(config, safe(account), "s-1")

    def may(environment: str, production: bool, danger: Danger) -> bool:
        place = Place(system=lit("shop"), environment=safe(environment), production=production)
        return decide(person, Deed.RUN, place, danger, rules(config)).allowed

    return person, may


def test_without_people_the_local_user_acts_where_it_is_not_production(tmp_path: Path) -> None:
    person, may = who(CONFIG, tmp_path, "local:kim")
    assert (person.person, person.role) == ("kim", Role.OPERATOR)
    assert may("staging", False, Danger.DESTROYS)
    assert not may("live", True, Danger.SAFE)
    assert not may("elsewhere", False, Danger.SAFE)
    assert who(CONFIG, tmp_path, "ssh:SHA256:abc")[0].role is Role.VIEWER


def test_an_account_that_nobody_listed_is_nobody_who_is_listed(tmp_path: Path) -> None:
    listed = CONFIG + '[people.kim]\naccounts = ["local:kimberly"]\nrole = "operator"\n'
    person, _ = who(listed, tmp_path, "local:kim")
    assert (person.person, person.role) == ("local:kim", Role.VIEWER)
    assert who(listed, tmp_path, "local:kimberly")[0].person == "kim"


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ('[systems.shop]\nlabel = "Shop"', "default"),
        ("", "default"),
        ('[environments.live]\nproduction = true\n[systems.shop]\nlabel = "Shop"', "default"),
        ('[environments.staging]\nproduction = false\n[systems.shop]\nlabel = "Shop"', "default"),
        ('environment = "staging"\n[environments.staging]\n[systems.shop]\nenvironment = "default"', "default"),
    ],
)
def test_where_nothing_says_whether_it_is_production_the_local_user_only_reads(
    text: str, environment: str, tmp_path: Path
) -> None:
    person, may = who(text, tmp_path, "local:kim")
    assert person.role is Role.OPERATOR
    assert [may(environment, False, danger) for danger in Danger] == [True, False, False]
    config = load(tmp_path / "config.toml", environ={}).config
    place = Place(system=lit("shop"), environment=safe(environment), production=False)
    assert decide(person, Deed.RUN, place, Danger.CHANGES, rules(config)).reason == (
        "this changes; what the local user may do before `[environments.default]` says `production = false` "
        "goes no further than `only reads`"
    )
    _, may = who(f"{text}\n[environments.default]\nproduction = false\n", tmp_path, "local:kim")
    assert may(environment, False, Danger.DESTROYS)


def test_with_people_only_what_is_said_is_allowed(tmp_path: Path) -> None:
    person, may = who(CONFIG + PEOPLE, tmp_path, "local:kim")
    assert person.role is Role.VIEWER
    assert not may("staging", False, Danger.SAFE)
    person, may = who(CONFIG + PEOPLE, tmp_path, "local:boss")
    assert person.role is Role.APPROVER
    assert may("live", True, Danger.DESTROYS)
    without_rules = CONFIG + PEOPLE.partition("[[")[0]
    assert not who(without_rules, tmp_path, "local:boss")[1]("staging", False, Danger.SAFE)


def test_no_variable_of_the_environment_says_who_somebody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = local_account()
    for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER", "HOME"):
        monkeypatch.setenv(name, "boss")
    assert local_account() == before


def test_nothing_of_the_write_side_is_there_before_it_is_needed(console: Console) -> None:
    assert console.reads.snapshot.version == 0
    code = (
        "import sys, tuiops.wiring, tuiops.runbooks.desk.distant; "
        "print([m for m in sys.modules if m.split('.')[0] in {'sqlalchemy', 'asyncssh', 'httpx'} "
        "or m in {'tuiops.acting', 'tuiops.runbooks.engine.engine', 'tuiops.runbooks.format.model'}])"
    )
    import subprocess

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
