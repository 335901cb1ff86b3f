"""A full disk, a folder that cannot be written, a lock that stays, a damaged file, a lost server."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.ledger import samples
from tests.ledger.confined import small_disk, unprivileged
from tests.ledger.homes import FileHome, ServerHome, opened
from tests.ledger.processes import ROOT, Child, texts
from tuiops.config.model import LedgerConfig
from tuiops.config.values import Secret
from tuiops.core.text import lit
from tuiops.errors import LedgerError
from tuiops.ledger import postgresql as postgresql_module
from tuiops.ledger import sqlite
from tuiops.ledger.base import AlreadyClaimed, FencedOut
from tuiops.ledger.opening import open_ledger
from tuiops.ledger.postgresql import PostgresDatabase
from tuiops.ledger.session import Session
from tuiops.ledger.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.servers.postgresql import Postgresql
    from tuiops.ledger.sql import SqlLedger


@pytest.fixture
def file(tmp_path: Path) -> FileHome:
    return FileHome(tmp_path)


@pytest.fixture
def server(tmp_path: Path, postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> ServerHome:
    return ServerHome(tmp_path, postgresql, monkeypatch)


async def told(ledger: SqlLedger) -> str:
    with pytest.raises(LedgerError) as caught:
        await ledger.append([samples.remark("x" * 200) for _ in range(200)])
    return str(caught.value)


async def test_a_full_disk(file: FileHome, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(file)
    await ledger.append([samples.remark()])
    await ledger.close()
    with monkeypatch.context() as full:
        full.setattr(sqlite, "_SETTINGS", (*sqlite._SETTINGS, "PRAGMA max_page_count=20"))
        assert await told(ledger) == (
            f"{file.path}: cannot be written: there is no room (SQLITE_FULL)"
            " → make room on its disk; what failed was not recorded"
        )
        assert await ledger.last() == 1
    await ledger.close()
    await ledger.append([samples.remark() for _ in range(200)])
    verdict = await ledger.verify()
    assert (verdict.entries, verdict.faults) == (201, ())
    await ledger.close()


async def test_a_disk_that_is_really_full(file: FileHome, children: list[Child]) -> None:
    folder = file.path.parent
    folder.mkdir()
    child = await Child.of(file, prefix=small_disk(folder))
    children.append(child)
    wrote, said = 0, "done append"
    while said == "done append":
        said = await child.told(f"append {'x' * 300}")
        wrote += said == "done append"
    assert said == (
        f"LedgerError {file.path}: cannot be written: there is no room (SQLITE_FULL)"
        " → make room on its disk; what failed was not recorded"
    )
    assert wrote
    assert await child.told("verify") == str(wrote)
    assert await child.line() == "done verify"
    await child.told(f"remove {folder}/filler")
    assert await child.told("append more") == "done append"
    assert await child.told("verify") == str(wrote + 1)


async def test_a_limit_on_files(file: FileHome, children: list[Child]) -> None:
    child = await Child.of(file)
    children.append(child)
    assert await child.told("append one") == "done append"
    size = max(each.stat().st_size for each in file.path.parent.iterdir())
    await child.told(f"limit {size}")
    # Of a log that grows with every write, this is the end.
    [log] = file.path.parent.glob("*-wal")
    assert log.stat().st_size == size
    assert (await child.told("probe")).startswith(f"LedgerError {file.path}: cannot be written or read: ")
    said = ""
    for number in range(50):
        said = await child.told(f"append {number}{'x' * 300}")
        if said.startswith("LedgerError"):
            break
    assert said.startswith(f"LedgerError {file.path}: cannot be written or read: the disk, or a limit on files, ")
    assert "what failed was not recorded" in said
    await child.told("limit 100000000")
    assert await child.told("append two") == "done append"
    ledger = opened(file)
    assert list((await texts(ledger)).values())[-1].endswith("two")
    assert (await ledger.verify()).faults == ()
    await ledger.close()


async def test_a_folder_that_cannot_be_written(file: FileHome, children: list[Child]) -> None:
    folder = file.path.parent
    folder.mkdir(mode=0o555)
    child = await Child.of(file, prefix=unprivileged())
    children.append(child)
    for _ in range(2):
        assert await child.told("append a") == (
            f"LedgerError {file.path}: cannot be made: Permission denied"
            " → name another place in `ledger.path`, or make the folder writable"
        )
    folder.chmod(0o777)
    assert await child.told("append a") == "done append"


async def test_a_file_that_cannot_be_written(file: FileHome, children: list[Child]) -> None:
    ledger = opened(file)
    await ledger.append([samples.remark()])
    await ledger.close()
    file.path.chmod(0o444)
    file.path.parent.chmod(0o555)
    child = await Child.of(file, prefix=unprivileged())
    children.append(child)
    said = await child.told("append a")
    assert said.startswith(f"LedgerError {file.path}: cannot be ")
    assert "belong" in said or "give" in said
    assert await ledger.last() == 1
    await ledger.close()


async def test_a_lock_that_another_process_keeps(file: FileHome, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(file)
    await ledger.append([samples.remark()])
    await ledger.close()
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another process has kept it locked for 10 s (SQLITE_BUSY) → find it with `fuser`" in await told(ledger)
        with pytest.raises(LedgerError, match="SQLITE_BUSY"):
            await ledger.probe()
        assert await ledger.last() == 1
        other.execute("ROLLBACK")
    assert (await ledger.append([samples.remark()]))[0].number == 2
    await ledger.close()


@pytest.mark.parametrize("junk", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_file_that_is_something_else(file: FileHome, junk: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(junk * 100)
    ledger = opened(file)
    said = await told(ledger)
    assert said.startswith(f"{file.path}: is ")
    assert "restore a backup" in said
    await ledger.close()
    assert file.path.read_bytes() == junk * 100


async def test_a_damaged_file(file: FileHome) -> None:
    ledger = opened(file)
    await ledger.append([samples.remark("x" * 500) for _ in range(400)])
    await ledger.close()
    with file.path.open("r+b") as damaged:
        damaged.seek(20 * 4096)
        damaged.write(b"\xff" * 40 * 4096)
    with pytest.raises(LedgerError, match=r"ledger\.db: is damaged \(SQLITE_CORRUPT.*restore a backup"):
        await ledger.verify()
    await ledger.close()


async def test_a_file_that_is_moved_away_takes_no_entries_along(file: FileHome) -> None:
    ledger = opened(file)
    await ledger.append([samples.remark()])
    file.path.rename(file.path.with_name("elsewhere.db"))
    for _ in range(2):
        assert "was moved, removed or replaced while in use → put it back" in await told(ledger)
        await ledger._writer.close()
    assert not file.path.exists()
    file.path.with_name("elsewhere.db").rename(file.path)
    assert (await ledger.append([samples.remark()]))[0].number == 2
    await ledger.close()


async def test_an_empty_file_becomes_a_ledger(file: FileHome) -> None:
    """As a crash while it is made leaves it."""
    file.path.parent.mkdir()
    file.path.touch()
    ledger = opened(file)
    assert (await ledger.append([samples.remark()]))[0].number == 1
    await ledger.close()


async def test_one_that_is_not_there_is_not_made_by_looking(file: FileHome) -> None:
    ledger = open_ledger(file.config, create=False)
    with pytest.raises(LedgerError, match=r"ledger\.db: there is no ledger → "):
        await ledger.last()
    assert not file.path.parent.exists()
    await ledger.close()


class _Breaking:
    """A connection that the server ends, before or after it has made a write durable."""

    def __init__(self, driver: Any, url: str, *, after: bool, meanwhile: str = "SELECT 1") -> None:
        self._driver = driver
        self._meanwhile = meanwhile
        self._url = url
        self._after = after

    def execute(self, sql: str, parameters: Mapping[str, object] | None = None, /) -> Any:
        if sql != "COMMIT":
            return self._driver.execute(sql, parameters)
        if self._after:
            self._driver.execute(sql)
        with psycopg.connect(self._url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [self._driver.info.backend_pid])
            other.execute(self._meanwhile.encode())
        return self._driver.execute("SELECT 1" if self._after else sql)

    def close(self) -> None:
        self._driver.close()


@pytest.mark.parametrize("after", [True, False])
async def test_a_connection_that_breaks_at_a_commit(
    server: ServerHome, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    """What became of the write is looked up: it is there once, whichever way it went."""
    ledger = opened(server)
    fence = await ledger.acquire("k", samples.holder(), run="run-1", purpose=lit("p"), seconds=30)
    await ledger.append([samples.remark("before")])
    real = Session._open
    broken: list[Any] = []

    def once(session: Session) -> Any:
        driver = real(session)
        if not broken:
            broken.append(driver)
            session._driver = driver = _Breaking(driver, server.url, after=after)
        return driver

    monkeypatch.setattr(Session, "_open", once)
    wrote = await ledger.append([samples.remark("a"), samples.remark("b")], fences=[fence])
    broken.clear()
    wrote += (await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence]),)
    with pytest.raises(AlreadyClaimed):
        await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    assert [sealed.number for sealed in wrote] == [2, 3, 4]
    assert tuple([sealed async for sealed in ledger.read(after=1)]) == wrote
    assert (await ledger.verify()).faults == ()
    await ledger.close()


async def test_who_loses_a_lock_with_its_connection_does_not_go_on(
    server: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim is recorded, so that nobody else carries it out either: what became of it, a person has to say."""
    ledger = opened(server)
    fence = await ledger.acquire("k", samples.holder(), run="run-1", purpose=lit("p"), seconds=30)
    real, taken_over = Session._open, "UPDATE ledger_locks SET token = token + 1"
    broken: list[Any] = []

    def once(session: Session) -> Any:
        driver = real(session)
        if not broken:
            broken.append(driver)
            session._driver = driver = _Breaking(driver, server.url, after=True, meanwhile=taken_over)
        return driver

    monkeypatch.setattr(Session, "_open", once)
    with pytest.raises(FencedOut):
        await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    assert await ledger.last() == 1
    assert (await ledger.verify()).faults == ()
    await ledger.close()


def at(server: Postgresql, **changed: str) -> str:
    said = server.url()
    for old, new in changed.items():
        said = said.replace({"password": "p%40ss", "port": str(server.port), "name": "/postgres"}[old], new)
    return said


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"password": "wrong"}, "the server refuses the user or the password"),
        ({"port": "1"}, "cannot be reached"),
        ({"name": "/none"}, "there is no such database"),
    ],
)
async def test_a_server_that_cannot_be_used(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], problem: str
) -> None:
    monkeypatch.setenv("TEST_LEDGER_URL", at(postgresql, **changed))
    ledger = open_ledger(LedgerConfig(url=Secret(env="TEST_LEDGER_URL")))
    said = await told(ledger)
    assert said.startswith("postgresql://127.0.0.1:")
    assert problem in said
    assert " → " in said
    assert "word" not in said.replace("the user or the password", "")
    await ledger.close()


@pytest.mark.parametrize("url", ["mysql://a:secret-word@h/d", "secret-word", "postgresql://a:secret-word@h:port/d"])
async def test_an_address_that_is_none_is_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TEST_LEDGER_URL", url)
    ledger = open_ledger(LedgerConfig(url=Secret(env="TEST_LEDGER_URL")))
    assert await told(ledger) == ("ledger.url: is not an address → write postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    await ledger.close()


async def test_a_secret_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_LEDGER_URL", raising=False)
    ledger = open_ledger(LedgerConfig(url=Secret(env="TEST_LEDGER_URL")))
    assert (await told(ledger)).startswith("ledger.url: environment variable TEST_LEDGER_URL: is not set → ")
    await ledger.close()


async def test_without_its_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv("TEST_LEDGER_URL", "postgresql://h/d")
    ledger = open_ledger(LedgerConfig(url=Secret(env="TEST_LEDGER_URL")))
    assert "PostgreSQL needs psycopg" in (said := await told(ledger))
    assert "pip install 'tuiops[postgres]'" in said
    await ledger.close()


async def test_a_server_that_is_read_only_or_lacks_grants(server: ServerHome) -> None:
    ledger = opened(server)
    await ledger.append([samples.remark()])
    await ledger.close()
    name = "tuiops"
    server.plainly(f"ALTER ROLE {name} SET default_transaction_read_only TO on")
    try:
        assert "the server is read-only (25006)" in await told(ledger)
        with pytest.raises(LedgerError, match=r"the server is read-only \(25006\)"):
            await ledger.probe()
    finally:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only TO off")
            connection.execute(f"ALTER ROLE {name} RESET default_transaction_read_only".encode())
    await ledger.close()
    assert (await ledger.append([samples.remark()]))[0].number == 2
    await ledger.close()


async def test_a_server_whose_disk_is_full(server: ServerHome) -> None:
    ledger = opened(server)
    await ledger.append([samples.remark()])
    server.by_hand(
        "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON ledger_entries EXECUTE FUNCTION fill()",
    )
    assert await told(ledger) == (
        f"{server.place}: the server's disk is full (53100) → make room there; what failed was not recorded"
    )
    assert await ledger.last() == 1
    server.by_hand("DROP TRIGGER full_disk ON ledger_entries")
    assert (await ledger.append([samples.remark()]))[0].number == 2
    await ledger.close()


async def test_who_keeps_the_chain_locked_is_told_of(server: ServerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(server)
    await ledger.append([samples.remark()])
    await ledger.close()
    monkeypatch.setattr(postgresql_module, "_SETTINGS", (*postgresql_module._SETTINGS, "SET lock_timeout TO '100ms'"))
    with psycopg.connect(server.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [postgresql_module.CHAIN])
        assert "kept it locked for 10 s (55P03) → look for it in pg_stat_activity" in await told(ledger)
    assert (await ledger.append([samples.remark()]))[0].number == 2
    await ledger.close()


async def test_who_stops_in_the_middle_of_a_write_does_not_stop_the_others(
    server: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = postgresql_module._SETTINGS
    assert "SET idle_in_transaction_session_timeout TO '5s'" in settings
    assert "SET lock_timeout TO '10s'" in settings
    ledger = opened(server)
    await ledger.append([samples.remark()])
    monkeypatch.setattr(
        postgresql_module, "_SETTINGS", (*settings, "SET idle_in_transaction_session_timeout TO '200ms'")
    )
    database = PostgresDatabase(server.url)
    stopped = database.connect()
    for statement in database.begin:
        stopped.execute(statement)
    assert (await ledger.append([samples.remark()]))[0].number == 2
    with pytest.raises(psycopg.Error, match="idle-in-transaction"):
        stopped.execute("COMMIT")
    await ledger.close()


async def test_a_cancelled_write_leaves_it_usable(file: FileHome) -> None:
    ledger = opened(file)
    await ledger.append([samples.remark()])
    for _ in range(20):
        write = asyncio.ensure_future(ledger.append([samples.remark()]))
        await asyncio.sleep(0)
        write.cancel()
    await ledger.append([samples.remark("last")])
    verdict = await ledger.verify()
    assert verdict.faults == ()
    assert (await texts(ledger))[verdict.entries] == "last"
    await ledger.close()


async def test_a_user_without_grants_and_one_with_those_of_the_documentation(
    server: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = opened(server)
    await ledger.append([samples.remark()])
    await ledger.close()
    page = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    grants = [line.replace(" TO tuiops;", " TO writer") for line in page.splitlines() if line.startswith("GRANT ")]
    with psycopg.connect(server.url, autocommit=True) as connection:
        [(schema,)] = connection.execute("SELECT current_schema()").fetchall()
        connection.execute("CREATE ROLE writer LOGIN PASSWORD 'x'")
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO writer".encode())
        monkeypatch.setenv("TEST_LEDGER_URL", server.url.replace("tuiops:p%40ss%2Fword%3A%27%22%5C", "writer:x"))
        ledger = opened(server)
        assert "the user may not do that (42501) → give it the tables" in await told(ledger)
        with pytest.raises(LedgerError, match="the user may not do that"):
            await ledger.probe()
        for grant in grants:
            connection.execute(grant.encode())
    assert len(grants) == 4
    fence = await ledger.acquire("k", samples.holder(), run="run-1", purpose=lit("p"), seconds=30)
    await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    await ledger.renew(fence, 30)
    await ledger.release(fence)
    await ledger.probe()
    assert await ledger.next_run_number() == 1
    assert (await ledger.verify()).entries == 2
    await ledger.close()


def test_commits_are_durable_whatever_others_have_set(server: ServerHome, file: FileHome) -> None:
    on_disk = SqliteDatabase(file.path).connect()
    assert on_disk.execute("PRAGMA synchronous").fetchall() == [(2,)]
    assert on_disk.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    on_disk.close()
    server.plainly("ALTER ROLE tuiops SET synchronous_commit TO off")
    server.plainly("ALTER ROLE tuiops SET default_transaction_isolation TO 'serializable'")
    try:
        shared = PostgresDatabase(server.url).connect()
        assert shared.execute("SHOW synchronous_commit").fetchall() == [("on",)]
        assert shared.execute("SHOW transaction_isolation").fetchall() == [("read committed",)]
        shared.close()
    finally:
        server.plainly("ALTER ROLE tuiops RESET ALL")
