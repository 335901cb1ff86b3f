"""What a runbook names outside of itself is there, and can do what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.shop import CONFIG
from tests.runbooks.written import DONE, HEAD, command, faults, found, step
from tuiops.config.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.config.model import Config

EITHER = "[parameters.which]\ntype = 'enum'\noptions = ['api', '{}']\n"
LISTED = "[parameters.which]\ntype = 'listed'\nof = 'resources'\nkind = '{}'\n"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    file = tmp_path_factory.mktemp("config") / "tuiops.toml"
    file.write_text(CONFIG, encoding="utf-8")
    return load(file, environ={}).config


def api(ability: str, resource: str, arguments: str = "{}") -> str:
    return f'{{ kind = "api", ability = "{ability}", resource = "{resource}", arguments = {arguments} }}'


def gate(check: str) -> str:
    return step("gate", f'{{ kind = "gate", check = {{ {check} }} }}')


@pytest.mark.parametrize(
    "text",
    [
        step("a", api("restart", "api"), danger='"C"'),
        step("a", api("restart", "web"), danger='"C"'),
        step("a", api("take_backup", "db", "{ note = 'x' }"), danger='"C"'),
        step("a", api("snooze", "api", "{ policies = 'p', lasts = '1h', comment = 'x' }"), danger='"C"'),
        EITHER.format("web") + step("a", api("restart", "{which}"), danger='"C"'),
        LISTED.format("cloud_run") + step("a", api("restart", "{which}"), danger='"C"'),
        gate("by = 'indicator', service = 'api', indicator = 'errors', limit = '<= 1%'"),
        gate("by = 'indicator', service = 'db', indicator = 'p95', limit = '<= 500ms'"),
        gate("by = 'indicator', service = 'api', indicator = 'queue', limit = '< 20'"),
        gate("by = 'indicator', service = 'web', indicator = 'cpu', limit = '< 70%'"),
        gate("by = 'indicator', service = 'api', indicator = 'probe:health', limit = '< 1s'"),
        gate("by = 'indicator', service = 'db', indicator = 'resource:db', limit = 'ok'"),
        gate("by = 'indicator', service = 'db', indicator = 'resource:db:age', limit = '< 26h'"),
        EITHER.format("web")
        + gate("by = 'indicator', service = '{which}', indicator = 'resource:{which}', limit = 'ok'"),
        gate("by = 'promql', source = 'prometheus', query = 'up', limit = '> 0'"),
        gate("by = 'rollout', service = 'web'"),
        step("a", command("true", via="'gate'"), danger='"S"'),
        "environments = ['production']\n" + DONE,
        "touches = ['db', 'key']\n" + DONE,
        "[reads.x]\nof = 'project'\nresource = 'db'\n" + step("a", command("echo", "{x}"), danger='"S"'),
        "[reads.x]\nof = 'region'\nresource = 'web'\n" + step("a", command("echo", "{x}"), danger='"S"'),
    ],
)
def test_what_is_there_may_be_named(tmp_path: Path, config: Config, text: str) -> None:
    assert found(tmp_path, text, config) == []


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        (step("a", api("restart", "apo"), danger='"C"'), "steps[0].do.resource", "shop has no resource apo", "api?"),
        (step("a", api("restart", "db"), danger='"C"'), "steps[0].do.resource",
         "db is a cloud_sql, which cannot restart", "api, web"),
        (step("a", api("shift_traffic", "web", "{ shares = 'a=100' }"), danger='"C"'), "steps[0].do.resource",
         "web is a ecs, which cannot shift traffic", "api"),
        (step("a", command("true"), danger='"C"', undo=api("roll_back", "key", "{ revision = 'x' }")),
         "steps[0].undo.resource", "key is a secret, which cannot roll back", "api, web"),
        (EITHER.format("db") + step("a", api("restart", "{which}"), danger='"C"'), "steps[0].do.resource",
         "db is a cloud_sql, which cannot restart", "api, web"),
        (LISTED.format("") + step("a", api("restart", "{which}"), danger='"C"'), "steps[0].do.resource",
         "may be a resource of any kind, which cannot restart", "kind = cloud_run or ecs"),
        (LISTED.format("cloudrun") + step("a", command("echo", "{which}"), danger='"S"'), "parameters.which.kind",
         "cloudrun is no kind of resource", "did you mean cloud_run?"),
        (step("a", api("snooze", "web", "{ policies = 'p', lasts = '1h', comment = 'x' }"), danger='"C"'),
         "steps[0].do.resource", "web is not in Google Cloud, which snoozes", "name one there"),
        ("[parameters.x]\ntype = 'listed'\nof = 'backups'\nresource = 'api'\n"
         + step("a", command("echo", "{x}"), danger='"S"'),
         "parameters.x.resource", "api is a cloud_run, which has no backups", "db"),
        ("[reads.x]\nof = 'serving'\nresource = 'db'\n" + step("a", command("echo", "{x}"), danger='"S"'),
         "reads.x.resource", "db is a cloud_sql, which has no serving revision", "api, web"),
        ("[reads.x]\nof = 'project'\nresource = 'web'\n" + step("a", command("echo", "{x}"), danger='"S"'),
         "reads.x.resource", "web of shop has no project", "write it out"),
        ("touches = ['nothing']\n" + DONE, "touches[0]", "shop has no resource nothing", "one of"),
        (gate("by = 'indicator', service = 'ap', indicator = 'errors', limit = '< 1%'"), "steps[0].do.check.service",
         "shop has no service ap", "did you mean api?"),
        (gate("by = 'indicator', service = 'db', indicator = 'errors', limit = '< 1%'"),
         "steps[0].do.check.indicator", "db has no indicator errors", "resource:"),
        (gate("by = 'indicator', service = 'api', indicator = 'errors', limit = '< 1'"), "steps[0].do.check.limit",
         "needs a percent sign", ""),
        (gate("by = 'indicator', service = 'db', indicator = 'resource:db', limit = '< 1'"),
         "steps[0].do.check.limit", "'< 1' is no limit of a state", "'ok'"),
        (EITHER.format("nope") + gate("by = 'indicator', service = '{which}', indicator = 'p95', limit = '< 1s'"),
         "steps[0].do.check.service", "shop has no service nope", "one of"),
        (gate("by = 'promql', source = 'prom', query = 'up', limit = '> 0'"), "steps[0].do.check.source",
         "there is no source prom", "prometheus"),
        (gate("by = 'promql', source = 'host', query = 'up', limit = '> 0'"), "steps[0].do.check.source",
         "host answers no PromQL", "prometheus"),
        (gate("by = 'rollout', service = 'db'"), "steps[0].do.check.service", "no source tells of rollouts of db",
         "api"),
        (gate("by = 'rollout', service = 'x'"), "steps[0].do.check.service", "shop has no service x", "one of"),
        (step("a", command("true", via="'gait'"), danger='"S"'), "steps[0].do.via", "there is no bastion gait",
         "did you mean gate?"),
        (gate("by = 'http', url = 'https://s/', via = 'x'"), "steps[0].do.check.via", "there is no bastion x", ""),
        (step("a", '{ kind = "notify", message = "x", channel = "slack" }'), "steps[0].do.channel",
         "there is no channel slack", "leave it out"),
        ("environments = ['staging']\n" + DONE, "environments[0]", "there is no environment staging", "production"),
        ("environments = ['default']\n" + DONE, "environments", "leaves out production, where shop is",
         "add production"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(
    tmp_path: Path, config: Config, text: str, key: str, problem: str, remedy: str
) -> None:
    wrong = [fault for fault in faults(tmp_path, text, config) if fault.key == key]
    assert wrong
    assert problem in wrong[0].problem
    assert remedy in wrong[0].remedy


def test_a_system_that_is_not_there(tmp_path: Path, config: Config) -> None:
    head = HEAD.replace('systems = ["shop"]', 'systems = ["shop", "ship"]')
    (fault,) = faults(tmp_path, DONE, config, head=head)
    assert (fault.key, fault.problem, fault.remedy) == ("systems[1]", "there is no system ship", "did you mean shop?")


def test_a_list_is_of_what_can_be_done_with_each(tmp_path: Path, config: Config) -> None:
    text = (
        "[parameters.them]\ntype = 'enum'\noptions = ['api', 'db']\nmany = true\n"
        "[reads.now]\nof = 'serving'\nresource = '{one}'\n"
        "[[steps]]\nid = 'all'\ntitle = 'all'\n[steps.do]\nkind = 'each'\nover = 'them'\nvariable = 'one'\n"
        "[[steps.do.steps]]\nid = 'a'\ntitle = '{now}'\ndanger = 'C'\n"
        "do = { kind = 'api', ability = 'restart', resource = '{one}' }\n"
    )
    assert found(tmp_path, text, config) == [
        ("reads.now.resource", "db is a cloud_sql, which has no serving revision"),
        ("steps[0].do.steps[0].do.resource", "db is a cloud_sql, which cannot restart"),
    ]
