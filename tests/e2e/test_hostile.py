"""Text that wants to control the terminal, from every place that text comes from, down to the bytes on a real pty."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e import stage
from tests.terminal.sequences import left_on, tokens
from tests.terminal.terminal import CTRL_L, ENTER, TAB, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers

CONTROLS = (
    "\x1b]0;{0}\x07", "\x1b]8;;http://{0}\x1b\\", "\x1b]52;c;{0}\x07", "\x1bP{0}\x1b\\", "\x1b[31m{0}", "\x1b[2J{0}",
    "\x9b31m{0}", "\x9d0;{0}\x9c", "\u202e{0}", "\u2066{0}", "\u200b{0}", "\x07{0}", "\x08{0}", "\r{0}", "\x7f{0}",
    "[bold]{0}", "[@click=app.quit]{0}[/]", "[/{0}]", "{{{0}}}", "%s{0}", "e\u0301\u0301\u0301{0}", "漢字👩‍👩‍👧{0}",
)  # fmt: skip
"""Each wants something of the terminal, of Textual's markup or of str.format; {0} is how it is found again."""
RAW = (
    b"\xff\xfe\x9b31m",
    b"\x1b]0;RAWLOG\x07",
    b"\xc2\x9b5m",
    b"\xed\xa0\x80",
    b"\x00\x01\x02",
    b"\x1b]52;c;RAWCLIP\x07",
)


def hostile(place: str) -> str:
    """A text of one place: its name can be read on screen, its controls must not work."""
    return "".join(control.format(f"{place}{number}") for number, control in enumerate(CONTROLS))


@pytest.fixture(scope="module")
def config(module_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    prometheus, alertmanager = module_servers.prometheus(), module_servers.alertmanager()
    now = time.time()
    prometheus.push(
        [
            ({"__name__": "queue_length", "service": service}, [(now - 1, 50.0)])
            for service in ("api", hostile("SERIES"), hostile("OTHER"))
        ]
    )
    for number in range(3):
        alertmanager.fire(
            {
                "alertname": f"{number}NAME{hostile('NAME')}",
                "severity": "critical" if number else hostile("SEVERITY"),
                "system": "shop" if number < 2 else f"{hostile('SYSTEM')}",
                "service": f"SVC{hostile('SVC')}",
                "instance": hostile("INSTANCE"),
            },
            {"summary": f"SUMMARY{hostile('SUMMARY')}", "description": hostile("DESCRIPTION") * 8},
        )
    alertmanager.silence({"alertname": f"2NAME{hostile('NAME')}"}, comment=hostile("COMMENT"), author=hostile("AUTHOR"))
    log = folder / "api.log"
    lines = [f"LOGLINE{number} {control.format('LOG')}".encode() for number, control in enumerate(CONTROLS)]
    lines += [b"RAWLINE " + raw for raw in RAW]
    lines += [
        json.dumps({"level": "error", "message": f"JSON{hostile('JSON')}", hostile("KEY"): 1}).encode(),
        ("漢" * 9000).encode(),
    ]
    log.write_bytes(b"\n".join(lines) + b"\n")
    path = folder / "config.toml"
    path.write_text(
        stage.HEAD
        + "[display]\nbell = false\n"
        + stage.source("prom", "prometheus", prometheus.url)
        + stage.source("am", "alertmanager", alertmanager.url)
        + stage.SHOP
        + stage.log(log)
        + '[systems.shop.probes.door]\nkind = "http"\nservice = "web"\n'
        + 'url = "http://127.0.0.1:1/"\ninterval = "1s"\n',
        encoding="utf-8",
    )
    return path


def check(output: bytes) -> None:
    """Every byte is a sequence that the console itself writes, or printable text."""
    decoded = output.decode("utf-8", "strict")
    forbidden = {char for char in decoded if "\x80" <= char <= "\x9f" or char in "\u202a\u202e\u2066\u2069\u200b\ufeff"}
    assert forbidden == set(), "C1 controls, bidirectional or zero-width characters"
    strange = {
        (kind, content)
        for kind, content in tokens(output)
        if (kind == "csi" and content[-1:] not in b"mHCGhlup")
        or (kind == "string" and not content.startswith(b"]22;"))  # Textual's own: the shape of the mouse pointer
        or kind == "escape"
        or (kind == "control" and content not in b"\r\n")
    }
    assert strange == set()


def test_nothing_from_outside_reaches_the_terminal_as_a_control(config: Path, tmp_path: Path) -> None:
    with Terminal("--config", config, home=tmp_path, columns=200, rows=60) as terminal:
        terminal.wait_for("SUMMARY", "LOGLINE", "live", "refused")
        terminal.press("2", "i")
        terminal.wait_for("silenced")
        for _ in range(3):
            terminal.press("d")
            terminal.wait_for("q back", "severity")
            terminal.press("G")
            terminal.wait_for("INSTANCE")
            for key in ("g", "m", "q", "v"):
                terminal.press(key)
            terminal.wait_for("q back")
            terminal.press("q", "j")
            terminal.wait_for("2 Alerts")
        terminal.press("o", "q", "z", "z", "z", "w", "s")
        terminal.prompt("/", "SUMMARY")
        terminal.wait_for("SUMMARY")
        terminal.press("q")
        terminal.press("1", "j", ENTER)
        terminal.wait_for("q back")
        terminal.press("G", "q", "4", "f", "g")
        terminal.wait_for("LOGLINE0")
        for key in ("t", "\\", "j", "j", "d"):
            terminal.press(key)
        terminal.wait_for("q back")
        terminal.press("q", "i", "\\", "/", *"RAWLINE", ENTER)
        terminal.wait_for("RAWLINE")
        terminal.press("C", "f", TAB, "?")
        terminal.wait_for("Help")
        terminal.press("q")
        terminal.prompt(":", "sources")
        terminal.wait_for("Sources")
        terminal.press("q", CTRL_L)
        terminal.prompt(":", "changes")
        terminal.press("q")
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
        check(terminal.output)
        for place in ("NAME", "SUMMARY", "INSTANCE", "DESCRIPTION", "LOGLINE"):
            assert place.encode() in terminal.output, f"the printable part of {place} was on screen"
        assert left_on(terminal.output) == []


@pytest.mark.parametrize("words", [["status"], ["services"], ["alerts"], ["logs"], ["wallboard"], ["--plain"]])
def test_the_command_line_is_safe_on_a_terminal_too(words: list[str], config: Path, tmp_path: Path) -> None:
    with Terminal(*words, "--config", config, home=tmp_path, columns=200) as terminal:
        if words in (["wallboard"], ["--plain"]):
            terminal.wait_for("NAME" if words == ["wallboard"] else "P1 1")
            terminal.press("\x03", "\x03")
        terminal.wait()
        check(terminal.output)


@pytest.mark.parametrize("command", ["status", "services", "alerts", "logs"])
@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_documents_hold_no_controls(command: str, form: str, config: Path, tmp_path: Path) -> None:
    found = stage.run(command, "--config", config, "-o", form, home=tmp_path)
    assert found.code in {0, 1, 2, 3}, found.errors
    assert found.output
    check(found.output)
    if form == "json" and command != "logs":
        assert found.document["kind"] == command
