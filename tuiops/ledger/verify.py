"""Whether a ledger is whole: every entry against its digest, its columns, the one before it, its claim, the anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import NO_DIGEST
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.ledger.base import Verdict
from tuiops.ledger.chain import fits, is_digest, parts, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tuiops.ledger.anchors import Anchor
    from tuiops.ledger.chain import Row

MOST_FAULTS = 100
"""Faults that are told one by one."""

_CLAIM = "step.claimed"


class Verification:
    """Takes all entries in their order, then says what it found."""

    def __init__(self, anchors: Sequence[Anchor], faults: Iterable[SafeText]) -> None:
        """`faults` are of the anchors' file."""
        self._anchors: dict[int, set[str]] = {}
        for anchor in anchors:
            self._anchors.setdefault(anchor.number, set()).add(anchor.digest)
        self._noted = {anchor.number: anchor.at for anchor in anchors}
        self._faults = list(faults)
        self._more = 0
        self._last = 0
        self._count = 0
        self._previous = NO_DIGEST
        self._anchored = 0
        self._sound = True
        """Whether nothing was found in the entries so far: an anchor proves no more than what leads up to it."""

    def take(self, rows: Iterable[Row], claims: Mapping[int, str]) -> None:
        """Look at the next entries, and at the claims among them: executions by the number of their entry."""
        claimed = dict(claims)
        for row in rows:
            number, *columns, body, previous, own = row
            if number != self._last + 1:
                self._gap(number)
            elif previous != self._previous:
                self._fault(
                    fmt(
                        "entry {}: it does not follow entry {}; one of them was put there or changed",
                        number,
                        number - 1,
                    )
                )
            if not (right := is_digest(own, previous, body)):
                self._fault(fmt("entry {}: it is not what was recorded", number))
            self._columns(number, columns, body, claimed, changed=not right)
            if number in self._anchors:
                self._against_anchor(number, own)
            self._last, self._previous = number, own
            self._count += 1
        self._unsaid(claimed)

    def end(self, claims: Mapping[int, str]) -> None:
        """There are no more entries; `claims` are those that belong to none."""
        self._unsaid(claims)

    def verdict(self) -> Verdict:
        """What was found in all entries."""
        cut = [number for number in self._anchors if number > self._last]
        if cut:
            self._fault(
                fmt(
                    "entry {}: the ledger ends here, but by an anchor of {} it had come to entry {}",
                    self._last,
                    safe(self._noted[max(cut)]),
                    max(cut),
                )
            )
        if self._more:
            self._faults.append(fmt("and {} more", self._more))
        return Verdict(
            entries=self._count,
            faults=tuple(self._faults),
            anchored=self._anchored,
            noted=safe(self._noted.get(self._anchored, "")),
        )

    def _gap(self, number: int) -> None:
        missing = number - self._last - 1
        if missing < 1:
            self._fault(fmt("entry {}: its number cannot be", number))
        elif missing == 1:
            self._fault(fmt("entry {}: it is missing", self._last + 1))
        else:
            self._fault(fmt("entries {} to {}: they are missing", self._last + 1, number - 1))

    def _unsaid(self, claims: Mapping[int, str]) -> None:
        for number, execution in sorted(claims.items()):
            self._fault(fmt("entry {}: {} counts as claimed, but no entry says so", number, safe(execution)))

    def _columns(self, number: int, columns: list[str], body: str, claimed: dict[int, str], *, changed: bool) -> None:
        """What the columns repeat must be what the body says; the claim of an execution must be in its table."""
        try:
            known = parts(body)
        except (msgspec.MsgspecError, UnicodeError, TypeError):
            if not changed:
                self._fault(fmt("entry {}: it cannot be understood", number))
            return
        if not changed and not fits(body, known.event.event):
            self._fault(fmt("entry {}: it is no {} of any version", number, safe(known.event.event)))
        if columns != [known.at, known.run, known.event.event, known.by.person]:
            self._fault(fmt("entry {}: its columns say something else than its content", number))
        if known.event.event == _CLAIM and claimed.pop(number, None) != storable(known.event.execution):
            self._fault(fmt("entry {}: the claim that it tells of was taken back or changed", number))

    def _against_anchor(self, number: int, own: str) -> None:
        if self._anchors[number] == {own}:
            self._anchored = number if self._sound else self._anchored
        else:
            self._fault(
                fmt("entry {}: its digest is not the one of an anchor of {}", number, safe(self._noted[number]))
            )

    def _fault(self, fault: SafeText) -> None:
        self._sound = False
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(fault)
        else:
            self._more += 1


def sentence(verdict: Verdict) -> SafeText:
    """How far the entries are proven, and what nobody could see. Of a broken ledger it proves no more than it must."""
    if verdict.faults:
        if not verdict.anchored:
            return lit("No anchor proves any of it.")
        return fmt("Anchors prove it up to entry {}, and nothing beyond.", verdict.anchored)
    if not verdict.entries:
        return lit("There is no anchor either: that nothing was ever recorded, or all of it deleted, looks the same.")
    if not verdict.anchored:
        return lit("There is no anchor: that its end was cut off, or all of it written anew, could not be seen.")
    if verdict.anchored < verdict.entries:
        return fmt("Anchors prove it up to entry {}; what came later is proven by the chain alone.", verdict.anchored)
    return fmt("Anchors prove all of it, as of {}; what came later and was cut off could not be seen.", verdict.noted)
