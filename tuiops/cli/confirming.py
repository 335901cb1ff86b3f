"""A plan on the command line: printed, and confirmed by a person at a terminal or by the hash that a plan gave."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tuiops.cli.output import Tone
from tuiops.core.access import Danger
from tuiops.core.text import fmt, lit, safe
from tuiops.errors import Refused, UsageError
from tuiops.runbooks.plan_text import plan_lines

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output
    from tuiops.runbooks.history import History
    from tuiops.runbooks.plan import Card, Plan

_MOMENT = "%Y%m%dT%H%M%S.%fZ"


def hash_of(plan: Plan) -> str:
    """What a plan is confirmed by: its moment, without which the same plan cannot be made again, and its digest."""
    return f"{plan.at:{_MOMENT}}-{plan.digest}"


def moment(given: str) -> datetime:
    """The moment in a hash. UsageError when there is none."""
    try:
        return datetime.strptime(given.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"{given[:80]!r} is no hash of a plan; `tuiops runbook plan` prints it") from None


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


def confirmed(card: Card, arguments: argparse.Namespace, out: Output) -> str:
    """What has to be typed for the run, once somebody has confirmed it. Refused when nobody does."""
    if not card.decision.allowed:
        raise Refused(f"not allowed: {card.decision.reason}")
    if arguments.confirm:
        if arguments.confirm != hash_of(card.plan):
            raise Refused("not run: what would be done is not what was confirmed; plan it again")
        return str(card.must_type)
    if card.plan.danger is Danger.SAFE:
        return ""
    if not (sys.stdin.isatty() and out.terminal):
        raise Refused("not run: without a terminal it takes --confirm and the hash that `tuiops runbook plan` prints")
    tell(card, "table", out)
    if card.must_type:
        return _asked(f"Type {card.must_type} to run it: ")
    if _asked("Run it? Type yes: ") != "yes":
        raise Refused("not run")
    return ""


def seen(history: History, arguments: argparse.Namespace, out: Output) -> str:
    """The digest of the plan that a second person has seen. Refused when they say no."""
    if arguments.confirm:
        return str(arguments.confirm).rpartition("-")[2]
    if not (sys.stdin.isatty() and out.terminal):
        raise Refused("not approved: without a terminal it takes --confirm and the hash of the plan")
    for line in plan_lines(history.plan):
        out.line(line)
    if _asked(f"Approve what {history.view.by} asks for? Type yes: ") != "yes":
        raise Refused("not approved")
    return history.plan.digest


def _asked(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""
