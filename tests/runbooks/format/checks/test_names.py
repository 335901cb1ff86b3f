"""Placeholders are known where they stand and stand where they may; what is declared is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import DONE, HEAD, MANY, command, each, faults, found, step

if TYPE_CHECKING:
    from pathlib import Path

ONE = "[parameters.one]\ntype = 'text'\npattern = '[a-z]+'\n"
READ = "[reads.old]\nof = 'serving'\nresource = 'api'\n"
USES_ONE = step("uses", command("echo", "{one}"), danger='"S"')


@pytest.mark.parametrize(
    "text",
    [
        ONE + USES_ONE,
        ONE + step("a", command("echo", "x{one}y", "{{one}}"), danger='"S"'),
        MANY + each(step("a", command("echo", "{each}"), danger='"S"')),
        MANY + step("a", '{ kind = "notify", message = "all of {many}" }'),
        READ + step("a", command("echo", "{old}"), danger='"S"'),
        "[reads.new]\nof = 'revisions'\nresource = 'api'\nother_than = 'old'\n" + READ + DONE,
        MANY
        + "[reads.now]\nof = 'serving'\nresource = '{each}'\n"
        + each(step("a", command("echo", "{now}", "{each}"), danger='"S"')),
        step("a", command("id", capture='{ user = { line = "uid=(.*)", pattern = "[a-z]+" } }'), danger='"S"')
        + step("b", command("echo", "{a.user}"), danger='"S"'),
        MANY
        + each(
            step("a", command("id", capture='{ u = { line = "(.*)", pattern = "[a-z]+" } }'), danger='"S"'),
            step("b", command("echo", "{a.u}", "{each}"), danger='"S"'),
        ),
        "touches = ['{many}']\n" + MANY + DONE,
        ONE
        + "[parameters.rev]\ntype = 'listed'\nof = 'revisions'\nresource = '{one}'\n"
        + step("a", command("echo", "{rev}"), danger='"S"'),
    ],
)
def test_what_is_known_may_be_used(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (step("a", command("echo", "{one}"), danger='"S"'), "steps[0].do.argv[1]", "uses one, which is not known"),
        (ONE + DONE, "parameters.one", "is used nowhere"),
        (READ + DONE, "reads.old", "is used nowhere"),
        (MANY + each(step("a", command("true"), danger='"S"')), "steps[0].do.variable", "is used nowhere"),
        (MANY + step("a", command("echo", "{many}"), danger='"S"'), "steps[0].do.argv[1]", "many is a list"),
        (step("a", command("echo", "{"), danger='"S"'), "steps[0].do.argv[1]", "has a single {"),
        (step("a", command("echo", "a}"), danger='"S"'), "steps[0].do.argv[1]", "has a single }"),
        (step("a", command("echo", "{}"), danger='"S"'), "steps[0].do.argv[1]", "has empty braces"),
        (step("a", command("echo", "{b.x}"), danger='"S"') + DONE, "steps[0].do.argv[1]", "uses b.x"),
        (
            step("a", command("echo", "{b.x}"), danger='"S"')
            + step("b", command("id", capture='{ x = { json = "/x", pattern = "[a-z]+" } }'), danger='"S"'),
            "steps[0].do.argv[1]",
            "uses b.x, which is not known here",
        ),
        (
            MANY
            + each(step("a", command("echo", "{each}", capture='{ x = { json = "/x", pattern = "a" } }'), danger='"S"'))
            + step("b", command("echo", "{a.x}"), danger='"S"'),
            "steps[1].do.argv[1]",
            "uses a.x, which is not known here",
        ),
        (
            MANY + each(step("a", command("echo", "{each}"), danger='"S"')) + USES_ONE.replace("{one}", "{each}"),
            "steps[1].do.argv[1]",
            "uses each, which is not known here",
        ),
        (
            MANY
            + "[reads.now]\nof = 'serving'\nresource = '{each}'\n"
            + each(step("a", command("echo", "{each}"), danger='"S"'))
            + step("b", command("echo", "{now}"), danger='"S"'),
            "steps[1].do.argv[1]",
            "uses now, which is not known here",
        ),
        (
            "[reads.now]\nof = 'serving'\nresource = 'api'\nsame_as = 'then'\n" + DONE,
            "reads.now.same_as",
            "then is not read",
        ),
        (
            "[reads.now]\nof = 'serving'\nresource = 'api'\nother_than = 'now'\n" + DONE,
            "reads.now.other_than",
            "now is not read",
        ),
        (ONE + "[reads.one]\nof = 'serving'\nresource = 'api'\n" + USES_ONE, "reads.one", "is a parameter, too"),
        ("[offer.fills]\none = 'service'\n" + DONE, "offer.fills.one", "is no parameter"),
        (
            "[parameters.rev]\ntype = 'listed'\nof = 'revisions'\nresource = '{one}'\n"
            + ONE
            + step("a", command("echo", "{rev}", "{one}"), danger='"S"'),
            "parameters.rev.resource",
            "uses one, which is not known here",
        ),
        (
            step("a", command("id", capture='{ x = { json = "/x", pattern = "[a-z]+" } }'), danger='"S"')
            + step("b", '{ kind = "api", ability = "restart", resource = "{a.x}" }', danger='"C"'),
            "steps[1].do.resource",
            "uses a.x, which is not known here",
        ),
    ],
)
def test_what_is_not_known_or_not_used_is_told(tmp_path: Path, text: str, key: str, problem: str) -> None:
    assert any(at == key and problem in said for at, said in found(tmp_path, text))


def test_the_nearest_known_name_is_proposed(tmp_path: Path) -> None:
    text = ONE + USES_ONE + step("a", command("echo", "{on}"), danger='"S"')
    (fault,) = faults(tmp_path, text)
    assert fault.remedy == "did you mean one?"


@pytest.mark.parametrize(
    ("head", "key"),
    [
        (HEAD.replace('target = "api"', 'target = "{x}"'), "target"),
        (HEAD.replace('title = "Restart"', 'title = "{x}"'), "title"),
    ],
)
def test_the_head_knows_no_more_than_parameters_and_what_is_read(tmp_path: Path, head: str, key: str) -> None:
    assert found(tmp_path, DONE, head=head) == [(key, "uses x, which is not known here")]


QUERY = '{{ kind = "gate", check = {{ by = "promql", source = "p", query = {}, limit = ">= 1" }} }}'


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("'up{job=\"{one}\"}'", ""),
        ('\'up{job=~"{one}|b", x!="y-{one}"}\'', ""),
        ('\'up{job="a{{2}}"} + x{z="{one}"}\'', ""),
        ("'up{one}'", "has {one} outside of a label value"),
        ("'{one}{job=\"a\"}'", "has {one} outside of a label value"),
        ("'rate(up[{one}])'", "has {one} outside of a label value"),
        ('\'label_replace(up, "{one}", "", "", "")\'', "has braces outside of a label value"),
        ("'up{job=`{one}`}'", "has braces outside of a label value"),
        ("'up{job=\"{one}\"'", "is not PromQL"),
    ],
)
def test_a_query_takes_values_as_label_values_only(tmp_path: Path, query: str, problem: str) -> None:
    wrong = found(tmp_path, ONE + USES_ONE + step("gate", QUERY.format(query)))
    assert [key for key, _ in wrong] == (["steps[1].do.check.query"] if problem else [])
    assert all(problem in said for _, said in wrong)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://shop.example/{one}?a={one}", ""),
        ("https://shop.example?a={one}", ""),
        ("https://{one}.example/", "does not look right"),
        ("https://shop.example:{one}/", "does not look right"),
        ("https://shop.example{one}/", "does not look right"),
        ("https://kim@shop.example/{one}", "does not look right"),
        ("{one}://shop.example/", "does not look right"),
    ],
)
def test_an_address_takes_values_behind_its_host_only(tmp_path: Path, url: str, problem: str) -> None:
    check = f'{{ kind = "gate", check = {{ by = "http", url = "{url}" }} }}'
    wrong = found(tmp_path, ONE + USES_ONE + step("gate", check))
    assert [problem in said for _, said in wrong] == ([True] if problem else [])


CALL = '{{ kind = "http", method = "POST", url = "https://shop.example/", {} }}'


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"a": ["{one}", {"b": "x{one}"}], "c": 1}', ""),
        ('{"{one}": 1}', "has braces in the key"),
        ('{"a": {one}}', "is not JSON"),
        ('{"a": NaN}', "is not JSON"),
        ("[" * 5000, "is not JSON"),
    ],
)
def test_a_body_takes_values_inside_of_its_strings_only(tmp_path: Path, body: str, problem: str) -> None:
    wrong = found(tmp_path, ONE + USES_ONE + step("call", CALL.format(f"body = '{body}'"), danger='"C"'))
    assert [problem in said for _, said in wrong] == ([True] if problem else [])


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("headers = { A = 'Bearer {secret.t}' }, secrets = { t = { env = 'T' } }", ""),
        ("body = '{\"a\": \"{secret.t}\"}', secrets = { t = { env = 'T' } }", ""),
        ("secrets = { t = { env = 'T' } }", "is used nowhere"),
        ("headers = { A = '{secret.u}' }, secrets = { t = { env = 'T' } }", "uses secret.u, which is no secret"),
    ],
)
def test_secrets_stand_in_headers_and_bodies(tmp_path: Path, call: str, problem: str) -> None:
    wrong = [said for _, said in found(tmp_path, step("call", CALL.format(call), danger='"C"'))]
    assert bool(wrong) == bool(problem)
    assert not problem or any(problem in said for said in wrong)


def test_secrets_stand_in_no_address_and_no_command(tmp_path: Path) -> None:
    call = CALL.format("secrets = { t = { env = 'T' } }").replace("example/", "example/{secret.t}")
    text = step("call", call, danger='"C"') + step("b", command("echo", "{secret.t}"), danger='"S"')
    assert found(tmp_path, text) == [
        ("steps[0].do.url", "uses secret.t where it would be shown"),
        ("steps[1].do.argv[1]", "uses secret.t, which is no secret of this call"),
    ]
