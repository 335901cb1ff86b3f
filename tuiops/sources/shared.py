"""What sources share, such as connections to bastions and to clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.config.sources import Bastion as BastionConfig
    from tuiops.sources.bastion import Bastion


class Closes(Protocol):
    """Something to give back in the end."""

    async def close(self) -> None: ...


_Shared = TypeVar("_Shared", bound=Closes)


class Shared:
    """What sources share, from one configuration to the next: what is configured as before is kept as it is."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[object, Closes]] = {}
        self._used: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """A configuration is read: what it does not ask for by the next time is forgotten."""
        self._known = {key: known for key, known in self._known.items() if key in self._used}
        self._used = set()

    def get(self, kind: str, name: str, wanted: object, make: Callable[[], _Shared]) -> _Shared:
        """The one that was made from an equal wish, or a new one."""
        key = (kind, name)
        self._used.add(key)
        if key not in self._known or self._known[key][0] != wanted:
            self._known[key] = (wanted, make())
        return cast("_Shared", self._known[key][1])

    def all(self) -> tuple[Closes, ...]:
        """All that the configuration has asked for."""
        return tuple(self._known[key][1] for key in sorted(self._used))

    def bastion(self, name: str, wanted: BastionConfig) -> Bastion:
        """The way through a bastion."""
        from tuiops.sources.bastion import Bastion

        return self.get("bastion", name, wanted, lambda: Bastion(name, wanted))
