"""Where a plan reaches: what the names of bastions, servers and resources in it stand for, in the configuration.

A name says nothing by itself: behind it the configuration may have another machine or another project tomorrow. So what
it stood for is a part of the plan, and looked at again before every step.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.sources import HttpSourceConfig
from tuiops.core.text import SafeText, fmt, join
from tuiops.runbooks.format.facts import kind_of
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    CommandCheck,
    GateAction,
    HttpAction,
    HttpCheck,
    QueryCheck,
)
from tuiops.runbooks.planning.wording import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tuiops.config.model import Config
    from tuiops.config.sources import Bastion
    from tuiops.runbooks.planning.plan import Plan, PlannedStep

_RESOURCE = "resource"
_NOWHERE = "nothing"


def places(config: Config, system: str, steps: Iterable[PlannedStep]) -> dict[str, str]:
    """By names such as `bastion edge`: where that is. Of all that these steps do, look at and undo."""
    doings = (one for step in steps for one in (step.do, step.confirm, step.undo))
    return {name: _place(config, system, name) for one in doings for name in _names(one)}


def shown(plan: Plan) -> tuple[tuple[SafeText, SafeText], ...]:
    """The bastions and servers with where they are. Resources are seen from the commands that act on them."""
    return tuple(
        (whole(name), whole(place))
        for name, place in plan.places.items()
        if not name.startswith(f"{_RESOURCE} ")
    )  # fmt: skip


def elsewhere(plan: Plan, config: Config, doing: object) -> SafeText:
    """What of that which a step does or looks at is somewhere else by now, in a sentence; empty when nothing is."""
    now = {name: _place(config, plan.system, name) for name in _names(doing)}
    return join("; ", (_said(name, plan.places[name], at) for name, at in now.items() if _other(plan, name, at)))


def _other(plan: Plan, name: str, place: str) -> bool:
    return plan.places.get(name, place) != place


def difference(before: Plan, after: Plan) -> SafeText:
    """What is somewhere else in the second of two plans, in a sentence; empty when nothing is."""
    moved = (name for name, place in after.places.items() if _other(before, name, place))
    return join("; ", (_said(name, before.places[name], after.places[name]) for name in moved))


def _said(name: str, before: str, now: str) -> SafeText:
    return fmt("{} was {} and is {} by now", whole(name), whole(before), whole(now))


def _names(doing: object) -> Iterator[str]:
    """The places that it reaches to."""
    match doing:
        case GateAction(check=check):
            yield from _names(check)
        case CommandAction(via=via) | HttpAction(via=via) | CommandCheck(via=via) | HttpCheck(via=via):
            if via:
                yield f"bastion {via}"
        case QueryCheck(source=source):
            yield f"source {source}"
        case ApiAction(resource=resource):
            yield f"{_RESOURCE} {resource}"
        case _:
            pass


def _place(config: Config, system: str, name: str) -> str:
    kind, _, called = name.partition(" ")
    match kind:
        case "bastion":
            return _bastion(config.bastions.get(called))
        case "source":
            return _source(config, called)
        case _:
            return _resource(config, system, called)


def _bastion(bastion: Bastion | None) -> str:
    if bastion is None:
        return _NOWHERE
    user = f"{bastion.user}@" if bastion.user else ""
    port = f":{bastion.port}" if bastion.port else ""
    files = [
        f"{name} {file}"
        for name, file in (
            ("identity", bastion.identity), ("known_hosts", bastion.known_hosts), ("ssh_config", bastion.ssh_config)
        )
        if file is not None
    ]  # fmt: skip
    return f"{user}{bastion.host}{port}" + (f" ({', '.join(files)})" if files else "")


def _source(config: Config, called: str) -> str:
    source = config.sources.get(called)
    if source is None:
        return _NOWHERE
    via = getattr(source, "via", None)
    behind = f" through {via}, {_bastion(config.bastions.get(via))}" if via else ""
    if isinstance(source, HttpSourceConfig):
        return f"{source.url}{behind}"
    where = [getattr(source, name, None) for name in ("project", "region")]
    who = config.credentials.get(getattr(source, "credentials", None) or "")
    found = " ".join((str(source.__struct_config__.tag), *(one for one in where if one))) + behind
    # Who asks may be of another account; how they prove it concerns nobody here.
    asked = (getattr(source, "endpoints", None), who)
    return found + (f" as {_digest(asked)}" if any(asked) else "")


def _resource(config: Config, system: str, called: str) -> str:
    known = config.systems[system].resources.get(called) if system in config.systems else None
    if known is None:
        return _NOWHERE
    where = [getattr(known, name, None) for name in ("cluster", "region")]
    words = (kind_of(known), known.name, *(one for one in where if one))
    return f"{' '.join(words)} in {known.source}, {_source(config, known.source)}"


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic", enc_hook=str)).hexdigest()[:12]
