"""A proposal in the making: what a look around finds, one thing at a time, and in the order of a file at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tuiops.config.proposal import Entry, Names, Proposal, Table
from tuiops.config.resources import NAME_PATTERN
from tuiops.config.texts import objection
from tuiops.core.text import SafeText, fmt, join, lit, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PRODUCTION = lit(
    "Whether mistakes here reach customers, which nothing that was found tells. As production nobody may act on it "
    "without [people.NAME] and [[permissions]]; with `production = false` the user of this machine may do anything."
)


class Draft:
    """The tables of one source and of one system. Whatever is called by a name from outside gets an identifier."""

    def __init__(self, source: str, system: str) -> None:
        self.source = source
        self._system = system
        self._services = Names()
        self._parts: dict[str, Names] = {}
        self._sources: list[Entry] = []
        self._declared: dict[str, Entry] = {}
        self._tables: dict[str, list[Entry]] = {"resources": [], "indicators": [], "logs": []}
        self._warnings: dict[SafeText, None] = {}

    def warn(self, *warnings: SafeText) -> None:
        """Something is not in the proposal; said once."""
        self._warnings.update(dict.fromkeys(warnings))

    def root(self, table: Table, values: dict[str, Any], why: SafeText) -> None:
        """A table outside the system: a source, its credentials."""
        self._sources.append(Entry(table=table, values=values, why=why))

    def service(self, name: str, why: SafeText) -> str:
        """The identifier of a service, which is declared when it has not been yet."""
        id_ = self._services.of(name)
        if id_ not in self._declared:
            sayable = objection(name, None) is None
            if not sayable:
                self.warn(fmt("service {}: its name cannot be configured", safe(name, 80)))
            match = {"match": name} if name != id_ and sayable else {}
            self._declared[id_] = Entry(table=("systems", self._system, "services", id_), values=match, why=why)
        return id_

    def configurable(self, kind: str, name: str) -> bool:
        """Whether a resource can have this name; a warning when it cannot."""
        if re.fullmatch(NAME_PATTERN, name) is not None:
            return True
        self.warn(fmt("{} {}: its name cannot be configured", safe(kind), safe(name, 80)))
        return False

    def resource(
        self, kind: str, name: str, service: tuple[str, SafeText], why: Iterable[SafeText], **more: object
    ) -> str | None:
        """The identifier of the service that a resource belongs to; None when the resource cannot be configured.

        `service` is its name, and why it is proposed.
        """
        if not self.configurable(kind, name):
            return None
        id_ = self.service(*service)
        values = {"kind": kind, "source": self.source, "service": id_, "name": name, **more}
        self._add("resources", name, values, why)
        return id_

    def indicator(self, name: str, kind: str, source: str, why: SafeText, **values: object) -> None:
        """A measure of services."""
        self._add("indicators", name, {"kind": kind, "source": source, **values}, (why,))

    def log(self, name: str, kind: str, why: SafeText, **values: object) -> None:
        """A stream of logs."""
        self._add("logs", name, {"kind": kind, "source": self.source, **values}, (why,))

    def proposal(self) -> Proposal:
        """Sources, the environment, services, what they run on, measures, logs; nothing when nothing was found."""
        found = (*self._declared.values(), *(entry for entries in self._tables.values() for entry in entries))
        entries = (*self._sources, *self._place(), *found) if found else ()
        return Proposal(entries=entries, warnings=tuple(self._warnings))

    def _place(self) -> Iterator[Entry]:
        """The system in an environment of its own, called as it is: nothing that was found says what it is."""
        yield Entry(table=("environments", self._system), values={"production": True}, why=_PRODUCTION)
        why = lit("Give it the name of another environment where it is in one that you have already.")
        yield Entry(table=("systems", self._system), values={"environment": self._system}, why=why)

    def _add(self, part: str, name: str, values: dict[str, Any], why: Iterable[SafeText]) -> None:
        id_ = self._parts.setdefault(part, Names()).fresh(name)
        told = join(" ", (text for text in why if text))
        self._tables[part].append(Entry(table=("systems", self._system, part, id_), values=values, why=told))
