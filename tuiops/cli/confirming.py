"""What would be done, on the command line: printed, and confirmed by a person at a terminal or by the hash it gave."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
import termios
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tuiops.cli.again import again
from tuiops.cli.output import Output, Tone
from tuiops.core.access import Danger
from tuiops.core.text import EMPTY, fmt, lit, safe
from tuiops.errors import Refused, UsageError
from tuiops.runbooks.planning.text import plan_lines

if TYPE_CHECKING:
    import argparse

    from tuiops.core.runs import RunView, StepView
    from tuiops.core.text import SafeText
    from tuiops.runbooks.planning.plan import Card, Plan
    from tuiops.runbooks.record.history import History

_LINE = 4096
"""Bytes: no terminal gives a longer line at once."""

_MOMENT = "%Y%m%dT%H%M%S.%fZ"


def hash_of(plan: Plan) -> str:
    """What a plan is confirmed by: its moment, without which the same plan cannot be made again, and its digest."""
    return f"{plan.at:{_MOMENT}}-{plan.digest}"


def moment(given: str) -> datetime:
    """The moment in a hash. UsageError when there is none."""
    try:
        return datetime.strptime(given.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        where = "give what stands behind `confirm` where `tuiops runbook plan` prints it"
        raise UsageError(f"{given[:80]!r} does not confirm a plan; {where}") from None


def tell(card: Card, output: str, out: Output) -> None:
    """The plan, why it may or may not be run, and what confirms it."""
    if output != "table":
        out.exact({
            "schema": 1,
            "kind": "plan",
            "plan": msgspec.json.decode(card.plan.content()),
            "confirm": hash_of(card.plan),
            "allowed": card.decision.allowed,
            "reason": card.decision.reason,
            "second": card.decision.second,
            "obstacles": list(card.obstacles),
        })  # fmt: skip
        return
    for line in plan_lines(card.plan):
        out.line(line)
    for obstacle in card.obstacles:
        out.line((lit("held     "), Tone.BAD), obstacle)
    allowed = lit("yes, ") if card.decision.allowed else lit("no, ")
    second = lit("; another person must approve it") if card.decision.second else lit("")
    out.line(fmt("allowed  {}{}{}", allowed, card.decision.reason, second))
    out.line(fmt("confirm  {}", safe(hash_of(card.plan))))


async def confirmed(card: Card, arguments: argparse.Namespace, out: Output) -> str:
    """What has to be typed for the run, once somebody has confirmed it. Refused when nobody does."""
    if not card.decision.allowed:
        raise Refused(f"not allowed: {card.decision.reason}")
    if arguments.confirm:
        if arguments.confirm != hash_of(card.plan):
            raise Refused("not run: what would be done is not what was confirmed; plan it again")
        return str(card.must_type)
    if card.plan.danger is Danger.SAFE:
        return ""
    shown = beside(arguments, out)
    if not (sys.stdin.isatty() and shown.terminal):
        words = (f"{name}={value}" for name, values in card.plan.parameters.items() for value in values)
        plan = again(arguments, "runbook", "plan", card.plan.runbook, "--system", card.plan.system, *words)
        raise Refused(f"not run: without a terminal it takes --confirm and what `{plan}` prints behind `confirm`")
    tell(card, "table", shown)
    if card.must_type:
        return await _line_typed(shown, f"Type {card.must_type} to run it: ")
    if await _line_typed(shown, "Run it? Type yes: ") != "yes":
        raise Refused("not run")
    return ""


def hash_of_ahead(view: RunView, *, undo: bool) -> str:
    """What going on with a run, or back, is confirmed by: good for as long as the run stands as it does."""
    steps = [(step.key, step.danger.value, call) for step, call in _ahead(view, undo=undo)]
    seen = (view.id, view.entry, undo, steps, *((view.overtaken,) if view.overtaken and (undo or view.undoing) else ()))
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()


def tell_ahead(view: RunView, output: str, out: Output, *, undo: bool) -> None:
    """What would be done by going on with a run, or back, and what confirms it."""
    ahead, back = _ahead(view, undo=undo), undo or view.undoing
    overtaken = view.overtaken if back else EMPTY
    stays = [step for step in view.changed if not step.undo_call] if back else []
    if output != "table":
        out.exact({
            "schema": 1,
            "kind": "ahead",
            "run": view.id,
            "number": view.number,
            "title": view.title,
            "system": view.system,
            "environment": view.environment,
            "target": view.target,
            "undoes": back,
            "steps": [
                {
                    "step": step.key,
                    "title": step.title,
                    "danger": step.danger.value,
                    "call": call,
                    "in_part": back and step.in_part,
                }
                for step, call in ahead
            ],
            "stays": [step.key for step in stays],
            "overtaken": overtaken,
            "confirm": hash_of_ahead(view, undo=undo),
        })  # fmt: skip
        return
    place = fmt("{} {} in {}{}", view.system, view.target, view.environment, _loud(view))
    out.line(fmt("#{} {}  {}: {}", view.number, view.title, place, lit("goes back") if back else lit("goes on")))
    for number, (step, call) in enumerate(ahead, 1):
        undoes = lit("undo ") if back else EMPTY
        named = fmt("{}  [{}]", step.title, safe(step.key))
        doubt = lit("  perhaps done in part") if back and step.in_part else EMPTY
        out.line(fmt("{:>3} {} {}{}{}", number, safe(step.danger.value), undoes, named, doubt))
        out.line(fmt("      {}", call))
    for step in stays:
        out.line(fmt("stays    {}: {}", step.title, step.stays))
    if overtaken:
        out.line((lit("careful  "), Tone.BAD), fmt("{}; this goes back over that", overtaken))
    out.line(fmt("confirm  {}", safe(hash_of_ahead(view, undo=undo))))
    out.flush()


async def agreed(view: RunView, arguments: argparse.Namespace, out: Output, *, undo: bool) -> str:
    """What has to be typed to go on with a run, or back, once somebody has confirmed it. Refused when nobody does."""
    shown = beside(arguments, out)
    if arguments.output == "table":
        tell_ahead(view, "table", shown, undo=undo)
    must_type = view.must_type(undo=undo)
    if arguments.confirm:
        if arguments.confirm != hash_of_ahead(view, undo=undo):
            raise Refused("not done: this is not what was confirmed, or the run has moved on; look at it again")
        return str(must_type)
    if all(step.danger is Danger.SAFE for step, _ in _ahead(view, undo=undo)):
        return ""
    if not (sys.stdin.isatty() and shown.terminal):
        what = again(arguments, "runbook", arguments.what, f"{view.number}", "--dry-run")
        raise Refused(f"not done: without a terminal it takes --confirm and what `{what}` prints behind `confirm`")
    if arguments.output != "table":
        tell_ahead(view, "table", shown, undo=undo)
    if must_type:
        destroys = any(step.danger is Danger.DESTROYS for step, _ in _ahead(view, undo=undo))
        return await typed(must_type, shown, "It destroys. " if destroys else "")
    if await _line_typed(shown, "Do it? Type yes: ") != "yes":
        raise Refused("not done")
    return ""


def _ahead(view: RunView, *, undo: bool) -> list[tuple[StepView, SafeText]]:
    """Steps with what would be done about each, in that order."""
    if undo or view.undoing:
        return [(step, step.undo_call) for step in view.changed if step.undo_call]
    return [(step, step.call) for step in view.ahead]


def _loud(view: RunView) -> SafeText:
    return lit(", PRODUCTION") if view.production else EMPTY


async def seen(history: History, arguments: argparse.Namespace, out: Output) -> str:
    """The digest of the plan that a second person has seen. Refused when they say no."""
    if arguments.confirm:
        return str(arguments.confirm).rpartition("-")[2]
    shown = beside(arguments, out)
    if not (sys.stdin.isatty() and shown.terminal):
        raise Refused("not approved: without a terminal it takes --confirm and the hash of the plan")
    for line in plan_lines(history.plan):
        shown.line(line)
    if await _line_typed(shown, f"Approve what {history.view.by} asks for? Type yes: ") != "yes":
        raise Refused("not approved")
    return history.plan.digest


async def typed(must_type: SafeText, out: Output, why: str = "It destroys. ") -> str:
    """The name of the place of what destroys there, as somebody at a terminal types it; nothing where none is asked."""
    if not must_type:
        return ""
    if not (sys.stdin.isatty() and out.terminal):
        raise Refused(f"not done: it destroys, so somebody at a terminal has to type {must_type}")
    return await _line_typed(out, f"{why}Type {must_type} to confirm it: ")


def beside(arguments: argparse.Namespace, out: Output) -> Output:
    """Where people are told and asked: standard output, unless that takes a document."""
    return out if arguments.output == "table" else Output(sys.stderr, os.environ)


async def _line_typed(out: Output, question: str) -> str:
    """The line that somebody types at the terminal once they are asked; empty at the end of the input.

    What was typed before that was typed by somebody who had not seen it all: it is thrown away.
    The loop goes on meanwhile: signals are heard, and what is waited for is watched.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    terminal = sys.stdin.fileno()

    def typed_one() -> None:
        try:
            line = os.read(terminal, _LINE)
        except OSError:
            # It went away.
            line = b""
        if not answer.done():
            answer.set_result(line.decode(errors="replace").strip())

    out.flush()
    with contextlib.suppress(termios.error):
        termios.tcflush(terminal, termios.TCIFLUSH)
    out.verbatim(question)
    out.flush()
    loop.add_reader(terminal, typed_one)
    try:
        return await answer
    finally:
        loop.remove_reader(terminal)
