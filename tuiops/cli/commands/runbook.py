"""`tuiops runbook`: what can be done, what exactly it would be, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.cli import confirming, following, interrupted, loop, settings
from tuiops.cli.exits import Exit
from tuiops.cli.output import Tone, complain
from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.errors import LedgerError, Refused, Unresolved, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from tuiops.cli.output import Output
    from tuiops.core.runs import RunView
    from tuiops.runbooks.engine import Engine
    from tuiops.runbooks.load import Kept, Library
    from tuiops.runbooks.plan import Card
    from tuiops.runbooks.sitting import Sitting

_OF_RUNBOOKS = frozenset({"show", "plan", "run"})
"""What takes the name of a runbook; everything else but `list` takes a run."""
_FOLLOWED = frozenset({"resume", "undo", "abort"})
_ANSWERS = frozenset({"approve", "reject"})
"""What is said of runs that were not begun yet; all else may be done with one that was cut off."""


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    if arguments.what != "list" and arguments.name is None:
        raise UsageError(f"runbook {arguments.what} needs {_needs(arguments.what)}")
    if arguments.what in {"list", "show"}:
        return _tell(arguments, out)
    return loop.run(_act(arguments, out))


def _needs(what: str) -> str:
    return "the name of a runbook" if what in _OF_RUNBOOKS else "the number of a run"


# --- What there is ------------------------------------------------------------------------------------------------


def _tell(arguments: argparse.Namespace, out: Output) -> Exit:
    from tuiops.runbooks.load import folders, library
    from tuiops.sim.declared import complete

    loaded = settings.subject(arguments).loaded
    if loaded is None:
        raise UsageError("there is no configuration, and so there are no runbooks")
    known = library(complete(loaded, folders(loaded)))
    if arguments.what == "list":
        _list(known, arguments, out)
        return Exit.CONFIG if known.faults else Exit.OK
    _show(_kept(known, arguments.name), arguments, out)
    return Exit.OK


def _kept(known: Library, name: str) -> Kept:
    from tuiops.config.texts import nearest

    found = known.runbooks.get(name)
    if found is None:
        raise UsageError(f"there is no runbook {name!r}: {nearest(name, known.runbooks)}")
    return found


def _row(kept: Kept) -> dict[str, Any]:
    from tuiops.runbooks.offers import danger_of

    runbook = kept.runbook
    return {
        "schema": 1,
        "kind": "runbook",
        "id": runbook.id,
        "title": runbook.title,
        "systems": list(runbook.systems),
        "environments": list(runbook.environments),
        "danger": danger_of(runbook).value,
        "file": str(kept.file),
        "digest": kept.digest,
    }


def _list(known: Library, arguments: argparse.Namespace, out: Output) -> None:
    rows = [
        _row(kept)
        for kept in known.runbooks.values()
        if arguments.system is None or arguments.system in kept.runbook.systems
    ]
    if arguments.output == "json":
        out.exact({"schema": 1, "kind": "runbooks", "runbooks": rows})
    elif arguments.output == "ndjson":
        for row in rows:
            out.exact(row)
    else:
        headings = (lit("RUNBOOK"), lit("DANGER"), lit("SYSTEMS"), lit("TITLE"))
        cells = [
            [
                (safe(row["id"]), Tone.PLAIN),
                (safe(row["danger"]), Tone.PLAIN),
                (safe(", ".join(row["systems"])), Tone.PLAIN),
                (safe(row["title"]), Tone.PLAIN),
            ]
            for row in rows
        ]
        out.table(headings, cells)
    if known.faults:
        complain(fmt("{} mistakes keep others from use; `tuiops check` names them", len(known.faults)))


def _show(kept: Kept, arguments: argparse.Namespace, out: Output) -> None:
    runbook = kept.runbook
    if arguments.output != "table":
        out.exact({**_row(kept), "runbook": msgspec.to_builtins(runbook, enc_hook=float)})
        return
    out.line((safe(runbook.title), Tone.HEADING))
    for line in runbook.description.splitlines():
        out.line(safe(line))
    for name, parameter in runbook.parameters.items():
        many = lit(", several") if parameter.many else EMPTY
        kind = safe(str(parameter.__struct_config__.tag))
        out.line(fmt("  {} ({}{})  {}", safe(name), kind, many, safe(parameter.description)))
    for number, step in enumerate(runbook.steps, 1):
        out.line(fmt("{:>3} {} {}  [{}]", number, safe(step.danger or "S"), safe(step.title), safe(step.id)))
    out.line(fmt("file {}", safe(str(kept.file), 1000)))


# --- What is done -------------------------------------------------------------------------------------------------


async def _act(arguments: argparse.Namespace, out: Output) -> Exit:
    from tuiops import wiring

    subject = settings.subject(arguments)
    try:
        async with wiring.seat(subject, arguments.timeout) as (engine, sitting):
            if arguments.what in _OF_RUNBOOKS:
                return await _plan_or_run(engine, sitting, arguments, out)
            return await _on_run(engine, sitting, arguments, out)
    except (LedgerError, Refused) as error:
        complain(safe(str(error), 2000))
        return Exit.REFUSED


async def _plan_or_run(engine: Engine, sitting: Sitting, arguments: argparse.Namespace, out: Output) -> Exit:
    await sitting.runbook(arguments.name)
    card = await _card(sitting, arguments)
    if arguments.what == "plan" or arguments.dry_run:
        confirming.tell(card, arguments.output, out)
        return Exit.OK if card.decision.allowed else Exit.REFUSED
    typed = confirming.confirmed(card, arguments, out)
    run = await sitting.confirm(card, typed)
    return await following.follow(engine, sitting, run, arguments.output, out)


async def _card(sitting: Sitting, arguments: argparse.Namespace) -> Card:
    at = confirming.moment(arguments.confirm) if arguments.confirm and arguments.what == "run" else None
    system = arguments.system or await _only_system(sitting, arguments.name)
    return await sitting.plan(arguments.name, system, _values(arguments.values), at=at)


async def _only_system(sitting: Sitting, name: str) -> str:
    systems = (await sitting.runbook(name)).systems
    if len(systems) != 1:
        raise UsageError(f"{name} is for several systems: name one with --system ({', '.join(systems)})")
    return systems[0]


def _values(words: list[str]) -> dict[str, tuple[str, ...]]:
    """`name=value`; a name that comes several times is a list, in that order."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is no parameter: write name=value")
        found[name] = (*found.get(name, ()), value)
    return found


async def _on_run(engine: Engine, sitting: Sitting, arguments: argparse.Namespace, out: Output) -> Exit:
    view = _run(engine, arguments.name)
    deed = _deeds(sitting, engine, view, arguments, out)[arguments.what]
    if arguments.what not in _ANSWERS:
        await interrupted.look_up(engine, view, arguments.timeout)
    try:
        await deed()
    except Unresolved as error:
        view = engine.history(view.id).view
        following.tell(view, arguments.output, out)
        return interrupted.unresolved(view, error)
    if arguments.what in _FOLLOWED:
        return await following.follow(engine, sitting, view.id, arguments.output, out)
    following.tell(engine.history(view.id).view, arguments.output, out)
    if arguments.what == "approve" and arguments.output == "table":
        out.line(fmt("the console that asked begins it; when that has left: tuiops runbook resume {}", view.number))
    return Exit.OK


def _deeds(
    sitting: Sitting, engine: Engine, view: RunView, arguments: argparse.Namespace, out: Output
) -> dict[str, Callable[[], Awaitable[None]]]:
    """What can be done with a run, by its word."""
    note = arguments.note or ""

    async def approve() -> None:
        history = engine.history(view.id)
        await sitting.approve(view.id, confirming.seen(history, arguments, out))

    async def settle() -> None:
        if arguments.came_out is None:
            raise UsageError("say how it came out: --succeeded or --failed")
        await sitting.settle(view.id, _step(arguments), succeeded=arguments.came_out == "succeeded", note=note)

    return {
        "approve": approve,
        "reject": lambda: sitting.reject(view.id, note),
        "resume": lambda: sitting.resume(view.id),
        "abort": lambda: sitting.abort(view.id, note),
        "undo": lambda: sitting.undo(view.id),
        "skip": lambda: sitting.skip(view.id, _step(arguments), note),
        "settle": settle,
    }


def _step(arguments: argparse.Namespace) -> str:
    if len(arguments.values) != 1:
        raise UsageError(f"runbook {arguments.what} needs a run and one of its steps")
    return str(arguments.values[0])


def _run(engine: Engine, name: str) -> RunView:
    """The run of a number, with or without `#`, or of an identity."""
    for view in engine.runs:
        if name in {view.id, str(view.number), f"#{view.number}"}:
            return view
    known = join(", ", (fmt("#{} {}", view.number, view.title) for view in engine.runs[:5]))
    raise UsageError(f"there is no run {name!r}; the last ones are: {known or 'none'}")
