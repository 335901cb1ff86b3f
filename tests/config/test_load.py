"""Loading: every mistake found, named with its file, its key and a remedy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tuiops.config.advice import missing_secrets, query_faults
from tuiops.config.load import load
from tuiops.config.model import Config
from tuiops.config.values import Duration
from tuiops.errors import ConfigError, Fault

if TYPE_CHECKING:
    from tuiops.config.load import Loaded

SHOP = """
[sources.prom]
type = "prometheus"
url = "http://127.0.0.1:9090"
[systems.shop.services.api]
[systems.shop.indicators.errors]
kind = "ratio"
source = "prom"
heading = "ERR%"
bad = "bad_total"
total = "all_total"
"""


def read(folder: Path, text: str, **given: str) -> Loaded:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ=given)


def faults(folder: Path, text: str, **given: str) -> dict[str, Fault]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **given)
    assert all(fault.file for fault in caught.value.faults)
    return {fault.key: fault for fault in caught.value.faults}


def test_nothing_given_is_the_default() -> None:
    assert load(None, environ={}).config == Config()


def test_a_whole_system_is_read(tmp_path: Path) -> None:
    loaded = read(tmp_path, SHOP + 'degraded = "> 1%"\ndown = "> 20%"\nobjective = "99.9%"\nwindow = "1h30m"\n')
    indicator = loaded.config.systems["shop"].indicators["errors"]
    assert (indicator.degraded, indicator.source) == ("> 1%", "prom")
    assert getattr(indicator, "window") == 5400  # noqa: B009 - the union has no common window
    assert loaded.files == (tmp_path / "config.toml",)


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        ("[display]\ntheme = 3", "display.theme", "is an integer, not a string", ""),
        ("[display]\ntheem = 'dark'", "display.theem", "is not a setting", "did you mean theme?"),
        ("[display]\nbell = 'yes'", "display.bell", "is a string, not true or false", ""),
        ("[display]\nmouse = 'of'", "display.mouse", "'of' is not among the choices", "did you mean off?"),
        ("[display]\ntime_zone = 'Asia/Tokio'", "display.time_zone", "is not a time zone", "did you mean Asia/Tokyo?"),
        ("display = 1", "display", "is an integer, not a table", ""),
        ("display = 1979-05-27", "display", "is a date or time, not a table", ""),
        ("[logs]\nmemory = '64'", "logs.memory", "'64' is not a size", "write a number and a unit"),
        ("[logs]\nmemory = '0MB'", "logs.memory", "too little", "more than 0"),
        (f"[logs]\nmemory = '{'9' * 50}TB'", "logs.memory", "too much", "check the unit"),
        (f"[logs]\nmemory = '{'9' * 900}TB'", "logs.memory", "too much", "check the unit"),
        ("[wallboard]\ndwell = 15", "wallboard.dwell", "is an integer, not a duration", 'write "15s"'),
        ("[wallboard]\npages = 'health'", "wallboard.pages", "is a string, not an array", ""),
        ("[wallboard]\npages = [1]", "wallboard.pages[0]", "is an integer, not a string", ""),
        ("environment = 'prod'", "environment", "prod is declared nowhere", "add [environments.prod]"),
        ("environment = 'prd'\n[environments.prod]", "environment", "prd is not among", "did you mean prod?"),
        ("[environments.Prod]", "environments.Prod", "is not a name", "use lowercase"),
        ("[sources.a]", "sources.a.type", "is missing", "one of alertmanager, aws, elasticsearch"),
        ("[sources.a]\ntype = 'promethus'", "sources.a.type", "no type 'promethus'", "did you mean prometheus?"),
        ("[sources.a]\ntype = 'prometheus'", "sources.a.url", "is missing", "Base address"),
        ("[sources.a]\ntype = 'prometheus'\nurl = 'h:9090'", "sources.a.url", "is not an address", "begin it with"),
        ("[sources.a]\ntype = 'prometheus'\nurl = 'http://h:x'", "sources.a.url", "is not an address", "write it as"),
        ("[sources.a]\ntype = 'host'\ninterval = '1ms'", "sources.a.interval", "too little", "at least 0.1 s"),
        ("[sources.a]\ntype = 'host'\ncpu = '> 9'", "sources.a.cpu", "percent sign", ""),
        ("[sources.a]\ntype = 'host'\ndisk_down = '> 5%'", "sources.a.disk_down", "is not beyond disk", "worse"),
        ("[sources.a]\ntype = 'host'\nlisteners = [70000]", "sources.a.listeners[0]", "out of bounds", "at most 65535"),
        ("[sources.a]\ntype = 'simulation'\nspeed = nan", "sources.a.speed", "out of bounds", "more than 0"),
        ("[sources.a]\ntype = 'simulation'\nspeed = inf", "sources.a.speed", "out of bounds", "at most"),
        (f"[sources.a]\ntype = 'simulation'\nseed = {'9' * 400}", "sources.a.seed", "out of bounds", "finite"),
        ("[sources.a]\ntype = 'simulation'\nseed = true", "sources.a.seed", "is a boolean, not an integer", ""),
        (SHOP + "degraded = '> 5%'\ndown = '> 1%'", "systems.shop.indicators.errors.down", "is not beyond", "worse"),
        (SHOP + "degraded = '> 5%'\ndown = '< 50%'", "systems.shop.indicators.errors.down", "is not beyond", "worse"),
        (SHOP + "degraded = '5%'", "systems.shop.indicators.errors.degraded", "is not a limit", "write a comparison"),
        (SHOP + "good = 'x'", "systems.shop.indicators.errors.bad", "is given beside good", "exactly one"),
        (SHOP + "objective = '100%'", "systems.shop.indicators.errors.objective", "no error budget", "between"),
        (SHOP + "objective = '99.9'", "systems.shop.indicators.errors.objective", "percent sign", "such as 99.9%"),
        (SHOP + "services = ['apii']", "systems.shop.indicators.errors.services[0]", "apii is not among", "mean api?"),
        (SHOP + "by = ''", "systems.shop.indicators.errors.services", "is missing", "list the services"),
        (SHOP + "heading = ''", "", "is not TOML: Cannot overwrite a value", "mend"),
        ("[systems.a.respond]\nP5 = '1h'", "systems.a.respond.P5", "is not a severity", "P1, P2, P3, P4"),
        ("[systems.a.severities]\nx = 'P9'", "systems.a.severities.x", "not among the choices", "P1, P2, P3, P4"),
        ("[systems.a.logs.x]\nkind = 'file'\npaths = []", "systems.a.logs.x.paths", "is empty", "at least one"),
        ("[systems.a.logs.x]\nkind = 'file'\npaths = ['x']\nmultiline = '('", "systems.a.logs.x.multiline",
         "is not a regular expression", "escape"),
        ("[systems.a.logs.x]\nkind = 'file'\npaths = ['x']\nfields = { tme = 'ts' }", "systems.a.logs.x.fields.tme",
         "is not a part of a record", "did you mean time?"),
        ("[systems.a.probes.x]\nkind = 'tcp'\nservice = 's'\nhost = 'h'\nport = 1\nvia = 'b'", "systems.a.probes.x.via",
         "b is not among bastions", "there are none"),
        ('[bastions.b]\nhost = "a\\u001bb"', "bastions.b.host", "holds control characters", "visible"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path: Path, text: str, key: str, problem: str, remedy: str) -> None:
    fault = faults(tmp_path, text)[key]
    assert problem in fault.problem
    assert remedy in fault.remedy
    assert fault.file == str(tmp_path / "config.toml")


def test_every_mistake_is_found_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "[display]\ntheme = 1\nbell = 1\n[sources.a]\ntype = 'x'\n" + SHOP + "services = ['b']\n")
    assert set(found) == {
        "display.theme", "display.bell", "sources.a.type", "systems.shop.indicators.errors.services[0]",
    }  # fmt: skip


def test_one_mistake_is_not_blamed_twice(tmp_path: Path) -> None:
    found = faults(tmp_path, SHOP.replace('"prometheus"', '"promtheus"'))
    assert set(found) == {"sources.prom.type"}


def test_an_indicator_needs_a_source_that_answers_queries(tmp_path: Path) -> None:
    text = SHOP.replace('source = "prom"', 'source = "here"') + '[sources.here]\ntype = "host"\n'
    fault = faults(tmp_path, text)["systems.shop.indicators.errors.source"]
    assert "of type host" in fault.problem
    assert "prom" in fault.remedy


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    found = faults(tmp_path, SHOP.replace("127.0.0.1", "user:hunter2@127.0.0.1"))
    assert "user name or password" in found["sources.prom.url"].problem
    assert "hunter2" not in str(found)


def test_a_secret_in_a_header_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = SHOP.replace(
        "[systems.shop.services.api]", 'headers = { Authorization = "Bearer hunter2" }\n[systems.shop]', 1
    )
    found = faults(tmp_path, text)
    assert "bearer" in found["sources.prom.headers.Authorization"].remedy
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("name", ["X-Api-Key", "PRIVATE-TOKEN", "Cookie", "x-vault-secret", "X-Password", "X-Auth"])
def test_a_header_that_sounds_like_a_secret_is_refused(tmp_path: Path, name: str) -> None:
    text = SHOP.replace("[systems.shop.services.api]", f'headers = {{ {name} = "hunter2" }}\n[systems.shop]', 1)
    assert f"sources.prom.headers.{name}" in faults(tmp_path, text)


@pytest.mark.parametrize(
    ("pages", "key", "remedy"),
    [('["helth"]', "pages[0]", "did you mean health?"), ("[]", "pages", "give at least one value")],
)
def test_pages_that_no_wallboard_has(tmp_path: Path, pages: str, key: str, remedy: str) -> None:
    assert faults(tmp_path, f"[wallboard]\npages = {pages}\n")[f"wallboard.{key}"].remedy == remedy


def test_the_result_of_an_expression_is_never_too_old(tmp_path: Path) -> None:
    gauge = (
        '[systems.shop.indicators.queue]\nkind = "gauge"\nsource = "prom"\nheading = "QUEUE"\nmax_age = "5m"\nquery = '
    )
    found = faults(tmp_path, SHOP + gauge + '"max by (service) (queue_length)"\n')
    assert "as old as the query" in found["systems.shop.indicators.queue.max_age"].problem
    file = tmp_path / "plain.toml"
    file.write_text(SHOP + gauge + "'queue_length{job=\"api\"}'\n")
    assert load(file, environ={}).config.systems["shop"].indicators["queue"].max_age == Duration(300)


@pytest.mark.parametrize("secret", ["{}", '{ env = "A", file = "b" }'])
def test_a_secret_has_one_place(tmp_path: Path, secret: str) -> None:
    found = faults(tmp_path, SHOP.replace("[systems.shop.services.api]", f"bearer = {secret}\n[systems.shop]", 1))
    assert "exactly one of env, file, command" in found["sources.prom.bearer"].remedy


def test_a_secret_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    token.chmod(0o644)
    text = SHOP.replace("[systems.shop.services.api]", 'bearer = { file = "token" }\n[systems.shop]', 1)
    fault = faults(tmp_path, text)["sources.prom.bearer.file"]
    assert fault.remedy == f"chmod 600 {token}"
    token.chmod(0o600)
    source = read(tmp_path, text.replace("[systems.shop]", "[systems.shop.services.api]")).config.sources["prom"]
    assert source.bearer.file == str(token)  # type: ignore[union-attr] # it is a Prometheus with a bearer


def test_a_syntax_error_has_line_and_column(tmp_path: Path) -> None:
    assert "(at line 2, column 3)" in faults(tmp_path, "a = 1\nb c")[""].problem


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"a = 1\nb = '\xff'", "is not UTF-8 (at line 2, column 6)"),
        (b"#" * 1_000_001, "is larger than"),
        (b"a = " + b"9" * 5000, "cannot be"),
        (b"a = " + b"[" * 5000, "cannot be"),
        (b"a = \x00", "is not TOML"),
        (b"a." * 30 + b"a = 1", "is nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, raw: bytes, problem: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        load(file, environ={})
    assert problem in str(caught.value) or "is not TOML that can be read" in str(caught.value)


def test_a_missing_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, problem in (("none.toml", "does not exist"), ("", "is not a regular file"), ("pipe", "is not a regular")):
        with pytest.raises(ConfigError, match=problem):
            load(tmp_path / name, environ={})


def test_a_file_that_everybody_can_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod go-w"):
        load(file, environ={})


def test_includes_are_merged_in_order_and_paths_start_at_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "systems").mkdir()
    (tmp_path / "systems" / "b.toml").write_text("[systems.shop.services.b]")
    (tmp_path / "systems" / "a.toml").write_text(
        '[systems.shop.services.a]\n[systems.shop.logs.x]\nkind = "file"\npaths = ["app.log", "~/x.log", "/y.log"]\n'
    )
    loaded = read(tmp_path, 'include = ["systems/*.toml", "none/*.toml"]')
    system = loaded.config.systems["shop"]
    assert list(system.services) == ["a", "b"]
    expected = [str(tmp_path / "systems" / "app.log"), str(Path("~/x.log").expanduser()), "/y.log"]
    assert list(getattr(system.logs["x"], "paths")) == expected  # noqa: B009 - only file logs have paths
    assert len(loaded.files) == 3
    assert tmp_path / "systems" in loaded.folders


def test_a_key_given_twice_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("[display]\ntheme = 'light'")
    fault = faults(tmp_path, 'include = ["more.toml"]\n[display]\ntheme = "dark"')["display.theme"]
    assert fault.file == str(tmp_path / "more.toml")
    assert str(tmp_path / "config.toml") in fault.problem


def test_a_mistake_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("[display]\ntheme = 1")
    assert faults(tmp_path, 'include = ["more.toml"]')["display.theme"].file == str(tmp_path / "more.toml")


def test_includes_that_go_round_or_nowhere(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text('include = ["config.toml"]')
    assert "goes round in a circle" in faults(tmp_path, 'include = ["more.toml"]')["include"].problem
    assert "does not exist" in faults(tmp_path, 'include = ["none.toml"]')[""].problem
    assert "is not an array of strings" in faults(tmp_path, "include = 3")["include"].problem


def test_the_command_line_counts_before_the_environment_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[display]\ntheme = "file"\ntime_zone = "Asia/Tokyo"\n')
    environ = {"TUIOPS_THEME": "environment", "TUIOPS_TIME_ZONE": "", "TUIOPS_ASCII": "1"}
    assert load(file, environ={}).config.display.theme == "file"
    assert load(file, environ=environ).config.display.theme == "environment"
    display = load(file, environ=environ, options={"--theme": "option", "--keys": None}).config.display
    assert (display.theme, display.time_zone, display.ascii) == ("option", "Asia/Tokyo", True)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    found = faults(tmp_path, "", TUIOPS_MOUSE="of", TUIOPS_ASCII="perhaps")
    assert found["display.mouse"].file == "TUIOPS_MOUSE"
    assert found["display.ascii"].file == "TUIOPS_ASCII"


def test_unquoted_action_names_are_keys_too(tmp_path: Path) -> None:
    quoted = read(tmp_path, '[keys.bind]\n"pane.next" = "n"').config.keys.bind
    assert read(tmp_path, '[keys.bind]\npane.next = "n"').config.keys.bind == quoted == {"pane.next": "n"}


def test_an_empty_text_takes_a_default_back(tmp_path: Path) -> None:
    text = '[systems.a.services.s]\n[systems.a.probes.p]\nkind = "tls"\nservice = "s"\nhost = "h"\ndegraded = ""\n'
    assert read(tmp_path, text).config.systems["a"].probes["p"].degraded is None


def test_reviews_of_higher_layers_get_the_place_of_their_key(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys.bind]\n"a.b" = "x"')
    with pytest.raises(ConfigError) as caught:
        load(file, environ={}, reviews=[lambda _: [Fault("", "keys.bind.a.b", "no such action")]])
    assert caught.value.faults[0].file == str(file)


def test_advice_does_not_keep_a_configuration_from_being_used() -> None:
    loaded = load(None, environ={}, advice=[lambda _: [Fault("", "display.theme", "is ugly")]])
    assert [fault.problem for fault in loaded.warnings] == ["is ugly"]


def test_one_round_names_all_that_is_wrong_with_settings_queries_keys_and_secrets(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    text = SHOP.replace('heading = "ERR%"\n', "").replace('"all_total"', '"sum(("')
    file.write_text(f'sorces = 1\n{text}[sources.prom.bearer]\nenv = "NOT_SET"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(
            file,
            environ={},
            reviews=[lambda _: [Fault("", "keys.bind.a", "no such action"), Fault("", "sources.prom.x", "a guess")]],
            inspections=[query_faults],
            advice=[lambda config: missing_secrets(config, {})],
        )
    assert {fault.key for fault in caught.value.faults} == {
        "sorces", "systems.shop.indicators.errors.heading", "systems.shop.indicators.errors.total", "keys.bind.a",
        "sources.prom.x",
    }  # fmt: skip
    assert [fault.key for fault in caught.value.warnings] == ["sources.prom.bearer.env"]


def test_nothing_is_guessed_of_tables_that_are_wrong_in_themselves(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\npreset = "nosuch"\n[keys.bind]\n"pane.next" = "x"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ={}, reviews=[lambda _: [Fault("", "keys.bind.pane.next", "clashes with the default")]])
    assert [fault.key for fault in caught.value.faults] == ["keys.preset"]
