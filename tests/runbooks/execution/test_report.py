"""What a bastion may say: nothing of it is anything but an answer, or a bad one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.runbooks.execution.places import command
from tuiops.errors import BadAnswer
from tuiops.runbooks.execution.base import Kind, Sight
from tuiops.runbooks.execution.report import Report

MOST = 16 * 1024 * 1024

NUMBERS = st.sampled_from(["0", "1", "-5", "+5", "1_0", "٣", "", "x", "9" * 5000, "16777216", "16777217", " 1", "1e3"])
PLACES = st.builds(".".join, st.lists(NUMBERS, max_size=4))
WORDS = st.sampled_from(
    ["data", "left", "status", "ended", "expired", "aborted", "running", "none", "taken", "failed", "origin", "x"]
)  # fmt: skip
LINES = st.one_of(
    st.builds("data {} {} {} {}".format, st.sampled_from(["out", "err", "", "x"]), PLACES, NUMBERS, NUMBERS),
    st.builds("{} {}".format, WORDS, st.one_of(NUMBERS, st.text(max_size=20))),
).map(lambda said: b"tuiops:" + said.encode("utf-8", "replace").replace(b"\n", b" ") + b"\n")


def report() -> Report:
    return Report(command("r1.1", "true", wants_stdout=True), frozenset())


@given(st.lists(st.one_of(LINES, st.binary(max_size=40))))
@example([b"tuiops:data out 0.0.0 0 -5\n"])
@example([b"tuiops:data out\n"])
@example([b"tuiops:status " + b"9" * 5000 + b"\n", b"tuiops:left " + b"9" * 5000 + b" D sh\n", b"tuiops:ended\n"])
def test_whatever_is_said(lines: list[bytes]) -> None:
    heard = report()
    for line in lines:
        try:
            count = heard.hear(line)
        except BadAnswer:
            break
        assert 0 <= count <= MOST
        heard.take(b"x" * min(count, 10))
    heard.batch(last=True)
    assert heard.finding().text
    assert heard.output().size >= 0


@pytest.mark.parametrize(
    "rest",
    ["out 0.0.0 0 -5", "out 0.0.0 -1 5", "out 0.-1.0 0 5", "out 0.0 0 5", "out 0.0.0 0 ٣", "out", "", "in 0.0.0 0 5",
     "out 0.0.0 0 16777217", "out 0.0.0 0 5 5"],
)  # fmt: skip
def test_output_that_is_announced_in_no_sensible_way(rest: str) -> None:
    with pytest.raises(BadAnswer, match="announced"):
        report().hear(f"tuiops:data {rest}\n".encode())


def test_a_status_that_is_none_leaves_it_unknown() -> None:
    heard = report()
    heard.hear(b"tuiops:status 0x1\n")
    heard.hear(b"tuiops:ended\n")
    finding = heard.finding()

    assert finding.sight is Sight.ENDED
    assert finding.outcome is not None
    assert finding.outcome.kind is Kind.UNKNOWN
