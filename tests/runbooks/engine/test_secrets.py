"""Secrets in variables, standard input and headers: nothing that stays has them, however they are printed."""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.runbooks.engine.stage import step
from tuiops.config.secrets import resolve_secret
from tuiops.core.runs import RunState
from tuiops.runbooks.execution.effects import Executions
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runbooks.engine.stage import Stage

CANARIES = {"CANARY_ENV": "s3cr3t/Env+value&1", "CANARY_STDIN": "p@ss word-Stdin'2", "CANARY_HEADER": "tok.en_Header-3"}

PRINTS = """
import base64, os, sys, urllib.parse
for value in (os.environ.get("TOKEN", ""), sys.stdin.read().strip()):
    print(value, base64.b64encode(value.encode()).decode(), urllib.parse.quote(value), repr(value), flush=True)
    print(value[:5], end="", flush=True)
    print(value[5:], file=sys.stderr, flush=True)
raise SystemExit(int(sys.argv[1]))
"""


def traces(folder: Path) -> list[str]:
    """Files that have a secret in any usual form, and which."""
    found = []
    for file in folder.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        for name, value in CANARIES.items():
            forms = (value, base64.b64encode(value.encode()).decode(), quote(value, safe=""), value[:-1])
            found += [f"{file}: {name}" for form in forms if form.encode() in data]
    return found


@pytest.mark.parametrize("status", [0, 3])
@pytest.mark.parametrize("sec", ["true", "false"])
async def test_no_secret_is_left_anywhere(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int, sec: str
) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    script = stage.folder / "prints.py"
    script.write_text(PRINTS, encoding="utf-8")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        words = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        writer.write(words % (len(head), head))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = (
        f'{{ kind = "command", argv = ["{sys.executable}", "{script}", "{status}"], '
        'environment = { TOKEN = { env = "CANARY_ENV" } }, stdin = { env = "CANARY_STDIN" } }'
    )
    call = (
        f'{{ kind = "http", method = "POST", url = "http://127.0.0.1:{port}/x", '
        'headers = { Authorization = "Bearer {secret.token}" }, secrets = { token = { env = "CANARY_HEADER" } } }'
    )
    none = {"undo": '"none"', "undo_reason": '"a test"'}
    stage.runbook(
        step("call", call, sec=sec, **none) + step("print", command, sec=sec, **none),
    )
    console = await stage.console()
    console.engine.means = console.engine.means.__class__(
        world=console.world,
        effects=Executions(
            resolve_secret,
            lambda: HttpConnector(resolve_secret, stage.clock),
            console.world.bastion,
            base=stage.executions,
        ),
        resolve=resolve_secret,
        pause=console._pause,
    )
    card = await console.card()
    run = await console.sitting.confirm(card)
    view = await console.comes_to(run, RunState.FAILED if status else RunState.SUCCEEDED)
    server.close()

    assert len(view.steps[0].evidence.output) == 0 or sec == "false"
    await console.close()
    assert traces(stage.folder) == []
    shown = "".join((repr(view), repr(card), repr(await stage.entries()), caplog.text, *console.troubles))
    assert not any(value in shown or value[:-1] in shown for value in CANARIES.values())


async def test_a_secret_that_cannot_be_had_lets_the_step_not_begin(stage: Stage) -> None:
    command = (
        f'{{ kind = "command", argv = ["touch", "{stage.effects}"], environment = {{ TOKEN = {{ env = "NONE" }} }} }}'
    )
    stage.runbook(step("one", command, undo='"none"', undo_reason='"a test"'))
    console = await stage.console()
    view = await console.comes_to(await console.begun(), RunState.FAILED)

    assert "a secret cannot be read" in view.steps[0].text
    assert not stage.effects.exists()
