"""The program as a process: exit codes, streams, and what it does not import."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tuiops import __version__
from tuiops.cli.exits import Exit
from tuiops.cli.main import main
from tuiops.config import paths

SIMULATION = '[sources.drill]\ntype = "simulation"\ninterval = "1s"\n'


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TUIOPS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "config.toml"
    file.write_text(SIMULATION)
    return str(file)


def program(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tuiops", *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        timeout=60,
    )  # fmt: skip


def test_the_version_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tuiops.cli.main import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'textual', 'rich', 'httpx', 'msgspec', 'asyncio', 'asyncssh', 'psutil', 'tomli'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [f"tuiops {__version__}", "[]"]


@pytest.mark.parametrize(
    "words", [["status"], ["services"], ["alerts"], ["logs"], ["check"], ["config"], ["discover"], ["ledger"]]
)
def test_headless_commands_need_no_textual(words: list[str]) -> None:
    code = (
        f"import sys\nimport tuiops.cli.commands.{words[0]}\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'textual', 'rich', 'httpx'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statsu"], "invalid choice: 'statsu'"),
        (["status", "--timeout", "-1"], "not a number of seconds between 0 and 3600"),
        (["status", "--timeout", "nan"], "not a number of seconds between 0 and 3600"),
        (["status", "--timeout", "abc"], "'abc' is not a number of seconds between 0 and 3600"),
        (["logs", "--lines", "x"], "'x' is not a whole number between 0 and 10000000"),
        (["status", "-o", "xml"], "invalid choice: 'xml'"),
        (["st\x1b[31matus"], "invalid choice"),
        (["logs", "--level", "loud"], "there is no level 'loud'"),
        (["logs", "--grep", "("], "is not a regular expression"),
        (["wallboard"], "needs a terminal"),
    ],
)
def test_a_wrong_command_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == Exit.USAGE
    streams = capsys.readouterr()
    assert said in streams.err
    assert "\x1b" not in streams.err
    assert streams.out == ""


def test_a_wrong_configuration_names_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('x = 1\n[display]\ntheme = "drak"\nbell = 1\n')
    for words in (["check", str(file)], ["--config", str(file), "status"], ["status", "--config", str(file)]):
        assert main(words) == Exit.CONFIG
        errors = capsys.readouterr().err
        assert f"{file}: x: is not a setting" in errors
        assert f"{file}: display.bell: is an integer, not true or false" in errors
        assert "2 mistakes" in errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[display]\ntheme = "drak"', "display.theme: there is no theme 'drak' → did you mean dark?"),
        ('[keys.bind]\n"app.halp" = "x"', "keys.bind.app.halp: no such action → did you mean app.help?"),
    ],
)
def test_check_knows_themes_and_keys(tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    assert main(["check", str(file)]) == Exit.CONFIG
    assert f"{file}: {said}" in capsys.readouterr().err


def test_check_reads_queries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        '[sources.p]\ntype = "prometheus"\nurl = "http://h"\n[systems.s.services.a]\n'
        '[systems.s.indicators.i]\nkind = "gauge"\nsource = "p"\nheading = "X"\nquery = "sum(x"\n'
    )
    assert main(["check", str(file)]) == Exit.CONFIG
    assert "systems.s.indicators.i.query: is not PromQL: unclosed left parenthesis" in capsys.readouterr().err


def test_check_says_when_it_cannot_read_queries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "promql_parser", None)
    file = tmp_path / "config.toml"
    sources = '[sources.p]\ntype = "prometheus"\nurl = "http://h"\n[systems.s.services.a]\n'
    file.write_text(sources)
    assert main(["check", str(file)]) == Exit.OK
    assert "not checked" not in capsys.readouterr().out
    file.write_text(
        f'{sources}[systems.s.indicators.i]\nkind = "gauge"\nsource = "p"\nheading = "X"\nquery = "sum(x"\n'
    )
    assert main(["check", str(file)]) == Exit.OK
    assert "warning  queries not checked: import of promql_parser halted" in capsys.readouterr().out


def test_check_says_that_all_is_well(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", config]) == Exit.OK
    assert "systems: 0  sources: 1  files: 1" in capsys.readouterr().out


def test_check_warns_of_secrets_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[sources.p]\ntype = "prometheus"\nurl = "http://h"\nbearer = { env = "TUIOPS_TEST_UNSET" }\n')
    assert main(["check", str(file)]) == Exit.OK
    assert f"warning  {file}: sources.p.bearer.env: TUIOPS_TEST_UNSET is not set here" in capsys.readouterr().out


def test_the_settings_in_force(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUIOPS_CONFIG", config)
    monkeypatch.setenv("TUIOPS_THEME", "light")
    assert main(["config", "--time-zone", "Asia/Tokyo"]) == Exit.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["display"]["theme"], shown["display"]["time_zone"]) == ("light", "Asia/Tokyo")
    assert shown["sources"]["drill"]["type"] == "simulation"
    assert shown["sources"]["drill"]["interval"] == "1s"


def test_config_prints_what_comes_with_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["title"] == "tuiops configuration"
    assert main(["config", "runbook-schema"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["title"] == "tuiops runbook"
    assert main(["config", "example"]) == Exit.OK
    assert "[systems.shop]" in capsys.readouterr().out
    assert main(["config", "paths"]) == Exit.OK
    assert "(does not exist)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--theme", "lihgt"), "--theme: display.theme: there is no theme 'lihgt' → did you mean light?"),
        (("--theme", "x"), "one of colour-blind, dark, high-contrast, light, mono"),
        (("--theme", "../themes/dark"), "there is no theme '../themes/dark'"),
        (("--time-zone", "Tokyo"), "display.time_zone: 'Tokyo' is not a time zone → did you mean Asia/Tokyo?"),
        (("--time-zone", "x"), "give an IANA name, such as Asia/Tokyo or UTC"),
        (("--keys", "vin"), "--keys: keys.preset: 'vin' is not among the choices → did you mean vim?"),
        (("--environment", "nowhere"), "--environment: environment: nowhere is declared nowhere"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["status", "services", "alerts", "logs", "check", "keys", "themes", "config"])
def test_a_name_that_does_not_exist_is_refused_by_every_command(
    command: str, options: tuple[str, str], said: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *options, "--config", config]) == Exit.CONFIG
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "check"])
def test_a_theme_in_the_environment_is_checked(
    command: str, config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUIOPS_THEME", "lihgt")
    assert main([command, "--config", config]) == Exit.CONFIG
    assert "TUIOPS_THEME: display.theme: there is no theme 'lihgt'" in capsys.readouterr().err


def test_a_theme_of_ones_own_goes_by_its_name_as_by_its_file(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = paths.user_themes()
    folder.mkdir(parents=True)
    own = (paths.shipped_themes() / "dark.toml").read_text(encoding="utf-8")
    (folder / "mine.toml").write_text(own.replace('name = "dark"', 'name = "ocean"'), encoding="utf-8")
    for name in ("mine", "ocean"):
        assert main(["check", config, "--theme", name]) == Exit.OK
    (folder / "mine.toml").write_text("name = 1", encoding="utf-8")
    capsys.readouterr()
    assert main(["check", config, "--theme", "mine"]) == Exit.CONFIG
    assert f"error  {folder / 'mine.toml'}" in capsys.readouterr().err


def test_keys_and_themes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == Exit.OK
    assert "app.help" in capsys.readouterr().out
    assert main(["themes", "--theme", "light"]) == Exit.OK
    assert "* light" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("command", ["status", "services", "alerts"])
def test_a_round_of_the_simulation(command: str, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([command, "--config", config, "-o", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == command
    assert code in {Exit.DEGRADED, Exit.DOWN}, "the simulated fleet begins with incidents"
    rows = capsys.readouterr
    assert main([command, "--config", config, "-o", "ndjson"]) == code
    assert all(json.loads(line)["schema"] == 1 for line in rows().out.splitlines())


def test_a_system_that_is_not_there(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", config, "--system", "mnaga"]) == Exit.USAGE
    assert "did you mean manga?" in capsys.readouterr().err


def test_log_lines_of_the_simulation(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "--config", config, "-o", "ndjson", "-n", "5", "--system", "manga"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 5
    assert {row["system"] for row in rows} == {"manga"}


def test_the_newest_lines_of_the_simulation_are_in_the_order_of_time(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "--config", config, "-o", "ndjson", "-n", "200", "--system", "pricealert"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # As moments: a whole second is written without a fraction.
    times = [datetime.fromisoformat(row["at"]) for row in rows if row["at"] is not None]
    assert times == sorted(times)
    assert len({row["stream"] for row in rows}) > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--system", "mnaga"], "there is no system 'mnaga': did you mean manga?"),
        (["--service", "apj"], "there is no service 'apj': did you mean api?"),
        (["--system", "manga", "--service", "firestore"], "there is no service 'firestore'"),
    ],
)
def test_logs_of_what_is_not_there(
    config: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "--config", config, *words]) == Exit.USAGE
    shown = capsys.readouterr()
    assert said in shown.err
    assert not shown.out


def test_without_a_terminal_the_console_is_the_plain_status(config: str) -> None:
    found = program("--config", config)
    assert found.returncode in {Exit.DEGRADED, Exit.DOWN}
    assert "SYSTEM" in found.stdout
    assert "Run tuiops in one for the console" in found.stderr
    assert "\x1b" not in found.stdout


def test_a_file_that_never_opens_does_not_keep_a_command_from_ending(tmp_path: Path) -> None:
    certificates = tmp_path / "authorities.pem"
    os.mkfifo(certificates)
    file = tmp_path / "config.toml"
    file.write_text(f'[sources.p]\ntype = "prometheus"\nurl = "https://127.0.0.1:1"\ntls.ca = "{certificates}"\n')
    found = program("--config", str(file), "status", "--timeout", "0.5")
    assert found.returncode == Exit.UNKNOWN
    assert "waiting for first data" in found.stdout


def test_a_command_that_never_prints_its_secret_ends_with_the_program(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    waits = f"import signal; held = open({str(alive)!r}, 'w'); held.write('here'); held.flush(); signal.pause()"
    file = tmp_path / "config.toml"
    file.write_text(
        '[sources.p]\ntype = "prometheus"\nurl = "http://127.0.0.1:1"\n'
        f"bearer.command = [{json.dumps(sys.executable)}, '-c', {json.dumps(waits)}]\n"
    )
    words = [sys.executable, "-m", "tuiops", "--config", str(file), "status", "--timeout", "60"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        held = os.open(alive, os.O_RDONLY)
        assert os.read(held, 4) == b"here"
        process.terminate()
        assert process.wait(30) == Exit.TERMINATED
        # The end of the file comes when nobody has it open for writing any more.
        assert select.select([held], [], [], 30)[0]
        assert os.read(held, 1) == b""
        os.close(held)


def test_the_demonstration_without_a_terminal_ends_well() -> None:
    found = program("--demo")
    assert (found.returncode, found.stdout[:20]) == (0, "simulated production")


def test_a_reader_that_goes_away_is_no_error(config: str) -> None:
    words = [sys.executable, "-m", "tuiops", "logs", "--config", config, "-n", "100000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == Exit.BROKEN_PIPE


def test_an_output_that_takes_nothing_is_a_failure_not_a_finding(config: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tuiops", "status", "--config", config], stdout=full, stderr=subprocess.PIPE,
            text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
    log = tmp_path / "state" / "tuiops" / "tuiops.log"
    assert done.returncode == Exit.SOFTWARE
    assert done.stderr.splitlines() == [
        f"tuiops: failed: OSError: [Errno 28] No space left on device; diagnostics are in {log}"
    ]
    assert "Traceback" in log.read_text()


def test_a_fault_of_ours_is_a_failure_in_one_safe_line(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom tuiops.cli.commands import keys\n"
        "def broken(*_): raise RuntimeError('\\x1b[31mbroken\\ntwice')\n"
        "keys.main = broken\nfrom tuiops.cli.main import main\nsys.exit(main(['keys']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    log = tmp_path / "state" / "tuiops" / "tuiops.log"
    assert (done.returncode, done.stdout) == (Exit.SOFTWARE, "")
    assert len(done.stderr.splitlines()) == 1
    assert "RuntimeError" in done.stderr
    assert str(log) in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" in log.read_text()


SPEAKING = (
    "import logging, sys, warnings\nfrom tuiops import wiring\nfrom tuiops.cli.main import main\nreal = wiring.hub\n"
    "def hub(*given):\n"
    "    logging.getLogger('library').warning('the server said \\x1b[2Jhello')\n"
    "    logging.getLogger('library').info('a request')\n"
    "    warnings.warn('this will be removed')\n"
    "    return real(*given)\n"
    "wiring.hub = hub\nsys.exit(main(sys.argv[1:]))"
)
"""The program with a library that has something to say."""


@pytest.mark.parametrize("command", ["status", "services", "alerts", "logs"])
def test_what_libraries_say_is_in_the_file_and_on_standard_error_when_asked_for(
    command: str, config: str, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", SPEAKING, command, "--config", config]
    quiet = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert quiet.stderr == ""
    log = (tmp_path / "state" / "tuiops" / "tuiops.log").read_text(encoding="utf-8")
    assert "WARNING library the server said ␛[2Jhello" in log
    assert "this will be removed" in log
    loud = subprocess.run([*words, "--verbose"], capture_output=True, text=True, check=False, timeout=60)
    assert "WARNING library the server said ␛[2Jhello" in loud.stderr
    assert "INFO library a request" in loud.stderr
    assert "\x1b" not in loud.stderr
    assert loud.returncode == quiet.returncode


def test_without_a_place_for_diagnostics_it_names_none(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tuiops", "keys"], stdout=full, stderr=full, check=False, stdin=subprocess.DEVNULL,
            timeout=60,
        )  # fmt: skip
    assert done.returncode == Exit.SOFTWARE


def test_values_of_headers_are_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[sources.p]\ntype = "prometheus"\nurl = "http://h"\nheaders = { X-Scope-OrgID = "hunter2" }\n')
    assert main(["config", "--config", str(file)]) == Exit.OK
    shown = capsys.readouterr().out
    assert json.loads(shown)["sources"]["p"]["headers"] == {"X-Scope-OrgID": "***"}
    assert "hunter2" not in shown
