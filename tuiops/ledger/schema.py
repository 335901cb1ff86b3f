"""The tables of a ledger, the same in every database. `docs/ledger.md` describes them; migrations make them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, text

HEAD = "0001"
"""The version of the schema that this program knows: the last of the migrations."""

_Number = BigInteger().with_variant(Integer, "sqlite")

METADATA = MetaData()

entries = Table(
    "ledger_entries",
    METADATA,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
)

# Partial, so that what belongs to no run, and most events, cost no page more.
_of_a_run = entries.c.run != text("''")
_requested = entries.c.event == text("'run.requested'")
Index(
    "ledger_entries_by_run", entries.c.run, entries.c.number, sqlite_where=_of_a_run, postgresql_where=_of_a_run
)  # fmt: skip
Index("ledger_entries_requested", entries.c.number, sqlite_where=_requested, postgresql_where=_requested)

claims = Table(
    "ledger_claims",
    METADATA,
    Column("execution", Text, primary_key=True),
    Column("number", _Number, ForeignKey("ledger_entries.number"), nullable=False, unique=True),
)

locks = Table(
    "ledger_locks",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("token", _Number, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("pid", _Number, nullable=False),
    Column("born", Double, nullable=False),
    Column("run", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    # Seconds since 1970 by the database's own clock, so that consoles need not agree on the time.
    Column("since", Double, nullable=False),
    Column("expires", Double, nullable=False),
)

counters = Table(
    "ledger_counters",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", _Number, nullable=False),
)
