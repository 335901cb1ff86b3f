"""Plans: every step in its order with every value in its place, and the same bytes whoever makes them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runbooks.written import HEAD, kept
from tuiops.config.values import Duration
from tuiops.core.access import Danger
from tuiops.core.record import Said
from tuiops.core.runs import StepKind
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    GateAction,
    HttpAction,
    HttpCheck,
    ManualAction,
    WaitAction,
)
from tuiops.runbooks.format.parameters import word_objection
from tuiops.runbooks.format.template import filled
from tuiops.runbooks.planning.plan import Call, Plan
from tuiops.runbooks.planning.resolve import Ground, Wanted, call_of, plan, preparable, wanted, with_calls
from tuiops.runbooks.planning.text import plan_lines
from tuiops.sources.abilities import Fact, Prepared, Target

if TYPE_CHECKING:
    from tuiops.runbooks.format.load import Kept

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

ROLL = """
touches = ["{names}", "db"]
blast_radius = "{names}, one at a time"

[parameters.names]
type = "text"
pattern = "[a-z0-9._ -]+"
many = true

[parameters.count]
type = "integer"
least = 0
most = 100

[reads.project]
of = "project"
resource = "db"

[reads.old]
of = "serving"
resource = "{name}"

[reads.new]
of = "revisions"
resource = "{name}"
other_than = "old"

[[steps]]
id = "before"
title = "Look at {count} of {names}"
danger = "S"
on_failure = "continue"
[steps.do]
kind = "command"
argv = ["tool", "--count={count}", "{{}}"]
capture = { x = { line = "(.*)", pattern = "[a-z]+" } }

[[steps]]
id = "roll"
title = "All"
when = { before = "succeeded" }
[steps.do]
kind = "each"
over = "names"
variable = "name"
reverse = true

[[steps.do.steps]]
id = "shift"
title = "{name} to {new}"
danger = "C"
timeout = "15m"
[steps.do.steps.do]
kind = "api"
ability = "shift_traffic"
resource = "{name}"
arguments = { shares = "{new}={count},{old}=0" }
[steps.do.steps.undo]
kind = "api"
ability = "roll_back"
resource = "{name}"
arguments = { revision = "{old}" }

[[steps.do.steps]]
id = "look"
title = "Look at {name}"
danger = "S"
when = { shift = "succeeded" }
[steps.do.steps.do]
kind = "command"
argv = ["look", "{name}", "{before.x}"]
capture = { y = { line = "(.*)", pattern = "[a-z]+" } }

[[steps.do.steps]]
id = "late"
title = "Then {name}"
danger = "X"
undo = "none"
undo_reason = "it is gone"
[steps.do.steps.do]
kind = "api"
ability = "roll_back"
resource = "{name}"
arguments = { revision = "{look.y}" }

[[steps]]
id = "gate"
title = "Well"
do = { kind = "gate", check = { by = "http", url = "https://s/{count}", hold = "3m", within = "5m" } }

[[steps]]
id = "rest"
title = "Rest"
do = { kind = "wait", lasts = "90s" }

[[steps]]
id = "tell"
title = "Tell"
do = { kind = "notify", message = "{names} of {project}: {before.x}" }
"""

VALUES = {"names": ("api", "web"), "count": ("10",)}
READ = {
    Wanted("project", "db"): "shop-example",
    Wanted("serving", "api"): "api-1",
    Wanted("revisions", "api"): "api-2",
    Wanted("serving", "web"): "web-7",
    Wanted("revisions", "web"): "web-8",
}


def ground(**more: object) -> Ground:
    whole = {"at": AT, "system": "shop", "environment": "production", "production": True, "read": READ}
    return Ground(**{**whole, **more})  # type: ignore[arg-type] # fields by name, as the test gives them


@pytest.fixture(scope="module")
def roll(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    lines = HEAD.replace('target = "api"', 'target = "{names}"').replace('title = "Restart"', 'title = "Roll {names}"')
    text = ROLL.replace('pattern = "[a-z0-9._ -]+"', 'pattern = "[a-z0-9]([a-z0-9_ -]|[.][a-z])*"')
    return kept(tmp_path_factory.mktemp("roll"), text, head=lines)


def test_what_is_to_be_read_is_told_first(roll: Kept) -> None:
    assert set(wanted(roll.runbook, VALUES)) == set(READ)


def test_steps_stand_in_their_order_with_their_keys(roll: Kept) -> None:
    made = plan(roll, VALUES, ground())
    assert [step.key for step in made.steps] == [
        "before", "roll[web].shift", "roll[web].look", "roll[web].late", "roll[api].shift", "roll[api].look",
        "roll[api].late", "gate", "rest", "tell",
    ]  # fmt: skip
    assert [step.kind for step in made.steps[:3]] == [StepKind.COMMAND, StepKind.API, StepKind.COMMAND]
    assert made.steps[1].title == "web to web-8"
    assert made.steps[0].title == "Look at 10 of api, web"


def test_the_head_says_what_is_hit_how_badly_and_what_is_locked(roll: Kept) -> None:
    made = plan(roll, VALUES, ground(drill=True, alert=lit("alert-1")))
    assert (made.title, made.target, made.blast_radius) == ("Roll api, web", "api, web", "api, web, one at a time")
    assert (made.system, made.environment, made.production) == ("shop", "production", True)
    assert made.danger is Danger.DESTROYS
    assert made.locks == ("change:shop/api", "change:shop/db", "change:shop/web", "restart:shop/api, web")
    assert (made.file_digest, made.drill, made.alert, made.at) == (roll.digest, True, "alert-1", AT)
    assert made.parameters == VALUES


def test_a_long_target_has_a_lock_of_its_own_all_the_same(roll: Kept) -> None:
    names = tuple(f"service-{number:040d}" for number in range(20))
    read = {Wanted("project", "db"): "shop"}
    for name in names:
        read |= {Wanted("serving", name): "v1", Wanted("revisions", name): "v2"}
    one, other = (plan(roll, {**VALUES, "names": some}, ground(read=read)) for some in (names, names[:-1]))
    keys = [next(key for key in made.locks if key.startswith("restart:")) for made in (one, other)]
    assert all(len(key) <= 220 for key in keys)
    assert keys[0] != keys[1]


def test_values_and_what_was_read_stand_in_their_places(roll: Kept) -> None:
    _, shift, look, late, *_, gate, rest, _ = plan(roll, VALUES, ground()).steps
    assert shift.do == ApiAction(ability="shift_traffic", resource="web", arguments={"shares": "web-8=10,web-7=0"})
    assert shift.undo == ApiAction(ability="roll_back", resource="web", arguments={"revision": "web-7"})
    assert shift.undo_text == "roll_back web revision=web-7"
    assert shift.timeout == 900
    assert isinstance(look.do, CommandAction)
    assert look.do.argv == ("look", "web", "{before.x}")
    assert isinstance(late.do, ApiAction)
    assert late.do.arguments == {"revision": "{roll[web].look.y}"}
    assert late.undo_text == "cannot be undone: it is gone"
    assert gate.do == GateAction(check=HttpCheck(url="https://s/10", hold=Duration(180), within=Duration(300)))
    assert rest.do == WaitAction(lasts=Duration(90))


def test_conditions_name_steps_by_their_keys(roll: Kept) -> None:
    made = {step.key: step for step in plan(roll, VALUES, ground()).steps}
    assert made["roll[web].look"].when == {"before": "succeeded", "roll[web].shift": "succeeded"}
    assert made["roll[api].shift"].when == {"before": "succeeded"}
    assert made["before"].goes_on
    assert not made["gate"].goes_on


def test_what_was_captured_is_filled_in_when_its_step_comes(roll: Kept) -> None:
    made = {step.key: step for step in plan(roll, VALUES, ground()).steps}
    captured = {"before.x": "seen", "roll[web].look.y": "web-3"}
    late = made["roll[web].late"].do
    assert isinstance(late, ApiAction)
    assert filled(late, captured).arguments == {"revision": "web-3"}
    before = made["before"].do
    assert isinstance(before, CommandAction)
    assert filled(before, captured).argv == ("tool", "--count=10", "{}")


def test_calls_are_told_as_people_read_them(roll: Kept) -> None:
    made = {step.key: step.call.text for step in plan(roll, VALUES, ground()).steps}
    assert made["before"] == "tool --count=10 '{}'"
    assert made["roll[web].late"] == "roll_back web revision={roll[web].look.y}"
    assert made["gate"] == "GET https://s/10 answers 200 for 3m, begun within 5m"
    assert made["rest"] == "wait 90s"
    assert made["tell"] == "record: api, web of shop-example: {before.x}"


def test_abilities_are_asked_about_what_is_open_no_more(roll: Kept) -> None:
    made = plan(roll, VALUES, ground())
    assert [step.key for step in preparable(made)] == ["roll[web].shift", "roll[api].shift"]
    prepared = Prepared(
        target=Target("shop", "web"),
        verb=lit("shift traffic"),
        argv=(lit("gcloud"), lit("run with spaces")),
        before=(Fact(lit("traffic"), lit("100% web-7")),),
        after=(Fact(lit("traffic"), lit("10% web-8")),),
        seen="f1",
        token="t",
        call=b"",
    )
    told = with_calls(made, {"roll[web].shift": call_of(prepared)})
    call = next(step.call for step in told.steps if step.key == "roll[web].shift")
    assert call == Call(
        text=lit("gcloud 'run with spaces'"),
        before=(Said(lit("traffic"), lit("100% web-7")),),
        after=(Said(lit("traffic"), lit("10% web-8")),),
        seen="f1",
    )
    assert told.digest != made.digest


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        ({**READ, Wanted("revisions", "web"): "web-7"}, r"new \(web-7\) must be another one than old \(web-7\)"),
        ({**READ, Wanted("serving", "api"): ""}, "the serving revision of api is not told"),
        ({key: value for key, value in READ.items() if key.of != "project"}, "the project of db is not told"),
        ({**READ, Wanted("serving", "api"): "-x"}, "the serving revision of api begins with -"),
        ({**READ, Wanted("serving", "api"): "a\x1b[0m"}, "the serving revision of api holds characters"),
        ({**READ, Wanted("serving", "api"): "a=50,b"}, "cannot be one item of a list"),
    ],
)
def test_what_was_read_can_rule_a_plan_out(roll: Kept, read: dict[Wanted, str], problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        plan(roll, VALUES, ground(read=read))


def test_what_must_be_the_same_is(tmp_path: Path) -> None:
    text = """
[reads.now]
of = "serving"
resource = "api"
[reads.newest]
of = "revisions"
resource = "api"
same_as = "now"
[[steps]]
id = "a"
title = "{now} {newest}"
do = { kind = "notify", message = "x" }
"""
    book = kept(tmp_path, text)
    both = {Wanted("serving", "api"): "v1", Wanted("revisions", "api"): "v1"}
    assert plan(book, {}, ground(read=both)).steps[0].title == "v1 v1"
    with pytest.raises(Refused, match=r"newest .* must be the same as now"):
        plan(book, {}, ground(read={**both, Wanted("revisions", "api"): "v2"}))


def test_what_was_read_may_have_to_be_another_one_than_what_was_chosen(tmp_path: Path) -> None:
    text = """
[parameters.number]
type = "text"
pattern = "[0-9]+"
[reads.newest]
of = "secret_versions"
resource = "key"
other_than = "number"
[[steps]]
id = "a"
title = "{number} {newest}"
do = { kind = "notify", message = "x" }
"""
    book = kept(tmp_path, text)
    read = {Wanted("secret_versions", "key"): "3"}
    assert plan(book, {"number": ("2",)}, ground(read=read)).steps[0].title == "2 3"
    with pytest.raises(Refused, match=r"newest \(3\) must be another one than number \(3\)"):
        plan(book, {"number": ("3",)}, ground(read=read))


@pytest.mark.parametrize("value", ["a b", "a]b", "a/b", "é"])
def test_what_is_gone_over_names_steps(roll: Kept, value: str) -> None:
    read = {**READ, Wanted("serving", value): "v1", Wanted("revisions", value): "v2"}
    with pytest.raises(Refused, match="cannot be gone over"):
        plan(roll, {**VALUES, "names": (value,)}, ground(read=read))


def test_secrets_are_named_and_never_in_a_plan(tmp_path: Path) -> None:
    text = """
[[steps]]
id = "a"
title = "a"
danger = "C"
[steps.do]
kind = "http"
method = "PUT"
url = "https://s/"
headers = { Authorization = "Bearer {secret.token}" }
body = '{"password": "{secret.token}"}'
secrets = { token = { env = "SHOP_TOKEN" } }
[[steps]]
id = "b"
title = "b"
danger = "C"
do = { kind = "command", argv = ["tool"], stdin = { command = ["pass", "x"] }, environment = { A = { env = "B" } } }
"""
    first, second = plan(kept(tmp_path, text), {}, ground()).steps
    assert first.call.text == (
        "PUT https://s/ 'Authorization: Bearer {secret.token}' "
        '{"password":"{secret.token}"} with token = (secret $SHOP_TOKEN)'
    )
    assert second.call.text == "A=(secret $B) tool < (secret of pass x)"
    assert isinstance(first.do, HttpAction)


def test_an_undo_may_be_left_to_the_ability_or_to_a_person(tmp_path: Path) -> None:
    text = """
[[steps]]
id = "a"
title = "a"
danger = "C"
undo = "before"
do = { kind = "api", ability = "restart", resource = "api" }
[[steps]]
id = "b"
title = "b"
danger = "C"
undo = { kind = "manual", instructions = '''Do it
by hand.''' }
do = { kind = "api", ability = "restart", resource = "api" }
"""
    first, second = plan(kept(tmp_path, text), {}, ground()).steps
    assert (first.undo, first.undo_before, first.undo_text) == (None, True, "put back what was there before")
    assert second.undo == ManualAction(instructions="Do it\nby hand.")
    assert (second.undo_before, second.undo_text) == (False, "Do it by hand.")


# --- The bytes that count -----------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
WORDS = st.text(min_size=1, max_size=30).filter(lambda text: not word_objection(text) and not set(",=") & set(text))


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), WORDS, WORDS, st.integers(0, 100))
def test_a_plan_is_equal_to_what_its_bytes_say(roll: Kept, names: list[str], old: str, new: str, count: int) -> None:
    read = {Wanted("project", "db"): "shop"}
    for name in names:
        read |= {Wanted("serving", name): old, Wanted("revisions", name): f"{new}x{old}"}
    made = plan(roll, {"names": tuple(names), "count": (str(count),)}, ground(read=read))
    again = Plan.of(made.content())
    assert again == made
    assert again.content() == made.content()
    assert again.digest == made.digest == hashlib.sha256(made.content()).hexdigest()


def test_a_plan_that_was_written_by_hand_controls_no_terminal(roll: Kept) -> None:
    made = plan(roll, VALUES, ground())
    call = Call(text=lit("call"), before=(Said(lit("what"), lit("value")),))
    made = with_calls(made, {"roll[web].shift": call})
    harm = "\x1b]0;owned\x07\u202e"
    written = msgspec.to_builtins(made, enc_hook=float)

    def spoiled(value: object) -> object:
        if isinstance(value, dict):
            return {key: f"{harm}{item}" if key in TEXTS else spoiled(item) for key, item in value.items()}
        return [spoiled(item) for item in value] if isinstance(value, list) else value

    again = Plan.of(msgspec.json.encode(spoiled(written)))
    assert again.title == f"␛]0;owned␇\ufffd{made.title}"
    assert again.digest != made.digest
    shown_texts = [again.title, again.target, again.blast_radius, *plan_lines(again)]
    shown_texts += [text for step in again.steps for text in (step.title, step.undo_text, step.call.text)]
    assert all(text.isprintable() for text in shown_texts)


TEXTS = frozenset({
    "runbook", "title", "system", "environment", "target", "blast_radius", "alert", "undo_text", "what", "value",
    "text",
})  # fmt: skip


@settings(deadline=None)
@given(st.permutations(list(READ.items())))
def test_the_order_of_what_was_read_does_not_count(roll: Kept, read: list[tuple[Wanted, str]]) -> None:
    assert plan(roll, VALUES, ground(read=dict(read))).digest == plan(roll, VALUES, ground()).digest


def test_anything_that_matters_makes_another_digest(roll: Kept, tmp_path: Path) -> None:
    other = kept(tmp_path, "# a comment\n[[steps]]\nid = 'a'\ntitle = 'a'\ndo = { kind = 'wait', lasts = '1s' }\n")
    same = kept(tmp_path, "# another\n[[steps]]\nid = 'a'\ntitle = 'a'\ndo = { kind = 'wait', lasts = '1s' }\n")
    digests = [
        plan(roll, VALUES, ground()).digest,
        plan(roll, {**VALUES, "count": ("11",)}, ground()).digest,
        plan(roll, {**VALUES, "names": ("web", "api")}, ground()).digest,
        plan(roll, VALUES, ground(read={**READ, Wanted("serving", "web"): "web-6"})).digest,
        plan(roll, VALUES, ground(environment="staging")).digest,
        plan(roll, VALUES, ground(production=False)).digest,
        plan(other, {}, ground()).digest,
        plan(same, {}, ground()).digest,
    ]
    assert len(set(digests)) == len(digests)


_MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.runbooks.planning.test_resolve import VALUES, ground
from tuiops.runbooks.format.load import load
from tuiops.runbooks.planning.resolve import plan
print(plan(load(Path({file!r})), VALUES, ground()).digest)
"""


@pytest.mark.parametrize("seed", ["0", "1", "2026"])
def test_another_process_makes_the_same_bytes(roll: Kept, seed: str) -> None:
    script = _MAKE.format(root=str(Path(__file__).parents[3]), file=str(roll.file))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == plan(roll, VALUES, ground()).digest
