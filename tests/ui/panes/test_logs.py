"""The log pane through its keys: what is on screen is read from the strips, never from a picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from textual.widgets import Input

from tests.ui.fakes import FakeBackend
from tuiops.config.model import Display
from tuiops.core.clock import FakeClock
from tuiops.core.logs import Level
from tuiops.core.snapshot import Environment, Snapshot
from tuiops.core.text import lit
from tuiops.ui.panes.base import TitleBar
from tuiops.ui.panes.logs import LogsPane
from tuiops.ui.screens.record import RecordScreen
from tuiops.ui.shell import Shell
from tuiops.ui.widgets.log_prompt import LogPrompt

if TYPE_CHECKING:
    from textual.app import ComposeResult

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class LogApp(Shell):
    def compose(self) -> ComposeResult:
        yield LogsPane(self.backend.logs)

    @property
    def pane(self) -> LogsPane:
        return self.query_one(LogsPane)

    def on_mount(self) -> None:
        super().on_mount()
        self.pane.view.focus()

    def text(self) -> list[str]:
        self.pane.view.redraw()
        view = self.pane.view
        return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def app_with(*lines: bytes) -> LogApp:
    snapshot = Snapshot(version=1, at=NOW, environment=Environment(name=lit("test")))
    backend = FakeBackend(snapshot, FakeClock(NOW + timedelta(minutes=2)))
    stream = backend.logs.register(lit("app"), system=lit("shop"), service=lit("api"))
    backend.logs.mark(stream, opened=True)
    for line in lines:
        backend.logs.append(stream, line + b"\n", NOW)
    return LogApp(backend, Display())


def numbered(count: int) -> list[bytes]:
    return [
        b"%s %s line %d" % ((NOW + timedelta(seconds=n)).isoformat().encode(), b"ERROR" if n % 10 == 0 else b"INFO", n)
        for n in range(count)
    ]


def add(app: LogApp, *lines: bytes) -> None:
    book = app.backend.logs
    stream = book.register(lit("app"), system=lit("shop"), service=lit("api"))
    for line in lines:
        book.append(stream, line + b"\n", NOW)


async def test_it_follows_and_stops_when_one_goes_up() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 12)) as pilot:
        assert app.text()[-1].endswith("line 99")
        add(app, b"later")
        assert app.text()[-1].endswith("later")
        await pilot.press("k")
        before = app.text()
        add(app, b"not seen")
        assert app.text() == before
        assert app.pane.view.unseen == 1
        await pilot.press("G")
        assert app.text()[-1].endswith("not seen")


async def test_the_title_says_how_long_nothing_came() -> None:
    app = app_with(b"INFO one")
    async with app.run_test(size=(100, 20)) as pilot:
        assert "following, last line 2m" in app.query_one(TitleBar).render_line(0).text
        book = app.backend.logs
        stream = book.register(lit("other"), system=lit("other"))
        book.append(stream, b"INFO two\n", app.now - timedelta(seconds=5))
        app.pane.show(app.snapshot, app.now)
        assert "last line" not in app.query_one(TitleBar).render_line(0).text
        app.pane.focus_on(lit("shop"))
        await pilot.pause()
        assert "last line 2m" in app.query_one(TitleBar).render_line(0).text


async def test_the_title_says_how_late_lines_come_and_what_their_senders_leave_out() -> None:
    app = app_with(b"INFO one")
    book = app.backend.logs
    stream = book.register(lit("app"), system=lit("shop"), service=lit("api"))
    async with app.run_test(size=(100, 10)) as pilot:
        book.delay(stream, 4)
        await pilot.pause()
        app.pane.on_log_view_changed()
        assert "late" not in app.query_one(TitleBar).render_line(0).text
        book.delay(stream, 72)
        book.thin(stream, lit("sampled"))
        app.pane.on_log_view_changed()
        title = app.query_one(TitleBar).render_line(0).text
        assert "late 1m" in title
        assert "sampled" in title
        other = book.register(lit("worker"), system=lit("shop"))
        book.mark(other, opened=True)
        app.pane.on_log_view_changed()
        assert "app late 1m" in app.query_one(TitleBar).render_line(0).text


async def test_a_line_that_came_late_is_marked() -> None:
    app = app_with(b"2026-11-22T03:00:05Z INFO later")
    book = app.backend.logs
    stream = book.register(lit("app"), system=lit("shop"), service=lit("api"))
    book.append(stream, b"2026-11-22T03:00:01Z INFO earlier\n", NOW, late=True)
    async with app.run_test(size=(100, 10)):
        first, second = [line for line in app.text() if "INFO" in line or "lier" in line or "later" in line]
        assert not first.startswith("‹")
        assert second.startswith("‹")


async def test_what_a_cloud_puts_around_every_line_is_left_to_the_record() -> None:
    entry = {
        "logName": "projects/shop/logs/run",
        "resource": {"type": "cloud_run_revision", "labels": {"region": "tokyo"}},
        "insertId": "7",
        "jsonPayload": {"message": "hello", "shelf": 3},
    }
    app = app_with(msgspec.json.encode(entry))
    async with app.run_test(size=(120, 12)) as pilot:
        (line,) = [row for row in app.text() if "hello" in row]
        assert line.endswith("hello  jsonPayload.shelf=3")
        await pilot.press("enter")
        assert isinstance(app.screen, RecordScreen)
        assert "cloud_run_revision" in app.screen.copied


async def test_a_level_hides_lines_and_they_are_counted() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("s", "s", "s")
        assert all(" E " in row for row in app.text() if row)
        assert app.pane.view.index.hidden == 90


async def test_a_hit_among_the_lines_that_were_followed_stays_on_screen() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 12)) as pilot:
        assert app.text()[-1].endswith("line 99")
        await pilot.press("slash", *"line 97", "enter")
        await pilot.pause()
        assert app.pane.view.cursor == 97
        assert 97 in app.pane.view.shown_rows


async def test_search_goes_up_and_marks_the_hit() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("slash", *"line 3", "enter")
        await pilot.pause()
        assert app.pane.view.cursor == 39
        await pilot.press("N")
        assert app.pane.view.cursor == 38
        await pilot.press("n")
        assert app.pane.view.cursor == 39
        reversed_text = "".join(
            segment.text
            for y in range(app.pane.view.size.height)
            for segment in app.pane.view.render_line(y)
            if segment.style is not None and segment.style.reverse
        )
        assert "line 3" in reversed_text


async def test_a_bad_expression_is_said_and_ends_nothing() -> None:
    app = app_with(*numbered(5))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("slash", "left_parenthesis", "enter")
        assert app.pane.view.pattern is None
        assert app.is_running


async def test_what_is_said_of_an_expression_leaves_the_prompt_clear() -> None:
    app = app_with(*numbered(5))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("slash", "left_parenthesis", "enter")
        await pilot.pause()
        assert app.screen.query_one("Toast").region.bottom <= app.query_one(LogPrompt).region.y
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.query_one("ToastRack").styles.margin.bottom == 1


async def test_a_block_of_colour_ends_with_the_letter_of_its_level() -> None:
    app = app_with(b"2026-11-22T03:00:00Z FATAL out of slots")
    async with app.run_test(size=(80, 12)):
        app.text()
        drawn = [(part.text, part.style and part.style.bgcolor) for part in app.pane.view.render_line(0)]
        palette = app.look.palette
        at = drawn.index(("F", palette.level[Level.FATAL].bgcolor))
        assert drawn[at + 1] == (" ", palette.text.bgcolor)
        assert palette.text.bgcolor != palette.level[Level.FATAL].bgcolor


async def test_filters_in_and_out_can_be_switched() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("ampersand", *"line 5", "enter")
        assert app.pane.view.index.hidden == 89
        await pilot.press("ampersand", "exclamation_mark", *"55", "enter")
        assert app.pane.view.index.hidden == 90
        await pilot.press("ampersand", "2", "enter")
        assert app.pane.view.index.hidden == 89
        await pilot.press("ampersand", "enter")
        assert app.pane.view.index.hidden == 0


async def test_errors_records_and_minutes_are_stepped_through() -> None:
    app = app_with(*numbered(200))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("E")
        assert app.pane.view.cursor == 190
        await pilot.press("E", "e")
        assert app.pane.view.cursor == 190
        await pilot.press("comma")
        assert app.pane.view.cursor == 130
        await pilot.press("left_curly_bracket")
        assert app.pane.view.cursor == 129


async def test_context_shows_hidden_neighbours() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 14)) as pilot:
        await pilot.press("s", "s", "s", "E", "C")
        assert any("line 89" in row for row in app.text())


async def test_marks_are_gone_back_to_and_copied() -> None:
    app = app_with(*numbered(50))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("k", "m", "g", "m", "apostrophe")
        assert app.pane.view.cursor == 48
        assert app.pane.selection_text().splitlines()[-1].endswith("line 48")


HOSTILE = [
    b"\x1b[31mred\x1b]52;c;ZXZpbA==\x07",
    b"\x9b31m\xc2\x9b31m",
    "\u202eevil\u2066\u200b".encode(),
    b"\xff\xfe\x00broken",
    b"[@click=app.quit]x[/] [bold]",
    b"wide \xe4\xbe\xa1\xe6\xa0\xbc" * 40,
    b'{"message":"\\u001b]0;title\\u0007","level":"error","k\\u001b":"v\\u202e"}',
    b"a" + "\u0301".encode() * 5000,
    b"x" * 200_000,
]


@pytest.mark.parametrize("keys", [(), ("backslash",), ("enter",), ("right", "right")])
async def test_no_hostile_line_reaches_a_strip_raw(keys: tuple[str, ...]) -> None:
    app = app_with(*HOSTILE)
    async with app.run_test(size=(60, 30)) as pilot:
        await pilot.press("k", *keys)
        for row in app.screen._compositor.render_strips():
            text = "".join(segment.text for segment in row)
            assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in text)
            assert not any(char in text for char in "\u202e\u2066\u200b")
        for y in range(app.pane.view.size.height):
            assert app.pane.view.render_line(y).cell_length == app.pane.view.size.width


async def test_an_empty_log_says_why() -> None:
    backend = FakeBackend(Snapshot(version=1, at=NOW, environment=Environment(name=lit("test"))))
    app = LogApp(backend, Display())
    async with app.run_test(size=(100, 12)):
        assert "no log stream is configured" in app.text()[1]
        stream = backend.logs.register(lit("app"))
        assert app.text()[1].strip() == "Waiting for the first line of 1 stream."
        backend.logs.mark(stream, opened=False, error=lit("/x: permission denied"))
        assert app.text()[1].strip() == "app: /x: permission denied"


async def test_a_pivot_shows_one_service() -> None:
    app = app_with(b"from api")
    async with app.run_test(size=(100, 12)):
        other = app.backend.logs.register(lit("web"), system=lit("shop"), service=lit("web"))
        app.backend.logs.append(other, b"from web\n", NOW)
        app.pane.focus_on(lit("shop"), lit("web"))
        assert [row.split()[-1] for row in app.text() if row] == ["web"]


async def test_one_cell_is_enough_to_live() -> None:
    app = app_with(*numbered(5))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.resize_terminal(1, 1)
        await pilot.resize_terminal(80, 24)
        assert app.text()


async def test_an_expression_that_never_ends_freezes_nothing_and_is_owned_up_to() -> None:
    app = app_with(*[b"a" * 3000 + b"!" for _ in range(60)])
    async with app.run_test(size=(120, 12)) as pilot:
        await pilot.press("slash", *"(a+)+$", "enter")
        await pilot.pause()
        while app.pane.view.job.runs:
            await pilot.pause()
        assert app.pane.view.pattern is not None
        assert app.pane.view.pattern.gave_up
        assert any("takes too long" in notification.message for notification in app._notifications)
        await pilot.press("ampersand", *"(a+)+$", "enter")
        app.pane.view.redraw()
        await pilot.pause()
        title = app.pane.query_one(TitleBar).render_line(0).text
        assert "a filter takes too long" in title


async def test_letters_typed_ahead_belong_to_the_prompt() -> None:
    app = app_with(*numbered(100))
    async with app.run_test(size=(100, 12)) as pilot:
        app.pane.action_logs_search()
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        assert app.screen.focused is app.pane.view
        assert not app.pane.query_one(LogPrompt).is_open


async def test_wrapped_lines_are_scrolled_line_by_line_and_end_whole() -> None:
    lines = [b"INFO begin%d " % n + b"word " * 60 + b"end%d" % n for n in range(30)]
    app = app_with(*lines)
    async with app.run_test(size=(80, 14)) as pilot:
        await pilot.press("backslash")
        rows = app.text()
        assert rows[-1].endswith("end29")
        assert len([row for row in rows if "begin" in row]) < len(rows)
        for expected in range(28, 18, -1):
            await pilot.press("k")
            assert app.pane.view.cursor == expected
            assert expected in app.pane.view.shown_rows
        await pilot.press("g")
        assert "begin0" in app.text()[0]
        for expected in range(1, 12):
            await pilot.press("j")
            assert app.pane.view.cursor == expected
            assert expected in app.pane.view.shown_rows


async def test_long_lines_are_scrolled_sideways_but_not_while_wrapped() -> None:
    app = app_with(b"INFO " + b"0123456789" * 30)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("right")
        shifted = app.text()
        await pilot.press("left")
        assert app.text() != shifted
        await pilot.press("left")
        assert "0123456789" in app.text()[0]
        await pilot.press("backslash", "right")
        assert "0123456789" in app.text()[0]


async def test_folding_leaves_first_lines_and_says_how_many_follow() -> None:
    app = app_with(b"ERROR boom", b"  at here", b"  at there", b"INFO fine")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("z")
        rows = [row for row in app.text() if row]
        assert len(rows) == 2
        assert "+2 lines" in rows[0]
        await pilot.press("z")
        assert len([row for row in app.text() if row]) == 4


async def test_the_histogram_counts_lines_over_errors() -> None:
    # A line a second for two minutes, every tenth an error; the clock stands at their end.
    app = app_with(*numbered(120), b"Traceback (most recent call last):", b"ValueError: no")
    async with app.run_test(size=(100, 14)) as pilot:
        await pilot.press("i")
        above, below = app.text()[:2]
        assert above.startswith(" lines / ")
        assert below.startswith(" errors, warnings")
        bars, errors = above[18:], below[18:]
        assert set(bars.strip()) <= set("▁▂▃▄▅▆▇█")
        assert "█" in bars
        assert "█" in errors
        assert len(bars.strip()) > 20, "what states no time must not draw the bars together"
        await pilot.press("i")
        assert "line" in app.text()[0]
        assert not app.text()[0].startswith(" lines / ")


async def test_marks_of_lines_that_were_dropped_are_stepped_over() -> None:
    app = app_with()
    app.backend.logs.limit = 1_000_000
    add(app, *numbered(20))
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.press("k", "m")
        add(app, *[b"x" * 5000 for _ in range(600)])
        assert app.backend.logs.first > 18
        app.pane.view.redraw()
        await pilot.press("G", "k", "m", "g", "apostrophe")
        assert app.pane.view.cursor == 618
        assert app.pane.selection_text() == "x" * 5000


async def test_the_record_of_a_continuation_is_the_whole_record() -> None:
    app = app_with(b"INFO fine", b"ERROR boom", b"  at here", b"  at there", b"INFO fine")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("k", "k", "enter")
        assert isinstance(app.screen, RecordScreen)
        assert app.screen.copied.splitlines() == ["ERROR boom", "  at here", "  at there"]


async def test_a_record_shows_long_names_whole_and_tracebacks_as_lines() -> None:
    app = app_with(b'{"message":"boom","estimated_pages_of_all":26,"traceback":"line one\\nline two"}')
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        rows = ["".join(segment.text for segment in row).strip("│ ") for row in app.screen._compositor.render_strips()]
        at = rows.index("estimated_pages_of_all")
        assert rows[at + 1] == "26"
        at = next(number for number, row in enumerate(rows) if row.startswith("traceback"))
        assert rows[at].endswith("line one")
        assert rows[at + 1] == "line two"
