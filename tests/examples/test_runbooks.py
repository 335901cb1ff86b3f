"""The runbooks of the five systems: right as they stand, planned as the operations manuals should have said."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples.filled import RUNBOOK_VALUES, SYSTEMS, filled
from tests.examples.sample_values import VALUES
from tuiops.config.load import load
from tuiops.core.access import Danger
from tuiops.errors import Blank, ConfigError, Refused
from tuiops.runbooks.format import parameters
from tuiops.runbooks.format.facts import CONFIGURED, choices, configured
from tuiops.runbooks.format.load import faults_beside, library
from tuiops.runbooks.format.load import load as load_runbook
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    GateAction,
    HttpAction,
    HttpCheck,
    ListedParameter,
    QueryCheck,
)
from tuiops.runbooks.planning import resolve
from tuiops.runbooks.planning.plan import Plan
from tuiops.runbooks.planning.resolve import Ground
from tuiops.runbooks.planning.text import plan_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.load import Loaded
    from tuiops.runbooks.format.load import Kept, Library
    from tuiops.runbooks.planning.resolve import Wanted

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*/runbooks/*.toml"))
AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64

LISTED = {"secret_versions": ("4", "3"), "backups": ("rds:price-alert-2026-04-30",)}
READ = {"serving": "{}-00002-abc", "previous": "{}-00001-abc", "revisions": "{}-00003-abc", "secret_versions": "4"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(filled(tmp_path_factory.mktemp("filled")) / "all.toml", environ={})


@pytest.fixture(scope="module")
def books(loaded: Loaded) -> Library:
    return library(loaded)


def planned(
    loaded: Loaded,
    kept: Kept,
    read: dict[str, str] | None = None,
    *,
    values: Mapping[str, tuple[str, ...]] | None = None,
    listing: str = "",
) -> Plan:
    """The plan for somebody's choices. `listing`: a value that is there wherever something is listed."""
    runbook, config = kept.runbook, loaded.config
    (system,) = runbook.systems
    lists = {
        name: (*(choices(config, system, one) or LISTED[one.of]), listing)
        for name, one in runbook.parameters.items()
        if isinstance(one, ListedParameter)
    }
    checked = parameters.checked(runbook, values or VALUES[runbook.id], now=AT, lists=lists)

    def told(one: Wanted) -> str:
        if one.of in CONFIGURED:
            return configured(config, system, one.of, one.resource) or ""
        return {**READ, **(read or {})}[one.of].format(one.resource)

    wanted = {one: told(one) for one in resolve.wanted(runbook, checked)}
    ground = Ground(at=AT, system=system, environment="production", production=True, read=wanted)
    return resolve.plan(kept, checked, ground)


def test_all_of_them_are_right_once_their_blanks_are_filled_in(books: Library) -> None:
    assert books.faults == ()
    assert set(books.runbooks) == set(VALUES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_nothing_but_blanks_is_wrong_with_them(file: Path) -> None:
    try:
        load_runbook(file)
    except ConfigError as error:
        wrong = [fault for fault in error.faults if not isinstance(fault, Blank)]
    else:
        wrong = []
    assert wrong == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_blanks_are_those_that_an_owner_must_fill_in(system: str) -> None:
    blanks = {fault.remedy for fault in faults_beside(EXAMPLES / system / "tuiops.toml")}
    assert blanks == {f"fill in {wanted}" for wanted in RUNBOOK_VALUES.get(system, {})}


@pytest.mark.parametrize("name", VALUES)
def test_they_fit_their_schema(books: Library, name: str) -> None:
    schema = json.loads((EXAMPLES.parent / "docs" / "runbook.schema.json").read_text(encoding="utf-8"))
    file = books.runbooks[name].file
    jsonschema.Draft202012Validator(schema).validate(tomli.loads(file.read_text(encoding="utf-8")))
    assert file.read_text(encoding="utf-8").startswith("#:schema ../../../docs/runbook.schema.json\n")


@pytest.mark.parametrize("name", VALUES)
def test_they_plan(loaded: Loaded, books: Library, name: str) -> None:
    read = {"revisions": READ["serving"]} if name == "tokyo-maintenance" else None
    made = planned(loaded, books.runbooks[name], read)
    assert Plan.of(made.content()) == made
    assert made.locks[-1].startswith(f"{name}:")
    lines = plan_lines(made)
    assert lines[0] == made.title
    assert all(line.isprintable() for line in lines)
    assert sum(f"[{step.key}]" in line for step in made.steps for line in lines) >= len(made.steps)


@pytest.mark.parametrize("name", VALUES)
def test_whatever_destroys_says_how_it_is_undone(loaded: Loaded, books: Library, name: str) -> None:
    made = planned(
        loaded, books.runbooks[name], {"revisions": READ["serving"]} if name == "tokyo-maintenance" else None
    )
    assert all(step.undo_text for step in made.steps if step.danger is Danger.DESTROYS)


@pytest.mark.parametrize("name", VALUES)
def test_they_have_none_of_the_mistakes_of_the_manuals(loaded: Loaded, books: Library, name: str) -> None:
    made = planned(
        loaded, books.runbooks[name], {"revisions": READ["serving"]} if name == "tokyo-maintenance" else None
    )
    said = [word for step in made.steps if isinstance(step.do, CommandAction) for word in step.do.argv]
    words = [word for word in said if not word.startswith("--format=")]
    forbidden = ("--set-env-vars", "--quiet", "latest", "LATEST", "--destination-region", "/tmp")
    assert not [word for word in words if any(bad in word for bad in forbidden)]
    shares = [
        step.do.arguments["shares"]
        for step in made.steps
        if isinstance(step.do, ApiAction) and "shares" in step.do.arguments
    ]
    assert not [each for each in shares if "LATEST" in each]


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        "$(id)", "`id`", "a;id", "a\nb", "../a", "..", "{{x}}", "{x}", "{secret.password}", "[bold]a", "-a", "--help",
        "a\0b", "\u202ea", "\u200b", "漢字", "a b", "a=50,b", '"', "\\", "\x1b[31m", "file:///etc/passwd", "@a", "*",
    ]),
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name, values in VALUES.items() if values])
def test_no_hostile_value_becomes_more_than_one_word_of_a_plan(loaded: Loaded, books: Library, name: str) -> None:
    kept = books.runbooks[name]
    usual = shape(planned(loaded, kept))

    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from(sorted(VALUES[name])), HOSTILE)
    def every(parameter: str, value: str) -> None:
        given_values = {**VALUES[name], parameter: (value, *VALUES[name][parameter][1:])}
        with contextlib.suppress(Refused):
            made = planned(loaded, kept, values=given_values, listing=value)
            assert shape(made) == usual

    every()


def shape(made: Plan) -> list[tuple[int, int, int]]:
    """How many words each step's command has, how many shares its shift, how deep its address."""
    return [
        (
            len(step.do.argv) if isinstance(step.do, CommandAction) else 0,
            step.do.arguments.get("shares", "").count(",") if isinstance(step.do, ApiAction) else 0,
            step.do.check.url.count("/")
            if isinstance(step.do, GateAction) and isinstance(step.do.check, HttpCheck)
            else 0,
        )
        for step in made.steps
    ]


# --- manga --------------------------------------------------------------------------------------------------------


def test_mangas_update_pins_first_then_goes_by_a_tenth_a_half_and_all(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["manga-rolling-update"])
    shifts = [(step.do.resource, step.do.arguments["shares"]) for step in made.steps if isinstance(step.do, ApiAction)]
    rest = [f"phase{number}" for number in range(2, 9)]
    old, new = "phase1-00002-abc", "phase1-00003-abc"
    assert shifts == [
        ("phase1", f"{old}=100"),
        *((phase, f"{phase}-00002-abc=100") for phase in rest),
        ("phase1", f"{new}=10,{old}=90"),
        ("phase1", f"{new}=50,{old}=50"),
        ("phase1", f"{new}=100"),
        *((phase, f"{phase}-00003-abc=100") for phase in rest),
    ]
    assert {f"change:manga/phase{number}" for number in range(1, 9)} < set(made.locks)
    undoes = [step.undo for step in made.steps if step.key.startswith("roll[") and step.key.endswith("shift")]
    assert all(isinstance(undo, ApiAction) for undo in undoes)
    assert [undo.arguments["shares"] for undo in undoes if isinstance(undo, ApiAction)] == [
        f"{phase}-00002-abc=100" for phase in rest
    ]


def test_mangas_canary_is_judged_by_its_own_numbers(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["manga-rolling-update"])
    queries = [
        step.do.check.query
        for step in made.steps
        if isinstance(step.do, GateAction) and isinstance(step.do.check, QueryCheck)
    ]
    assert len(queries) == 3
    assert all('service_name="phase1-service"' in query for query in queries)
    assert all('revision_name="phase1-00003-abc"' in query for query in queries)


def test_mangas_rollback_goes_backwards_to_named_revisions(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["manga-rollback"])
    backs = [step.do for step in made.steps if isinstance(step.do, ApiAction)]
    assert [(do.resource, do.arguments["revision"]) for do in backs] == [
        (f"phase{number}", f"phase{number}-00001-abc") for number in (3, 2, 1)
    ]


def test_mangas_restart_is_one_phase_at_a_time_and_moves_the_traffic(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["manga-restart"])
    keys = [step.key for step in made.steps]
    each = ["idle", "fresh", "look", "shift", "well"]
    assert keys == [f"restart[{phase}].{key}" for phase in ("phase4", "phase6") for key in each]
    shift = made.steps[3].do
    assert isinstance(shift, ApiAction)
    assert shift.arguments == {"shares": "{restart[phase4].look.revision}=100"}
    assert shift.late


# --- tokyo --------------------------------------------------------------------------------------------------------


def test_tokyos_switch_tries_a_tenth_and_knows_the_way_back(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["tokyo-blue-green"])
    by_key = {step.key: step for step in made.steps}
    tenth, switch, deploy = (by_key[key].do for key in ("tenth", "switch", "deploy"))
    assert isinstance(tenth, ApiAction)
    assert tenth.arguments == {"shares": "tokyo-ai-chat-service-r20260501-1=10,chat-00002-abc=90"}
    assert isinstance(switch, ApiAction)
    assert switch.arguments == {"shares": "tokyo-ai-chat-service-r20260501-1=100"}
    for key in ("tenth", "switch"):
        undo = by_key[key].undo
        assert isinstance(undo, ApiAction)
        assert undo.arguments == {"shares": "chat-00002-abc=100"}
    assert isinstance(deploy, CommandAction)
    assert "--no-traffic" in deploy.argv
    assert f"--image={VALUES['tokyo-blue-green']['image'][0]}" in deploy.argv


def test_tokyos_maintenance_goes_off_whatever_becomes_of_the_work(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["tokyo-maintenance"], {"revisions": READ["serving"]})
    keys = [step.key for step in made.steps]
    between = made.steps[keys.index("on") : keys.index("off")]
    assert [step.key for step in between] == ["on", "on_is", "close", "closed", "work"]
    assert all(step.goes_on for step in between)
    # Each is done only when the one before it was, down to the one that turns the mode on.
    assert [step.key for step in between[1:] if not step.when] == []
    assert not made.steps[keys.index("off")].when
    assert made.danger is Danger.DESTROYS


def test_tokyos_maintenance_changes_nothing_before_the_window_was_seen(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["tokyo-maintenance"], {"revisions": READ["serving"]})
    keys = [step.key for step in made.steps]
    assert keys[:6] == ["notice", "backup", "idle", "before", "window", "on"]
    assert {step.danger for step in made.steps[:5]} == {Danger.SAFE}
    assert not any(step.goes_on for step in made.steps[:5])


def test_tokyos_maintenance_copies_only_what_serves(loaded: Loaded, books: Library) -> None:
    with pytest.raises(Refused, match=r"newest .* must be the same as old"):
        planned(loaded, books.runbooks["tokyo-maintenance"])


# --- sagebase and pricealert --------------------------------------------------------------------------------------


def test_sagebases_password_is_in_no_command_and_no_plan(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["sagebase-rotate-password"])
    call = next(step.do for step in made.steps if isinstance(step.do, HttpAction))
    assert call.body == '{"name":"sagebase_user","password":"{secret.password}"}'
    assert call.url == (
        "https://sqladmin.googleapis.com/v1/projects/sagebase-example/instances/sagebase-db/users?name=sagebase_user"
    )
    roll = next(step for step in made.steps if step.key == "roll")
    assert isinstance(roll.do, CommandAction)
    assert roll.do.argv[-1] == "--update-secrets=DATABASE_PASSWORD=database-password:{version.number}"
    assert isinstance(roll.undo, CommandAction)
    assert roll.undo.argv[-1] == "--update-secrets=DATABASE_PASSWORD=database-password:4"
    assert next(step for step in made.steps if step.key == "generate").sec


def test_sagebases_clone_is_of_a_moment_and_touches_nothing(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["sagebase-pitr-clone"])
    clone = next(step.do for step in made.steps if step.key == "clone")
    assert clone == ApiAction(
        ability="restore_backup",
        resource="cloudsql",
        arguments={"moment": "2026-04-30T01:02:03+09:00", "instance": "sagebase-0430"},
    )
    assert made.danger is Danger.CHANGES


def test_pricealerts_snapshot_is_restored_looked_at_and_only_then_used(loaded: Loaded, books: Library) -> None:
    made = planned(loaded, books.runbooks["pricealert-restore-snapshot"])
    assert [step.key for step in made.steps] == [
        "restore", "look", "verify", "writers", "cut_over", "well", "tell",
    ]  # fmt: skip
    assert made.danger is Danger.DESTROYS
    assert {"change:pricealert/rds", "change:pricealert/api", "change:pricealert/worker"} < set(made.locks)
