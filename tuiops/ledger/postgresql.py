"""PostgreSQL: one ledger for several machines."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from typing import TYPE_CHECKING, Any, cast

from tuiops.core.text import safe
from tuiops.errors import Fault, LedgerError
from tuiops.ledger.database import BUSY_SECONDS, VERSIONS, Lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sqlalchemy import URL, Dialect

    from tuiops.core.text import SafeText
    from tuiops.ledger.database import Driver

CHAIN = 0x7475696F7073
"""The advisory lock under which entries are added: `tuiops` in ASCII."""

CHANNEL = "tuiops_ledger"

_ODD = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST = 200

_CONNECTION = {
    "connect_timeout": 5,
    "application_name": "tuiops",
    "client_encoding": "utf8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_SETTINGS = (
    # Neither server nor role may make commits that are not durable, or that see an old end of the chain.
    "SET synchronous_commit TO on",
    "SET default_transaction_isolation TO 'read committed'",
    f"SET lock_timeout TO '{BUSY_SECONDS}s'",
    "SET statement_timeout TO '15s'",
    # A console that is stopped in the middle of a write must not stop all others.
    f"SET idle_in_transaction_session_timeout TO '{BUSY_SECONDS // 2}s'",
)

_FAULTS = {
    "08": ("the connection broke", "see whether the server runs and can be reached"),
    "28": ("the server refuses the user or the password", "check the address that `ledger.url` names"),
    "3D": ("there is no such database", "make it: createdb --owner=USER NAME"),
    "42501": ("the user may not do that", "give it the tables; docs/ledger.md has the grants"),
    "53100": ("the server's disk is full", "make room there; what failed was not recorded"),
    "53": ("the server has no room for more", "see its log; what failed was not recorded"),
    "25006": ("the server is read-only", "name the primary in `ledger.url`, not a replica"),
    "55P03": (f"another process has kept it locked for {BUSY_SECONDS} s", "look for it in pg_stat_activity"),
    "57014": ("the server took too long", "see what it is busy with in pg_stat_activity"),
    "57P": ("the server is shutting down or starting", "wait until it is back"),
    "XX": ("the server's data is damaged", "keep it as it is and restore a backup; docs/ledger.md says how"),
}

_WHERE = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
}
"""What tells ledgers apart, and the variables that say it where the address does not. A schema may be the user's."""

_ENDED = ("08", "57P", "25P03", "25P04")
"""With these the server ends a connection, or never had it."""


class PostgresDatabase:
    """A database whose tables begin with `ledger_`. `url` may hold a password, which no message repeats."""

    place: SafeText
    """What errors call it."""
    name: str
    """What files about this ledger are called: another one for another server, database, user or schema."""

    begin = ("BEGIN", f"SELECT pg_advisory_xact_lock({CHAIN})")
    now = "SELECT extract(epoch FROM clock_timestamp())::double precision"
    machine = False
    known = f"SELECT (to_regclass('{VERSIONS}') IS NOT NULL)::int"
    notify = f"NOTIFY {CHANNEL}"

    def __init__(self, url: str) -> None:
        """Raises LedgerError when it is not an address of a PostgreSQL database."""
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            self._url: URL = make_url(url)
            known = self._url.get_backend_name() in {"postgresql", "postgres"}
        except (ArgumentError, ValueError):
            known = False
        if not known:
            raise LedgerError(
                str(Fault("ledger.url", "", "is not an address", "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"))
            )
        self.place, self.name = _called(self._given())

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (_driver().Error,)

    def dialect(self) -> Dialect:
        from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

        return PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without types

    def connect(self) -> Driver:
        driver = _driver()
        try:
            connection = driver.connect(**self._arguments())
        except driver.Error as error:
            raise self._unreachable(error) from None
        try:
            self._set_up(connection)
        except BaseException:  # whatever it was goes on; the connection does not
            connection.close()
            raise
        return cast("Driver", connection)

    def _set_up(self, connection: Any) -> None:
        for setting in _SETTINGS:
            connection.execute(setting)
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise self._error(f"its encoding is {safe(str(encoding))}", "make a database with encoding UTF8")

    def check(self, driver: Driver) -> None:
        """A server keeps what it acknowledges, or breaks the connection."""

    def fault(self, error: Exception) -> LedgerError:
        state = getattr(error, "sqlstate", None) or ""
        problem, remedy = f"fails: {safe(str(error).partition(chr(10))[0])}", "see the server's log"
        for prefix, known in _FAULTS.items():
            if state.startswith(prefix):
                problem, remedy = known
                break
        else:
            if isinstance(error, _driver().OperationalError):
                problem, remedy = _FAULTS["08"]
        silent = not state and isinstance(error, (_driver().OperationalError, _driver().InterfaceError))
        kind = Lost if silent or state.startswith(_ENDED) else LedgerError
        return kind(str(Fault(self.place, "", f"{problem} ({state})" if state else problem, remedy)))

    async def hints(self, seconds: float) -> AsyncIterator[None]:
        driver = _driver()
        while True:
            try:
                async with await driver.AsyncConnection.connect(**self._arguments()) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    while True:
                        async for _ in connection.notifies(timeout=seconds, stop_after=1):
                            pass
                        yield
            except driver.Error:
                # A notice is a hint; without it the poll finds what there is.
                await asyncio.sleep(seconds)
                yield

    def _arguments(self) -> dict[str, Any]:
        return {**_CONNECTION, **self._given(), "autocommit": True}

    def _given(self) -> dict[str, Any]:
        """What the address says to libpq: what follows its `?` counts before what comes before it."""
        named = self._url.translate_connect_args(username="user", database="dbname")
        more = {name: given if isinstance(given, str) else ",".join(given) for name, given in self._url.query.items()}
        return {**named, **more}

    def _unreachable(self, error: Exception) -> LedgerError:
        """Libpq tells why a connection failed in words alone: the codes of the server's refusals are in none."""
        said = str(error)
        for words, state in _REFUSALS.items():
            if words in said:
                return self._error(*_FAULTS[state])
        reason = safe(said.strip().splitlines()[-1] if said.strip() else "no answer")
        return self._error(f"cannot be reached: {reason}", "see whether the server runs; tuiops tries again by itself")

    def _error(self, problem: str, remedy: str) -> LedgerError:
        return LedgerError(str(Fault(self.place, "", problem, remedy)))


_REFUSALS = {
    "authentication failed": "28",
    "no pg_hba.conf entry": "28",
    "role ": "28",
    "does not exist": "3D",
    "the database system is": "57P",
    "too many clients": "53",
}


def _called(given: Mapping[str, Any]) -> tuple[SafeText, str]:
    """What errors and what files call a ledger. What the address leaves out, libpq takes from variables."""
    known = {name: str(given.get(name) or os.environ.get(variable, "")) for name, variable in _WHERE.items()}
    host, port, database = (known[name] for name in ("host", "port", "dbname"))
    host = host or known["hostaddr"] or (f"service {known['service']}" if known["service"] else "local")
    if "/" in host:
        place = safe(f"postgresql:///{database}?host={host}{f'&port={port}' if port else ''}")
    else:
        place = safe(f"postgresql://{host}{f':{port}' if port else ''}/{database}")
    words = "-".join(part for part in (host, port or "5432", database, known["options"]) if part)
    # Signs that cannot be in the name of a file tell ledgers apart all the same.
    what = {**known, "port": port or "5432"}.values()
    own = hashlib.blake2b("\0".join(what).encode("utf-8", "replace"), digest_size=6).hexdigest()
    return place, f"{_ODD.sub('_', words)[:_LONGEST]}-{own}"


def _driver() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise LedgerError(
            str(Fault("ledger.url", "", f"PostgreSQL needs psycopg: {error}", "pip install 'tuiops[postgres]'"))
        ) from error
    return psycopg
