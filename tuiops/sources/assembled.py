"""A source that is made of parts: they are read side by side, and one that fails takes nothing from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from tuiops.core.rollouts import Phase
from tuiops.core.text import SafeText, fmt, safe
from tuiops.core.updates import AlertsUpdate, HealthUpdate, RolloutsUpdate
from tuiops.errors import QueryRefused, SourceError
from tuiops.sources.acting import ActsOn
from tuiops.sources.http_errors import deadline
from tuiops.sources.parts import ActingPart, AlertsPart, HealthPart, ResourcePart, RolloutsPart, part_of
from tuiops.sources.together import raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from datetime import datetime

    from tuiops.config.clouds import CloudConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Acts, Prepared, Receipt, Target
    from tuiops.sources.parts import Part, PartRollouts
    from tuiops.sources.quota import Quotas

_Part = TypeVar("_Part", bound="Part")
_Found = TypeVar("_Found")

_SHARE = 0.9
"""Of the time of a poll, what one part may take: when it takes all, the answers of the others must not go with it."""


class SharedClient(Protocol):
    """What all parts of a source ask with."""

    quotas: Quotas

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        ...

    async def log_in(self) -> None:
        """Find credentials. Raises errors.AccessDenied when there are none."""
        ...

    async def close(self) -> None: ...


class AssembledSource:
    """Health, rollouts and actions of its parts. `AlertsToo` adds alerts."""

    def __init__(
        self,
        names: tuple[SafeText, SafeText],
        config: CloudConfig,
        parts: Iterable[Part],
        client: SharedClient,
        clock: Clock,
    ) -> None:
        """`names`: the source's own and its kind's."""
        self.name, self.kind = names
        self.interval = float(config.interval)
        self.timeout = float(config.timeout)
        self._rollout_interval = float(config.rollout_interval)
        self._parts = tuple(parts)
        self._client = client
        self._clock = clock
        self._told: dict[str, PartRollouts] = {}
        """What each part last said of rollouts, by its name."""

    async def close(self) -> None:
        await self._client.close()

    async def read_health(self) -> HealthUpdate:
        """All readings. Raises when nothing at all could be read."""
        at, before = self._clock.now(), self._client.requests
        parts = [part for part in self._parts if isinstance(part, HealthPart)]
        found, failed = await self._each(parts, lambda part: part.read_health(at))
        readings = [reading for result in found for reading in result.readings]
        readings += [reading for part, error in failed for reading in part.unread(at, safe(str(error)))]
        return HealthUpdate(
            at=at,
            readings=tuple(readings),
            warnings=self._warnings(failed, [result.warnings for result in found]),
            requests=self._client.requests - before,
            dropped=sum(result.dropped for result in found),
        )

    async def read_rollouts(self) -> RolloutsUpdate:
        """Every rollout, past ones included; of a part that failed, what it said last. Raises when all fail."""
        at, before = self._clock.now(), self._client.requests
        parts = [part for part in self._parts if isinstance(part, RolloutsPart)]
        read, failed = await self._each(parts, self._remembering(at))
        found = [*read, *(_unread(self._told[part.name], error) for part, error in failed if part.name in self._told)]
        return RolloutsUpdate(
            at=at,
            rollouts=tuple(rollout for result in found for rollout in result.rollouts),
            drifts=tuple(drift for result in found for drift in result.drifts),
            again_in=self._rollout_interval if any(result.moving for result in found) else None,
            warnings=self._warnings(failed, [result.warnings for result in found]),
            requests=self._client.requests - before,
            dropped=sum(result.dropped for result in found),
        )

    def _remembering(self, at: datetime) -> Callable[[RolloutsPart], Coroutine[Any, Any, PartRollouts]]:
        """How a part is asked for its rollouts."""

        async def read(part: RolloutsPart) -> PartRollouts:
            told = self._told[part.name] = await part.read_rollouts(at)
            return told

        return read

    def acting(self, target: Target) -> Acts | None:
        """What can be done to a resource, by all the parts that can do something to it."""
        able = [part.able(target) for part in self._parts if isinstance(part, ResourcePart)]
        found = [one for one in able if one is not None]
        return ActsOn(self, *found) if found else None

    async def perform(self, prepared: Prepared) -> Receipt:
        """Begin what one of the parts prepared."""
        return await self._acting(prepared).perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        """How it stands by now."""
        return await self._acting(receipt.prepared).look_up(receipt)

    def _acting(self, prepared: Prepared) -> ActingPart:
        wanted = part_of(prepared.call)
        for part in self._parts:
            if part.name == wanted and isinstance(part, ActingPart):
                return part
        raise QueryRefused(f"{self.name} has not prepared this action")

    async def _each(
        self, parts: Sequence[_Part], read: Callable[[_Part], Coroutine[Any, Any, _Found]]
    ) -> tuple[list[_Found], list[tuple[_Part, SourceError]]]:
        """What the parts answer, and why others do not. Raises when all fail, and when nobody could be asked."""
        async with deadline(self.timeout, self.name):
            if not parts:
                # An answer that took no question would prove nothing.
                await self._client.log_in()
            jobs = {part: read(part) for part in parts}
            found, failed = await together(jobs, _SHARE * self.timeout, lambda part: part.name)
        raise_if_all(found, failed)
        return list(found.values()), list(failed.items())

    def _warnings(
        self, failed: Sequence[tuple[Part, SourceError]], said: Iterable[tuple[SafeText, ...]]
    ) -> tuple[SafeText, ...]:
        """Why parts failed, what the others lack, and which limits make data late; each once."""
        found = [fmt("{}: {}", part.name, safe(str(error), 500)) for part, error in failed]
        found += [warning for warnings in said for warning in warnings]
        found += self._client.quotas.notes()
        return tuple(dict.fromkeys(found))


def _unread(told: PartRollouts, error: SourceError) -> PartRollouts:
    """What a part said last, as far as it holds while the part cannot be read: nothing has ended meanwhile for all
    that is known, no drift is over, and what was under way is looked for as often as before.
    """
    reason = safe(str(error))
    return msgspec.structs.replace(
        told,
        rollouts=tuple(
            msgspec.structs.replace(one, phase=Phase.UNKNOWN, message=reason) if one.live else one
            for one in told.rollouts
        ),
        warnings=(),
        dropped=0,
    )


class AlertsToo(AssembledSource):
    """The alerts of its parts as well."""

    async def read_alerts(self) -> AlertsUpdate:
        """Every alert. Raises when one part fails: no alert would prove nothing then."""
        at, before = self._clock.now(), self._client.requests
        parts = [part for part in self._parts if isinstance(part, AlertsPart)]
        found, failed = await self._each(parts, lambda part: part.read_alerts(at))
        if failed:
            raise failed[0][1]
        return AlertsUpdate(
            at=at,
            alerts=tuple(alert for result in found for alert in result.alerts),
            knows_silences=all(result.knows_silences for result in found),
            warnings=self._warnings([], [result.warnings for result in found]),
            requests=self._client.requests - before,
            dropped=sum(result.dropped for result in found),
        )
