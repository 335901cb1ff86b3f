"""What a snapshot says of rollouts and drifts, as rows for scripts, as a table for people, and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli.exits import Exit
from tuiops.cli.output import Span, Tone
from tuiops.cli.views import head, rfc3339, worst
from tuiops.core.clock import age
from tuiops.core.rollout_times import estimate, left
from tuiops.core.rollouts import GateResult, Phase
from tuiops.core.snapshot import Topic
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.core.units import countdown, span

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.cli.output import Output
    from tuiops.cli.views import Row
    from tuiops.core.drift import Drift
    from tuiops.core.rollouts import Gate, Rollout, Side, Step
    from tuiops.core.snapshot import Snapshot

_WENT_WRONG = frozenset({Phase.FAILED, Phase.ROLLED_BACK})
_TONES = {
    Phase.SUCCEEDED: Tone.GOOD, Phase.FAILED: Tone.WORST, Phase.ROLLED_BACK: Tone.BAD, Phase.UNKNOWN: Tone.FAINT,
    Phase.SUPERSEDED: Tone.FAINT,
}  # fmt: skip
_PAST = 10
"""Past rollouts that the table shows; documents have all."""


def rollouts(snapshot: Snapshot, now: datetime, system: str | None = None) -> Row:
    """The document of `tuiops rollouts`."""
    return {
        **head("rollouts", snapshot, now),
        "rollouts": [rollout_row(each, snapshot) for each in rollouts_of(snapshot, system)],
        "drifts": [drift_row(each) for each in drifts_of(snapshot, system)],
    }


def rollout_row(rollout: Rollout, snapshot: Snapshot) -> Row:
    usual = estimate(rollout, snapshot.rollouts)
    return {
        "id": rollout.id,
        "system": rollout.system,
        "service": rollout.service,
        "state": rollout.phase.value,
        "live": rollout.live,
        "origin": rollout.origin.value,
        "strategy": rollout.strategy,
        "old": rollout.old,
        "new": rollout.new,
        "by": rollout.by,
        "client": rollout.client,
        "started": rfc3339(rollout.started),
        "ended": rfc3339(rollout.ended),
        "took": rollout.took,
        "expected": rfc3339(usual.ends) if usual is not None else None,
        "set": rollout.share_set,
        "actual": rollout.share_actual,
        "steps": [_step_row(step) for step in rollout.steps],
        "gates": [_gate_row(gate) for gate in rollout.gates],
        "sides": [_side_row(side) for side in rollout.sides],
        "message": rollout.message,
        "source": rollout.source,
    }


def drift_row(drift: Drift) -> Row:
    return {
        "kind": "drift",
        "id": f"{drift.resource}: {drift.what}",
        "system": drift.system,
        "service": drift.service,
        "state": "drifted",
        "resource": drift.resource,
        "what": drift.what,
        "expected": drift.expected,
        "actual": drift.actual,
        "source": drift.source,
    }


def _step_row(step: Step) -> Row:
    return {
        "stage": step.stage,
        "step": step.label,
        "state": step.phase.value,
        "on": step.kind.value,
        "started": rfc3339(step.started),
        "ended": rfc3339(step.ended),
        "ends": rfc3339(step.ends),
        "set": step.weight,
    }


def _gate_row(gate: Gate) -> Row:
    return {"gate": gate.label, "value": gate.value, "result": gate.result.value}


def _side_row(side: Side) -> Row:
    return {
        "revision": side.revision,
        "image": side.image,
        "set": side.set,
        "actual": side.actual,
        "tag": side.tag,
        "desired": side.desired,
        "running": side.running,
        "pending": side.pending,
        "failed": side.failed,
    }


def rollouts_of(snapshot: Snapshot, system: str | None) -> list[Rollout]:
    """The rollouts asked for, live ones first, then the newest."""
    return [rollout for rollout in snapshot.rollouts if system in {None, rollout.system}]


def drifts_of(snapshot: Snapshot, system: str | None) -> list[Drift]:
    """The drifts asked for."""
    return [drift for drift in snapshot.drifts if system in {None, drift.system}]


def rollouts_exit(snapshot: Snapshot, now: datetime, system: str | None = None) -> Exit:
    """Degraded when the last rollout of a service went wrong, a gate of a live one fails, or something has drifted.

    Unknown when a source is not live, or says itself that its answer lacks something.
    """
    codes = [
        Exit.OK if snapshot.is_live(feed.status.name, now) and not feed.status.warnings else Exit.UNKNOWN
        for feed in snapshot.on(Topic.ROLLOUTS)
    ]
    codes += [Exit.DEGRADED for _ in drifts_of(snapshot, system)]
    latest: set[tuple[str, str]] = set()
    for rollout in sorted(rollouts_of(snapshot, system), key=lambda each: each.started, reverse=True):
        key = (rollout.system, rollout.service)
        gate_fails = rollout.live and any(gate.result is GateResult.FAIL for gate in rollout.gates)
        if gate_fails or (key not in latest and rollout.phase in _WENT_WRONG):
            codes.append(Exit.DEGRADED)
        latest.add(key)
    return worst(codes)


def table(out: Output, snapshot: Snapshot, now: datetime, zone: str, system: str | None = None) -> None:
    """Live rollouts, the last past ones, drifts, and whether all of that may be believed."""
    from tuiops.cli.tables import local

    found = rollouts_of(snapshot, system)
    live = [rollout for rollout in found if rollout.live]
    past = [rollout for rollout in found if not rollout.live]
    shown = [*live, *past[:_PAST]]
    if shown:
        headings = (
            lit("SERVICE"), lit("CHANGE"), lit("PHASE"), lit("SET"), lit("ACTUAL"), lit("STEP"), lit("LEFT"),
            lit("HOW"), lit("ORIGIN"), lit("BY"), lit("STARTED"), lit("TIME"),
        )  # fmt: skip
        out.table(headings, [_cells(rollout, snapshot, now, local(rollout.started, zone)) for rollout in shown])
    else:
        out.line(lit("No rollout is known."))
    if len(past) > _PAST:
        out.line((fmt("and {} past rollouts more; -o json prints all", len(past) - _PAST), Tone.FAINT))
    drifts = drifts_of(snapshot, system)
    if drifts:
        out.line(EMPTY)
        about = (lit("DRIFT"), lit("RESOURCE"), lit("WHAT"), lit("EXPECTED"), lit("ACTUAL"))
        out.table(about, [_drift_cells(drift) for drift in drifts])
    _sources(out, snapshot, now)


def _sources(out: Output, snapshot: Snapshot, now: datetime) -> None:
    feeds = snapshot.on(Topic.ROLLOUTS)
    silent = [feed.status for feed in feeds if not snapshot.is_live(feed.status.name, now)]
    if not feeds:
        out.line(EMPTY)
        out.line((lit("No rollout sources are configured."), Tone.FAINT))
    elif silent:
        named = join(", ", (fmt("{} {}", status.name, status.describe(now)) for status in silent))
        out.line(EMPTY)
        out.line((fmt("Not every rollout source is live: {}", named), Tone.BAD))
    for feed in feeds:
        for warning in feed.status.warnings:
            out.line((fmt("{}: {}", feed.status.name, warning), Tone.BAD))


def _cells(rollout: Rollout, snapshot: Snapshot, now: datetime, started: SafeText) -> list[Span]:
    running = next((step for step in rollout.steps if step.phase is Phase.RUNNING), None)
    usual = estimate(rollout, snapshot.rollouts)
    rest = EMPTY
    if usual is not None:
        rest = (
            fmt("about {}", span(usual.left(now))) if usual.left(now) > 0 else fmt("over by {}", span(-usual.left(now)))
        )
    by = join(", ", [part for part in (rollout.by, rollout.client) if part])
    return [
        _plain(fmt("{}/{}", rollout.system, rollout.service)),
        _plain(fmt("{} -> {}", rollout.old or lit("?"), rollout.new or lit("?"))),
        (rollout.phase.word, _TONES.get(rollout.phase, Tone.PLAIN)),
        _plain(_percent(rollout.share_set) if rollout.live else EMPTY),
        _plain(_percent(rollout.share_actual) if rollout.live else EMPTY),
        _plain(_step(running, now) if running is not None else EMPTY),
        _plain(rest),
        _plain(rollout.strategy),
        _plain(rollout.origin.word),
        _plain(by),
        _plain(started),
        _plain(span(age(rollout.ended or now, rollout.started))),
    ]


def _step(step: Step, now: datetime) -> SafeText:
    name = fmt("{} {}", step.stage, step.label) if step.stage else step.label
    rest = left(step, now)
    return name if rest is None else fmt("{} {}", name, countdown(rest))


def _drift_cells(drift: Drift) -> list[Span]:
    return [
        (fmt("{}/{}", drift.system, drift.service), Tone.BAD),
        _plain(drift.resource),
        _plain(drift.what),
        _plain(drift.expected),
        _plain(drift.actual),
    ]


def _percent(share: float | None) -> SafeText:
    return EMPTY if share is None else SafeText(f"{share * 100:.0f}%")


def _plain(text: SafeText) -> Span:
    return (text, Tone.PLAIN)
