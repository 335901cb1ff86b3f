"""`tuiops rollouts`: its exit codes, its documents, its table."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import msgspec
import pytest

from tests.cli.snapshots import NOW, feed, snapshot
from tuiops.cli import rollouts
from tuiops.cli.commands.rollouts import VIEW
from tuiops.cli.exits import Exit
from tuiops.cli.output import Output
from tuiops.cli.watching import Seen
from tuiops.core.drift import Drift
from tuiops.core.rollouts import Gate, GateResult, Phase, Rollout, Side, Step, StepKind
from tuiops.core.snapshot import Feed, Snapshot, Topic
from tuiops.core.text import lit, safe

LIVE = feed("run/rollouts", Topic.ROLLOUTS)
PARTIAL = msgspec.structs.replace(
    LIVE, status=msgspec.structs.replace(LIVE.status, warnings=(lit("Cloud Run: timed out"),))
)
LATE = feed("ecs/rollouts", Topic.ROLLOUTS, 400)
DRIFT = Drift(
    system=lit("shop"), service=lit("api"), resource=lit("run"), what=lit("max instances"), expected=lit("20"),
    actual=safe("10\x1b[2J"), source=lit("run/rollouts"),
)  # fmt: skip


def rollout(
    phase: Phase = Phase.RUNNING, *, minutes: float = 5, gate: GateResult | None = None, system: str = "shop",
    name: str = "",
) -> Rollout:  # fmt: skip
    """Begun so many minutes ago; one that is over took two."""
    started = NOW - timedelta(minutes=minutes)
    bake = Step(label=lit("bake"), stage=lit("canary"), phase=Phase.RUNNING, kind=StepKind.WAIT, weight=0.1,
                started=started, ends=NOW + timedelta(seconds=192))  # fmt: skip
    return Rollout(
        id=safe(name or f"{system}{minutes}{phase}"), system=safe(system), service=lit("api"), strategy=lit("canary"),
        old=lit("v1"), new=lit("v2"), by=lit("CI"), client=lit("gcloud"), phase=phase, started=started,
        ended=started + timedelta(minutes=2) if phase.ended else None,
        gates=() if gate is None else (Gate(label=lit("errors"), result=gate),), steps=(bake,),
        sides=(Side(revision=lit("v2"), set=0.1, actual=0.07, running=2),), source=lit("run/rollouts"),
    )  # fmt: skip


def seen(*found: Rollout, feeds: tuple[Feed, ...] = (LIVE,), drifts: tuple[Drift, ...] = ()) -> Snapshot:
    return msgspec.structs.replace(snapshot(feeds=feeds), rollouts=found, drifts=drifts)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (seen(), Exit.OK),
        (seen(rollout(), rollout(Phase.SUCCEEDED, minutes=60)), Exit.OK),
        (seen(rollout(Phase.FAILED)), Exit.DEGRADED),
        (seen(rollout(Phase.ROLLED_BACK)), Exit.DEGRADED),
        (seen(rollout(Phase.SUCCEEDED), rollout(Phase.FAILED, minutes=60)), Exit.OK),
        (seen(rollout(), rollout(Phase.FAILED, minutes=60)), Exit.OK),
        (seen(rollout(gate=GateResult.FAIL)), Exit.DEGRADED),
        (seen(rollout(gate=GateResult.ERROR)), Exit.OK),
        (seen(rollout(Phase.SUCCEEDED, gate=GateResult.FAIL)), Exit.OK),
        (seen(drifts=(DRIFT,)), Exit.DEGRADED),
        (seen(feeds=()), Exit.UNKNOWN),
        (seen(feeds=(LIVE, LATE)), Exit.UNKNOWN),
        (seen(rollout(), feeds=(PARTIAL,)), Exit.UNKNOWN),
        (seen(rollout(Phase.FAILED), feeds=(PARTIAL,)), Exit.DEGRADED),
        (seen(feeds=(feed("x/rollouts", Topic.ROLLOUTS, None),)), Exit.UNKNOWN),
        (seen(rollout(Phase.FAILED), feeds=(LATE,)), Exit.DEGRADED),
    ],
)
def test_the_exit_code(given: Snapshot, code: Exit) -> None:
    assert rollouts.rollouts_exit(given, NOW) is code


def test_one_system_only() -> None:
    both = seen(rollout(Phase.FAILED, system="other"), rollout(), drifts=(DRIFT,))
    assert rollouts.rollouts_exit(both, NOW, "other") is Exit.DEGRADED
    document = rollouts.rollouts(both, NOW, "other")
    assert [row["system"] for row in document["rollouts"]] == ["other"]
    assert document["drifts"] == []


def test_a_document_has_everything_in_base_units_and_is_json() -> None:
    given = seen(rollout(), rollout(Phase.SUCCEEDED, minutes=60), drifts=(DRIFT,))
    document = rollouts.rollouts(given, NOW)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    live, past = document["rollouts"]
    assert (live["set"], live["actual"], live["origin"], live["took"]) == (0.1, 0.07, "observed", None)
    assert live["expected"] == "2026-01-31T11:57:00Z"
    assert live["steps"][0]["on"] == "wait"
    assert (past["took"], past["live"], past["expected"]) == (120.0, False, None)
    assert "\x1b" not in document["drifts"][0]["actual"]


def test_ndjson_has_rollouts_and_drifts_each_by_its_kind_and_says_once_what_is_gone() -> None:
    lines = Seen(VIEW)
    first = list(lines.rows(VIEW.document(seen(rollout(name="r1"), drifts=(DRIFT,)), NOW, None)))
    assert [(row["kind"], row["id"]) for row in first] == [("rollout", "r1"), ("drift", "run: max instances")]
    assert list(lines.rows(VIEW.document(seen(rollout(name="r1"), drifts=(DRIFT,)), NOW, None))) == []
    gone = list(lines.rows(VIEW.document(seen(rollout(name="r1")), NOW, None)))
    assert [(row["kind"], row["state"]) for row in gone] == [("drift", "gone")]


def printed(given: Snapshot) -> str:
    stream = io.StringIO()
    rollouts.table(Output(stream, {}), given, NOW, "Asia/Tokyo")
    return stream.getvalue()


def test_the_table_says_what_is_set_what_is_true_and_what_is_left() -> None:
    text = printed(seen(rollout(minutes=1), rollout(Phase.SUCCEEDED, minutes=60), drifts=(DRIFT,)))
    for piece in ("shop/api", "v1 -> v2", "10%", "7%", "canary bake 3:12", "about 1m", "observed", "CI, gcloud",
                  "2026-01-31T20:59:00+09:00", "max instances", "10␛[2J"):  # fmt: skip
        assert piece in text, piece
    assert text.index("running") < text.index("succeeded")


def test_the_table_says_what_cannot_be_believed_and_how_many_it_leaves_out() -> None:
    assert "No rollout sources are configured." in printed(seen(feeds=()))
    assert "ecs/rollouts dead 6m" in printed(seen(feeds=(LIVE, LATE)))
    assert "run/rollouts: Cloud Run: timed out" in printed(seen(feeds=(PARTIAL,)))
    many = [rollout(Phase.SUCCEEDED, minutes=10 + number) for number in range(14)]
    assert "and 4 past rollouts more" in printed(seen(*many))
    assert "No rollout is known." in printed(seen())
