"""`tuiops ledger`: what was done, by whom and with what evidence; and the proof that the record is whole."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from tuiops.cli import loop, settings, story
from tuiops.cli.exits import Exit
from tuiops.cli.output import Span, Tone
from tuiops.cli.tables import local
from tuiops.core.record import RunEnded, RunRequested, Sealed, name_of
from tuiops.core.runs import RunView
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, join, lit, safe
from tuiops.errors import UsageError
from tuiops.ledger.opening import open_ledger, usual_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator, Iterator

    from tuiops.cli.output import Output
    from tuiops.config.model import Config
    from tuiops.core.access import Principal
    from tuiops.ledger.base import Lock, Verdict
    from tuiops.ledger.chain import Row
    from tuiops.ledger.sql import SqlLedger
    from tuiops.runbooks.planning.plan import Plan

_FEW = 20
"""Runs that are listed when none is named."""

_NOT_OVER = lit("not over")
_VERDICTS: Final[dict[bool | None, Span]] = {
    True: (lit("whole  "), Tone.GOOD),
    False: (lit("broken  "), Tone.WORST),
    None: (lit("empty  "), Tone.BAD),
}


class _Run(msgspec.Struct, frozen=True):
    """A run, by its request and what the ledger holds of it."""

    request: Sealed
    event: RunRequested
    entries: tuple[Sealed, ...]
    view: RunView | None
    """How it stands; None when it is none that this version understands."""

    @property
    def ended(self) -> SafeText:
        """How it ended; empty while it is not over."""
        if self.view is not None:
            return EMPTY if self.view.live else self.view.state.word
        ends = [each.entry.event for each in self.entries if isinstance(each.entry.event, RunEnded)]
        return safe(ends[-1].state) if ends else EMPTY

    @property
    def state(self) -> SafeText:
        """How it stands, and in whose hands it is."""
        if self.view is None:
            return self.ended or _NOT_OVER
        held = fmt(", held by {}", self.view.held_by) if self.view.held_by else EMPTY
        return fmt("{}{}", self.view.state.word, held)


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    config = settings.subject(arguments).config
    output = arguments.format or ("ndjson" if arguments.what == "export" else "table")
    if arguments.what == "verify" and arguments.run is not None:
        raise UsageError("ledger verify looks at all entries and takes no run")
    if arguments.what == "export" and output != "ndjson":
        raise UsageError("ledger export writes ndjson only: a record is read line by line")
    return loop.run(_do(arguments.what, arguments.run, output, config, out))


async def _do(what: str, run: str | None, output: str, config: Config, out: Output) -> Exit:
    ledger = open_ledger(config.ledger, name=usual_name(config), create=False)
    try:
        if what == "verify":
            return _tell_verdict(await ledger.verify(), output, out)
        if what == "export":
            return await _export(ledger, run, out)
        if run is None:
            return _tell_runs(await _last_runs(ledger), output, config, out)
        return _tell_story(await _find(ledger, run), output, config, out)
    finally:
        await ledger.close()


def _tell_verdict(verdict: Verdict, output: str, out: Output) -> Exit:
    if output == "table":
        from tuiops.ledger.verify import sentence

        for fault in verdict.faults:
            out.line((lit("fault  "), Tone.WORST), fault)
        out.line(_VERDICTS[verdict.whole], fmt("{} entries. {}", verdict.entries, sentence(verdict)))
    else:
        out.document(
            {
                "schema": 1,
                "kind": "verdict",
                "whole": verdict.whole,
                "entries": verdict.entries,
                "anchored": verdict.anchored,
                "faults": list(verdict.faults),
            },
            compact=output == "ndjson",
        )
    return {True: Exit.OK, False: Exit.DOWN, None: Exit.UNKNOWN}[verdict.whole]


async def _export(ledger: SqlLedger, run: str | None, out: Output) -> Exit:
    identity = None if run is None else (await _find(ledger, run)).request.entry.run
    async with aclosing(cast("AsyncGenerator[Row]", ledger.rows(run=identity))) as rows:
        async for row in rows:
            out.exact({"schema": 1, "kind": "entry", **row._asdict()})
    return Exit.OK


async def _last_runs(ledger: SqlLedger) -> list[_Run]:
    requests = [sealed async for sealed in ledger.requests()]
    return [await _whole(ledger, sealed) for sealed in requests[-_FEW:]]


async def _find(ledger: SqlLedger, run: str) -> _Run:
    """The run of a number, with or without `#`, or of an identity. UsageError when there is none."""
    number = run.removeprefix("#")
    async with aclosing(cast("AsyncGenerator[Sealed]", ledger.requests())) as requests:
        async for sealed in requests:
            event = sealed.entry.event
            if isinstance(event, RunRequested) and (sealed.entry.run == run or str(event.number) == number):
                return await _whole(ledger, sealed)
    raise UsageError(f"there is no run {run}; `tuiops ledger show` lists the last ones")


async def _whole(ledger: SqlLedger, request: Sealed) -> _Run:
    run = request.entry.run
    entries = await _entries(ledger, run)
    while (view := _folded(entries)) is not None and view.live:
        lock = next((one for one in await ledger.locks() if one.run == run and not one.gone), None)
        before, entries = entries, await _entries(ledger, run)
        # When somebody was at work on it meanwhile, that nobody holds it may be its end.
        if lock is not None or len(entries) == len(before):
            view = _folded(entries, lock)
            break
    return _Run(request, cast("RunRequested", request.entry.event), entries, view)


async def _entries(ledger: SqlLedger, run: str) -> tuple[Sealed, ...]:
    return tuple([sealed async for sealed in ledger.read(run=run)])


def _folded(entries: tuple[Sealed, ...], lock: Lock | None = None) -> RunView | None:
    from tuiops.runbooks.record.history import fold

    try:
        history = fold((sealed.entry for sealed in entries), lock)
    except (ValueError, msgspec.MsgspecError):
        return None
    return None if history is None else history.view


def _tell_runs(runs: list[_Run], output: str, config: Config, out: Output) -> Exit:
    if output == "json":
        out.document({"schema": 1, "kind": "runs", "runs": [_run_document(run) for run in runs]})
    elif output == "ndjson":
        for run in runs:
            out.document({"schema": 1, "kind": "run", **_run_document(run)}, compact=True)
    elif not runs:
        out.line(lit("No run is recorded."))
    else:
        out.table(
            (lit("RUN"), lit("WHEN"), lit("WHO"), lit("RUNBOOK"), lit("TARGET"), lit("ENVIRONMENT"), lit("STATE")),
            [
                [
                    (fmt("#{}", run.event.number), Tone.HEADING),
                    _plain(local(run.request.entry.at, config.display.time_zone)),
                    _plain(run.request.entry.by.person),
                    _plain(run.event.runbook),
                    _plain(run.event.target),
                    _environment(run.event),
                    _plain(run.state),
                ]
                for run in runs
            ],
        )
    return Exit.OK


def _tell_story(run: _Run, output: str, config: Config, out: Output) -> Exit:
    if output == "json":
        entries = [_entry_document(sealed, said) for sealed, said in _told(run)]
        out.document({"schema": 1, "kind": "run", **_run_document(run), "entries": entries})
        return Exit.OK
    if output == "ndjson":
        for sealed, said in _told(run):
            out.document({"schema": 1, "kind": "event", **_entry_document(sealed, said)}, compact=True)
        return Exit.OK
    event = run.event
    title = (fmt("#{} {}", event.number, event.title), Tone.HEADING)
    state = fmt("{}{}", run.state, _why(run))
    out.line(title, lit("  "), fmt("{} {} ", event.system, event.target), _environment(event), lit("  "), state)
    people = dict.fromkeys(_proof(sealed.entry.by) for sealed in run.entries)
    out.line((lit("by  "), Tone.FAINT), join(", ", people))
    out.line(EMPTY)
    zone = config.display.time_zone
    for sealed, said in _told(run, _plan(event)):
        entry = sealed.entry
        out.line((local(entry.at, zone), Tone.FAINT), lit("  "), fmt("{}  ", entry.by.person), said)
        for detail in story.details(entry.event):
            out.line(lit("    "), (detail, Tone.FAINT))
    return Exit.OK


def _told(run: _Run, plan: Plan | None = None) -> Iterator[tuple[Sealed, SafeText]]:
    """Each entry with its sentence; with the plan, steps have their titles."""
    telling = story.Story(plan)
    for sealed in run.entries:
        yield sealed, telling.sentence(sealed.entry.event)


def _why(run: _Run) -> SafeText:
    """Why a run that nobody carries out waits."""
    return fmt(": {}", run.view.reason) if run.view is not None and run.view.live and run.view.reason else EMPTY


def _plan(event: RunRequested) -> Plan | None:
    """What was confirmed; None when it is none that this version understands."""
    from tuiops.runbooks.planning.plan import Plan

    try:
        return Plan.of(event.plan)
    except (ValueError, msgspec.MsgspecError):
        return None


def _run_document(run: _Run) -> dict[str, Any]:
    event, entry = run.event, run.request.entry
    return {
        "at": entry.at.isoformat(),
        "id": safe(entry.run, LINE),
        "number": event.number,
        "runbook": event.runbook,
        "title": event.title,
        "system": event.system,
        "environment": event.environment,
        "production": event.production,
        "target": event.target,
        "danger": event.danger.value,
        "by": entry.by.person,
        "account": entry.by.account,
        "state": run.ended or None,
        "stands": run.view.state.value if run.view is not None else run.ended or None,
        "held_by": (run.view.held_by or None) if run.view is not None else None,
        "drill": event.drill,
    }


def _entry_document(sealed: Sealed, said: SafeText) -> dict[str, Any]:
    entry = sealed.entry
    return {
        "at": entry.at.isoformat(),
        "entry": sealed.number,
        "by": entry.by.person,
        "account": entry.by.account,
        "address": entry.by.address,
        "event": name_of(entry.event),
        "what": said,
        "details": list(story.details(entry.event)),
        "digest": sealed.digest,
    }


def _proof(by: Principal) -> SafeText:
    """A person, and by what the console knew."""
    where = fmt(" from {}", by.address) if by.address else EMPTY
    return fmt("{} ({}{})", by.person, by.account, where)


def _environment(event: RunRequested) -> Span:
    return (event.environment, Tone.WORST if event.production else Tone.PLAIN)


def _plain(text: SafeText) -> Span:
    return (text, Tone.PLAIN)
