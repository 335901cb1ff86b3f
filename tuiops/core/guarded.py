"""Regular expressions from people, over bytes from anywhere, that cannot freeze the program.

What repeats can take forever to fail: `(a+)+$` doubles its time with every further letter. `re` cannot be
interrupted; the `regex` package can, and is as fast on what repeats. What repeats nothing needs no guard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_REPEATS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(\(\?[:aiLmsux-]*|[*+?{])", re.DOTALL)
"""Steps over escapes and sets; group 1 is a repetition or the beginning of a group without one."""


class Guarded:
    """A compiled expression whose every search ends within `timeout` seconds, `^` and `$` meaning lines."""

    __slots__ = ("_plain", "_searched", "text")

    def __init__(self, text: str) -> None:
        """Raises `re.error` when the text is no regular expression."""
        self.text = text
        encoded = text.encode("utf-8", "replace")
        self._plain: re.Pattern[bytes] | None = None
        try:
            plain = re.compile(encoded, re.MULTILINE)
        except (OverflowError, RecursionError) as error:
            raise re.error(str(error)) from None
        if not repeats(text):
            self._plain = plain
            return
        # 30 ms that only those who use it pay.
        import regex

        try:
            self._searched = regex.compile(encoded, regex.MULTILINE | regex.VERSION0)
        except (regex.error, OverflowError, RecursionError) as error:
            raise re.error(str(error)) from None

    def span(self, data: bytes, at: int, timeout: float) -> tuple[int, int] | None:
        """Where it first matches from `at` on. Raises TimeoutError."""
        if self._plain is not None:
            found = self._plain.search(data, at)
            return found.span() if found is not None else None
        guarded = self._searched.search(data, at, timeout=timeout)
        return guarded.span() if guarded is not None else None

    def spans(self, data: bytes, timeout: float) -> Iterator[tuple[int, int]]:
        """Every place where it matches. Raises TimeoutError."""
        if self._plain is not None:
            for found in self._plain.finditer(data):
                yield found.span()
        else:
            for guarded in self._searched.finditer(data, timeout=timeout):
                yield guarded.span()


_INLINE: Final = "(?"


def repeats(text: str) -> bool:
    """Whether an expression repeats or makes optional; such a one may take forever."""
    return any(found[1] and not found[1].startswith(_INLINE) for found in _REPEATS.finditer(text))
