"""Abilities of sources by the words that runbooks use for them, and what each wants to know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import safe
from tuiops.core.units import parse_duration
from tuiops.errors import Refused
from tuiops.sources.abilities import (
    Acts,
    AddsSecretVersion,
    Restarts,
    RestoresBackup,
    RollsBack,
    Scales,
    ShiftsTraffic,
    Snoozes,
    TakesBackup,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.runbooks.format.model import Ability, ApiAction
    from tuiops.sources.abilities import Prepared


class Wants(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of an ability."""

    protocol: type
    needed: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    """Of these exactly one is given."""
    secret: bool = False
    """Whether it takes a secret value."""


ABILITIES: Mapping[Ability, Wants] = {
    "shift_traffic": Wants(protocol=ShiftsTraffic, needed=("shares",)),
    "roll_back": Wants(protocol=RollsBack, needed=("revision",)),
    "restart": Wants(protocol=Restarts),
    "scale": Wants(protocol=Scales, needed=("least", "most")),
    "take_backup": Wants(protocol=TakesBackup, needed=("note",)),
    "restore_backup": Wants(protocol=RestoresBackup, needed=("instance",), one_of=("backup", "moment")),
    "add_secret_version": Wants(protocol=AddsSecretVersion, secret=True),
    "snooze": Wants(protocol=Snoozes, needed=("policies", "lasts", "comment")),
}


async def prepare(  # noqa: PLR0911 - one return for each ability
    acts: Acts, target: Target, do: ApiAction, token: str, now: datetime
) -> Prepared:
    """Have a source read the state and say what it would do.

    `do` has all its placeholders filled. Raises Refused when the source has not this ability or an argument is
    not what it should be, and errors.SourceError.
    """
    given = do.arguments
    match do.ability:
        case "shift_traffic" if isinstance(acts, ShiftsTraffic):
            return await acts.prepare_shift(target, shares(given["shares"]), token)
        case "roll_back" if isinstance(acts, RollsBack):
            return await acts.prepare_rollback(target, given["revision"], token)
        case "restart" if isinstance(acts, Restarts):
            return await acts.prepare_restart(target, token)
        case "scale" if isinstance(acts, Scales):
            return await acts.prepare_scale(target, _number(given["least"]), _number(given["most"]), token)
        case "take_backup" if isinstance(acts, TakesBackup):
            return await acts.prepare_backup(target, given["note"], token)
        case "restore_backup" if isinstance(acts, RestoresBackup):
            backup = given.get("backup") or _moment(given["moment"])
            return await acts.prepare_restore(target, backup, given["instance"], token)
        case "add_secret_version" if isinstance(acts, AddsSecretVersion):
            return await acts.prepare_secret_version(target, token)
        case "snooze" if isinstance(acts, Snoozes):
            policies = tuple(given["policies"].split(","))
            end = now + timedelta(seconds=parse_duration(given["lasts"]))
            prepared = await acts.prepare_snooze(policies, now, end, given["comment"], token)
            # Policies are of no system; by the resource it is found again, whoever asks how it came out.
            return msgspec.structs.replace(prepared, target=target)
        case _:
            raise Refused(f"the source of {safe(target.resource)} cannot {do.ability.replace('_', ' ')}")


def shares(text: str) -> dict[str, int]:
    """`rev-a=10,rev-b=90` as percents by revision, as gcloud writes them. Refused when it is anything else."""
    found: dict[str, int] = {}
    for pair in text.split(","):
        name, equals, percent = pair.strip().rpartition("=")
        if not equals or not name or name in found:
            raise Refused(f"{safe(text)!r} is no list of shares; write revision=percent, separated by commas")
        found[name] = _number(percent)
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Refused(f"{safe(text)!r} is no whole number")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{safe(text)!r} is no moment; write 2026-05-01T12:00:00Z") from None
    if moment.tzinfo is None:
        raise Refused(f"{safe(text)!r} has no zone; write Z or an offset behind it")
    return moment
