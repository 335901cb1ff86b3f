"""Secrets in what commands print: found in every encoding, however the output is torn, folded or mixed."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import os
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.runbooks.execution.places import SECRETS, Heard, local, secret, shell, words_of_all_processes
from tuiops.runbooks.execution.redaction import HIDDEN, Redactor
from tuiops.runbooks.execution.secret_forms import all_forms, forms, redacted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL path": quote,
    "URL": lambda text: quote(text, safe=""),
    "URL in lower case": lambda text: "%".join(
        piece[:2].lower() + piece[2:] if number else piece
        for number, piece in enumerate(quote(text, safe="").split("%"))
    ),
    "form": quote_plus,
    "HTML": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "hexadecimal": lambda text: text.encode().hex(),
    "a shell's word": lambda text: shlex.quote(text).strip("'"),
    "Python": lambda text: repr(text)[1:-1],
}
LONG = "gcp-oauth-ya29.A0ARrdaM_" + "x9Z-_/+=" * 30
VALUES = [*SECRETS.values(), "pässwörd-漢字", LONG]


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
@pytest.mark.parametrize("value", VALUES)
def test_every_encoding_is_found(value: str, encode: Callable[[str], str]) -> None:
    shown = encode(value).encode()

    assert redacted(b"before " + shown + b" after\n", [value]) == b"before " + HIDDEN + b" after\n"


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user:"])
@pytest.mark.parametrize("after", ["", "1", "12", "123"])
@pytest.mark.parametrize("value", VALUES)
def test_base64_of_more_than_the_secret(value: str, before: str, after: str) -> None:
    shown = base64.b64encode((before + value + after).encode())
    left = redacted(shown, [value]).replace(HIDDEN, b"")

    # What is left says no more than what stood around it, and the bits that share a character with it.
    assert HIDDEN in redacted(shown, [value])
    assert len(left) <= len(base64.b64encode(before.encode())) + len(base64.b64encode(after.encode())) + 2


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("width", [1, 7, 20, 76])
def test_line_ends_do_not_hide_it(value: str, width: int) -> None:
    for shown in (value.encode(), base64.b64encode(value.encode())):
        folded = b"\r\n".join(shown[at : at + width] for at in range(0, len(shown), width))
        assert HIDDEN in redacted(b"begin\n" + folded + b"\nend\n", [value])
        assert shown[:8] not in redacted(folded, [value]).translate(None, b"\r\n")


@given(
    pieces=st.lists(st.sampled_from([*(value.encode() for value in VALUES), b"s3", b"s3cr3t/t0ke", b"\n", b"plain "])),
    cuts=st.lists(st.integers(0, 2000)),
)
@example(pieces=[b"s3cr3t/t0ke", VALUES[0].encode()], cuts=[3, 14])
def test_how_it_is_torn_makes_no_difference(pieces: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(pieces)
    redactor = Redactor(all_forms(VALUES))
    edges = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    out = b"".join(redactor.feed(whole[begin:end]) for begin, end in pairwise(edges))
    out += redactor.finish()

    assert not [form for value in VALUES for form in forms(value) if form in out.translate(None, b"\r\n")]
    assert out.count(b"plain ") == whole.count(b"plain ")


@given(text=st.binary(), cuts=st.lists(st.integers(0, 200)))
def test_what_is_no_secret_passes_unchanged(text: bytes, cuts: list[int]) -> None:
    redactor = Redactor(all_forms(["\u2603-never-in-the-text"]))
    edges = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    pieces = [redactor.feed(text[begin:end]) for begin, end in pairwise(edges)]

    assert b"".join([*pieces, redactor.finish()]) == text


def test_a_line_that_ends_like_a_secret_begins_is_let_go_after_a_while() -> None:
    redactor = Redactor(all_forms(["s3cr3t/t0ken"]))

    assert redactor.feed(b"files\n") == b"file"
    assert redactor.quiet() == b"s\n"
    assert redactor.feed(b"s3cr3t/t0\n") == b""
    assert redactor.quiet() == b""
    assert redactor.finish() == HIDDEN


def test_it_shows_nothing_of_itself() -> None:
    assert "s3cr3t" not in repr(Redactor(all_forms(["s3cr3t/t0ken"])))


async def test_no_canary_in_any_artefact(tmp_path: Path) -> None:
    script = (
        'cat; echo; printf %s "$TOKEN" | base64; printf "%s" "${TOKEN%%/*}"; sleep 0.1; printf "/%s\\n" "${TOKEN#*/}"; '
        'printf "%s" "$TOKEN" >&2; env; ps axeww; cat /proc/self/cmdline; exit 3'
    )
    heard = Heard()
    what = shell("r1.a.1", script, environment={"TOKEN": secret("TOKEN")}, stdin=secret("PASSWORD"), wants_stdout=True)
    outcome = await local(tmp_path).run(what, heard)

    shown = [repr(outcome), repr(heard.batches), repr(what), str(outcome.evidence())]
    kept = [file.read_bytes() for file in (tmp_path / "executions").rglob("*") if file.is_file()]
    for value in SECRETS.values():
        for form in forms(value):
            assert not [text for text in shown if form.decode("utf-8", "replace") in text]
            assert not [data for data in kept if form in data]
    assert outcome.status == 3
    assert outcome.stdout.startswith(HIDDEN + b"\n" + HIDDEN + b"\n" + HIDDEN + b"\n")


async def test_no_canary_in_any_list_of_processes(tmp_path: Path) -> None:
    ready, gate = tmp_path / "ready", tmp_path / "gate"
    os.mkfifo(gate)
    given = {"TOKEN": secret("TOKEN")}
    what = shell(
        "r1.a.1", 'echo > "$1"; read x < "$2"', str(ready), str(gate), environment=given, stdin=secret("PASSWORD")
    )
    running = asyncio.create_task(local(tmp_path).run(what, Heard()))
    seen = [words_of_all_processes()]
    while not ready.exists():
        seen.append(words_of_all_processes())
        await asyncio.sleep(0)
    seen.append(words_of_all_processes())
    await asyncio.to_thread(gate.write_text, "\n")

    assert (await running).status == 0
    assert str(gate) in seen[-1]
    assert not [value for value in SECRETS.values() for words in seen if value in words]
