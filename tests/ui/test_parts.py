"""The small parts of the console: filters, formats, columns, histories, themes, line mode."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.fakes import indicator
from tuiops.config.paths import shipped_themes
from tuiops.core.severity import Severity
from tuiops.core.text import EMPTY, lit, safe
from tuiops.core.units import Unit
from tuiops.errors import ConfigError, UsageError
from tuiops.ui.filtering import parse
from tuiops.ui.format import Times, TimeStyle, cut, decimals, fit, full_name, sparkline, steady, width_of
from tuiops.ui.glyphs import ASCII, UNICODE
from tuiops.ui.navigation import History, Place
from tuiops.ui.theme import load, load_all
from tuiops.ui.widgets.columns import GAP, Column, arrange

if TYPE_CHECKING:
    from pathlib import Path

    from rich.color import Color
    from rich.style import Style

    from tuiops.ui.filtering import Value

COLUMNS = ("sev", "service", "alert")
ROW: dict[str, Value] = {"sev": Severity.P2, "service": "api", "alert": "error rate 6%"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True), ("api", True), ("API rate", True), ("!api", False), ("!web", True), ("service:ap", True),
        ("service=ap", False), ("service=api", True), ("!service:web error", True), ("sev>=P2", True),
        ("sev>P2", False), ("sev<=p2", True), ("sev:p2", True), ('alert:"error rate"', True), ("nosuch", False),
    ],
)  # fmt: skip
def test_filters(text: str, holds: bool) -> None:
    assert parse(text, COLUMNS).matches(ROW) is holds


@pytest.mark.parametrize(("text", "named"), [("sev>=P9", "P1, P2, P3"), ("nosuch>=3", "service")])
def test_a_filter_that_makes_no_sense_says_what_would(text: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse(text, COLUMNS)


@given(st.text(max_size=60))
def test_no_filter_that_is_typed_is_a_surprise(text: str) -> None:
    with suppress(UsageError):
        assert parse(text, COLUMNS).matches(ROW) in {True, False}


def test_times_in_the_zone_in_utc_and_as_ages() -> None:
    local = Times(ZoneInfo("Asia/Tokyo"))
    utc = Times(ZoneInfo("Asia/Tokyo"), TimeStyle.UTC)
    ages = Times(ZoneInfo("Asia/Tokyo"), TimeStyle.RELATIVE)
    at = datetime(2026, 3, 5, 5, 2, 11, tzinfo=UTC)

    assert (local.clock(at), utc.clock(at)) == ("14:02:11 JST", "05:02:11 UTC")
    assert local.moment(at, at) == "14:02:11"
    assert local.moment(at - timedelta(hours=20), at) == "Wed 18:02"
    assert local.moment(at - timedelta(days=9), at) == "24 Feb 14:02"
    assert local.minute(at, at) == "14:02"
    assert (ages.moment(at - timedelta(minutes=3), at), ages.moment(at, at - timedelta(minutes=3))) == (
        "3m ago",
        "in 3m",
    )


@given(st.text(max_size=40), st.integers(0, 30))
def test_cut_and_fitted_text_keeps_its_width(raw: str, width: int) -> None:
    text = safe(raw)
    assert width_of(cut(text, width)) <= width
    assert width_of(fit(text, width)) == width
    if width_of(text) > width > 0:
        assert cut(text, width).endswith("…")


def test_a_column_of_numbers_has_one_number_of_decimals() -> None:
    errors = indicator("a", "errors", "ERR%", Unit.RATIO, "> 1%", "> 5%")
    cpu = indicator("a", "cpu", "CPU", Unit.RATIO, "> 75%", "> 95%")
    quality = indicator("a", "quality", "QUALITY", Unit.COUNT, "< 0.85", "< 0.5")

    assert [steady(v, errors.unit, decimals(errors), sign=False) for v in (0.0, 0.0014, 0.062)] == [
        "0.00",
        "0.14",
        "6.20",
    ]
    assert steady(0.9131, cpu.unit, decimals(cpu)) == "91.3%"
    assert [steady(v, quality.unit, decimals(quality)) for v in (0.8, 0.936)] == ["0.80", "0.94"]
    assert steady(2.41, Unit.SECONDS, None) == "2.41s"


def test_sparklines_keep_gaps_and_do_not_dramatise() -> None:
    assert sparkline((1.0, None, 2.0), 4) == " ▁ █"
    assert sparkline((100.0, 100.1, 99.9), 3) == "▁▁▁"
    assert sparkline((1.0, 2.0), 2, ASCII) == "_#"
    assert all(width_of(a) == width_of(b) for a, b in zip(UNICODE, ASCII, strict=True))


columns = st.lists(
    st.builds(
        Column,
        id=st.just("c"),
        heading=st.just(lit("C")),
        width=st.integers(1, 20),
        grow=st.integers(0, 3),
        enough=st.integers(0, 40),
        filled=st.booleans(),
        rank=st.integers(0, 4),
        wide=st.booleans(),
    ),
    max_size=8,
)


@given(columns, st.integers(0, 200))
def test_columns_share_the_width_and_fold_by_rank(made: list[Column], width: int) -> None:
    layout = arrange(tuple(made), width)
    kept = {place.column for place in layout}
    folded = [column for number, column in enumerate(made) if number not in kept and not column.wide]

    assert all(place.width >= made[place.column].width for place in layout)
    assert all(column.rank > 0 for column in folded)
    if folded:
        assert max((made[number].rank for number in kept), default=0) <= min(column.rank for column in folded)
    if any(made[number].rank for number in kept):
        assert sum(place.gap + place.width for place in layout) <= width
    assert all(place.gap == GAP for place in layout[1:])


def test_text_gets_what_it_needs_before_names_and_names_no_more_than_they_need() -> None:
    name = Column(id="name", heading=lit("NAME"), width=10, grow=2, enough=15, filled=True)
    text = Column(id="text", heading=lit("TEXT"), width=16, grow=5, enough=24)

    def widths(width: int) -> list[int]:
        return [place.width for place in arrange((name, text), width)]

    assert widths(10 + GAP + 24) == [10, 24]
    assert widths(12 + GAP + 24) == [12, 24]
    assert widths(15 + GAP + 60) == [15, 60]


def test_where_room_is_short_the_service_stays_whole_and_the_system_gives_way() -> None:
    names = lit("pricealert"), lit("api")
    assert [full_name(*names, width) for width in (14, 10, 5, 4, 2)] == [
        "pricealert/api",
        "price…/api",
        "…/api",
        "api",
        "a…",
    ]
    assert full_name(EMPTY, lit("functions"), 20) == "functions"
    assert full_name(lit("omniy"), EMPTY, 3) == "om…"


def test_histories_go_back_on_and_to_and_fro() -> None:
    start, alert, logs = Place("pane", ("2",)), Place("alert", ("x",)), Place("logs", ("a", "b"))
    history = History(start)
    assert history.last() is None
    history.visit(alert)
    history.visit(logs)

    assert [history.older(), history.older(), history.older()] == [alert, start, None]
    assert history.newer() == alert
    assert [history.last(), history.last()] == [start, alert]
    history.visit(logs)
    assert history.newer() is None


THEMES = sorted(shipped_themes().glob("*.toml"))


def contrast(style: Style) -> float:
    """Contrast ratio of WCAG 2.1 between the two colours of a style."""
    assert style.color is not None
    assert style.bgcolor is not None
    lighter, darker = sorted((_luminance(style.color), _luminance(style.bgcolor)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 255 for part in colour.get_truecolor()]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("path", THEMES, ids=lambda path: path.stem)
def test_every_theme_loads_and_can_be_read(path: Path) -> None:
    palette = load(path).palette
    assert palette.name == path.stem
    read = [
        palette.text, palette.muted, palette.accent, palette.panel, palette.stale, palette.production, palette.other,
        *palette.severity.values(), *palette.state.values(), *palette.level.values(),
    ]  # fmt: skip
    if palette.colourless:
        assert all(style.color is None and style.bgcolor is None for style in read)
    else:
        assert [str(style) for style in read if contrast(style) < 4.5] == []
        assert [
            str(s) for s in read if s.bgcolor == palette.text.bgcolor and contrast(s + palette.selection) < 4.5
        ] == []


def test_a_bad_theme_is_an_error_that_names_key_and_remedy(tmp_path: Path) -> None:
    text = (shipped_themes() / "dark.toml").read_text(encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace('muted = "#8f9ba8"\n', 'mutde = "#8f9ba8"\n').replace("#64707d", "#64707"))
    with pytest.raises(ConfigError) as caught:
        load(broken)
    said = str(caught.value)
    assert all(piece in said for piece in (str(broken), "base.muted", "base.mutde", "base.faint", "known are"))

    themes, errors = load_all((shipped_themes(), tmp_path))
    assert len(themes) == len(THEMES)
    assert len(errors) == 1


def test_a_theme_of_ones_own_comes_on_top(tmp_path: Path) -> None:
    own = (shipped_themes() / "dark.toml").read_text(encoding="utf-8").replace('label = "Dark"', 'label = "Mine"')
    assert tomllib.loads(own)["label"] == "Mine"
    (tmp_path / "dark.toml").write_text(own, encoding="utf-8")
    assert load_all((shipped_themes(), tmp_path))[0]["dark"].palette.label == "Mine"


def test_a_theme_may_begin_with_a_byte_order_mark_as_any_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "dark.toml").write_bytes(b"\xef\xbb\xbf" + (shipped_themes() / "dark.toml").read_bytes())
    assert load(tmp_path / "dark.toml").palette.name == "dark"
