"""What a program writes to a terminal, taken apart: control sequences, control characters and text."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    rb"\x1b\[(?P<csi>[<-?]?[0-9:;]*[ -/]*[@-~])"
    rb"|\x1b(?P<string>[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\))"
    rb"|\x1b(?P<escape>[ -/]*[0-Z\\`-~])"
    rb"|(?P<control>[\x00-\x1f\x7f])"
    rb"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[<-?]?[0-9:;]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?$")
_MODE = re.compile(rb"\?([0-9;]+)([hl])")
_FOREIGN = re.compile(rb"\x1b\[[<=>][0-9:;]*[ -/]*[@-~]")

SHOWN_CURSOR, WRAPPED_LINES = 25, 7
_ON_IN_A_SHELL = {SHOWN_CURSOR, WRAPPED_LINES}


class Token(NamedTuple):
    """One piece of output: `kind` is csi, string, escape, control or text."""

    kind: str
    content: bytes


def tokens(output: bytes) -> list[Token]:
    """The pieces of a whole output, in order. AssertionError where a sequence is not well formed."""
    found: list[Token] = []
    at = 0
    while at < len(output):
        match = _TOKEN.match(output, at)
        assert match is not None, f"not a control sequence: {output[at : at + 40]!r}"
        kind = match.lastgroup
        assert kind is not None
        found.append(Token(kind, match[kind]))
        at = match.end()
    return found


def finished(output: bytes) -> int:
    """How many of the bytes do not belong to a sequence whose end is still to come."""
    match = _UNFINISHED.search(output)
    return len(output) if match is None else match.start()


def common(output: bytes) -> bytes:
    """The output without the private sequences (of the keyboard protocol) that the emulator would print."""
    return _FOREIGN.sub(b"", output)


def text(output: bytes) -> bytes:
    """The printable bytes alone."""
    return b"".join(token.content for token in tokens(output) if token.kind == "text")


def left_on(output: bytes) -> list[str]:
    """What is not as a shell expects it after the output; empty when the terminal is clean."""
    modes: dict[int, bool] = {}
    keyboards = 0
    styled = False
    for content in (content for kind, content in tokens(output) if kind == "csi"):
        if match := _MODE.fullmatch(content):
            modes |= dict.fromkeys(map(int, match[1].split(b";")), match[2] == b"h")
        elif content.endswith(b"u") and content[:1] in b"<>":
            keyboards += 1 if content[:1] == b">" else -1
        elif content.endswith(b"m"):
            styled = content not in {b"m", b"0m"}
    wrong = [
        f"mode {number} is {'on' if on else 'off'}"
        for number, on in sorted(modes.items())
        if on != (number in _ON_IN_A_SHELL)
    ]
    return wrong + ["a keyboard protocol is left"] * bool(keyboards) + ["a style is left"] * styled


def colours(output: bytes) -> set[str]:
    """Every kind of colour in the output: `truecolour`, `256`, `bright`, `basic`."""
    kinds: set[str] = set()
    for kind, content in tokens(output):
        if kind == "csi" and content.endswith(b"m"):
            kinds |= _colours_of([int(part or b"0") for part in re.split(rb"[;:]", content[:-1])])
    return kinds


def _colours_of(numbers: list[int]) -> set[str]:
    kinds: set[str] = set()
    at = 0
    while at < len(numbers):
        number = numbers[at]
        if number in {38, 48} and at + 1 < len(numbers):
            wide = numbers[at + 1] == 2
            kinds.add("truecolour" if wide else "256")
            at += 5 if wide else 3
            continue
        if 30 <= number <= 37 or 40 <= number <= 47:
            kinds.add("basic")
        elif 90 <= number <= 97 or 100 <= number <= 107:
            kinds.add("bright")
        at += 1
    return kinds
