"""`tuiops ledger`: the story of a run, the proof, the export."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest

from tuiops.cli import story
from tuiops.cli.exits import Exit
from tuiops.cli.main import main
from tuiops.config.model import LedgerConfig
from tuiops.core.access import Danger, Principal, Role
from tuiops.core.record import (
    NO_DIGEST,
    AnyEvent,
    Commented,
    Entry,
    Evidence,
    RunApproved,
    RunEnded,
    RunRequested,
    RunStarted,
    Said,
    StepClaimed,
    StepEnded,
    StepIntended,
)
from tuiops.core.text import SafeText, lit
from tuiops.ledger.holders import this_process
from tuiops.ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
KIM = Principal(person=lit("kim"), account=lit("local:kim"), session="s-1", role=Role.OPERATOR)
LEE = Principal(person=lit("lee"), account=lit("ssh:SHA256:x"), session="s-2", role=Role.APPROVER,
                address=lit("10.0.0.9"))  # fmt: skip
REQUEST = RunRequested(
    number=42, runbook=lit("roll-back"), title=lit("Roll back"), system=lit("shop"), environment=lit("live"),
    production=True, target=lit("api"), danger=Danger.CHANGES, plan=msgspec.Raw(b'{"a":"\\u001b"}'),
    plan_digest="d" * 64,
    second=True, alert=lit("shop/api/Slow"),
)  # fmt: skip
STORY = """\
#42 Roll back  shop api live  succeeded
by  kim (local:kim), lee (ssh:SHA256:x from 10.0.0.9)

2026-05-01T12:00:00+00:00  kim  confirmed roll-back on api in live (changes)
    plan dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
    waits for a second person
    because of alert shop/api/Slow
2026-05-01T12:00:01+00:00  lee  approved it
    plan dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
2026-05-01T12:00:02+00:00  kim  began
2026-05-01T12:00:03+00:00  kim  shift: is about to do `kubectl rollout undo`
    execution run-1.shift.1
2026-05-01T12:00:04+00:00  kim  carries out run-1.shift.1
2026-05-01T12:00:05+00:00  kim  shift: succeeded: rolled back
    traffic: 100% old
    status 0
    | first
    … 7 lines are not kept …
    | last
2026-05-01T12:00:06+00:00  kim  the run ended: succeeded
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger's file; no settings but the defaults."""
    for name in [name for name in os.environ if name.startswith("TUIOPS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "tuiops" / "ledger.db"


async def _fill() -> None:
    ledger = open_ledger(LedgerConfig())
    fence = await ledger.acquire("k", this_process(lit("kim"), "s"), run="run-1", purpose=lit("p"), seconds=30)

    async def write(*events: tuple[Principal, AnyEvent]) -> None:
        for by, event in events:
            at = START + timedelta(seconds=await ledger.last())
            entry = Entry(at=at, by=by, event=event, run="run-1")
            if isinstance(event, StepClaimed):
                await ledger.claim(event.execution, entry, [fence])
            else:
                await ledger.append([entry], fences=[fence])

    evidence = Evidence(
        facts=(Said(lit("traffic"), lit("100% old")),), output=(lit("first"), lit("last")), left_out=7, status=0
    )
    await write(
        (KIM, REQUEST),
        (LEE, RunApproved(plan_digest="d" * 64)),
        (KIM, RunStarted()),
        (KIM, StepIntended(step="shift", execution="run-1.shift.1", at=START, call=lit("kubectl rollout undo"))),
        (KIM, StepClaimed(execution="run-1.shift.1")),
        (KIM, StepEnded(step="shift", state="succeeded", text=lit("rolled back"), evidence=evidence)),
        (KIM, RunEnded(state="succeeded")),
    )
    remark = Commented(subject=lit("shop/api/Slow"), text=lit("looks fine"))
    await ledger.append([Entry(at=START, by=LEE, event=remark)])
    await ledger.append([Entry(at=START, by=LEE, event=msgspec.structs.replace(REQUEST, number=43), run="run-2")])
    await ledger.close()


@pytest.fixture
def filled(file: Path) -> Path:
    asyncio.run(_fill())
    return file


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["ledger", *words]) == Exit.OK
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("run", ["42", "#42", "run-1"])
def test_it_tells_the_story_of_a_run(filled: Path, capsys: pytest.CaptureFixture[str], run: str) -> None:
    assert main(["ledger", "show", run]) == Exit.OK
    assert capsys.readouterr().out == STORY


def test_it_lists_runs(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *rows = lines(capsys, "show")
    assert head.split() == ["RUN", "WHEN", "WHO", "RUNBOOK", "TARGET", "ENVIRONMENT", "STATE"]
    assert [row.split()[0] for row in rows] == ["#42", "#43"]
    assert rows[0].endswith("kim  roll-back  api     live         succeeded")
    assert rows[1].endswith("not over")


def test_its_documents_have_what_is_documented(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    documents = [json.loads(line) for line in lines(capsys, "show", "-o", "ndjson")]
    documents += [json.loads(line) for line in lines(capsys, "show", "42", "-o", "ndjson")]
    documents += [json.loads(line) for line in lines(capsys, "verify", "-o", "ndjson")]
    documents += [json.loads(line) for line in lines(capsys, "export")]
    documents.append(json.loads("\n".join(lines(capsys, "show", "-o", "json"))))
    whole = json.loads("\n".join(lines(capsys, "show", "#42", "-o", "json")))
    documents.append(whole)
    assert {document["kind"] for document in documents} == {"run", "event", "verdict", "entry", "runs"}
    for document in documents:
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{document['kind']}` |")]
        assert all(f"`{key}`" in row for key in document.keys() - {"schema", "kind"}), document["kind"]
    assert [entry["event"] for entry in whole["entries"]][3:5] == ["step.intended", "step.claimed"]


def test_a_whole_one_is_called_so(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [said] = lines(capsys, "verify")
    assert said.startswith("whole  9 entries. Anchors prove all of it, as of 20")


def test_an_emptied_one_is_not_called_whole(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As on the machine of somebody who has no anchors of it."""
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER ledger_entries_no_delete")
        connection.execute("DROP TRIGGER ledger_claims_no_delete")
        connection.execute("DELETE FROM ledger_claims")
        connection.execute("DELETE FROM ledger_entries")
    for anchors in filled.parent.glob("*anchors*"):
        anchors.unlink()
    assert main(["ledger", "verify"]) == Exit.UNKNOWN
    assert capsys.readouterr().out == (
        "empty  0 entries. There is no anchor either: that nothing was ever recorded, or all of it deleted, "
        "looks the same.\n"
    )
    assert main(["ledger", "verify", "-o", "json"]) == Exit.UNKNOWN
    assert json.loads(capsys.readouterr().out)["whole"] is None


def test_a_changed_one_is_told_of(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER ledger_entries_no_update")
        connection.execute("UPDATE ledger_entries SET body = '\x1b[2J' || body WHERE number = 2")
        connection.execute("UPDATE ledger_entries SET run = x'1b5b324a' WHERE number = 9")
    assert main(["ledger", "verify"]) == Exit.DOWN
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == [
        "fault  entry 2: it is not what was recorded",
        "fault  entry 9: its columns say something else than its content",
    ]
    assert out.splitlines()[2].startswith("broken  9 entries. ")
    assert main(["ledger", "verify", "-o", "json"]) == Exit.DOWN
    assert json.loads(capsys.readouterr().out)["faults"][0] == "entry 2: it is not what was recorded"
    assert main(["ledger", "show", "42"]) == Exit.UNKNOWN
    said = capsys.readouterr().err
    assert said.startswith("tuiops: entry 2 is not what was recorded")
    # What is broken can still be taken out, and cannot control a terminal.
    assert main(["ledger", "export"]) == Exit.OK
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 9
    assert out.replace("\n", "").isprintable()


def test_an_export_can_be_proven_elsewhere(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    previous = NO_DIGEST
    for number, line in enumerate(lines(capsys, "export"), 1):
        row = json.loads(line)
        assert row["number"] == number
        assert row["digest"] == hashlib.sha256((previous + row["body"]).encode()).hexdigest()
        assert json.loads(row["body"])["event"]["event"] == row["event"]
        previous = row["digest"]
    assert len(lines(capsys, "export", "42")) == 7


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "99"), Exit.USAGE, "there is no run 99; `tuiops ledger show` lists the last ones"),
        (("verify", "42"), Exit.USAGE, "takes no run"),
        (("export", "-o", "table"), Exit.USAGE, "ndjson only"),
        (("destroy",), Exit.USAGE, "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_refused(
    filled: Path, capsys: pytest.CaptureFixture[str], words: Iterable[str], code: Exit, said: str
) -> None:
    assert main(["ledger", *words]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("what", ["show", "verify", "export"])
def test_looking_makes_no_ledger(file: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert main(["ledger", what]) == Exit.UNKNOWN
    assert capsys.readouterr().err == (
        f"tuiops: {file}: there is no ledger → it is made when the first runbook is run; "
        "drills have their own (--demo)\n"
    )
    assert not file.parent.exists()


@pytest.mark.parametrize("words", [("ledger", "show", "--demo"), ("--demo", "ledger", "show")])
def test_drills_are_kept_apart(file: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert main(words) == Exit.UNKNOWN
    assert f"tuiops: {file.with_name('drills.db')}: there is no ledger" in capsys.readouterr().err


def test_every_event_has_words(filled: Path) -> None:
    for kind in get_args(AnyEvent):
        fields = {field.name: _SAMPLES[str(field.type)] for field in msgspec.structs.fields(kind) if field.required}
        event = kind(**fields)
        assert story.sentence(event), kind
        assert all(line.isprintable() for line in (story.sentence(event), *story.details(event)))


_SAMPLES = {
    str(int): 1, str(str): "x", str(bool): False, str(SafeText): "x", str(Danger): Danger.SAFE, str(datetime): START,
    str(msgspec.Raw): msgspec.Raw(b"{}"), str(msgspec.structs.fields(RunApproved)[0].type): "d" * 64,
}  # fmt: skip


def test_what_a_newer_version_wrote_is_shown_as_that(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(filled)) as database, database:
        [(at, previous, number)] = database.execute(
            "SELECT at, digest, number FROM ledger_entries ORDER BY number DESC LIMIT 1"
        )
        body = (
            f'{{"at":"{at}","by":{{"person":"max","account":"local:max","session":"s"}},'
            '"event":{"event":"run.dreamt"},"run":"run-1"}'
        )
        own = hashlib.sha256((previous + body).encode()).hexdigest()
        values = (number + 1, at, "run-1", "run.dreamt", "max", body, previous, own)
        database.execute("INSERT INTO ledger_entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    assert main(["ledger", "show", "42"]) == Exit.OK
    assert "max  did something that this version does not know: run.dreamt\n" in capsys.readouterr().out
    assert main(["ledger", "show", "42", "-o", "json"]) == Exit.OK
    *_, last = json.loads(capsys.readouterr().out)["entries"]
    assert (last["event"], last["what"]) == ("run.dreamt", "did something that this version does not know: run.dreamt")
    assert main(["ledger", "export"]) == Exit.OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["body"] == body
    assert main(["ledger", "verify"]) == Exit.OK
