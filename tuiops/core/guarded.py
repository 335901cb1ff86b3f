"""Regular expressions from people, over bytes from anywhere, that cannot freeze the program.

What repeats can take forever to fail: `(a+)+$` doubles its time with every further letter. `re` cannot be
interrupted; the `regex` package can, and is as fast on what repeats. What repeats nothing needs no guard.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

LINE_TIMEOUT: Final = 0.005
"""Seconds for one line: most expressions take millionths."""
_PATIENCE: Final = 0.1
"""Seconds of searches of lines without a result after which an expression is given up."""
_REPEATS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(\(\?[:aiLmsux-]*|[*+?{])", re.DOTALL)
"""Steps over escapes and sets; group 1 is a repetition or the beginning of a group without one."""


class Guarded:
    """A compiled expression whose every search ends within a given time, `^` and `$` meaning lines.

    A line that it cannot be decided for in time counts as no match; an expression that fails too often is given up.
    """

    __slots__ = ("_left", "_plain", "_searched", "text")

    def __init__(self, text: str) -> None:
        """Raises `re.error` when the text is no regular expression."""
        self.text = text
        self._left = _PATIENCE
        encoded = text.encode("utf-8", "replace")
        self._plain: re.Pattern[bytes] | None = None
        with warnings.catch_warnings():
            # `[[a]` is a warning, and a warning on the terminal would tear the screen.
            warnings.simplefilter("ignore")
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

    @property
    def gave_up(self) -> bool:
        """Whether it took so long that it matches nothing any more."""
        return self._left <= 0

    def matches(self, line: bytes) -> bool:
        """Whether it matches anywhere in a line; False also when that could not be decided in time."""
        if self.gave_up:
            return False
        try:
            return self.span(line, 0, LINE_TIMEOUT) is not None
        except TimeoutError:
            self._left -= LINE_TIMEOUT
            return False

    def span(self, data: bytes, at: int, timeout: float) -> tuple[int, int] | None:
        """Where it first matches from `at` on. Raises TimeoutError."""
        if self._plain is not None:
            found = self._plain.search(data, at)
            return found.span() if found is not None else None
        guarded = self._searched.search(data, at, timeout=timeout)
        return guarded.span() if guarded is not None else None

    def spans(self, line: bytes) -> list[tuple[int, int]]:
        """Every place in a line where it matches; none when they could not be found in time."""
        if self._plain is not None:
            return [found.span() for found in self._plain.finditer(line)]
        if self.gave_up:
            return []
        try:
            return [found.span() for found in self._searched.finditer(line, timeout=LINE_TIMEOUT)]
        except TimeoutError:
            self._left -= LINE_TIMEOUT
            return []


def occurs(expression: str, text: str, timeout: float) -> bool:
    """Whether an expression matches anywhere in a whole text, `^` and `$` meaning its ends.

    Raises `re.error` when it is no regular expression, TimeoutError after `timeout` seconds without an answer.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = re.compile(expression)
        except (OverflowError, RecursionError) as error:
            raise re.error(str(error)) from None
        if not repeats(expression):
            return plain.search(text) is not None
        import regex

        try:
            searched = regex.compile(expression, regex.VERSION0)
        except (regex.error, OverflowError, RecursionError) as error:
            raise re.error(str(error)) from None
    return searched.search(text, timeout=timeout) is not None


def first_group(expression: str, text: str, timeout: float) -> str | None:
    """What the first group takes where an expression first matches in a text; None when it matches nowhere.

    Raises `re.error` and TimeoutError as `occurs` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not repeats(expression):
            plain = re.compile(expression, re.ASCII).search(text)
            return plain[1] if plain is not None else None
        import regex

        try:
            found = regex.compile(expression, regex.VERSION0 | regex.ASCII).search(text, timeout=timeout)
        except (regex.error, OverflowError, RecursionError) as error:
            raise re.error(str(error)) from None
        return found[1] if found is not None else None


def whole(expression: str, text: str, timeout: float) -> bool:
    """Whether an expression matches all of a text. Raises `re.error` and TimeoutError as `occurs` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not repeats(expression):
            return re.fullmatch(expression, text, re.ASCII) is not None
        import regex

        try:
            compiled = regex.compile(expression, regex.VERSION0 | regex.ASCII)
        except (regex.error, OverflowError, RecursionError) as error:
            raise re.error(str(error)) from None
    return compiled.fullmatch(text, timeout=timeout) is not None


_INLINE: Final = "(?"


def repeats(text: str) -> bool:
    """Whether an expression repeats or makes optional; such a one may take forever."""
    return any(found[1] and not found[1].startswith(_INLINE) for found in _REPEATS.finditer(text))
