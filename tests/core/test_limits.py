"""What a vendor's limit makes late is said with the time that is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.source import SourceStatus, limit_note
from tuiops.core.text import lit, safe
from tuiops.core.units import seconds_of, span
from tuiops.errors import RateLimited

NOW = datetime(2026, 3, 5, tzinfo=UTC)
FINE = SourceStatus(name=lit("run"), kind=lit("gcp"), interval=15, answered=NOW, tried=NOW)
REFUSED = msgspec.structs.replace(
    FINE, failing=2, word=lit(RateLimited.word), answered=NOW - timedelta(seconds=240),
    retry_at=NOW + timedelta(seconds=34),
)  # fmt: skip


@given(st.floats(0, 10_000_000))
def test_a_span_can_be_read_again_as_far_as_it_was_written(seconds: float) -> None:
    read = seconds_of(span(seconds))
    assert read is not None
    assert read <= seconds
    assert span(read) == span(seconds)


@given(st.text(max_size=12))
def test_any_other_text_is_no_span(text: str) -> None:
    read = seconds_of(text)
    assert read is None or read >= 0


@pytest.mark.parametrize(
    ("warning", "after", "said"),
    [
        (limit_note(lit("run"), 34), 0, "live 0s · run limited 0:34"),
        (limit_note(lit("run"), 34), 10, "live 10s · run limited 0:24"),
        (limit_note(lit("run"), 34), 34, "stale 34s"),
        (limit_note(lit("run"), 240), 0, "live 0s · run limited 4:00"),
        (lit("partial response"), 0, "live 0s"),
        (safe("no limit 34s of it"), 0, "live 0s"),
        (safe("run limit soon"), 0, "live 0s"),
    ],
)
def test_a_source_that_answers_in_part_names_the_limit_and_counts_down(warning: str, after: float, said: str) -> None:
    status = msgspec.structs.replace(FINE, warnings=(safe(warning),))
    assert status.describe(NOW + timedelta(seconds=after)) == said


def test_a_source_that_is_refused_says_when_it_is_asked_again() -> None:
    assert REFUSED.describe(NOW) == "stale 4m · rate limited 0:34"
    assert REFUSED.describe(NOW + timedelta(seconds=60)) == "stale 5m · rate limited"
    never = msgspec.structs.replace(REFUSED, answered=None)
    assert never.describe(NOW) == "never · rate limited 0:34"
