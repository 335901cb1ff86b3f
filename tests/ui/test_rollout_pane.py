"""The rollouts pane as a person meets it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.fakes import NOW, FakeBackend, feed, fleet, rollout
from tuiops.config.model import Display
from tuiops.core.drift import Drift
from tuiops.core.rollouts import GateResult, Origin, Phase, Rollout, Side
from tuiops.core.snapshot import Snapshot, Topic
from tuiops.core.text import EMPTY, lit, safe
from tuiops.ui.app import TuiopsApp
from tuiops.ui.format import width_of
from tuiops.ui.glyphs import ASCII, UNICODE
from tuiops.ui.panes.rollout_rows import Part
from tuiops.ui.panes.rollouts import RolloutsPane
from tuiops.ui.phases import change, traffic
from tuiops.ui.screens.rollout import RolloutScreen
from tuiops.ui.screens.service import ServiceScreen
from tuiops.ui.terminal import screen_text
from tuiops.ui.theme import look_of

FEED = lit("run/rollouts")
LIVE = msgspec.structs.replace(rollout(), client=lit("gcloud"))


def past(number: int, phase: Phase = Phase.SUCCEEDED) -> Rollout:
    started = NOW - timedelta(hours=number)
    return msgspec.structs.replace(
        LIVE, id=safe(f"p{number}"), phase=phase, started=started, ended=started + timedelta(minutes=20), steps=(),
        new=safe(f"v{number}"),
    )  # fmt: skip


def drift(service: str, what: str = "max instances") -> Drift:
    return Drift(
        system=lit("tokyo"), service=safe(service), resource=safe(service), what=safe(what), expected=lit("20"),
        actual=lit("10"), source=FEED,
    )  # fmt: skip


def known(*rollouts: Rollout, drifts: tuple[Drift, ...] = (), age: float = 5, word: str = "") -> Snapshot:
    feeds = dict(fleet().feeds) | {FEED: feed(FEED, Topic.ROLLOUTS, age=age, failing=3 if word else 0, word=word)}
    return msgspec.structs.replace(fleet(), rollouts=rollouts, drifts=drifts, feeds=feeds)


async def shown(snapshot: Snapshot, *keys: str, size: tuple[int, int] = (120, 40)) -> str:
    """The pane alone on the screen, after some keys."""
    app = TuiopsApp(FakeBackend(snapshot), Display(time_zone="Asia/Tokyo"), own_process=False)
    async with app.run_test(size=size) as pilot:
        await pilot.press("3", "f", *keys)
        await pilot.pause()
        return screen_text(app)


async def test_a_live_rollout_says_where_it_is_whose_it_is_and_how_long_it_takes() -> None:
    text = await shown(known(LIVE, past(3), past(5)))
    for piece in ("tokyo/chat", "9f2c → b71e", "running", "10%", "✓ deploy", "◷ canary 10% 3:12 of 5:00 left",
                  "gate error ≤ 5%", "0.8% pass", "about 13m left (2 past)", "observed", "CI, gcloud",
                  "1 live", "2 past"):  # fmt: skip
        assert piece in text, piece


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_what_has_no_column_is_said_below(size: tuple[int, int]) -> None:
    text = await shown(known(LIVE), size=size)
    assert "gcloud" in text
    assert "13:55:11" in text or "7m" in text


async def test_what_is_set_and_what_is_true_stand_together_where_they_differ() -> None:
    sides = (Side(revision=LIVE.new, set=0.1, actual=0.03),)
    assert "10→3%" in await shown(known(msgspec.structs.replace(LIVE, sides=sides)))


async def test_our_own_runs_are_told_apart() -> None:
    ours = msgspec.structs.replace(LIVE, origin=Origin.OURS)
    text = await shown(known(ours))
    assert "ours" in text
    assert "observed" not in text


async def test_drift_stands_below_the_rollout_of_its_service_and_else_by_itself() -> None:
    text = await shown(known(LIVE, drifts=(drift("chat"), drift("chat", "cpu"), drift("redis"))))
    lines = [line.strip(" │") for line in text.splitlines()]
    below = next(n for n, line in enumerate(lines) if line.startswith("drift 2  max instances 10, expected 20"))
    assert lines[below + 1] == "cpu 10, expected 20"
    alone = next(n for n, line in enumerate(lines) if line.startswith("tokyo/redis"))
    assert "drift 1" in lines[alone]
    assert lines[alone + 1] == "max instances 10, expected 20"
    assert "drift 3" in text.splitlines()[1]


async def test_the_history_comes_with_a_key_and_shows_how_long_each_took() -> None:
    snapshot = known(LIVE, past(3), past(5, Phase.ROLLED_BACK))
    assert "rolled back" not in await shown(snapshot)
    text = await shown(snapshot, "h")
    assert "rolled back" in text
    assert text.count("20m") == 2
    assert text.index("running") < text.index("succeeded") < text.index("rolled back")


async def test_filters_find_phases_origins_and_drift() -> None:
    snapshot = known(LIVE, past(3), drifts=(drift("redis"),))
    assert "tokyo/redis" not in await shown(snapshot, "slash", *"phase:running", "enter")
    only = await shown(snapshot, "slash", *"phase:drift", "enter")
    assert "tokyo/redis" in only
    assert "tokyo/chat" not in only


@pytest.mark.parametrize(
    ("snapshot", "sentences"),
    [
        (msgspec.structs.replace(known(), feeds={}), ("No rollout source is configured.", '"cloud_run" or "ecs"')),
        (known(), ("Nothing is being rolled out.", "Nor does a source")),
        (known(past(3)), ("Nothing is being rolled out.", "Press h to see 1 past rollout")),
        (known(past(3), age=60, word="unreachable"), ("not every rollout source is live", "unreachable", ":sources")),
        (known(age=900, word="timed out"), ("not every rollout source is live", "dead 15m")),
    ],
    ids=["unconfigured", "empty", "past", "stale", "dead"],
)
async def test_an_empty_pane_says_why(snapshot: Snapshot, sentences: tuple[str, ...]) -> None:
    text = await shown(snapshot)
    for sentence in sentences:
        assert sentence in text, sentence


async def test_only_rows_of_a_source_that_went_quiet_are_dimmed() -> None:
    other = msgspec.structs.replace(LIVE, id=lit("r2"), service=lit("web"), source=lit("ecs/rollouts"))
    feeds = dict(known().feeds) | {"ecs/rollouts": feed("ecs/rollouts", Topic.ROLLOUTS, age=120, failing=2)}
    app = TuiopsApp(FakeBackend(msgspec.structs.replace(known(LIVE, other), feeds=feeds)), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        rows = app.screen.query_one(RolloutsPane).table.rows
        assert {(row.subject[1], row.live) for row in rows} == {("chat", True), ("web", False)}
        assert "stale 2m" in screen_text(app)


async def test_a_vendors_limit_is_said_in_the_border_and_in_the_header() -> None:
    feeds = dict(known().feeds)
    entry = feeds[FEED]
    status = msgspec.structs.replace(entry.status, warnings=(lit("run limit 39s"),))
    limited = msgspec.structs.replace(known(LIVE), feeds=feeds | {FEED: msgspec.structs.replace(entry, status=status)})
    text = await shown(limited)
    assert "live 5s · run limited 0:34" in text
    assert "3/3 live · run limited 0:34" in text


async def test_the_detail_of_a_rollout_opens_from_its_row_and_closes_again() -> None:
    snapshot = fleet()
    app = TuiopsApp(FakeBackend(snapshot), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "d")
        await pilot.pause()
        assert isinstance(app.screen, RolloutScreen)
        rollout = app.screen.rollout()
        assert rollout in snapshot.rollouts
        assert "gate" in screen_text(app).lower()
        await pilot.press("q")
        assert not isinstance(app.screen, RolloutScreen)


async def test_a_drifted_service_opens_as_a_service_folds_and_is_copied() -> None:
    app = TuiopsApp(FakeBackend(known(drifts=(drift("chat"),))), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        pane = app.screen.query_one(RolloutsPane)
        assert pane.selection_text() == "tokyo/chat chat: max instances 10, expected 20"
        pane.action_table_fold()
        await pilot.pause()
        assert [row.part for row in pane.table.rows] == [Part.HEADING]
        await pilot.press("d")
        await pilot.pause()
        assert isinstance(app.screen, ServiceScreen)


async def test_colour_says_only_how_something_ended_or_what_is_amiss() -> None:
    failing = msgspec.structs.replace(LIVE, gates=tuple(
        msgspec.structs.replace(LIVE.gates[0], result=result) for result in GateResult
    ))  # fmt: skip
    app = TuiopsApp(FakeBackend(known(failing, past(3, Phase.FAILED), past(4, Phase.ROLLED_BACK))), own_process=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "f", "h")
        await pilot.pause()
        palette = look_of(app.screen).palette
        colours = {str(style.color) for style in palette.state.values()}
        segments = [s for strip in app.screen._compositor.render_strips() for s in strip]
        coloured = {s.text.strip() for s in segments if s.style and str(s.style.color) in colours}
    assert {"FAIL".lower(), "error", "inconclusive", "pass", "failed", "rolled back"} <= coloured
    assert "running" not in coloured


names = st.text(st.sampled_from("abc-:/_42東"), min_size=0, max_size=40).map(safe)


@given(names, names, st.integers(8, 60), st.booleans())
def test_a_change_fits_and_keeps_two_different_revisions_apart(
    old: str, new: str, width: int, ascii_only: bool
) -> None:
    glyphs = ASCII if ascii_only else UNICODE
    moved = msgspec.structs.replace(LIVE, old=safe(old), new=safe(new))
    text = change(moved, width, glyphs)
    assert width_of(text) <= max(width, 5)
    assert glyphs.arrow in text


@pytest.mark.parametrize(
    ("old", "new", "width", "text"),
    [
        ("phase1-00041", "phase1-00042", 40, "phase1-00041 → phase1-00042"),
        ("phase1-00041", "phase1-00042", 20, "00041 → 00042"),
        ("worker:88", "worker:89", 15, "88 → 89"),
        ("9f2c41aa77", "b71e90cc11", 15, "9f2c4… → b71e9…"),
        ("chat-00005-936", "chat-00007-6e6", 16, "00005… → 00007…"),
        ("", "v2", 15, "? → v2"),
        ("v1", "v1", 5, "… → …"),
    ],
)
def test_a_change_in_little_room_leaves_out_what_is_the_same(old: str, new: str, width: int, text: str) -> None:
    assert change(msgspec.structs.replace(LIVE, old=safe(old), new=safe(new)), width, UNICODE) == text


def test_traffic_that_nobody_tells_is_nothing_rather_than_zero() -> None:
    silent = msgspec.structs.replace(LIVE, weight=None, steps=(), sides=())
    assert traffic(silent, UNICODE) == EMPTY
    assert traffic(msgspec.structs.replace(silent, weight=0.0), UNICODE) == "0%"
