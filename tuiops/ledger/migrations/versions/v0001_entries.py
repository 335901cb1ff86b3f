"""Entries, claims, locks and counters, with triggers that refuse whatever an append-only record must not know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TEXT = sa.Text

_REFUSED = "the ledger is append-only"
_BACKWARDS = "a token of a lock only grows"
_BACK = "NEW.token < OLD.token OR NEW.key <> OLD.key"


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "ledger_entries",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, _TEXT, nullable=False)
            for name in ("at", "run", "event", "person", "body", "previous", "digest")
        ),
    )
    of_a_run, requested = sa.text("run <> ''"), sa.text("event = 'run.requested'")
    # Partial: what belongs to no run, and most events, cost no page more.
    op.create_index(
        "ledger_entries_by_run", "ledger_entries", ["run", "number"], sqlite_where=of_a_run, postgresql_where=of_a_run
    )
    op.create_index(
        "ledger_entries_requested", "ledger_entries", ["number"], sqlite_where=requested, postgresql_where=requested
    )
    op.create_table(
        "ledger_claims",
        sa.Column("execution", _TEXT, primary_key=True),
        sa.Column("number", _NUMBER, sa.ForeignKey("ledger_entries.number"), nullable=False, unique=True),
    )
    op.create_table(
        "ledger_locks",
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("token", _NUMBER, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("name", "session", "host", "boot")),
        sa.Column("pid", _NUMBER, nullable=False),
        sa.Column("born", sa.Double, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("run", "purpose")),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("since", "expires")),
    )
    counters = op.create_table(
        "ledger_counters",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("value", _NUMBER, nullable=False),
    )
    op.bulk_insert(counters, [{"name": "run", "value": 0}])
    for statement in _GUARDS[op.get_context().dialect.name]:
        op.execute(statement)


def _trigger(name: str, act: str, table: str, body: str) -> str:
    return f"CREATE TRIGGER {table}_{name} BEFORE {act} ON {table} {body}"


_APPENDED = ("ledger_entries", "ledger_claims")

_RAISE = "BEGIN SELECT RAISE(ABORT, '{}'); END"
_SQLITE = (
    *(_trigger("no_update", "UPDATE", table, _RAISE.format(_REFUSED)) for table in _APPENDED),
    *(_trigger("no_delete", "DELETE", table, _RAISE.format(_REFUSED)) for table in (*_APPENDED, "ledger_locks")),
    _trigger("forward", "UPDATE", "ledger_locks", f"WHEN {_BACK} {_RAISE.format(_BACKWARDS)}"),
)

_FUNCTION = (
    "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '{}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
_REFUSE = "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
_FORWARD = f"FOR EACH ROW WHEN ({_BACK}) EXECUTE FUNCTION ledger_refuse_backwards()"
_POSTGRESQL = (
    _FUNCTION.format("ledger_refuse", _REFUSED),
    _FUNCTION.format("ledger_refuse_backwards", _BACKWARDS),
    *(_trigger("no_change", "UPDATE OR DELETE OR TRUNCATE", table, _REFUSE) for table in _APPENDED),
    _trigger("no_delete", "DELETE OR TRUNCATE", "ledger_locks", _REFUSE),
    _trigger("forward", "UPDATE", "ledger_locks", _FORWARD),
)

_GUARDS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
