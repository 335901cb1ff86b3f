"""What Alembic runs to bring a ledger up to date: on the connection that it is given, within its transaction."""

from __future__ import annotations

from alembic import context

from tuiops.ledger.database import VERSIONS
from tuiops.ledger.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, version_table=VERSIONS)
context.run_migrations()
