"""`tuiops runbook`, as a person and as a script use it: a real process, a real ledger."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.runbooks.engine.stage import HEAD, step
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
environment = "staging"
[environments.staging]
production = false
[environments.live]
production = true
[systems.shop]
label = "Shop"
"""


class Shop:
    """A configuration with one runbook, and what its steps leave behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.effects = folder / "effects"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TUIOPS")},
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "none"),
        }
        self.configure(CONFIG)
        script = folder / "append.py"
        script.write_text("import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')", encoding="utf-8")
        self.words = [sys.executable, "-m", "tuiops", "runbook"]
        self.options = ["--config", str(folder / "config.toml")]
        self.add = f'{{ kind = "command", argv = ["{sys.executable}", "{script}", "{self.effects}", "%s"] }}'

    @property
    def done(self) -> list[str]:
        return self.effects.read_text().split() if self.effects.exists() else []

    def configure(self, text: str) -> None:
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    def write(self, *steps: str) -> None:
        (self.folder / "runbooks").mkdir(exist_ok=True)
        (self.folder / "runbooks" / "mend.toml").write_text(HEAD + "".join(steps), encoding="utf-8")

    def run(self, *words: str) -> tuple[int, str, str]:
        found = subprocess.run(
            [*self.words, *words, *self.options], capture_output=True, text=True, env=self.environment, check=False,
            timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return found.returncode, found.stdout, found.stderr

    def document(self, *words: str) -> Any:
        return json.loads(self.run(*words, "-o", "json")[1])


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    made.write(*(step(word, made.add % word, undo=made.add % f"un{word}") for word in ("one", "two")))
    return made


def test_what_there_is_is_listed_and_shown(shop: Shop) -> None:
    assert shop.document("list")["runbooks"][0]["id"] == "mend"
    code, said, _ = shop.run("list")
    assert (code, said.splitlines()[1].split()[:3]) == (Exit.OK, ["mend", "C", "shop"])
    assert "Step one" in shop.run("show", "mend")[1]
    code, _, said = shop.run("show", "nothing")
    assert (code, "there is no runbook 'nothing'" in said) == (Exit.USAGE, True)


def test_a_plan_does_nothing_and_its_hash_confirms_one_run(shop: Shop) -> None:
    plan = shop.document("plan", "mend")
    assert plan["plan"]["steps"][0]["call"]["text"].endswith("one")
    assert shop.document("run", "mend", "--dry-run")["plan"]["title"] == "Mend the shop"
    assert not shop.effects.exists()

    code, said, _ = shop.run("run", "mend", "--confirm", plan["confirm"])
    assert (code, shop.done) == (Exit.OK, ["one", "two"])
    assert "#1 Mend the shop  succeeded" in said
    code, _, complaint = shop.run("run", "mend", "--confirm", plan["confirm"])
    assert (code, shop.done) == (Exit.REFUSED, ["one", "two"])
    assert "it is run #1" in complaint
    assert shop.run("undo", "1")[0] == Exit.OK
    assert shop.done == ["one", "two", "untwo", "unone"]


def test_without_a_terminal_what_changes_something_takes_a_hash(shop: Shop) -> None:
    code, _, said = shop.run("run", "mend")
    assert (code, "it takes --confirm" in said, shop.done) == (Exit.REFUSED, True, [])
    code, _, said = shop.run("run", "mend", "--confirm", "yes")
    assert (code, "is no hash of a plan" in said) == (Exit.USAGE, True)


def test_what_only_reads_is_run_at_once(shop: Shop) -> None:
    shop.write(step("look", '{ kind = "command", argv = ["true"] }', danger="S"))
    assert shop.run("run", "mend")[0] == Exit.OK


def test_what_was_confirmed_is_what_is_run(shop: Shop) -> None:
    confirm = shop.document("plan", "mend")["confirm"]
    shop.write(step("other", shop.add % "other", undo='"none"', undo_reason='"a test"'))
    code, _, said = shop.run("run", "mend", "--confirm", confirm)
    assert (code, "not what was confirmed" in said, shop.done) == (Exit.REFUSED, True, [])


def test_on_production_nothing_is_allowed_unless_the_configuration_says_so(shop: Shop) -> None:
    shop.configure(CONFIG.replace('environment = "staging"', 'environment = "live"'))
    plan = shop.document("plan", "mend")
    assert not plan["allowed"]
    code, _, said = shop.run("run", "mend", "--confirm", plan["confirm"])
    assert (code, "no rule lets" in said, shop.done) == (Exit.REFUSED, True, [])


def test_variables_of_the_environment_prove_nobody(shop: Shop) -> None:
    shop.configure(
        CONFIG + '[people.boss]\naccounts = ["local:boss"]\nrole = "approver"\n[[permissions]]\ndanger = "X"\n'
    )
    shop.environment |= {"USER": "boss", "LOGNAME": "boss", "SUDO_USER": "boss", "USERNAME": "boss"}
    plan = shop.document("plan", "mend")
    assert not plan["allowed"]
    assert "is viewer" in plan["reason"]


def test_a_failure_a_word_about_it_and_its_code(shop: Shop) -> None:
    (shop.folder / "bad.py").write_text("print('why'); raise SystemExit(3)", encoding="utf-8")
    bad = f'{{ kind = "command", argv = ["{sys.executable}", "{shop.folder / "bad.py"}"] }}'
    shop.write(step("bad", bad, danger="S"))
    code, said, _ = shop.run("run", "mend")
    assert code == Exit.RUN_FAILED
    assert "| why" in said
    rows = [json.loads(line) for line in shop.run("run", "mend", "-o", "ndjson")[1].splitlines()]
    assert {row["kind"] for row in rows} == {"step", "run-state"}
    assert rows[-1]["state"] == "failed"


def test_a_ledger_that_cannot_be_written_is_said_and_nothing_is_done(shop: Shop) -> None:
    (shop.folder / "state").write_text("a file where a folder should be", encoding="utf-8")
    shop.write(step("one", shop.add % "one", danger="S"))
    code, _, said = shop.run("run", "mend")
    assert (code, shop.done) == (Exit.REFUSED, [])
    assert "ledger" in said


@pytest.mark.parametrize(("times", "code"), [(1, Exit.RUN_ABORTED), (2, Exit.INTERRUPTED)])
async def test_ctrl_c_aborts_and_a_second_one_leaves(shop: Shop, times: int, code: Exit) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(4)"
    (shop.folder / "long.py").write_text(stubborn, encoding="utf-8")
    shop.write(step("long", f'{{ kind = "command", argv = ["{sys.executable}", "{shop.folder / "long.py"}"] }}',
                    danger="S"))  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *shop.words, "run", "mend", *shop.options, env=shop.environment, stdout=-1
    )
    assert process.stdout is not None
    async with asyncio.timeout(40):
        await _says(process.stdout, b"running  Step long")
        process.send_signal(signal.SIGINT)
        await _says(process.stdout, b"aborting")
        if times == 2:
            process.send_signal(signal.SIGINT)
        await process.stdout.read()
        assert await process.wait() == code


async def _says(stream: asyncio.StreamReader, words: bytes) -> None:
    while words not in (line := await stream.readline()):
        assert line
