"""`tuiops runbook`: what can be done, what exactly it would be, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.cli import confirming, following, interrupted, loop, settings
from tuiops.cli.again import again
from tuiops.cli.exits import Exit
from tuiops.cli.output import Tone, complain
from tuiops.core.access import Deed
from tuiops.core.text import EMPTY, LINE, fmt, join, lit, safe
from tuiops.errors import LedgerError, Refused, Unresolved, UsageError
from tuiops.runbooks.engine.aborting import abort_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from tuiops.cli.output import Output
    from tuiops.core.runs import RunView
    from tuiops.runbooks.desk.session import Seat, Sitting
    from tuiops.runbooks.engine.engine import Engine
    from tuiops.runbooks.engine.reading import Reader
    from tuiops.runbooks.format.load import Kept, Library
    from tuiops.runbooks.planning.plan import Card
    from tuiops.runbooks.record.history import History
    from tuiops.wiring import Subject

_SEEN_FIRST = frozenset({"resume", "undo"})
"""What is begun only by somebody who was shown what it is."""
_ANSWERS = frozenset({"approve", "reject"})
"""What is said of runs that were not begun yet; all else may be done with one that was cut off."""


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    subject = settings.subject(arguments)
    if arguments.what in {"list", "show"}:
        return _tell(_library(subject), arguments, out)
    if arguments.what in {"plan", "run"}:
        _kept(_library(subject), arguments)
    return loop.run(_act(subject, arguments, out))


# --- What there is ------------------------------------------------------------------------------------------------


def _library(subject: Subject) -> Library:
    from tuiops.runbooks.format.load import folders, library
    from tuiops.sim.declared import complete

    if subject.loaded is None:
        raise UsageError("there is no configuration, and so there are no runbooks")
    return library(complete(subject.loaded, folders(subject.loaded)))


def _tell(known: Library, arguments: argparse.Namespace, out: Output) -> Exit:
    if arguments.what == "list":
        _list(known, arguments, out)
        return Exit.CONFIG if known.faults else Exit.OK
    _show(_kept(known, arguments), arguments, out)
    return Exit.OK


def _kept(known: Library, arguments: argparse.Namespace) -> Kept:
    """The runbook of a name. UsageError when there is none that can be used."""
    from tuiops.config.texts import nearest

    name = arguments.name
    found = known.runbooks.get(name)
    if found is not None:
        return found
    if name in known.mistaken:
        raise UsageError(f"the runbook {name!r} has mistakes; `{again(arguments, 'check')}` names them")
    raise UsageError(f"there is no runbook {name!r}: {nearest(name, known.runbooks)}")


def _row(kept: Kept) -> dict[str, Any]:
    from tuiops.runbooks.desk.offers import danger_of

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
        check = again(arguments, "check")
        complain(fmt("{} mistakes keep others from use; `{}` names them", len(known.faults), check))


def _show(kept: Kept, arguments: argparse.Namespace, out: Output) -> None:
    runbook = kept.runbook
    if arguments.output != "table":
        out.exact({**_row(kept), "runbook": msgspec.to_builtins(runbook, enc_hook=float)})
        return
    out.line((safe(runbook.title), Tone.HEADING))
    for line in runbook.description.splitlines():
        out.line(safe(line, LINE))
    for name, parameter in runbook.parameters.items():
        many = lit(", several") if parameter.many else EMPTY
        kind = safe(str(parameter.__struct_config__.tag))
        out.line(fmt("  {} ({}{})  {}", safe(name), kind, many, safe(parameter.description)))
    for number, step in enumerate(runbook.steps, 1):
        out.line(fmt("{:>3} {} {}  [{}]", number, safe(step.danger or "S"), safe(step.title), safe(step.id)))
    out.line(fmt("file {}", safe(str(kept.file), 1000)))


# --- What is done -------------------------------------------------------------------------------------------------


async def _act(subject: Subject, arguments: argparse.Namespace, out: Output) -> Exit:
    from tuiops import wiring

    # What is done is judged by what sources say; what stops it, or is said about it, waits for none.
    patience = arguments.timeout if arguments.what in {"run", *_SEEN_FIRST} else None
    try:
        if arguments.what == "plan":
            async with wiring.outlook(subject, arguments.timeout) as (runs, seat):
                return _foretold(await _card(runs, seat, arguments), arguments, out)
        async with wiring.seat(subject, patience) as (engine, sitting):
            if arguments.what == "run":
                return await _run_it(engine, sitting, arguments, out)
            return await _on_run(engine, sitting, arguments, out)
    except (LedgerError, Refused) as error:
        complain(safe(str(error), 2000))
        return Exit.REFUSED


async def _run_it(engine: Engine, sitting: Sitting, arguments: argparse.Namespace, out: Output) -> Exit:
    card = await _card(engine, sitting, arguments)
    if arguments.dry_run:
        return _foretold(card, arguments, out)
    typed = await confirming.confirmed(card, arguments, out)
    run = await sitting.confirm(card, typed)
    return await following.follow(engine, sitting, run, arguments, out)


def _foretold(card: Card, arguments: argparse.Namespace, out: Output) -> Exit:
    confirming.tell(card, arguments.output, out)
    return Exit.OK if card.decision.allowed else Exit.REFUSED


async def _card(runs: Reader, seat: Seat, arguments: argparse.Namespace) -> Card:
    await seat.runbook(arguments.name)
    at = confirming.moment(arguments.confirm) if arguments.what == "run" and arguments.confirm else None
    system = arguments.system or await _only_system(seat, arguments.name)
    card = await seat.plan(arguments.name, system, _values(arguments.values), at=at)
    unknown, _ = runs.troubles("")
    if unknown:
        complain(fmt("who holds what is not known: {}", unknown))
    return card


async def _only_system(seat: Seat, name: str) -> str:
    systems = (await seat.runbook(name)).systems
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
    if arguments.what not in _ANSWERS:
        await interrupted.look_up(engine, view, arguments.timeout)
        view = engine.history(view.id).view
    if arguments.what in _SEEN_FIRST:
        return await _go(engine, sitting, view, arguments, out)
    await _deeds(sitting, engine, view, arguments, out)[arguments.what]()
    if arguments.what == "abort":
        for line in abort_text(view) if arguments.output == "table" else ():
            out.line(line)
        out.flush()
        code = await following.follow(engine, sitting, view.id, arguments, out)
        # It is what was asked for.
        return Exit.OK if code is Exit.RUN_ABORTED else code
    following.tell(engine.history(view.id).view, arguments.output, out)
    if arguments.what == "approve" and arguments.output == "table":
        resume = again(arguments, "runbook", "resume", f"{view.number}")
        out.line(fmt("the console that asked begins it; when that has left: {}", resume))
    return Exit.OK


async def _go(engine: Engine, sitting: Sitting, view: RunView, arguments: argparse.Namespace, out: Output) -> Exit:
    """Go on with a run, or back, once what that is was shown and confirmed."""
    undo = arguments.what == "undo"
    try:
        _may(engine, sitting, engine.history(view.id), undo=undo)
        if arguments.dry_run:
            confirming.tell_ahead(view, arguments.output, out, undo=undo)
            return Exit.OK
        typed = await confirming.agreed(view, arguments, out, undo=undo)
        await (sitting.undo if undo else sitting.resume)(view, typed)
    except Unresolved as error:
        view = engine.history(view.id).view
        following.tell(view, arguments.output, out)
        return interrupted.unresolved(view, error, arguments)
    return await following.follow(engine, sitting, view.id, arguments, out)


def _may(engine: Engine, sitting: Sitting, history: History, *, undo: bool) -> None:
    """Whether it may be done at all, before anything is shown or asked. Refused when not."""
    from tuiops.runbooks.engine import preconditions

    if undo:
        engine.permits.undo(sitting.principal, history.plan)
        preconditions.may_go_back(history)
    else:
        engine.permits.allow(sitting.principal, Deed.RESOLVE, history.plan)
        (preconditions.may_go_on if history.started else preconditions.may_begin)(history)


def _deeds(
    sitting: Sitting, engine: Engine, view: RunView, arguments: argparse.Namespace, out: Output
) -> dict[str, Callable[[], Awaitable[None]]]:
    """What can be done with a run, by its word."""

    async def approve() -> None:
        history = engine.history(view.id)
        digest = await confirming.seen(history, arguments, out)
        must_type = (await sitting.asked_for(view.id)).must_type
        asked = confirming.beside(arguments, out)
        typed = must_type if arguments.confirm else await confirming.typed(must_type, asked)
        await sitting.approve(view.id, digest, typed)

    async def settle() -> None:
        succeeded = arguments.came_out == "succeeded"
        await sitting.settle(view, arguments.step, succeeded=succeeded, note=arguments.note)

    return {
        "approve": approve,
        "reject": lambda: sitting.reject(view.id, arguments.note),
        "abort": lambda: sitting.abort(view.id, arguments.note),
        "skip": lambda: sitting.skip(view, arguments.step, arguments.note),
        "settle": settle,
    }


def _run(engine: Engine, name: str) -> RunView:
    """The run of a number, with or without `#`, or of an identity."""
    for view in engine.runs:
        if name in {view.id, str(view.number), f"#{view.number}"}:
            return view
    known = join(", ", (fmt("#{} {}", view.number, view.title) for view in engine.runs[:5]))
    raise UsageError(f"there is no run {name!r}; the last ones are: {known or 'none'}")
