"""Planning in a world: what cannot be read, and that the plan shows whole what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import CONFIG
from tests.runbooks.worlds import SmallWorld
from tests.runbooks.written import HEAD, step
from tests.runbooks.written import command as written
from tuiops.config.load import load
from tuiops.errors import Refused, Unreachable
from tuiops.runbooks.desk.session import difference
from tuiops.runbooks.format.load import library
from tuiops.runbooks.planning.planner import Planner
from tuiops.runbooks.planning.text import plan_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Told

EDGE = '[bastions.edge]\nhost = "edge.example"\nuser = "ops"\n'
PROM = '[sources.prom]\ntype = "prometheus"\nurl = "http://127.0.0.1:9090"\n'
DATABASE = '[systems.shop.resources.db]\nkind = "cloud_sql"\nsource = "cloud"\nname = "db"\nservice = "api"\n'
SMALL = '{ kind = "command", argv = ["tool"] }'
LONG = "[{}]".format(", ".join(f'"{"a" * 4000}"' for _ in range(5)))
TOLD = '\n[[steps]]\nid = "told"\ntitle = "Told"\ndo = {{ kind = "notify", message = "{}" }}\n'


class DeadWorld(SmallWorld):
    """One whose sources do not answer."""

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        raise Unreachable("cloud: connection refused")


def planner(folder: Path, steps: str, world: SmallWorld | None = None, config: str = "") -> Planner:
    """A planner with the runbook `restart`, in a world with this configuration."""
    file = folder / "config.toml"
    file.write_text(CONFIG + config, encoding="utf-8")
    (folder / "runbooks").mkdir(exist_ok=True)
    (folder / "runbooks" / "restart.toml").write_text(HEAD + steps, encoding="utf-8")
    loaded = load(file, environ={})
    world = world or SmallWorld()
    world.configured = loaded.config
    known = library(loaded)
    assert not known.faults, known.faults
    return Planner(lambda: known, world)


class TestWhatCannotBeRead:
    async def test_a_read_is_named_with_its_resource(self, tmp_path: Path) -> None:
        reads = '[reads.now]\nof = "serving"\nresource = "api"\n'
        made = planner(tmp_path, reads + TOLD.format("{now}"), DeadWorld())
        with pytest.raises(Refused) as refused:
            await made.plan("restart", "shop", {})
        assert str(refused.value) == (
            "not planned: the serving revision of api cannot be read: cloud: connection refused"
        )

    async def test_a_list_is_named_with_its_parameter(self, tmp_path: Path) -> None:
        listed = '[parameters.to]\ntype = "listed"\nof = "revisions"\nresource = "api"\n'
        made = planner(tmp_path, listed + TOLD.format("{to}"), DeadWorld())
        with pytest.raises(Refused) as refused:
            await made.plan("restart", "shop", {"to": ("v1",)})
        assert str(refused.value) == "not planned: the revisions for to cannot be listed: cloud: connection refused"


def acting(do: str, **more: str) -> str:
    """A step that changes something."""
    return step("a", do, danger='"C"', **more)


def command(*words: str, environment: str = "{}", **more: str) -> str:
    """A step that runs a command."""
    return acting(written(*words, environment=environment), **more)


def gate(check: str) -> str:
    return f'\n[[steps]]\nid = "gate"\ntitle = "Gate"\n[steps.do]\nkind = "gate"\n[steps.do.check]\n{check}\n'


async def shown(folder: Path, steps: str, config: str = "") -> tuple[SafeText, list[str]]:
    """The call of the last step of a runbook as it is planned, and all lines of the plan."""
    made = await planner(folder, steps, config=config).plan("restart", "shop", {})
    return made.steps[-1].call.text, list(plan_lines(made))


class TestNothingIsCut:
    async def test_a_gate_shows_its_command_whole_and_where_it_is_run(self, tmp_path: Path) -> None:
        words = [*(f"--host=h{number}.example.net" for number in range(40)), "delete from sessions; --"]
        argv = ", ".join(f"'{word}'" for word in ("psql", *words))
        check = f'by = "command"\nvia = "edge"\nargv = [{argv}]'
        text, lines = await shown(tmp_path, gate(check), EDGE)
        assert text == f"`psql {' '.join(words[:-1])} 'delete from sessions; --'` on edge ends with 0, within 1m"
        assert f"      {text}" in lines

    async def test_a_gate_shows_its_query_whole_and_whom_it_asks(self, tmp_path: Path) -> None:
        query = "sum(\n  rate(requests_total{code=~'5  0.',job='" + "a" * 200 + "'}[5m])\n)  # or 0\n> 0"
        check = f'by = "promql"\nsource = "prom"\nlimit = ">= 1"\nquery = """{query}"""'
        text, _ = await shown(tmp_path, gate(check), PROM)
        whole = "sum( rate(requests_total{code=~'5  0.',job='" + "a" * 200 + "'}[5m]) ) # or 0␊> 0"
        assert text == f"{whole} >= 1 at prom, within 1m"

    async def test_a_gate_shows_its_address_whole_and_what_it_must_answer(self, tmp_path: Path) -> None:
        url = f"https://x.example/health?q={'a' * 500}&last"
        check = f'by = "http"\nurl = "{url}"\nvia = "edge"\nmatches = "all well"'
        text, _ = await shown(tmp_path, gate(check), EDGE)
        assert text == f"GET {url} on edge answers 200 with a body that matches 'all well', within 1m"

    async def test_what_confirms_a_step_is_shown_as_a_gate_is(self, tmp_path: Path) -> None:
        confirm = f'{{ by = "command", argv = ["check", "{"a" * 300} b"], via = "edge" }}'
        _, lines = await shown(tmp_path, command("tool", confirm=confirm), EDGE)
        assert f"      confirmed by: `check '{'a' * 300} b'` on edge ends with 0, within 1m" in lines

    async def test_a_long_command_has_its_end_and_its_variables(self, tmp_path: Path) -> None:
        hosts = [f"--host=h{number}.example.net" for number in range(250)]
        order = "x" * 600 + " then drop"
        do = command("tool", *hosts, "--drop-database", environment=f'{{ ORDER = "{order}", SMALL = "s" }}')
        text, _ = await shown(tmp_path, do)
        assert text == f"ORDER='{order}' SMALL=s tool {' '.join(hosts)} --drop-database"

    async def test_headers_and_arguments_are_whole(self, tmp_path: Path) -> None:
        scope = "y" * 600 + ",production"
        call = f'{{ kind = "http", method = "POST", url = "https://x/", headers = {{ X-Scope = "{scope}" }} }}'
        text, _ = await shown(tmp_path, acting(call))
        assert text == f"POST https://x/ 'X-Scope: {scope}'"
        note = f"{'n' * 600} end"
        arguments = f'{{ note = "{note}" }}'
        do = f'{{ kind = "api", ability = "take_backup", resource = "db", late = true, arguments = {arguments} }}'
        made = planner(tmp_path, acting(do), config=DATABASE)
        (late,) = (await made.plan("restart", "shop", {})).steps
        assert late.call.text == f"take_backup db note='{note}'"

    async def test_instructions_and_reasons_are_whole(self, tmp_path: Path) -> None:
        reason = "gone " * 300 + "for good"
        do = command("tool", undo='"none"', undo_reason=f'"{reason}"')
        _, lines = await shown(tmp_path, do)
        assert f"      undo: cannot be undone: {reason}" in lines

    async def test_values_are_whole(self, tmp_path: Path) -> None:
        typed = '[parameters.x]\ntype = "text"\npattern = "[a-z]+"\n'
        made = await planner(tmp_path, typed + TOLD.format("{x}")).plan("restart", "shop", {"x": ("a" * 1000,)})
        assert f"  with     x = {'a' * 1000}" in plan_lines(made)

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            (f'do = {{ kind = "command", argv = {LONG} }}', "the call of a"),
            (f'do = {SMALL}\nconfirm = {{ by = "command", argv = {LONG} }}', "what confirms a"),
            (f'do = {SMALL}\nundo = {{ kind = "command", argv = {LONG} }}', "the undo of a"),
        ],
        ids=["call", "confirm", "undo"],
    )
    async def test_what_is_too_long_to_be_shown_is_not_planned(self, tmp_path: Path, text: str, named: str) -> None:
        text = f'\n[[steps]]\nid = "a"\ntitle = "a"\ndanger = "C"\n{text}\n'
        with pytest.raises(Refused, match=rf"not planned: {named} has 20\d\d\d characters, and 16384 can be shown"):
            await planner(tmp_path, text).plan("restart", "shop", {})


class TestPlaces:
    async def test_it_says_where_it_reaches(self, tmp_path: Path) -> None:
        keys = 'identity = "/etc/keys/ops"\nport = 2222\n'
        check = 'by = "promql"\nsource = "prom"\nquery = "up"\nlimit = ">= 1"'
        steps = acting(written("tool", via='"edge"')) + gate(check)
        made = await planner(tmp_path, steps, config=EDGE + keys + PROM).plan("restart", "shop", {})
        assert made.places == {
            "bastion edge": "ops@edge.example:2222 (identity /etc/keys/ops)",
            "source prom": "http://127.0.0.1:9090",
        }
        assert "  reaches  bastion edge = ops@edge.example:2222 (identity /etc/keys/ops)" in plan_lines(made)

    async def test_resources_are_in_the_plan_with_their_project(self, tmp_path: Path) -> None:
        do = '{ kind = "api", ability = "take_backup", resource = "db", arguments = { note = "n" }, late = true }'
        made = await planner(tmp_path, acting(do), config=DATABASE).plan("restart", "shop", {})
        assert made.places == {"resource db": "cloud_sql db in cloud, gcp shop-project"}

    @pytest.mark.parametrize(
        ("steps", "before", "after"),
        [
            (acting(written("tool", via='"edge"')), EDGE, EDGE.replace("edge.example", "live.example")),
            (acting(written("tool", via='"edge"')), EDGE, EDGE + 'ssh_config = "/etc/other"\n'),
            (gate('by = "command"\nargv = ["true"]\nvia = "edge"'), EDGE, EDGE.replace('"ops"', '"root"')),
            (acting(SMALL, confirm='{ by = "http", url = "http://x/", via = "edge" }'), EDGE, EDGE + "port = 2222\n"),
            (acting(SMALL, undo=written("back", via='"edge"')), EDGE, EDGE.replace("edge.example", "live.example")),
            (gate('by = "promql"\nsource = "prom"\nquery = "up"\nlimit = ">= 1"'), PROM, PROM.replace("9090", "9091")),
        ],
        ids=["host", "ssh_config", "gate", "confirm", "undo", "source"],
    )
    async def test_a_name_that_stands_for_something_else_makes_another_plan(
        self, tmp_path: Path, steps: str, before: str, after: str
    ) -> None:
        first = await planner(tmp_path, steps, config=before).plan("restart", "shop", {})
        assert (await planner(tmp_path, steps, config=before).again(first)).digest == first.digest
        again = await planner(tmp_path, steps, config=after).again(first)
        assert again.digest != first.digest
        (name,) = first.places
        assert difference(first, again) == f"{name} was {first.places[name]} and is {again.places[name]} by now"
