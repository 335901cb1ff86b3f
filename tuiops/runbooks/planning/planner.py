"""From a runbook and what was chosen to a plan: reads what has to be read, and has abilities say what they would do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, safe
from tuiops.errors import Refused, SourceError
from tuiops.runbooks.format import abilities, facts, parameters
from tuiops.runbooks.format.model import ApiAction, ListedParameter
from tuiops.runbooks.format.template import Place, TemplateError, filled_in
from tuiops.runbooks.planning import resolve
from tuiops.runbooks.planning.places import places
from tuiops.runbooks.planning.resolve import Ground
from tuiops.sources.abilities import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from tuiops.runbooks.format.load import Kept, Library
    from tuiops.runbooks.planning.plan import Call, Plan, PlannedStep
    from tuiops.runbooks.planning.resolve import Wanted
    from tuiops.runbooks.world import World

    Values = Mapping[str, tuple[str, ...]]

_Found = TypeVar("_Found")

_AT_ONCE = 8
"""Things that are read side by side."""


class Planner:
    """Plans the runbooks of a library in a world."""

    def __init__(self, library: Callable[[], Library], world: World, *, drill: bool = False) -> None:
        """`drill`: whether the world is a simulated one."""
        self._library = library
        self._world = world
        self._drill = drill

    @property
    def library(self) -> Library:
        """All runbooks there are."""
        return self._library()

    def kept(self, runbook: str) -> Kept:
        """The runbook of an id. Refused when there is none."""
        found = self.library.runbooks.get(runbook)
        if found is None and runbook in self.library.mistaken:
            raise Refused(f"the runbook {safe(runbook)} has mistakes; `tuiops check` names them")
        if found is None:
            raise Refused(f"there is no runbook {safe(runbook)}")
        return found

    async def plan(
        self, runbook: str, system: str, values: Values, alert: SafeText = EMPTY, *, at: datetime | None = None
    ) -> Plan:
        """Everything that a run would do, as the world stands. Refused with the reason; never a part of a plan.

        `at`: the moment that the plan is of, to make again one that was made then.
        """
        return await self._plan(runbook, system, values, alert, at or self._world.clock.now())

    async def again(self, plan: Plan) -> Plan:
        """The same as the world stands now, of the same moment: an equal plan when nothing has moved."""
        return await self._plan(plan.runbook, plan.system, plan.parameters, plan.alert, plan.at)

    async def _plan(self, runbook: str, system: str, values: Values, alert: SafeText, at: datetime) -> Plan:
        kept = self.kept(runbook)
        self._suits(kept, system)
        checked = parameters.checked(
            kept.runbook, values, now=self._world.clock.now(), lists=await self._lists(kept, system, values)
        )
        environment, production = self.environment(system)
        wanted = resolve.wanted(kept.runbook, checked)
        read = dict(zip(wanted, await self._all([self._read(system, one) for one in wanted]), strict=True))
        ground = Ground(
            at=at,
            system=system,
            environment=environment,
            production=production,
            read=read,
            alert=alert,
            drill=self._drill,
        )
        made = resolve.plan(kept, checked, ground)
        made = msgspec.structs.replace(made, places=places(self._world.config, system, made.steps))
        steps = resolve.preparable(made)
        calls = await self._all([self._call(made, step) for step in steps])
        return resolve.with_calls(made, {step.key: call for step, call in zip(steps, calls, strict=True)})

    async def choices(self, runbook: str, system: str, parameter: str, values: Values) -> tuple[SafeText, ...]:
        """What a listed parameter may be, given those before it; empty for what is typed."""
        kept = self.kept(runbook)
        wanted = kept.runbook.parameters.get(parameter)
        if not isinstance(wanted, ListedParameter):
            return ()
        return tuple(safe(one) for one in await self._listed(system, wanted, values))

    def _suits(self, kept: Kept, system: str) -> None:
        runbook = kept.runbook
        if system not in runbook.systems:
            raise Refused(f"{safe(runbook.id)} is not for {safe(system)}, but for {safe(', '.join(runbook.systems))}")
        environment, _ = self.environment(system)
        if runbook.environments and environment not in runbook.environments:
            raise Refused(f"{safe(runbook.id)} is not for {safe(environment)}")

    def environment(self, system: str) -> tuple[str, bool]:
        """Name of a system's environment, and whether it is production."""
        config = self._world.config
        known = config.systems.get(system)
        name = (known.environment if known is not None else None) or config.environment
        wanted = config.environments.get(name)
        return name, wanted is not None and wanted.production

    async def _lists(self, kept: Kept, system: str, values: Values) -> dict[str, tuple[str, ...]]:
        """What each listed parameter may be at this moment."""
        listed = {name: one for name, one in kept.runbook.parameters.items() if isinstance(one, ListedParameter)}
        found = await self._all([self._offered(system, name, one, values) for name, one in listed.items()])
        return dict(zip(listed, found, strict=True))

    async def _offered(self, system: str, name: str, parameter: ListedParameter, values: Values) -> tuple[str, ...]:
        """As `_listed`; Refused with the parameter's name when it cannot be read."""
        try:
            return await self._listed(system, parameter, values)
        except SourceError as error:
            what = fmt("{} for {}", safe(facts.WORDS.get(parameter.of, parameter.of)), safe(name))
            raise Refused(fmt("not planned: the {} cannot be listed: {}", what, safe(str(error), 500))) from None

    async def _listed(self, system: str, parameter: ListedParameter, values: Values) -> tuple[str, ...]:
        known = facts.choices(self._world.config, system, parameter)
        if known is not None:
            return known
        words = {name: given[0] for name, given in values.items() if given}
        try:
            resource = filled_in(parameter.resource or "", Place.NAME, words)
        except (Refused, TemplateError):
            return ()
        if parameter.of not in {"revisions", "backups", "secret_versions"}:
            return ()
        return await self._told(system, parameter.of, resource)

    async def _told(self, system: str, of: str, resource: str) -> tuple[str, ...]:
        return await self._world.told(system, of, resource)  # type: ignore[arg-type] # the format knows no other words

    async def _read(self, system: str, wanted: Wanted) -> str:
        if wanted.of in facts.CONFIGURED:
            return facts.configured(self._world.config, system, wanted.of, wanted.resource) or ""
        try:
            found = await self._told(system, wanted.of, wanted.resource)
        except SourceError as error:
            what = fmt("{} of {}", safe(facts.WORDS.get(wanted.of, wanted.of)), safe(wanted.resource))
            raise Refused(fmt("not planned: the {} cannot be read: {}", what, safe(str(error), 500))) from None
        return found[0] if found else ""

    async def _call(self, made: Plan, step: PlannedStep) -> Call:
        """What an ability says that it would do now."""
        do = step.do
        if not isinstance(do, ApiAction):
            raise TypeError("only abilities tell beforehand what they would do")
        acts = self._world.acting(made.system, do.resource)
        if acts is None:
            raise Refused(f"{step.title}: no source that can act watches {safe(do.resource)}")
        try:
            target = Target(made.system, do.resource)
            return resolve.call_of(await abilities.prepare(acts, target, do, made.token(step.key), made.at))
        except (Refused, SourceError) as error:
            raise Refused(fmt("{}: {}", step.title, safe(str(error), 500))) from None

    async def _all(self, works: list[Coroutine[None, None, _Found]]) -> list[_Found]:
        """What all of them return, in their order; when one fails the others are cancelled and its error is raised."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(work: Coroutine[None, None, _Found]) -> _Found:
            async with slots:
                return await work

        tasks = [asyncio.create_task(one(work)) for work in works]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
