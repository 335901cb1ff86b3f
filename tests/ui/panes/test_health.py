"""What the health pane says in little room."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from tuiops.config.paths import shipped_themes
from tuiops.core.health import (
    Indicator,
    Limit,
    Measure,
    Reading,
    ServiceHealth,
    State,
    SystemHealth,
    Verdict,
    judge_live,
)
from tuiops.core.text import EMPTY, SafeText, lit
from tuiops.core.units import Unit
from tuiops.ui.format import Times
from tuiops.ui.panes.health import HealthModel, _reason, metrics
from tuiops.ui.panes.health_rows import HealthRow
from tuiops.ui.theme import Look, load
from tuiops.ui.widgets.table_lines import Drawing

LOOK = Look(load(shipped_themes() / "dark.toml").palette)
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
FAILS = lit("chat-00002 fails, chat-00001 serves: the container does not start")


def said(unit: Unit, value: float, note: SafeText, room: int) -> str:
    limit = Limit.parse("> 1%", Unit.RATIO) if unit is Unit.RATIO else None
    indicator = Indicator(
        system=lit("shop"), id=lit("x"), heading=lit("ERR%"), unit=unit, source=lit("gcp"), degraded=limit
    )
    reading = Reading(system=lit("shop"), service=lit("chat"), indicator=lit("x"), at=NOW, value=value, note=note)
    measure = Measure(indicator=indicator, reading=reading)
    verdict = judge_live(measure, NOW)
    system = SystemHealth(system=lit("shop"), label=lit("Shop"), environment=EMPTY)
    service = ServiceHealth(system=lit("shop"), service=lit("chat"), label=lit("chat"), measures=(measure,))
    row = HealthRow(system, service, verdict, (verdict,))
    assert verdict == Verdict(State.DEGRADED, verdict.reason)
    return _reason(row, Drawing(look=LOOK, times=Times(), now=NOW, room={"why": room}, width=80))


@pytest.mark.parametrize("room", [12, 200])
def test_a_state_says_why_and_not_that_it_is_that_state(room: int) -> None:
    assert said(Unit.STATE, 1.0, FAILS, room) == FAILS


def test_a_quantity_says_its_value_where_its_limit_has_no_room() -> None:
    assert said(Unit.RATIO, 0.062, EMPTY, 200) == "ERR% 6.20% > 1.00%"
    assert said(Unit.RATIO, 0.062, EMPTY, 12) == "ERR% 6.20%"


@pytest.mark.parametrize("value", [math.nan, None])
def test_nothing_measured_is_a_dash_whatever_kind_of_nothing_it_is(value: float | None) -> None:
    measure = measured(Unit.RATIO, value, lit("ERR%"))
    model = HealthModel()
    model.headings = {lit("ERR%"): 2}
    drawing = Drawing(look=LOOK, times=Times(), now=NOW, room={}, width=80)
    assert model._metric((measure, judge_live(measure, NOW)), lit("ERR%"), drawing).text == "—"


def measured(unit: Unit, value: float | None, heading: SafeText) -> Measure:
    indicator = Indicator(system=lit("shop"), id=heading, heading=heading, unit=unit, source=lit("p"))
    reading = Reading(system=lit("shop"), service=lit("chat"), indicator=heading, at=NOW, value=value)
    return Measure(indicator=indicator, reading=reading)


def test_a_state_has_one_column_and_not_a_second_one_for_its_indicator() -> None:
    measures = (measured(Unit.STATE, 1.0, lit("STATE")), measured(Unit.RATIO, 0.01, lit("ERR%")))
    service = ServiceHealth(system=lit("shop"), service=lit("chat"), label=lit("chat"), measures=measures)
    system = SystemHealth(system=lit("shop"), label=lit("Shop"), environment=EMPTY, services=(service,))
    assert list(metrics((system,))) == ["ERR%"]


@pytest.mark.parametrize(("room", "text"), [(12, "stale 5s"), (40, "stale 5s · rate limited 0:55")])
def test_what_is_stale_says_since_when_and_the_rest_where_there_is_room(room: int, text: str) -> None:
    verdict = Verdict(State.UNKNOWN, lit("stale 5s · rate limited 0:55"))
    service = ServiceHealth(system=lit("shop"), service=lit("chat"), label=lit("chat"))
    row = HealthRow(SystemHealth(system=lit("shop"), label=lit("Shop"), environment=EMPTY), service, verdict)
    assert _reason(row, Drawing(look=LOOK, times=Times(), now=NOW, room={"why": room}, width=80)) == text
