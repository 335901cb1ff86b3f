"""Bringing a ledger to the version that this program knows, under a lock, and refusing one that is newer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.core.text import safe
from tuiops.errors import Fault, LedgerError
from tuiops.ledger.database import VERSIONS
from tuiops.ledger.schema import HEAD

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from tuiops.ledger.database import Database, Driver

SCRIPTS = Path(__file__).parent / "migrations"

_VERSION = f"SELECT version_num FROM {VERSIONS}"  # noqa: S608 - a name of our own


def bring_up(database: Database, driver: Driver) -> None:
    """Migrate the ledger behind a connection when it is older. LedgerError when it is newer."""
    known = driver.execute(database.known).fetchall()[0][0]
    if known and driver.execute(_VERSION).fetchall() == [(HEAD,)]:
        return
    _migrate(database)


def _migrate(database: Database) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    versions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    name = database.dialect().name
    engine = create_engine(
        f"{name}+{'psycopg' if name == 'postgresql' else 'pysqlite'}://", creator=database.connect, poolclass=NullPool
    )
    try:
        with engine.connect() as connection:
            for statement in database.begin:
                connection.exec_driver_sql(statement)
            # Whoever had the lock before may have done it.
            found = _version(connection, database)
            if found is not None and found not in versions:
                problem = (
                    f"is of version {safe(found)}, which is newer than {HEAD}, the last one that this tuiops knows"
                )
                raise LedgerError(str(Fault(database.place, "", problem, "upgrade tuiops here")))
            config.attributes["connection"] = connection
            _upgrade(config, database)
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        if isinstance(error.orig, database.errors):
            raise database.fault(error.orig) from error
        raise


def _upgrade(config: Config, database: Database) -> None:
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        command.upgrade(config, "head")
    except (CommandError, SQLAlchemyError) as error:
        problem = f"cannot be brought to version {HEAD}: {safe(str(getattr(error, 'orig', error)))}"
        raise LedgerError(str(Fault(database.place, "", problem, "it is as it was; see its log"))) from error


def _version(connection: Connection, database: Database) -> str | None:
    if not connection.exec_driver_sql(database.known).scalar():
        return None
    found = connection.exec_driver_sql(_VERSION).scalar()
    return None if found is None else str(found)
