"""From a row to a run: what is shown, what it takes, and all that keeps it from being begun by mistake."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.ui.acting.flow import console, press, settle, shown, told
from tests.ui.desk import card_of, rollback_plan, run
from tuiops.core.access import Danger, Decision
from tuiops.core.record import Said
from tuiops.core.text import EMPTY, lit, safe
from tuiops.errors import Refused, Unreachable
from tuiops.runbooks.format.model import CommandCheck
from tuiops.runbooks.planning.plan import Call
from tuiops.ui.acting.card import CardScreen, Stage
from tuiops.ui.acting.run import RunScreen
from tuiops.ui.app import TuiopsApp
from tuiops.ui.widgets.choice import Choice

HOSTILE = "\x1b[2J\x1b]0;pwn\x07\x9b31m\u202e[@click=app.quit]x[/] [/bold]\u200b\r\n東京" + "\u0301" * 40


def confirmed(calls: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [call for call in calls if call[0] == "confirm"]


async def test_from_an_alert_at_most_six_keys_lead_to_a_confirmed_run() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        pressed, text = 0, ""
        for key in ("x", "a", "tab", "enter"):
            assert confirmed(desk.calls) == []
            text = await press(pilot, key)
            pressed += 1
            if confirmed(desk.calls):
                break
        assert confirmed(desk.calls) == [("confirm", desk.card.digest, "")]
        assert pressed <= 6
        assert isinstance(app.screen, RunScreen)
        assert "Run #42 · Roll back api · by kim" in text
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1, "what led to the run is not in the way back"


async def test_a_card_says_where_it_reaches_and_cuts_nothing() -> None:
    app, _, desk = console()
    plan = rollback_plan()
    check = CommandCheck(argv=("psql", "a" * 300, "{{end}} of it"), via="edge")
    first = msgspec.structs.replace(plan.steps[0], confirm=check)
    desk.card = card_of(
        msgspec.structs.replace(
            plan,
            steps=(first, *plan.steps[1:]),
            parameters={"note": ("b" * 600,)},
            places={"bastion edge": "ops@edge.example:2222", "resource api": "ecs api"},
        )
    )
    async with app.run_test(size=(120, 60)) as pilot:
        text = await press(pilot, "x", "a")
    packed = "".join(text.replace("│", "").split())
    assert f"`psql{'a' * 300}'{{end}}ofit'`onedgeendswith0,within1m" in packed
    assert "b" * 600 in packed
    assert "reaches       bastion edge = ops@edge.example:2222" in text
    assert "ecs api" not in text, "what is acted on is seen from the call"


async def test_every_fact_of_the_plan_is_on_the_card() -> None:
    app, _, desk = console()
    desk.card = card_of(rollback_plan(), runs=(run(41),))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x", "a")
    for piece in (
        "Roll back api", "PRODUCTION", "from          task definition api:118", "desired tasks 4",
        "to            task definition api:117", "1  C  Set the service back to api:117",
        "aws ecs update-service --cluster prod --service api", "3  S  The error rate is back",
        "blast radius  The 4 tasks of api", "undo          1  back to task definition api:118",
        "usually takes 2 min 40 s (5 runs)", "locks         pricealert/api",
        "also running  ◷ #41 gate holding  Roll back api, 3/3, by kim",
        "read at 14:02:11 JST; read again when you confirm", "[ Cancel ]   Run",
    ):  # fmt: skip
        assert piece in text, piece
    assert desk.calls[0] == ("plan", "pricealert-rollback", "pricealert", {"service": ("api",)}, "alert-1")


async def test_a_double_enter_confirms_once() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a", "tab")
        desk.hold = asyncio.Event()
        text = await press(pilot, "enter", "enter", "enter")
        assert "Reading the state again, then recording it" in text
        desk.hold.set()
        await settle(pilot)
        assert len(confirmed(desk.calls)) == 1


async def test_keys_that_are_typed_before_the_facts_are_there_begin_nothing() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x")
        desk.hold = asyncio.Event()
        text = await press(pilot, "a")
        assert "Reading the state of pricealert" in text
        await press(pilot, "tab", "enter", "tab", "enter")
        desk.hold.set()
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, CardScreen)
        assert screen.stage is Stage.READ
        assert app.focused is screen.query(Choice).first(), "the focus is on Cancel when the facts appear"
        assert confirmed(desk.calls) == []


async def test_a_card_that_is_read_for_long_can_be_left_with_enter() -> None:
    app, backend, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x")
        desk.hold = asyncio.Event()
        await press(pilot, "a")
        backend.clock.advance(2)
        await press(pilot, "enter")
        assert not isinstance(app.screen, CardScreen)


async def test_a_letter_before_the_menu_is_there_still_opens_the_card() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        desk.hold = asyncio.Event()
        assert "Looking what can be done" in await press(pilot, "x")
        await press(pilot, "a")
        desk.hold.set()
        await settle(pilot)
        assert isinstance(app.screen, CardScreen)


async def test_what_moved_since_is_refused_in_words_and_has_to_be_read_again() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a", "tab")
        desk.refusal = Refused("not run: task definition changed (api:118 → api:119) since it was shown; read it again")
        text = await press(pilot, "enter")
        assert "Not run: task definition changed (api:118 → api:119) since it was shown; read it again" in text
        assert "Press r to read again" in text
        await press(pilot, "tab", "enter")
        assert len(confirmed(desk.calls)) == 1, "a card that was refused cannot be confirmed again"
        desk.refusal = None
        desk.card = card_of(rollback_plan(title=lit("Roll back api from 119")))
        text = await press(pilot, "r")
        assert "Roll back api from 119" in text
        assert "Not run" not in text
        await press(pilot, "tab", "enter")
        assert confirmed(desk.calls)[-1] == ("confirm", desk.card.digest, "")


async def test_what_destroys_asks_for_the_environment_to_be_typed() -> None:
    app, _, desk = console()
    desk.card = card_of(rollback_plan(danger=Danger.DESTROYS))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "x", "a")
        assert "type production to confirm:" in text
        await press(pilot, "tab", *"productio", "tab", "enter")
        assert confirmed(desk.calls) == []
        await press(pilot, "shift+tab", "n", "enter")
        assert confirmed(desk.calls) == [], "Enter in the field goes on to Run; it is not Run"
        await press(pilot, "enter")
        assert confirmed(desk.calls) == [("confirm", desk.card.digest, "production")]


async def test_what_was_typed_counts_for_the_card_that_it_was_typed_on() -> None:
    app, _, desk = console()
    desk.card = card_of(rollback_plan(danger=Danger.DESTROYS))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "a", "tab", *"production")
        screen = app.screen
        assert isinstance(screen, CardScreen)
        screen.read_again()
        await settle(pilot)
        await press(pilot, "tab", "tab", "enter")
        assert confirmed(desk.calls) == []


async def test_letters_are_typed_where_something_is_asked_for() -> None:
    """Also before the field has the focus: `e`, `r` and `p` are keys of the card and of the console."""
    app, _, desk = console()
    desk.card = card_of(rollback_plan(danger=Danger.DESTROYS))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "a", *"production", "enter")
        assert not app.frozen
        assert confirmed(desk.calls) == []
        await press(pilot, "enter")
        assert confirmed(desk.calls) == [("confirm", desk.card.digest, "production")]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"decision": Decision(allowed=False, reason=lit("kim is viewer; this takes operator"))},
         "Not allowed: kim is viewer; this takes operator."),
        ({"obstacles": (lit("api is held by run #41 Roll back api (running, alex on bastion-2)"),)},
         "Not now: api is held by run #41 Roll back api (running, alex on bastion-2)."),
    ],
)  # fmt: skip
async def test_what_stands_in_the_way_is_said_and_keeps_run_from_being_chosen(
    change: dict[str, object], word: str
) -> None:
    app, _, desk = console()
    desk.card = card_of(rollback_plan(), **change)
    async with app.run_test(size=(120, 40)) as pilot:
        assert word in await press(pilot, "x", "a")
        await press(pilot, "tab", "enter")
        assert confirmed(desk.calls) == []


async def test_a_second_person_is_announced_before_and_asked_for_after() -> None:
    app, _, desk = console()
    desk.card = card_of(rollback_plan(), decision=Decision(allowed=True, reason=lit("on-call"), second=True))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x", "a")
        assert "Another person must approve it: :approve NUMBER" in text
        text = await press(pilot, "tab", "enter")
        assert "awaiting approval" in text
        assert ":approve 42 at their own console" in text


async def test_a_source_that_does_not_answer_leaves_a_word_and_a_way_to_try_again() -> None:
    app, _, desk = console()
    desk.refusal = Unreachable("ECS does not answer")
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "x", "a")
        assert "ECS does not answer." in text
        await press(pilot, "tab", "enter")
        desk.refusal = None
        assert "from          task definition" in await press(pilot, "r")


async def test_whoever_leaves_while_it_is_confirmed_hears_of_it() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a", "tab")
        desk.hold = asyncio.Event()
        await press(pilot, "enter", "escape", "escape")
        assert len(app.screen_stack) == 1
        desk.hold.set()
        text = await press(pilot, "j")
        assert "What you confirmed has begun; X shows it." in told(app)
        assert len(app.screen_stack) == 1, "nobody is taken away from where they have gone"
        assert "#42" in text.splitlines()[0]


async def test_whoever_leaves_while_it_is_refused_hears_of_it() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a", "tab")
        desk.hold, desk.refusal = asyncio.Event(), Refused("not run: the world moved")
        await press(pilot, "enter", "escape", "escape")
        desk.hold.set()
        await settle(pilot)
        assert "Roll back api: not run: the world moved" in told(app)


async def test_a_session_made_read_only_can_confirm_nothing_any_more() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a", "tab")
        app.give_up_acting()
        text = await press(pilot, "enter")
        assert confirmed(desk.calls) == []
        assert desk.forbidden
        assert "this session was made read-only" in text


async def test_a_console_without_a_desk_says_why_and_offers_nothing() -> None:
    backend = console()[1]
    app = TuiopsApp(backend, own_process=False, why_not=lit("this session is a viewer's"))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x")
        assert "Nothing can be done here: this session is a viewer's." in text
        for key in "abcdefghijklmnopqrstuvwz":
            await press(pilot, key)
        assert not any(isinstance(screen, CardScreen) for screen in app.screen_stack)


async def test_why_nothing_can_be_done_is_whole_however_long_it_is() -> None:
    backend = console()[1]
    why = lit("the configuration has no table of permissions, so that nobody may do anything from here; see the docs")
    app = TuiopsApp(backend, own_process=False, why_not=why)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "x")
        assert why in " ".join(text.replace("│", " ").split())


async def test_without_a_runbook_that_fits_the_menu_says_how_one_would_come_there() -> None:
    app, _, desk = console()
    desk.offers = ()
    async with app.run_test(size=(80, 24)) as pilot:
        text = await press(pilot, "x")
        assert "No runbook is offered for this." in text
        assert "`tuiops runbook list` has all of them." in " ".join(text.replace("│", " ").split())


async def test_a_disabled_line_stays_with_its_reason_and_cannot_be_chosen() -> None:
    app, _, desk = console()
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x")
        assert "Restart api" in text
        assert "run #41 of alex has api: gate holding" in text
        await press(pilot, "d")
        assert not any(isinstance(screen, CardScreen) for screen in app.screen_stack)
        text = await press(pilot, "G")
        assert "not now       run #41 of alex has api" in text
        await press(pilot, "enter")
        assert not any(isinstance(screen, CardScreen) for screen in app.screen_stack)
        assert desk.calls == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_long_call_is_whole_however_narrow_the_card(size: tuple[int, int]) -> None:
    app, _, desk = console()
    words = [f"--option-{number}=value-{number}" for number in range(60)]
    long = safe(f"aws ecs update-service {' '.join(words)} {'x' * 300}", 8000)
    plan = rollback_plan()
    step = msgspec.structs.replace(plan.steps[0], call=Call(text=long))
    desk.card = card_of(rollback_plan(steps=(step, *plan.steps[1:])))
    async with app.run_test(size=size) as pilot:
        await press(pilot, "x", "a")
        screen = app.screen
        assert isinstance(screen, CardScreen)
        rows = ["".join(text for text, _ in row) for row in screen.sheet.rows]
        joined = "".join(row.replace(" ", "") for row in rows)
        assert all(word in " ".join(rows) for word in words)
        assert joined.count("x") >= 300
        assert not any("…" in row for row in rows)
        hidden = len(screen.sheet.rows) - screen.sheet.size.height
        assert (f"▼ {hidden} more" in shown(pilot)) is (hidden > 0), "that there is more below is said"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_text_in_every_field_stays_text(size: tuple[int, int]) -> None:
    app, _, desk = console()
    bad = safe(HOSTILE)
    plan = rollback_plan(
        title=bad, target=bad, environment=bad, blast_radius=bad, locks=(HOSTILE,), parameters={HOSTILE: (HOSTILE,)},
        danger=Danger.DESTROYS,
        steps=tuple(
            msgspec.structs.replace(
                step, title=bad, undo_text=bad, when={HOSTILE: HOSTILE},
                call=Call(text=bad, before=(Said(bad, bad),), after=(Said(bad, EMPTY),)),
            )
            for step in rollback_plan().steps
        ),
    )  # fmt: skip
    desk.card = card_of(
        plan, obstacles=(bad, bad), runs=(run(41, title=bad, by=bad, target=bad, reason=bad),),
        decision=Decision(allowed=False, reason=bad),
    )  # fmt: skip
    desk.offers = tuple(msgspec.structs.replace(one, title=bad, reason=EMPTY, description=bad) for one in desk.offers)
    async with app.run_test(size=size) as pilot:
        text = await press(pilot, "x")
        assert "[@click=app.quit]" in text
        text = await press(pilot, "a")
        assert app.is_running
        assert "[@click=app.quit]" in text
    for raw in ("\x1b", "\x07", "\x9b", "\u202e", "\u200b"):
        assert raw not in text


async def test_a_long_refusal_is_whole() -> None:
    app, _, desk = console()
    words = [f"reason{number}" for number in range(90)]
    desk.card = card_of(rollback_plan(), obstacles=(safe(" ".join(words), 4000),))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "a")
        screen = app.screen
        assert isinstance(screen, CardScreen)
        rows = " ".join("".join(text for text, _ in row) for row in screen.sheet.rows)
        assert all(word in rows.split() or f"{word}." in rows.split() for word in words)
        assert "Not now: reason0" in shown(pilot)


async def test_an_old_card_says_how_old_it_is() -> None:
    app, backend, _ = console()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "x", "a")
        backend.clock.advance(125)
        app.show_now()
        await settle(pilot)
        assert "read at 14:02:11 JST, 2m ago" in shown(pilot)


async def test_what_cannot_be_undone_is_said_step_by_step() -> None:
    app, _, desk = console()
    back, *others = rollback_plan().steps
    final = msgspec.structs.replace(back, key="final", undo_text=EMPTY, danger=Danger.DESTROYS)
    told_why = msgspec.structs.replace(back, key="why", undo_text=lit("cannot be undone: it is gone"))
    desk.card = card_of(rollback_plan(steps=(back, final, *others, told_why)))
    async with app.run_test(size=(120, 40)) as pilot:
        text = await press(pilot, "x", "a")
        assert "undo          1  back to task definition api:118" in text
        assert "              2  cannot be undone from here" in text
        assert "              5  cannot be undone: it is gone" in text
        assert "3  cannot" not in text, "what only reads needs no undo"
    app, _, desk = console()
    desk.card = card_of(rollback_plan(steps=tuple(others)))
    async with app.run_test(size=(120, 40)) as pilot:
        assert "undo          nothing to undo" in await press(pilot, "x", "a")
