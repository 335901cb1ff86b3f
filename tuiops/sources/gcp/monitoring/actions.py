"""Keeping alert policies quiet for a while.

Cloud Monitoring knows no idempotency tokens: a snooze whose answer was lost is known again by its comment, its
policies and its times together.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged, Target
from tuiops.sources.gcp.message import short, stamp
from tuiops.sources.gcp.monitoring.snoozing import described
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.monitoring.asking import Asking
    from tuiops.sources.gcp.monitoring.wire import Policy, Snooze

PART = lit("Cloud Monitoring")
"""Name of the part that all of this belongs to."""

MOST_POLICIES = 16
"""Policies that one snooze may name."""

_MOST_COMMENT = 512
_PAST = timedelta(hours=1)
"""How far back a snooze may begin: as long as somebody may think about it. It is sent as beginning when it is sent."""

_LONGEST = timedelta(days=366)


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A snooze that is to be made."""

    body: dict[str, Any]
    starts: datetime
    ends: datetime

    def sent(self, now: datetime) -> dict[str, Any]:
        """The body: a start that has passed by then is now, for a snooze cannot begin in the past."""
        return {**self.body, "interval": {"startTime": stamp(max(self.starts, now)), "endTime": stamp(self.ends)}}


class SnoozeActions:
    """Prepares and carries out."""

    name = PART

    def __init__(self, asking: Asking, clock: Clock) -> None:
        self._asking = asking
        self._clock = clock

    async def prepare_snooze(
        self, policies: tuple[str, ...], start: datetime, end: datetime, comment: str, token: str
    ) -> Prepared:
        """Policies by ID, resource name or display name. QueryRefused says which cannot be, and which times."""
        now = self._clock.now()
        _check(policies, start, end, comment, now)
        chosen = _chosen(policies, (await self._asking.policies()).items)
        names = [one.name for one in chosen]
        before = await self._in_force(names, now)
        body = {
            "displayName": comment,
            "criteria": {"policies": names},
        }
        told = [safe(one.display_name or short(one.name)) for one in chosen]
        until = fmt("quiet from {} to {}: {}", safe(stamp(start)), safe(stamp(end)), safe(comment, _MOST_COMMENT))
        return Prepared(
            target=Target("", ",".join(short(name) for name in names)),
            verb=lit("snooze"),
            argv=(
                *(lit("gcloud"), lit("monitoring"), lit("snoozes"), lit("create")),
                safe(f"--display-name={comment}", _MOST_COMMENT + 20),
                safe(f"--criteria-policies={','.join(names)}", 4096),
                safe(f"--start-time={stamp(start)}"),
                safe(f"--end-time={stamp(end)}"),
                safe(f"--project={self._asking.project}"),
            ),
            before=_facts(chosen, before),
            after=(Fact(join(", ", told), until),),
            seen=_fingerprint(chosen, before),
            token=token,
            call=call_of(self, msgspec.json.encode(_Call(body=body, starts=start, ends=end))),
            undo=lit("gcloud monitoring snoozes cancel, with the name of the snooze"),
        )

    async def perform(self, prepared: Prepared) -> Receipt:
        """Make it, unless the policies or their snoozes have changed. A lost answer leaves it UNKNOWN."""
        call = _call(prepared)
        names = call.body["criteria"]["policies"]
        known = {one.name: one for one in (await self._asking.policies()).items}
        chosen = [known[name] for name in names if name in known]
        before = await self._in_force(names, self._clock.now())
        if _fingerprint(chosen, before) != prepared.seen:
            raise StateChanged(_facts(chosen, before))
        now = self._clock.now()
        if call.ends <= now:
            raise QueryRefused(f"a snooze until {stamp(call.ends)} would be over by now")
        try:
            snooze = await self._asking.snooze(call.sent(now))
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 500))
        return Receipt(
            prepared=prepared,
            progress=Progress.DONE,
            operation=snooze.name,
            facts=_facts(chosen, [*before, snooze]),
            text=EMPTY,
        )

    async def look_up(self, receipt: Receipt) -> Receipt:
        """Whether the snooze is there."""
        call = _call(receipt.prepared)
        names = call.body["criteria"]["policies"]
        found = await self._in_force(names, self._clock.now())
        ours = next((one for one in found if one.name == receipt.operation or _same(one, call)), None)
        if ours is None and receipt.operation:
            # It has been seen; snoozes that have ended are not listed any more.
            return receipt
        if ours is None:
            return msgspec.structs.replace(receipt, progress=Progress.UNKNOWN, text=lit("no such snooze so far"))
        return msgspec.structs.replace(
            receipt, progress=Progress.DONE, operation=ours.name, facts=(_fact(found),), text=EMPTY
        )

    async def _in_force(self, policies: Sequence[str], now: datetime) -> list[Snooze]:
        """Snoozes of any of the policies that have not ended, the one that begins first at the top."""
        found = (await self._asking.snoozes(now)).items
        return sorted((one for one in found if set(one.criteria.policies) & set(policies)), key=lambda one: one.name)


def _check(policies: tuple[str, ...], start: datetime, end: datetime, comment: str, now: datetime) -> None:
    if not 1 <= len(policies) <= MOST_POLICIES:
        raise QueryRefused(f"a snooze is of 1 to {MOST_POLICIES} policies, not {len(policies)}")
    if not comment.strip() or len(comment) > _MOST_COMMENT:
        raise QueryRefused(f"a snooze wants a comment of 1 to {_MOST_COMMENT} characters")
    if start < now - _PAST:
        raise QueryRefused(f"a snooze cannot begin in the past, at {stamp(start)}")
    if end <= now:
        raise QueryRefused(f"a snooze until {stamp(end)} would be over by now")
    if not timedelta(0) < end - start <= _LONGEST:
        raise QueryRefused(f"a snooze from {stamp(start)} to {stamp(end)} cannot be: it ends later, within a year")


def _chosen(wanted: tuple[str, ...], known: Sequence[Policy]) -> list[Policy]:
    found: dict[str, Policy] = {}
    for text in wanted:
        meant = [one for one in known if text in {one.name, short(one.name)}]
        meant = meant or [one for one in known if one.display_name == text]
        if len(meant) != 1:
            why = "several alert policies are called" if meant else "there is no alert policy"
            raise QueryRefused(f"{why} {safe(text)}; name it by its ID")
        found[meant[0].name] = meant[0]
    return list(found.values())


def _facts(policies: Sequence[Policy], snoozes: Sequence[Snooze]) -> tuple[Fact, ...]:
    states = (
        Fact(safe(one.display_name or short(one.name)), lit("watches") if one.enabled else lit("is switched off"))
        for one in policies
    )
    return (*states, _fact(snoozes))


def _fact(snoozes: Sequence[Snooze]) -> Fact:
    return Fact(lit("snoozes"), join(", ", (described(one) for one in snoozes)) or lit("none"))


def _fingerprint(policies: Sequence[Policy], snoozes: Sequence[Snooze]) -> str:
    seen = (
        [(one.name, one.enabled, one.mutation_record.mutate_time) for one in policies],
        [one.name for one in snoozes],
    )
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()


def _same(snooze: Snooze, call: _Call) -> bool:
    """It ends at the very moment, and begins when it was asked for or when that was sent."""
    start, end = snooze.interval.start_time, snooze.interval.end_time
    return (
        snooze.display_name == call.body["displayName"]
        and sorted(snooze.criteria.policies) == sorted(call.body["criteria"]["policies"])
        and (end is not None and stamp(end) == stamp(call.ends))
        and (start is not None and stamp(start) >= stamp(call.starts))
    )


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)
