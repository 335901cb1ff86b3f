"""Printing: aligned whatever the characters, in colour only where it is wanted."""

from __future__ import annotations

import io
import json

import pytest

from tests.cli.snapshots import NOW, alert, service, snapshot
from tuiops.cli import tables
from tuiops.cli.output import Output, Tone, width
from tuiops.core.severity import Severity
from tuiops.core.text import lit, safe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_columns_line_up_under_wide_and_combining_characters() -> None:
    stream = io.StringIO()
    names = ["api", "決済サービス", "cafe\u0301", "ﾊﾝｶｸ", "👩"]
    Output(stream, {}).table(
        (lit("NAME"), lit("END")), [[(safe(name), Tone.PLAIN), (lit("|"), Tone.PLAIN)] for name in names]
    )
    columns = {width(safe(line[: line.index("|")])) for line in stream.getvalue().splitlines()[1:]}
    assert columns == {14}


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(environ: dict[str, str], coloured: bool) -> None:
    stream = Terminal()
    Output(stream, environ).line((lit("DOWN"), Tone.WORST))
    assert stream.getvalue() == ("\x1b[1;31mDOWN\x1b[0m\n" if coloured else "DOWN\n")


def test_a_pipe_has_no_colour() -> None:
    stream = io.StringIO()
    Output(stream, {}).line((lit("DOWN"), Tone.WORST))
    assert stream.getvalue() == "DOWN\n"


def test_a_compact_document_is_one_line() -> None:
    stream = io.StringIO()
    Output(stream, {}).document({"a": "決済"}, compact=True)
    assert stream.getvalue() == '{"a": "決済"}\n'
    assert json.loads(stream.getvalue()) == {"a": "決済"}


def test_the_status_says_what_is_wrong_in_words() -> None:
    stream = io.StringIO()
    seen = snapshot(service("api", 0.5), alerts=(alert(Severity.P1),))
    tables.status(Output(stream, {}), seen, NOW, "Asia/Tokyo")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "production  DOWN  2026-01-31T21:00:00+09:00"
    assert "shop    DOWN   API: ERR% 50.0% > 20.0%" in lines
    assert "Alerts  P1 1  P2 0  P3 0  P4 0" in lines
    assert "prom       prometheus  live 3s" in lines


def test_quiet_is_good_news_only_when_it_is_proven() -> None:
    for feeds, said in ((snapshot().feeds, "every alert source is live"), ({}, "No alert sources are configured")):
        stream = io.StringIO()
        tables.alerts(Output(stream, {}), snapshot(feeds=tuple(feeds.values())), NOW, "UTC")
        assert said in stream.getvalue()


def test_the_alerts_table() -> None:
    stream = io.StringIO()
    tables.alerts(Output(stream, {}), snapshot(alerts=(alert(Severity.P1),)), NOW, "UTC")
    assert stream.getvalue().splitlines()[1] == "!! P1  10:00  firing  shop/api  Broken  5m   it is ␛[31mbroken"
