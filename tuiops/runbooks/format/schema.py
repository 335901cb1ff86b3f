"""The JSON Schema of runbooks, for editors; `tuiops config runbook-schema` prints it.

It says what each value may look like. What lies between keys, such as a parameter that is used but not declared, only
`tuiops check` knows.
"""

from __future__ import annotations

from tuiops.config.schema import schema_of, written_out
from tuiops.runbooks.format.model import Runbook


def text() -> str:
    """The schema as it is checked in."""
    return written_out(schema_of(Runbook, "tuiops runbook"))
