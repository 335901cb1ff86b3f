"""What somebody wants done, while it is still being put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tuiops.core.text import EMPTY, SafeText
from tuiops.runbooks.format.model import AnyParameter


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook with its values so far."""

    runbook: str
    system: str
    title: SafeText
    parameters: Mapping[str, AnyParameter]
    values: Mapping[str, tuple[str, ...]] = {}
    """By parameter; what is left out has its default, or has to be asked for."""
    given: frozenset[str] = frozenset()
    """The parameters that the selected row filled in."""
    alert: SafeText = EMPTY
    """Identity of the alert that it is begun from."""
    refused: Callable[[SafeText, SafeText], None]
    """Tells people, wherever they are by then, that what they confirmed was not begun: its title, and why."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The parameters that have neither a value nor a default."""
        return tuple(
            name
            for name, one in self.parameters.items()
            if not self.values.get(name) and not (one.defaults if one.many else one.default)
        )

    def with_values(self, values: Mapping[str, tuple[str, ...]]) -> Request:
        """The same with other values."""
        return msgspec.structs.replace(self, values=values)
