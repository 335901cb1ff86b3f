"""The rotation of sagebase's password, carried out: who can log in, what goes back, and that nobody sees it."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.examples.rotating import DATABASE, SECRET, SERVICE, USER, Rotation
from tests.runbooks.playing import failed
from tuiops.core.runs import RunState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.google.fixtures import GoogleStage

ROTATION = "sagebase-rotate-password"


@pytest.fixture
async def sagebase(
    google: GoogleStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Rotation]:
    caplog.set_level(logging.DEBUG)
    play = Rotation(google, tmp_path)
    programs = tmp_path / "programs"
    await play.start(programs)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    play.saw(await play.sitting.plan(ROTATION, "sagebase", {}))
    yield play
    await play.close()
    # The ledger is closed: whatever it writes is in its files by now.
    logged = [record.getMessage() for phase in ("setup", "call") for record in caplog.get_records(phase)]
    assert any("PUT" in line for line in logged) or not play.gcloud.tokens
    assert play.traces(*logged) == []


async def test_the_application_logs_in_with_a_password_that_nobody_saw(sagebase: Rotation) -> None:
    view = sagebase.view(await sagebase.played(ROTATION))

    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    assert (sagebase.version, sagebase.connected) == ("3", True)
    assert len(sagebase.value("3")) == 48
    assert sagebase.serving != sagebase.first
    assert not sagebase.file.exists()
    assert len(sagebase.gcloud.tokens) == 1
    assert sagebase.world.said == [
        ("", "Version 3 of database-password is in use. Retire version 2 in a day, with sagebase-retire-password.")
    ]


async def test_where_postgresql_refuses_it_the_version_is_taken_back(sagebase: Rotation) -> None:
    sagebase.stage.google.fault("sqladmin", "users.update", status=403, message="not allowed")
    run = await sagebase.played(ROTATION)

    assert (sagebase.view(run).state, failed(sagebase.view(run))) == (RunState.FAILED, ["set"])
    assert stat.S_IMODE(sagebase.file.stat().st_mode) == 0o600
    assert sagebase.file.read_text(encoding="ascii").strip() == sagebase.value("3")
    assert (sagebase.version, sagebase.connected, sagebase.serving) == ("2", True, sagebase.first)

    view = await sagebase.undone(run, attested=True)
    assert view.state is RunState.UNDONE
    assert sagebase.secrets.enabled(SECRET) == ["2", "1"]
    assert not sagebase.file.exists()
    assert any("newer than 2: gcloud secrets versions disable NUMBER" in said for said in sagebase.asked_for)


async def test_after_one_that_was_taken_back_the_next_one_begins_from_the_version_in_use(sagebase: Rotation) -> None:
    fault = sagebase.stage.google.fault("sqladmin", "users.update", status=403)
    await sagebase.undone(await sagebase.played(ROTATION), attested=True)
    fault.times = 0
    view = sagebase.view(await sagebase.played(ROTATION))

    assert view.state is RunState.SUCCEEDED
    assert (sagebase.version, sagebase.connected) == ("4", True)
    assert "Retire version 2 in a day" in sagebase.world.said[-1][1]


async def test_where_the_application_does_not_start_everything_goes_back(sagebase: Rotation) -> None:
    sagebase.run.failure = "The user-provided container failed to start."
    run = await sagebase.played(ROTATION)

    assert (sagebase.view(run).state, failed(sagebase.view(run))) == (RunState.FAILED, ["roll"])
    assert sagebase.sql.passwords[DATABASE, USER] == sagebase.value("3")
    assert (sagebase.connected, sagebase.file.exists()) == (False, False)

    sagebase.run.failure = ""
    view = await sagebase.undone(run, attested=True)
    assert view.state is RunState.UNDONE
    assert (sagebase.version, sagebase.connected) == ("2", True)
    assert sagebase.secrets.enabled(SECRET) == ["2", "1"]
    assert [said.partition(" again: ")[0] for said in sagebase.asked_for[:1]] == [
        "Set the password of version 2 of database-password for sagebase_user"
    ]
    assert "gcloud secrets versions disable NUMBER --secret=database-password" in sagebase.asked_for[1]


async def test_a_service_whose_traffic_is_pinned_is_left_alone(sagebase: Rotation) -> None:
    sagebase.run.share(SERVICE, {sagebase.first: 100})
    sagebase.stage.google.clock.advance(60)
    view = sagebase.view(await sagebase.played(ROTATION))

    assert (view.state, failed(view)) == (RunState.FAILED, ["floats"])
    assert sagebase.secrets.enabled(SECRET) == ["2", "1"]
    assert sagebase.connected


async def test_a_service_that_somebody_pins_meanwhile_is_noticed(sagebase: Rotation) -> None:
    does = sagebase.sql._user

    def pins(call: object) -> object:
        sagebase.run.share(SERVICE, {sagebase.first: 100})
        return does(call)  # type: ignore[arg-type] # passed on

    sagebase.sql._user = pins  # type: ignore[method-assign] # somebody else's deed
    run = await sagebase.played(ROTATION)
    assert (sagebase.view(run).state, failed(sagebase.view(run))) == (RunState.FAILED, ["serves"])

    assert (await sagebase.undone(run, attested=True)).state is RunState.UNDONE
    assert sagebase.connected
