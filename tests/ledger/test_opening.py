"""Where a ledger is, what version it has, what its threads do, and how news spreads."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

from tests.ledger import samples
from tests.ledger.homes import FileHome, Home, ServerHome, opened
from tests.servers.ports import free_port
from tuiops.config.model import LedgerConfig
from tuiops.errors import LedgerError
from tuiops.ledger import migrate
from tuiops.ledger import worker as worker_module
from tuiops.ledger.database import VERSIONS
from tuiops.ledger.opening import Opening, open_ledger
from tuiops.ledger.postgresql import PostgresDatabase
from tuiops.ledger.schema import HEAD, METADATA
from tuiops.ledger.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tuiops.ledger.sql import SqlLedger


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys, tuiops.ledger.opening, tuiops.ledger.holders\n"
        "from tuiops.config.model import LedgerConfig\n"
        "tuiops.ledger.opening.open_ledger(LedgerConfig())\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'sqlalchemy', 'alembic', 'psycopg', 'psutil', 'sqlite3'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


async def test_it_is_in_the_state_folder_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("ledger", "drill"):
        ledger = open_ledger(LedgerConfig(), name=name)
        await ledger.append([samples.end()])
        await ledger.close()
    assert {path.name for path in (tmp_path / "tuiops").iterdir()} == {
        "ledger.db", "ledger.db.anchors", "drill.db", "drill.db.anchors",
    }  # fmt: skip


def test_anchors_of_a_shared_one_are_in_the_state_folder(
    tmp_path: Path, postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = ServerHome(tmp_path, postgresql, monkeypatch)
    _, anchors = Opening(LedgerConfig(url=home.config.url))._find()
    schema = home.url.rpartition("%3D")[2]
    name = rf"ledger-127\.0\.0\.1-{postgresql.port}-postgres--csearch_path_{schema}-[0-9a-f]{{12}}\.anchors"
    assert re.fullmatch(name, anchors.path.name)
    assert anchors.path.parent == tmp_path / "state" / "tuiops"


SERVERS = [
    ("postgresql://u@pg-a/db", "postgresql://pg-a/db"),
    ("postgresql://u@pg-b/db", "postgresql://pg-b/db"),
    ("postgresql://u@/db", "postgresql://local/db"),
    ("postgresql://u@/db?host=pg-c", "postgresql://pg-c/db"),
    ("postgresql://u@/db?host=pg-c&port=5433", "postgresql://pg-c:5433/db"),
    ("postgresql://u@pg-a/db?host=pg-d", "postgresql://pg-d/db"),
    ("postgresql://u@/db?host=pg-c,pg-d&port=1,2", "postgresql://pg-c,pg-d:1,2/db"),
    ("postgresql://u@/db?host=pg-d&host=pg-c", "postgresql://pg-d,pg-c/db"),
    ("postgresql://u@/db?host=/run/a", "postgresql:///db?host=/run/a"),
    ("postgresql://u@/db?host=/run_a", "postgresql:///db?host=/run_a"),
    ("postgresql://u@/db?host=/run/a&port=5433", "postgresql:///db?host=/run/a&port=5433"),
    ("postgresql://u@/db?hostaddr=10.0.0.7", "postgresql://10.0.0.7/db"),
    ("postgresql://u@/?service=ops", "postgresql://service ops/"),
    ("postgresql://u@/?host=pg-c&dbname=db2", "postgresql://pg-c/db2"),
    ("postgresql://lee@pg-a/db", "postgresql://pg-a/db"),
    ("postgresql://u@pg-a/db?options=-csearch_path%3Da", "postgresql://pg-a/db"),
    ("postgresql://u@pg-a/db?options=-csearch_path%3Da.", "postgresql://pg-a/db"),
    (f"postgresql://u@/db?host={'h' * 210}1", f"postgresql://{'h' * 210}1/db"),
    (f"postgresql://u@/db?host={'h' * 210}2", f"postgresql://{'h' * 210}2/db"),
]


def test_every_server_and_database_has_a_name_of_its_own() -> None:
    """Anchors of one ledger in the file of another would call it broken."""
    found = [PostgresDatabase(url) for url, _ in SERVERS]
    assert [one.place for one in found] == [place for _, place in SERVERS]
    assert len({one.name for one in found}) == len(SERVERS)
    assert all(re.fullmatch(r"[\w.-]{1,220}", one.name, re.ASCII) for one in found)


@pytest.mark.parametrize("url", ["postgresql://u:old@pg/db?sslmode=require", "postgresql://u@/db?host=pg&password=old"])
def test_a_name_is_the_same_with_another_password_and_holds_none(url: str) -> None:
    name = PostgresDatabase(url).name
    assert name == PostgresDatabase(url.replace("old", "new")).name
    assert name == PostgresDatabase("postgresql://u@pg:5432/db").name
    assert "old" not in name


def test_what_the_address_leaves_out_is_looked_up_where_libpq_does(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for host in ("pg-a", "pg-b"):
        monkeypatch.setenv("PGHOST", host)
        found.append(PostgresDatabase("postgresql://u@/db"))
    assert [one.place for one in found] == ["postgresql://pg-a/db", "postgresql://pg-b/db"]
    assert found[0].name != found[1].name
    assert found[0].name == PostgresDatabase("postgresql://u@pg-a/db").name


async def test_several_servers_are_told_to_libpq_in_its_own_words(postgresql: Any) -> None:
    url = sa.make_url(postgresql.schema())
    several = url.set(host=None, port=None).update_query_dict(
        {"host": ["127.0.0.1", postgresql.host], "port": f"{free_port()},{postgresql.port}"}
    )
    database = PostgresDatabase(several.render_as_string(hide_password=False))
    connection = database.connect()
    assert cast("Any", connection).info.port == postgresql.port
    connection.close()


def engine(home: Home) -> sa.Engine:
    url = f"sqlite:///{home.path}" if isinstance(home, FileHome) else _sqlalchemy(home)
    return sa.create_engine(url, poolclass=NullPool)


def _sqlalchemy(home: Home) -> sa.URL:
    assert isinstance(home, ServerHome)
    return sa.make_url(home.url).set(drivername="postgresql+psycopg")


async def test_the_migrations_make_what_the_tables_say(home: Home, ledger: SqlLedger) -> None:
    await ledger.last()
    with engine(home).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSIONS, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_last_migration_is_the_known_version() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_a_newer_one_is_refused(home: Home, ledger: SqlLedger) -> None:
    await ledger.append([samples.remark()])
    await ledger.close()
    home.plainly(f"UPDATE {VERSIONS} SET version_num = '0099'")
    with pytest.raises(LedgerError) as caught:
        await ledger.append([samples.remark()])
    assert str(caught.value) == (
        f"{home.place}: is of version 0099, which is newer than {HEAD}, the last one that this tuiops knows"
        " → upgrade tuiops here"
    )
    home.plainly(f"UPDATE {VERSIONS} SET version_num = '{HEAD}'")
    assert (await ledger.append([samples.remark()]))[0].number == 2


_NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table("ledger_more", sa.Column("x", sa.Integer))
    op.execute("INSERT INTO ledger_more VALUES (1)")
"""


async def test_an_older_one_is_migrated_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: SqlLedger
) -> None:
    await ledger.append([samples.remark()])
    await ledger.close()
    scripts = tmp_path / "scripts"
    (scripts / "versions").mkdir(parents=True)
    for name in ("env.py", "versions/v0001_entries.py"):
        (scripts / name).write_bytes((migrate.SCRIPTS / name).read_bytes())
    (scripts / "versions" / "v0002_more.py").write_text(_NEXT)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "HEAD", "0002")
    some = [opened(home) for _ in range(4)]
    # Both of the threads that each of them has begin at once.
    await asyncio.gather(*(one.last() for one in some), *(one.append([samples.remark()]) for one in some))
    assert [tuple(row) for row in home.by_hand("SELECT x FROM ledger_more")] == [(1,)]
    assert [tuple(row) for row in home.by_hand(f"SELECT version_num FROM {VERSIONS}")] == [("0002",)]
    assert (await some[0].verify()).entries == 5
    for one in some:
        await one.close()


async def test_a_migration_that_fails_leaves_it_as_it_was(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: SqlLedger
) -> None:
    await ledger.append([samples.remark()])
    await ledger.close()
    scripts = tmp_path / "scripts"
    (scripts / "versions").mkdir(parents=True)
    for name in ("env.py", "versions/v0001_entries.py"):
        (scripts / name).write_bytes((migrate.SCRIPTS / name).read_bytes())
    (scripts / "versions" / "v0002_more.py").write_text(f"{_NEXT}    op.execute('SELECT * FROM nothing')\n")
    with monkeypatch.context() as newer:
        newer.setattr(migrate, "SCRIPTS", scripts)
        newer.setattr(migrate, "HEAD", "0002")
        with pytest.raises(LedgerError, match=r"cannot be brought to version 0002: .*nothing"):
            await ledger.append([samples.remark()])
    assert (await ledger.append([samples.remark()]))[0].number == 2


async def test_news_of_other_processes_arrive(home: Home, ledger: SqlLedger) -> None:
    """On PostgreSQL at once: nobody would wait for this poll."""
    poll = 0.01 if home.name == "sqlite" else 3_600.0
    watching = open_ledger(home.config, poll=poll)
    await ledger.append([samples.remark()])
    news = cast("AsyncGenerator[int]", watching.news())
    first = asyncio.ensure_future(anext(news))
    while not first.done():
        # The first look comes once it listens, at the next notice.
        await ledger.append([samples.remark()])
    seen = await first
    [sealed] = await ledger.append([samples.remark()])
    async with asyncio.timeout(30):
        while seen < sealed.number:
            seen = await anext(news)
    assert seen == sealed.number
    await news.aclose()
    await watching.close()


async def test_no_news_of_a_ledger_that_cannot_be_read_are_an_error(home: Home, ledger: SqlLedger) -> None:
    watching = open_ledger(home.config, poll=0.01)
    await ledger.append([samples.remark()])
    news = cast("AsyncGenerator[int]", watching.news())
    assert await anext(news) == 1
    home.plainly(f"UPDATE {VERSIONS} SET version_num = '0099'")
    await watching._reader.close()
    for waiting in (news, cast("AsyncGenerator[int]", watching.news())):
        with pytest.raises(LedgerError, match="0099"):
            await anext(waiting)
    home.plainly(f"UPDATE {VERSIONS} SET version_num = '{HEAD}'")
    await ledger.append([samples.remark()])
    news = cast("AsyncGenerator[int]", watching.news())
    assert await anext(news) == 2
    await news.aclose()
    await watching.close()


async def test_a_call_that_hangs_is_given_up_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()

    class Stuck:
        def close(self) -> None:
            """Nothing to close."""

    made: list[Any] = []

    def made_one() -> Any:
        made.append(Stuck())
        return made[-1]

    monkeypatch.setattr(worker_module, "CLOSING", 0.1)
    worker = Worker("test", made_one, deadline=0.1)
    with pytest.raises(LedgerError, match=r"did not answer within 0\.1 s"):
        await worker.run(lambda _: stuck.wait())
    assert await worker.run(lambda store: store is made[1])
    hanging = asyncio.ensure_future(worker.run(lambda _: stuck.wait()))
    await asyncio.sleep(0)
    await worker.close()
    await worker.close()
    with pytest.raises(LedgerError):
        await hanging
    stuck.set()
