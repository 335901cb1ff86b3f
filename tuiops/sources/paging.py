"""Listings that come in pages, each of which names the next one by a token."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from tuiops.core.text import SafeText, fmt
from tuiops.errors import BadAnswer

_Item = TypeVar("_Item")


class Cursor:
    """Where one listing stands. No page is asked for twice, and no more pages than may be."""

    def __init__(self, what: SafeText, most: int | None = None) -> None:
        """`what` is listed, for the text of an error; `most` pages are read, all of them when left out."""
        self.token = ""
        """Names the page to ask for; empty for the first one."""
        self.more = True
        """Whether there is a page that has not been read."""
        self._what = what
        self._left = most
        self._seen: set[str] = set()

    @property
    def reads_on(self) -> bool:
        """Whether there is a page that is to be read."""
        return self.more and self._left != 0

    def turn(self, token: str | None) -> None:
        """A page was read; `token` names the next one. Raises BadAnswer when it was named before."""
        self.token, self.more = token or "", bool(token)
        if self.token in self._seen:
            raise BadAnswer(f"{self._what} names a page twice as the next one")
        if self.more:
            self._seen.add(self.token)
        if self._left is not None:
            self._left -= 1


class Listing(msgspec.Struct, Generic[_Item], frozen=True, kw_only=True):
    """All pages of a listing, as far as it was read."""

    items: tuple[_Item, ...]
    truncated: bool = False
    """Whether there were more than may be kept."""
    unreachable: tuple[SafeText, ...] = ()
    """Regions that did not answer."""

    def warnings(self, what: SafeText) -> tuple[SafeText, ...]:
        """What makes it incomplete; `what` it lists, in the plural."""
        found = [fmt("{}: {} did not answer", what, region) for region in self.unreachable]
        return (*found, cut_off(what, len(self.items))) if self.truncated else tuple(found)


def cut_off(what: SafeText, count: int) -> SafeText:
    """The warning that there are more of them than were read; `what` in the plural."""
    return fmt("{}: only the first {} were read; raise max_items", what, count)
