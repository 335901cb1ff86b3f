"""The header: what gives way where room is short."""

from __future__ import annotations

import pytest

from tuiops.config.paths import shipped_themes
from tuiops.core.text import SafeText, lit
from tuiops.ui.theme import load
from tuiops.ui.widgets.header import Facts, Forms, header_strips

PALETTE = load(shipped_themes() / "dark.toml").palette


RUNS = (
    ((lit("◷ #42 Roll back pricealert/api running 2/5"), PALETTE.text),),
    ((lit("◷ #42 running 2/5"), PALETTE.text),),
    ((lit("◷ #42 running"), PALETTE.text),),
)


def drawn(width: int, rows: int, sources: SafeText, runs: Forms = ()) -> list[str]:
    text = PALETTE.text
    counts = tuple((part, text) for part in (lit(" !! 1 "), lit(" ! 2 "), lit(" ~ 4 "), lit(" . 0 ")))
    facts = Facts(
        environment=(((lit(" PRODUCTION simulated production "), text),), ((lit(" PRODUCTION "), text),)),
        counts=(counts, counts[:1]),
        runs=runs,
        due=(((lit("respond to pricealert in 3:29"), text),), ((lit("pricealert due 3:29"), text),)),
        budget=(((lit("budget pricealert 16%"), text),),),
        sources=((lit("18/21 live"), text), (sources, text)),
        paused=(),
        clock=((lit("08:08:44 UTC"), text),),
    )
    return [strip.text for strip in header_strips(facts, width, rows, PALETTE)]


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_environment_and_counts_give_way_last(width: int, rows: int) -> None:
    first = drawn(width, rows, lit(" · sim-sagebase stale 1s · rate limited 0:59"))[0]
    assert len(first) == width
    assert "PRODUCTION" in first
    assert "!! 1" in first
    assert ". 0" in first


def test_the_tiniest_header_says_where_and_the_worst() -> None:
    assert "PRODUCTION" in drawn(30, 1, lit(" · stale"))[0]
    assert "!! 1" in drawn(30, 1, lit(" · stale"))[0]


def test_eighty_columns_say_what_is_live_beside_them() -> None:
    assert "18/21 live" in drawn(80, 1, lit(" · sim-sagebase stale 1s · rate limited 0:59"))[0]


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_run_under_way_is_never_left_out(width: int, rows: int) -> None:
    said = "".join(drawn(width, rows, lit(" · sim-sagebase stale 1s · rate limited 0:59"), RUNS))
    assert "PRODUCTION" in said
    assert "!! 1" in said
    assert "◷ #42" in said
    assert "running" in said


@pytest.mark.parametrize(("width", "rows"), [(200, 1), (112, 2)])
def test_a_run_is_said_at_length_before_deadline_and_budget_are(width: int, rows: int) -> None:
    said = "".join(drawn(width, rows, lit(" · stale"), RUNS))
    assert "◷ #42 Roll back pricealert/api running 2/5" in said
    assert "due 3:29" in said or "in 3:29" in said
