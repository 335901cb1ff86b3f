"""One run as it goes, what can be done where it stands, and the table of all of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ui.acting.flow import console, press, settle, shown, told, with_runs
from tests.ui.desk import asking, past, printing, run, unknown, waiting_for_approval, with_step
from tests.ui.fakes import NOW, FakeBackend
from tuiops.core.record import Evidence, Said
from tuiops.core.runs import Held, RunState, StepKind, StepState
from tuiops.core.text import EMPTY, lit, safe
from tuiops.errors import Refused
from tuiops.ui.acting.run import RunScreen
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.runs import RunsScreen

if TYPE_CHECKING:
    from tuiops.core.runs import RunView

HOSTILE = "\x1b[2J\x1b]0;pwn\x07\x9b31m\u202e[@click=app.quit]x[/] [/bold]\u200b\r\n東京" + "\u0301" * 40


WAITS = waiting_for_approval()


async def test_a_gate_shows_its_value_its_trend_and_how_long_it_has_held() -> None:
    app, _, _ = console(with_runs(run()))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "X", "enter")
    for piece in (
        "Run #42 · Roll back api · by kim · 1:48", "PRODUCTION", "◷ gate holding", "carried out by kim on bastion-1",
        "✓  1  C  Set the service back to api:117", "0:09", "4 of 4 tasks run api:117",
        "errors of api ≤ 1%   0.4%  █▇▄▂▁▁▁  held 0:37 of 3:00", "times out in 14:21",
        "K abort   Esc leave it running", "undo: back to task definition api:118",
    ):  # fmt: skip
        assert piece in text, piece


async def test_who_carries_it_out_stands_whole_however_long() -> None:
    app, _, _ = console(with_runs(run(held_by=lit("kim on bastion-1.eu-west-1.example.net, process 24314"))))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "X", "enter")
    assert "carried out by kim on bastion-1.eu-west-1.example.net, process 24314" in text
    assert "this console" in text


async def test_times_move_on_by_the_clock_alone() -> None:
    app, backend, _ = console(with_runs(run()))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter")
        backend.clock.advance(60)
        app.show_now()
        await settle(pilot)
        text = shown(pilot)
    assert "held 1:37 of 3:00" in text
    assert "times out in 13:21" in text
    assert "by kim · 2:48" in text


async def test_a_gate_without_data_holds_nothing() -> None:
    held = Held(label=lit("errors of api ≤ 1%"), value=lit("—"), holds=False, values=(None, None))
    app, _, _ = console(with_runs(with_step(run(), 2, held=held)))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "does not hold" in await press(pilot, "X", "enter")


REASON = safe(
    "– · bastion eu (bastion-eu.example.net) shows another host key than ~/.ssh/known_hosts has: "
    f"ssh-ed25519 SHA256:{'0123456789abcdef' * 4}. It was reinstalled, or somebody is in between: ask before mending",
    900,
)


@pytest.mark.parametrize("label", ["ready", "`pg_isready --host db.example.net --port 5432 --dbname shop` ends with 0"])
async def test_why_a_gate_does_not_hold_stands_whole_on_a_small_screen(label: str) -> None:
    held = Held(label=safe(label), value=REASON, holds=False, needed=180, values=(None, None, None))
    app, _, _ = console(with_runs(with_step(run(), 2, held=held)))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "X", "enter")
        assert isinstance(app.screen, RunScreen)
        rows = ["".join(text for text, _ in row) for row in app.screen.sheet.rows]
    said = [at for at, row in enumerate(rows) if row.strip().startswith("does not hold")]
    assert len(said) == 1
    assert "".join(REASON.split()) in "".join("".join(rows[said[0] + 1 :]).split())
    assert not any("…" in row for row in rows)


async def test_a_wait_counts_down_and_is_counted_down_in_the_header() -> None:
    waits = with_step(with_step(run(), 2, state=StepState.PENDING), 1, state=StepState.COUNTING, kind=StepKind.WAIT,
                      ended=None, ends=NOW + timedelta(seconds=192), started=NOW - timedelta(seconds=108))  # fmt: skip
    waits = with_step(waits, 2, state=StepState.PENDING, started=None, ends=None, held=None)
    app, _, _ = console(with_runs(waits))
    async with app.run_test(size=(160, 40)) as pilot:
        assert "◷ #42 Roll back api waiting 2/3 3:12" in shown(pilot).splitlines()[0]
        assert "3:12 of 5:00 left" in await press(pilot, "X", "enter")


async def test_what_a_command_prints_is_shown_while_it_prints() -> None:
    app, _, _ = console(with_runs(printing()))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "X", "enter")
    assert "output │ service api: 0 of 4 tasks replaced" in text
    assert "│ service api: 3 of 4 tasks replaced" in text


async def test_an_unknown_end_says_what_is_known_and_that_nothing_is_done_twice() -> None:
    app, _, _ = console(with_runs(unknown()))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "X", "enter")
    for piece in (
        "? unknown", "the console that carried it out is gone", "It is not done a second time by itself",
        "known as r42.back.1", "the answer to the call was never read", "no console carries it out",
    ):  # fmt: skip
        assert piece in text, piece


@pytest.mark.parametrize(
    ("view", "keys", "call"),
    [
        pytest.param(run(), ("K", *"slop", "enter", "enter"), ("abort", "r42", "slop"), id="abort"),
        pytest.param(run(), ("K", "tab", "enter"), ("abort", "r42", ""), id="abort without a word"),
        pytest.param(run(state=RunState.PAUSED), ("R", "tab", "enter"), ("resume", "r42"), id="resume"),
        pytest.param(unknown(), ("S", "tab", *"no", "enter", "enter"), ("skip", "r42", "back", "no"), id="skip"),
        pytest.param(unknown(), ("D", "tab", *"yes", "enter", "enter"), ("settle", "r42", "back", True, "yes"),
                     id="it worked"),
        pytest.param(unknown(), ("D", "tab", *"no", "tab", "tab", "enter"), ("settle", "r42", "back", False, "no"),
                     id="it failed"),
        pytest.param(asking(), ("D", "tab", *"ok", "enter", "enter"), ("settle", "r43", "settle", True, "ok"),
                     id="attest"),
        pytest.param(past(40, RunState.FAILED), ("U", "tab", "enter"), ("undo", "r40"), id="undo"),
        pytest.param(WAITS, ("A", "tab", "enter"), ("approve", "r45", run().plan_digest), id="approve"),
        pytest.param(WAITS, ("V", "tab", *"no", "enter", "enter"), ("reject", "r45", "no"), id="reject"),
    ],
)  # fmt: skip
async def test_each_deed_asks_once_and_is_done_when_it_is_answered(
    view: RunView, keys: tuple[str, ...], call: tuple[object, ...]
) -> None:
    app, _, desk = console(with_runs(view))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter", keys[0])
        assert desk.calls == [], "the key alone does nothing"
        await press(pilot, *keys[1:])
        assert desk.calls == [call]
        assert isinstance(app.screen, RunScreen)


@pytest.mark.parametrize("key", ["K", "R", "S", "D", "U", "A", "V"])
async def test_enter_on_a_question_leaves_everything_as_it_is(key: str) -> None:
    for view in (run(), run(state=RunState.PAUSED), unknown(), past(40, RunState.FAILED), waiting_for_approval()):
        app, _, desk = console(with_runs(view))
        async with app.run_test(size=(120, 40)) as pilot:
            await press(pilot, "X", "enter", key, "enter")
            assert desk.calls == []


async def test_a_reason_that_is_needed_keeps_the_deed_from_being_chosen() -> None:
    app, _, desk = console(with_runs(unknown()))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter", "S", "tab", "space", "space", "tab", "enter")
        assert desk.calls == []


async def test_what_means_nothing_where_a_run_stands_says_so() -> None:
    app, _, desk = console(with_runs(past(41, RunState.SUCCEEDED)))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter", "K", "R", "D", "A")
        assert desk.calls == []
        assert "abort means nothing here: the run is succeeded." in told(app)
        assert isinstance(app.screen, RunScreen)


async def test_nobody_is_offered_to_approve_a_run_of_their_own() -> None:
    app, _, desk = console(with_runs(waiting_for_approval(by="kim")))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "X", "enter")
        assert "Another person than kim must approve it" in text
        assert "A approve" not in text
        await press(pilot, "A", "tab", "enter")
        assert desk.calls == []


async def test_a_refusal_is_told() -> None:
    app, _, desk = console(with_runs(run()))
    desk.refusal = Refused("run #42 is over: succeeded")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "enter", "K", "tab", "enter")
        assert any("run #42 is over: succeeded" in note for note in told(app))


async def test_a_question_says_when_its_run_is_over() -> None:
    app, backend, desk = console(with_runs(run()))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "is over" not in await press(pilot, "X", "enter", "K")
        backend.publish(with_runs(past(42, RunState.SUCCEEDED)))
        await settle(pilot)
        text = await press(pilot, "tab", "enter")
        assert "Run #42 is over by now: succeeded." in text
        assert desk.calls == []


async def test_leaving_leaves_it_running_and_in_sight() -> None:
    app, _, desk = console(with_runs(run()))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "X", "enter", "escape", "escape")
        assert len(app.screen_stack) == 1
        assert "◷ #42" in text
        assert desk.calls == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_run_is_in_the_header_of_every_screen(size: tuple[int, int]) -> None:
    app, _, _ = console(with_runs(unknown(), run(46)))
    async with app.run_test(size=size) as pilot:
        for keys in ((), ("2", "d"), ("x",), ("x", "a"), ("x", "c"), ("question_mark",), ("X",), ("v",)):
            while len(app.screen_stack) > 1:
                app.pop_screen()
            await settle(pilot)
            text = await press(pilot, "2", *keys)
            assert "? #42" in "".join(text.splitlines()[:2]), keys
            assert "+1" in "".join(text.splitlines()[:2]), keys


async def test_the_table_tells_of_runs_present_and_past() -> None:
    runs = (run(), waiting_for_approval(), past(41, RunState.SUCCEEDED), past(40, RunState.FAILED))
    app, _, _ = console(with_runs(*runs))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "X")
        for piece in ("2 live · 1 wait for somebody · 2 past", "#42 ◷  gate holding", "#45 ·  awaiting approval",
                      "alex", "#41 ✓  succeeded", "pricealert/api", "2:11"):  # fmt: skip
            assert piece in text, piece
        text = await press(pilot, "slash", *"failed", "enter")
        assert "#40 ✗" in text
        assert "#41" not in text
        await press(pilot, "enter")
        assert isinstance(app.screen, RunsScreen), "the run that was selected is gone: no neighbour takes its place"
        text = await press(pilot, "j", "enter")
        assert "Run #40" in text


@pytest.mark.parametrize(
    ("size", "others"), [((60, 20), ""), ((80, 24), "BY"), ((120, 40), "TARGET BY"), ((200, 60), "TARGET STEP BY")]
)
async def test_the_table_tells_runs_of_one_place_from_those_of_another(size: tuple[int, int], others: str) -> None:
    runs = (run(49), run(48, environment=lit("staging"), production=False), run(47, environment=lit("blue")))
    app, _, _ = console(with_runs(*runs, run(46, environment=lit("production"), production=False)))
    async with app.run_test(size=size) as pilot:
        lines = (await press(pilot, "X")).splitlines()
    heading, first, second, third, fourth = lines[2:7]
    assert "PRODUCTION" in first
    assert "staging" in second
    assert re.search(r"PROD(UCTION)? blue", third)
    assert "production" in fourth
    assert all(word in heading.split() for word in others.split())


async def test_without_any_run_the_table_says_where_they_come_from() -> None:
    app, _, _ = console()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "x on an alert, a service or a rollout" in await press(pilot, "X")


async def test_the_selected_run_stays_selected_while_others_begin() -> None:
    app, backend, _ = console(with_runs(past(41, RunState.SUCCEEDED), past(40, RunState.FAILED)))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "X", "j")
        backend.publish(with_runs(run(43), run(42), past(41, RunState.SUCCEEDED), past(40, RunState.FAILED)))
        await settle(pilot)
        assert "Run #40" in await press(pilot, "enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_text_in_every_field_of_a_run_stays_text(size: tuple[int, int]) -> None:
    bad = safe(HOSTILE)
    evidence = Evidence(facts=(Said(bad, bad),), output=(bad, bad), status=1, left_out=3)
    view = run(title=bad, system=bad, target=bad, environment=bad, by=bad, account=bad, held_by=bad, reason=bad,
               approved_by=bad)  # fmt: skip
    held = Held(label=bad, value=bad, holds=True, since=NOW, needed=9)
    for at, state in enumerate((StepState.UNKNOWN, StepState.ASKING, StepState.HOLDING)):
        view = with_step(view, at, state=state, title=bad, call=bad, text=bad, undo=bad, tail=(bad,), evidence=evidence,
                         held=held, execution=HOSTILE)  # fmt: skip
    app, _, _ = console(with_runs(view))
    async with app.run_test(size=size) as pilot:
        for text in (await press(pilot, "X"), await press(pilot, "enter"), await press(pilot, "D")):
            assert "pwn" in text
            for raw in ("\x1b", "\x07", "\x9b", "\u202e", "\u200b"):
                assert raw not in text
        assert app.is_running


async def test_commands_lead_to_runs_by_their_numbers() -> None:
    app, _, desk = console(with_runs(run(), waiting_for_approval()))
    async with app.run_test(size=(120, 40)) as pilot:
        assert "Run #42" in await press(pilot, "colon", *"run 42", "enter")
        assert "Run #45" in await press(pilot, "colon", *"run #45", "enter")
        text = await press(pilot, "colon", *"approve 45", "enter")
        assert "Approve run #45" in text
        await press(pilot, "tab", "enter")
        assert desk.calls == [("approve", "r45", run().plan_digest)]
        text = await press(pilot, "colon", *"abort 42", "enter")
        assert "Abort run #42" in text
        text = await press(pilot, "escape", "colon", *"reject 45 not at night", "enter")
        assert "Reject run #45 · Roll back api" in text
        assert "why: not at night" in text
        assert [call[0] for call in desk.calls] == ["approve"], "it is asked first"
        await press(pilot, "tab", "enter")
        assert desk.calls[-1] == ("reject", "r45", "not at night")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "colon", *"runs", "enter")
        assert isinstance(app.screen, RunsScreen)
        await press(pilot, "colon", *"abort 99", "enter")
        assert "There is no run 99. X shows all of them." in told(app)


async def test_why_explains_what_is_selected() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "colon", *"why pricealert-rollback", "enter")
        assert "you are kim, approver, as local:kim" in text
        name, subject, runbook = desk.calls[0]
        assert (name, runbook) == ("why", "pricealert-rollback")
        assert getattr(subject, "alert", "") == "alert-1"


async def test_quitting_while_a_run_is_ours_asks_once() -> None:
    app, _, _ = console(with_runs(run()))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "colon", "q", "enter")
        assert "What a step has begun goes on without it" in text
        assert app.return_code is None
        await press(pilot, "enter")
        assert app.return_code is None, "Enter stays"
        await press(pilot, "colon", "q", "enter", "tab", "enter")
        assert app.return_code == 0


async def test_quitting_asks_nothing_while_no_run_would_lose_its_console() -> None:
    runs = (run(41, mine=False), waiting_for_approval(by="kim"), past(40, RunState.FAILED))
    app, _, _ = console(with_runs(*runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon", "q", "enter")
        assert app.return_code == 0


async def test_a_viewer_sees_runs_and_can_do_nothing_about_them() -> None:
    for view in (run(), run(state=RunState.PAUSED), unknown(), asking(), waiting_for_approval()):
        backend = FakeBackend(with_runs(view))
        app = TuiopsApp(backend, own_process=False, why_not=lit("you are a viewer"))
        async with app.run_test(size=(120, 40)) as pilot:
            text = await press(pilot, "X", "enter")
            assert "You can look on, and no more: you are a viewer." in text
            for key in ("K", "R", "S", "D", "U", "A", "V"):
                await press(pilot, key)
                assert isinstance(app.screen, RunScreen), key


async def test_a_run_that_is_not_known_yet_fills_when_the_ledger_tells_of_it() -> None:
    app, backend, _ = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.push_screen(app.make_run_screen("run", (lit("r42"),)))
        await settle(pilot)
        assert "Nothing is known of this run yet" in shown(pilot)
        backend.publish(msgspec.structs.replace(with_runs(run()), version=7))
        await settle(pilot)
        app.show_now()
        await settle(pilot)
        assert "Run #42" in shown(pilot)
        assert EMPTY not in told(app)
