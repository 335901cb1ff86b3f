"""Limits that are held: what flaps does not turn, what lasts does, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tuiops.core.hold import Hold, held

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)


def counts(readings: str, seconds: float = 30.0) -> str:
    """What counts after each of the readings, one every ten seconds: `!` beyond the limit, `.` within."""
    hold: Hold | None = None
    found = ""
    for number, reading in enumerate(readings):
        hold = held(hold, START + timedelta(seconds=10 * number), seconds, crossed=reading == "!")
        found += "!" if hold.crossed else "."
    return found


@pytest.mark.parametrize(
    ("readings", "found"),
    [
        (".!.!.!.!", "........"),
        ("..!!!!!!", ".....!!!"),
        ("..!!!.!!!!", ".........!"),
        (".!!!!.!.!....", "....!!!!!!!!."),
        ("!....", "!...."),
        ("!!!!.!", "!!!!!!"),
        ("!!.!!!!", "!!....!"),
        ("!!!!.....!!!!", "!!!!!!!.....!"),
    ],
)
def test_a_turn_must_last(readings: str, found: str) -> None:
    assert counts(readings) == found
