"""Taking secrets out of what commands print, also when they are folded or torn apart.

The supervisor of a command imports it (see there).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = b"[hidden]"
"""What stands in the place of a secret."""

_LINE_ENDS = b"\r\n"
_TELLING = 8
"""Bytes of the beginning of a secret that are never let go before it is known what follows them."""


class Redactor:
    """Replaces secrets in a stream. Line ends within a secret do not hide it."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        """`forms`: everything that is to be replaced, see `secret_forms.forms`."""
        self._forms = tuple(sorted({form for form in forms if form}, key=len, reverse=True))
        self._longest = len(self._forms[0]) if self._forms else 0
        self._held = b""

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._forms)} forms>"

    @property
    def holds(self) -> bool:
        """Whether something is held back because it may be the beginning of a secret."""
        return bool(self._held)

    def feed(self, chunk: bytes) -> bytes:
        """What can be let go by now."""
        if not self._forms:
            return chunk
        text = self._replaced(self._held + chunk)
        kept = self._beginning(text)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def quiet(self) -> bytes:
        """What can be let go when nothing more came for a while: a whole line whose end just looks like a secret."""
        held = self._held
        if not held.endswith(b"\n") or len(held.rstrip(_LINE_ENDS)) >= _TELLING:
            return b""
        self._held = b""
        return held

    def finish(self) -> bytes:
        """What is left at the end. The telling beginning of a secret is replaced as if it were whole."""
        held, self._held = self._held, b""
        if len(held.translate(None, _LINE_ENDS)) >= _TELLING:
            return HIDDEN
        return held

    def _replaced(self, text: bytes) -> bytes:
        plain = text.translate(None, _LINE_ENDS)
        spans = sorted(span for form in self._forms if form in plain for span in _occurrences(form, plain))
        if not spans:
            return text
        places = range(len(text)) if len(plain) == len(text) else _places(text)
        out, done = [], 0
        for begin, end in _merged(spans):
            first, after = places[begin], places[end - 1] + 1
            out += [text[done:first], HIDDEN]
            done = after
        return b"".join((*out, text[done:]))

    def _beginning(self, text: bytes) -> int:
        """How many bytes at the end may be the beginning of a secret, line ends included."""
        window = text[-2 * self._longest :]
        plain = window.translate(None, _LINE_ENDS)
        most = 0
        for form in self._forms:
            reach = min(len(form) - 1, len(plain))
            at = plain.find(form[:1], len(plain) - reach) if reach else -1
            while at >= 0:
                if form.startswith(plain[at:]):
                    most = max(most, len(plain) - at)
                    break
                at = plain.find(form[:1], at + 1)
        if not most:
            return 0
        return len(window) - _places(window)[-most]


def _occurrences(form: bytes, text: bytes) -> list[tuple[int, int]]:
    found, at = [], text.find(form)
    while at >= 0:
        found.append((at, at + len(form)))
        at = text.find(form, at + len(form))
    return found


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _places(text: bytes) -> list[int]:
    """Where in a text the bytes are that are no line ends."""
    return [at for at, byte in enumerate(text) if byte not in _LINE_ENDS]
