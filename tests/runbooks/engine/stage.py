"""A shop with runbooks, and consoles that act on it: real ledger, real commands, abilities of a resource in memory."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from tests.ledger.homes import opened
from tests.runbooks.records import KIM
from tests.runbooks.worlds import SmallWorld
from tuiops.config.load import Loaded, load
from tuiops.config.secrets import resolve_secret
from tuiops.core.access import Danger, Principal, Role, Rule
from tuiops.core.clock import SystemClock
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import SafeText, lit, safe
from tuiops.ledger.holders import this_process
from tuiops.runbooks.desk.session import Sitting
from tuiops.runbooks.engine.engine import Engine
from tuiops.runbooks.engine.permits import Permits
from tuiops.runbooks.engine.step import Means
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.format.load import Library, library
from tuiops.runbooks.planning.planner import Planner
from tuiops.sources.abilities import Fact, Prepared, Progress, Receipt, StateChanged, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from tests.ledger.homes import Home
    from tuiops.core.record import AnyEvent, Entry
    from tuiops.core.runs import RunView, StepView
    from tuiops.errors import SourceError
    from tuiops.runbooks.planning.plan import Card
    from tuiops.sources.abilities import Target
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector

CONFIG = """
environment = "staging"
[environments.staging]
[sources.cloud]
type = "gcp"
project = "shop-project"
[systems.shop]
label = "Shop"
[systems.shop.resources.api]
kind = "cloud_run"
source = "cloud"
name = "api"
region = "europe-west1"
service = "api"
[systems.shop.services.api]
"""

HEAD = """
version = 1
id = "mend"
title = "Mend the shop"
systems = ["shop"]
target = "shop"
"""

ANYTHING = (Rule(danger=Danger.DESTROYS, place=lit("test")),)
TWO_PERSONS = (Rule(danger=Danger.DESTROYS, second=Danger.CHANGES, place=lit("test")),)

LOOK_EVERY = 0.02
"""Seconds that the longest pause of an engine takes here."""

DONE = {RunState.SUCCEEDED, RunState.FAILED, RunState.ABORTED, RunState.UNDONE, RunState.REJECTED}
RESTS = DONE | {RunState.PAUSED, RunState.UNKNOWN}


APPEND = """
import os, sys
os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), sys.argv[2].encode() + b"\\n")
"""


class JumpingClock(SystemClock):
    """The machine's clock, set forward or back by the test."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return super().now() + self.offset


class Service:
    """A resource whose traffic can be shifted. It keeps what was done to it."""

    def __init__(self) -> None:
        self.shares: dict[str, int] = {"one": 100}
        self.done: list[dict[str, int]] = []
        self.tokens: list[str] = []
        self.progress = Progress.DONE
        self.refuses: SourceError | None = None
        self.begun = asyncio.Event()

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(Fact(safe(name), safe(f"{share}%")) for name, share in self.shares.items())

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        words = ",".join(f"{name}={share}" for name, share in percents.items())
        before = ",".join(f"{name}={share}" for name, share in self.shares.items())
        return Prepared(
            target=target,
            verb=lit("shift traffic"),
            argv=(lit("gcloud"), lit("run"), safe(f"--to-revisions={words}")),
            before=self.facts,
            after=tuple(Fact(safe(name), safe(f"{share}%")) for name, share in percents.items()),
            seen=before,
            token=token,
            call=words.encode(),
            reversal=Wish("shift_traffic", {"shares": before}),
        )

    async def perform(self, prepared: Prepared) -> Receipt:
        if self.refuses is not None:
            raise self.refuses
        if ",".join(f"{name}={share}" for name, share in self.shares.items()) != prepared.seen:
            raise StateChanged(self.facts)
        pairs = (pair.split("=") for pair in prepared.call.decode().split(","))
        self.shares = {name: int(share) for name, share in pairs}
        self.done.append(self.shares)
        self.tokens.append(prepared.token)
        self.begun.set()
        return Receipt(prepared=prepared, progress=self.progress, operation="operations/7", facts=self.facts)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return Receipt(prepared=receipt.prepared, progress=self.progress, operation=receipt.operation, facts=self.facts)


class Stage:
    """What consoles share: a ledger, a folder of executions, runbooks, a service, and a file that effects add to."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder = folder
        self.home = home
        self.clock = JumpingClock()
        self.service = Service()
        self.effects = folder / "effects"
        self.executions = folder / "executions"
        file = folder / "config.toml"
        file.write_text(CONFIG, encoding="utf-8")
        self.loaded: Loaded = load(file, environ={})
        (folder / "runbooks").mkdir(exist_ok=True)
        self.consoles: list[Console] = []
        self.bastions: dict[str, Bastion] = {}

    def configure(self, more: str) -> None:
        """Have more in the configuration."""
        file = self.folder / "config.toml"
        file.write_text(CONFIG + more, encoding="utf-8")
        self.loaded = load(file, environ={})

    @property
    def done(self) -> list[str]:
        """Words that effects have added to the file, in their order."""
        return self.effects.read_text().split() if self.effects.exists() else []

    def append(self, word: str) -> str:
        """A command that adds a line to the file, as a runbook has it."""
        script = self.folder / "append.py"
        script.write_text(APPEND, encoding="utf-8")
        return f'{{ kind = "command", argv = ["{sys.executable}", "{script}", "{self.effects}", "{word}"] }}'

    def runbook(self, steps: str, head: str = HEAD) -> None:
        """Write the runbook down."""
        (self.folder / "runbooks" / "mend.toml").write_text(head + steps, encoding="utf-8")
        faults = self.library().faults
        assert not faults, faults

    def two_steps(self) -> None:
        """The runbook that adds `one` and `two`, each with its undo."""
        self.runbook("".join(step(word, self.append(word), undo=self.append(f"un{word}")) for word in ("one", "two")))

    def library(self) -> Library:
        return library(self.loaded)

    async def console(self, who: Principal = KIM, rules: tuple[Rule, ...] = ANYTHING, **more: object) -> Console:
        """Another console, at work."""
        made = self.prepared(who, rules, **more)
        await made.engine.start()
        return made

    def prepared(self, who: Principal = KIM, rules: tuple[Rule, ...] = ANYTHING, **more: object) -> Console:
        """One whose engine has yet to be started."""
        made = Console(self, who, rules, **more)  # type: ignore[arg-type] # passed on
        self.consoles.append(made)
        return made

    async def entries(self) -> list[Entry]:
        """All that is recorded."""
        ledger = opened(self.home)
        try:
            return [sealed.entry async for sealed in ledger.read()]
        finally:
            await ledger.close()

    async def events(self, *kinds: type) -> list[AnyEvent]:
        """The events of some kinds, in their order."""
        return [entry.event for entry in await self.entries() if not kinds or isinstance(entry.event, kinds)]

    async def close(self) -> None:
        for console in self.consoles:
            await console.close()


class Console:
    """An engine with somebody who sits at it."""

    def __init__(
        self,
        stage: Stage,
        who: Principal,
        rules: tuple[Rule, ...],
        fault: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.stage = stage
        self.world = SmallWorld()
        self.world.clock = stage.clock  # type: ignore[assignment] # a clock all the same
        self.world.configured = stage.loaded.config
        self.world.bastions = stage.bastions
        self.world.acts[("shop", "api")] = stage.service
        self.changed = asyncio.Condition()
        self.troubles: list[SafeText] = []
        self.closed = False
        effects = Executions(
            resolve_secret, lambda: cast("HttpConnector", None), self.world.bastion, base=stage.executions
        )
        means = Means(
            world=self.world, effects=effects, resolve=resolve_secret, pause=self._pause, fault=self._fault
        )  # fmt: skip
        self.fault = fault
        self.paused = asyncio.Event()
        self.engine = Engine(
            opened(stage.home, stage.clock),
            means,
            this_process(safe(f"{who.person} on {who.session}"), who.session),
            Permits(lambda: rules),
            troubled=self.troubles.append,
        )
        self.planner = Planner(stage.library, self.world)
        self.sitting = self.seat(who)

    def seat(self, who: Principal) -> Sitting:
        """Somebody else at the same console."""
        return Sitting(self.engine, self.planner, lambda: who)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, LOOK_EVERY))

    def _fault(self, where: str) -> None:
        self.fault(where)

    async def card(self, **values: str) -> Card:
        return await self.sitting.plan("mend", "shop", {name: (value,) for name, value in values.items()})

    async def begun(self, typed: str = "", **values: str) -> str:
        """A run of the runbook that was just begun."""
        return await self.sitting.confirm(await self.card(**values), typed)

    def view(self, run: str) -> RunView:
        return self.engine.history(run).view

    def step(self, run: str, key: str) -> StepView:
        return next(view for view in self.view(run).steps if view.key == key)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what the engine brings about."""
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(LOOK_EVERY)

    async def comes_to(self, run: str, *states: RunState) -> RunView:
        """The run when it stands so, and is in nobody's hands here if that is the end of it."""
        await self.until(lambda: self._there(run) and self.view(run).state in states)
        if set(states) <= RESTS:
            await self.until(lambda: not self.engine.in_hand(run))
        return self.view(run)

    def _there(self, run: str) -> bool:
        return self.engine.find(run) is not None

    async def at(self, run: str, key: str, state: StepState) -> None:
        await self.until(lambda: self._there(run) and self.step(run, key).state is state)

    async def asked_anew(self, run: str, key: str, before: RunView) -> None:
        """When a step asks once more that did so in the run as it was `before`."""
        known = {step.execution for step in before.steps}
        await self.until(lambda: self.step(run, key).execution not in known)
        await self.at(run, key, StepState.ASKING)

    async def lost(self, run: str) -> RunView:
        """The run when this console sees that nobody carries it out any more, and what can be found out is."""
        await self.until(lambda: self._there(run) and self.engine.history(run).started)
        return await self.comes_to(run, RunState.PAUSED)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await self.engine.stop()


def step(name: str, do: str, *, danger: str = "C", undo: str = "", **more: str) -> str:
    """A step of a runbook, as TOML."""
    lines = ["[[steps]]", f'id = "{name}"', f'title = "Step {name}"', f"do = {do}"]
    if danger:
        lines.append(f'danger = "{danger}"')
    if undo:
        lines.append(f"undo = {undo}")
    elif danger == "X" and "undo_reason" not in more:
        lines += ['undo = "none"', 'undo_reason = "it is gone"']
    lines += [f"{key} = {value}" for key, value in more.items()]
    return "\n".join(lines) + "\n"


def person(name: str, role: Role = Role.OPERATOR, session: str = "", account: str = "") -> Principal:
    """Somebody at a console of their own."""
    return Principal(
        person=safe(name), account=safe(account or f"local:{name}"), session=session or f"s-{name}", role=role
    )
