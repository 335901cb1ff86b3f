"""The detail of a rollout: on the simulated fleet, and on rollouts made for the purpose."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ui.fakes import NOW, FakeBackend, fleet, rollout
from tuiops.config.model import Display
from tuiops.core.comparison import Compared, Comparison
from tuiops.core.drift import Drift
from tuiops.core.rollouts import Origin, Phase, Rollout, Side, Step, StepKind
from tuiops.core.text import EMPTY, lit, safe
from tuiops.errors import QueryRefused, SourceError
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.rollout import RolloutScreen
from tuiops.ui.widgets.document import Document

if TYPE_CHECKING:
    from tests.ui.still import StillBackend
    from tuiops.core.snapshot import Snapshot

HOSTILE = "\x1b]0;owned\x07[bold red]\x9b31m[/]\u202eevil 東京" + "\u0301" * 50


class Backend(FakeBackend):
    """Answers comparisons with what a test gives it."""

    def __init__(self, snapshot: Snapshot, answer: Comparison | SourceError) -> None:
        super().__init__(snapshot)
        self.answer = answer
        self.compared: list[tuple[str, ...]] = []

    async def comparison(self, system: str, service: str, new: str, old: str) -> Comparison:
        self.compared.append((system, service, new, old))
        if isinstance(self.answer, SourceError):
            raise self.answer
        return self.answer


def backend(made: Rollout, *compared: Compared, drifts: tuple[Drift, ...] = ()) -> Backend:
    snapshot = msgspec.structs.replace(fleet(), rollouts=(made,), drifts=drifts)
    return Backend(snapshot, Comparison(at=NOW, compared=compared))


async def sheet(known: FakeBackend | StillBackend, identity: str, size: tuple[int, int] = (120, 40)) -> str:
    """Everything on the sheet, when the comparison has come."""
    app = TuiopsApp(known, Display(time_zone="Asia/Tokyo"), own_process=False)
    async with app.run_test(size=size) as pilot:
        screen = RolloutScreen(safe(identity))
        await app.push_screen(screen)
        for _ in range(2):
            await pilot.pause()
            await app.workers.wait_for_complete()
        await pilot.pause()
        return written(screen)


def written(screen: RolloutScreen) -> str:
    return "\n".join("".join(text for text, _ in row) for row in screen.query_one(Document).rows)


async def test_a_simulated_canary_whole(backend: StillBackend) -> None:
    canary = next(one for one in backend.snapshot.rollouts if one.live and one.service == "phase1")
    text = await sheet(backend, canary.id)
    for piece in (
        "phase1-00041 → phase1-00042", "deploy@manga, gcloud", "observed: not started by this console",
        "4:02 so far: 1:20 working, 2:42 waiting", "about 12m, until 14:01", "usually 16m, the median of 4 past ones",
        "◷ 10%", "◷ bake", "2:18 of 5:00 left", "error ≤ 2%", "no data", "inconclusive",
        "10%      7%", "2 running", "tag canary", "New beside old", "> 5.00%, > 50.0%",
        "7% of traffic returns to phase1-00041", "began by deploy@manga with gcloud", "16:40",
    ):  # fmt: skip
        assert piece in text, piece


async def test_the_canarys_own_error_lines_are_shown(backend: StillBackend) -> None:
    canary = next(one for one in backend.snapshot.rollouts if one.live and one.service == "chat")
    text = await sheet(backend, canary.id)
    assert "E Gemini API timeout after 5000 ms" in text
    assert text.count(" E ") <= 6


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_nothing_is_lost_at_any_size(backend: StillBackend, size: tuple[int, int]) -> None:
    canary = next(one for one in backend.snapshot.rollouts if one.live and one.service == "phase1")
    text = await sheet(backend, canary.id, size)
    headings = ("Steps", "Gates", "Traffic and instances", "New beside old", "Errors of the new revision",
                "What could be done", "What changed", "Past rollouts of this service")  # fmt: skip
    assert all(heading in text for heading in headings)
    for line in text.splitlines():
        assert len(line) <= size[0]


def whole(**changes: object) -> Rollout:
    return msgspec.structs.replace(rollout(), **changes)


async def test_the_side_that_is_worse_is_named_and_no_traffic_is_no_number() -> None:
    known = backend(
        whole(), Compared(indicator=lit("errors"), new=0.024, old=0.004),
        Compared(indicator=lit("p95"), new=math.nan, old=None, trouble=lit("it is refused")),
        Compared(indicator=lit("unknown"), new=1, old=1),
    )  # fmt: skip
    text = await sheet(known, "r1")
    line = next(line for line in text.splitlines() if "ERR%" in line)
    assert line.split() == ["ERR%", "2.40%", "0.40%", ">", "1.00%,", ">", "5.00%", "new"]
    line = next(line for line in text.splitlines() if "P95" in line)
    assert line.split() == ["P95", "no", "data", "—", ">", "2.00s,", ">", "10.00s", "—"]
    assert "it is refused" in text
    assert known.compared == [("tokyo", "chat", "b71e", "9f2c")]


async def test_where_nothing_tells_revisions_apart_the_setting_is_named() -> None:
    assert "`revision`" in await sheet(backend(whole()), "r1")


async def test_a_failing_comparison_is_said_and_keeps_what_was_known() -> None:
    known = backend(whole(), Compared(indicator=lit("errors"), new=0.024, old=0.004))
    app = TuiopsApp(known, own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = RolloutScreen(lit("r1"))
        await app.push_screen(screen)
        await pilot.pause()
        await app.workers.wait_for_complete()
        known.answer = QueryRefused(HOSTILE)
        screen.ask()
        await app.workers.wait_for_complete()
        await pilot.pause()
        text = written(screen)
    assert "since then query refused: ␛]0;owned␇[bold red]" in text
    assert "2.40%" in text


async def test_what_is_over_is_compared_no_more() -> None:
    over = whole(phase=Phase.SUCCEEDED, ended=NOW - timedelta(minutes=1))
    known = backend(over)
    text = await sheet(known, "r1")
    assert known.compared == []
    assert "New beside old" not in text
    assert "took 6:00" in text
    assert "left " not in text.split("Steps")[0]


async def test_drift_and_our_own_runs_are_said() -> None:
    drift = Drift(
        system=lit("tokyo"), service=lit("chat"), resource=lit("run"), what=lit("max instances"), expected=lit("20"),
        actual=lit("10"), source=lit("run/rollouts"),
    )  # fmt: skip
    text = await sheet(backend(whole(origin=Origin.OURS), drifts=(drift,)), "r1")
    assert "run: max instances 10, expected 20" in text
    assert "ours: a run of this console" in text


async def test_a_timer_that_is_over_says_by_how_much() -> None:
    late = Step(label=lit("bake"), phase=Phase.RUNNING, kind=StepKind.WAIT, started=NOW - timedelta(minutes=9),
                ends=NOW - timedelta(minutes=4))  # fmt: skip
    assert "over by 4m" in await sheet(backend(whole(steps=(late,))), "r1")


async def test_what_the_source_does_not_tell_is_said_rather_than_guessed() -> None:
    bare = whole(steps=(), gates=(), sides=(), weight=None, by=EMPTY, old=EMPTY, new=EMPTY)
    text = await sheet(backend(bare), "r1")
    for piece in ("reports no steps", "nothing but time holds", "does not report it", "unknown",
                  "nobody can tell", "revision to return to is not known"):  # fmt: skip
        assert piece in text, piece


@pytest.mark.parametrize("size", [(1, 1), (20, 6), (80, 24), (200, 60)])
async def test_hostile_text_stays_text_everywhere(size: tuple[int, int]) -> None:
    bad = safe(HOSTILE)
    drift = Drift(system=bad, service=bad, resource=bad, what=bad, expected=bad, actual=bad, source=bad)
    sides = tuple(Side(revision=bad, image=safe(HOSTILE + "@sha256:" + HOSTILE), set=9.0, tag=bad) for _ in range(2))
    step = Step(label=bad, stage=bad, phase=Phase.RUNNING, weight=7.0)
    gate = msgspec.structs.replace(rollout().gates[0], label=bad)
    made = whole(id=bad, system=bad, service=bad, old=bad, new=bad, by=bad, client=bad, message=bad, strategy=bad,
                 sides=sides, steps=(step, step), gates=(gate,))  # fmt: skip
    text = await sheet(backend(made, drifts=(drift,)), bad, size)
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert text.strip() or size == (1, 1)


async def test_one_that_nobody_remembers_is_a_sentence() -> None:
    text = await sheet(backend(whole()), "no such")
    assert "This rollout is gone" in " ".join(text.split())
