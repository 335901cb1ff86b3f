"""Going back to an earlier version of a site. Releases know no idempotency tokens; their message tells ours apart.

Nor do they take a condition: what is live is read just before a release is sent, and a release that somebody else
makes between the two is not noticed. The one that comes last stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged, Wish
from tuiops.sources.gcp.hosting.wire import DISABLE, Release
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tuiops.config.resources import HostingResource
    from tuiops.sources.abilities import Target, Told
    from tuiops.sources.gcp.hosting.sites import Sites
    from tuiops.sources.parts import Watched

PART = lit("Firebase Hosting")
"""Name of the part that all of this belongs to."""

_VERSION = re.compile(r"[A-Za-z0-9_-]{1,128}")
_GONE = frozenset({"DELETED", "EXPIRED", "ABANDONED"})
"""States of versions that cannot be released any more."""


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A release to the live channel."""

    site: str
    version: str
    message: str


class HostingActions:
    """Prepares and carries out."""

    name = PART

    def __init__(self, sites: Sequence[Watched[HostingResource]], reader: Sites, project: str) -> None:
        self._sites = {(one.system_id, one.id): one for one in sites}
        self._reader = reader
        self._project = project

    def has(self, target: Target) -> bool:
        """Whether it is a site."""
        return (target.system, target.resource) in self._sites

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        """A version that was live before. QueryRefused when it was not, is live now, or is gone."""
        site = self._site(target)
        releases = await self._reader.ask(site)
        _check(releases, revision, site)
        message = f"rollback to {revision} [{token}]"[:512]
        call = _Call(site=site, version=revision, message=message)
        return Prepared(
            target=target,
            verb=lit("roll back"),
            argv=(
                *(lit("firebase"), lit("hosting:clone"), safe(f"{site}:@{revision}"), safe(f"{site}:live")),
                *(lit("--project"), safe(self._project)),
            ),
            before=facts(releases),
            after=(Fact(lit("live"), safe(revision)),),
            seen=_seen(releases),
            token=token,
            call=call_of(self, msgspec.json.encode(call)),
            undo=_undo(releases[0]),
            reversal=_reversal(releases[0]),
        )

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Versions that were live, the one that was released last first. A site that is disabled serves none."""
        if of not in {"serving", "previous", "revisions"}:
            raise QueryRefused(f"a Firebase Hosting site has no {of.replace('_', ' ')}")
        releases = await self._reader.ask(self._site(target))
        versions = {one.version.id: one.version for one in releases if one.version.id and one.type != DISABLE}
        live = _public(releases[0]) if releases else EMPTY
        if of == "serving":
            return (live,) if live else ()
        there = [one for one in versions.values() if one.status not in _GONE]
        if of == "previous":
            made = versions[live].create_time if live in versions else None
            there = [one for one in there if _older(one.create_time, made)]
        return tuple(safe(one.id) for one in there)[: 1 if of == "previous" else None]

    def _site(self, target: Target) -> str:
        resource = self._sites.get((target.system, target.resource))
        if resource is None:
            raise QueryRefused(f"{safe(target.system)} has no Firebase Hosting resource {safe(target.resource)}")
        return resource.config.name

    async def perform(self, prepared: Prepared) -> Receipt:
        """Release it, unless something else was released meanwhile. A lost answer leaves it UNKNOWN."""
        call = _call(prepared)
        releases = await self._reader.ask(call.site)
        if _seen(releases) != prepared.seen:
            raise StateChanged(facts(releases))
        try:
            release = await self._reader.release(call.site, call.version, call.message)
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 500))
        return Receipt(
            prepared=prepared,
            progress=Progress.DONE,
            operation=release.name,
            facts=facts((release, *releases)),
            text=EMPTY,
        )

    async def look_up(self, receipt: Receipt) -> Receipt:
        """Whether the release is there, by its name or by the message that it was given."""
        call = _call(receipt.prepared)
        releases = await self._reader.ask(call.site)
        ours = next((one for one in releases if one.name == receipt.operation or one.message == call.message), None)
        now = msgspec.structs.replace(receipt, facts=facts(releases))
        if ours is None:
            return msgspec.structs.replace(now, progress=Progress.UNKNOWN, text=lit("nothing was released so far"))
        text = EMPTY if releases[0] is ours else lit("something else was released since")
        return msgspec.structs.replace(now, progress=Progress.DONE, operation=ours.name, text=text)


def facts(releases: Sequence[Release]) -> tuple[Fact, ...]:
    """What an operator wants to see of a site before and after."""
    if not releases:
        return (Fact(lit("live"), lit("nothing")),)
    live = releases[0]
    return (
        Fact(lit("live"), _public(live) or lit("disabled")),
        Fact(lit("released by"), safe(live.release_user.email)),
    )


def _check(releases: Sequence[Release], version: str, site: str) -> None:
    known = {one.version.id: one.version for one in releases if one.version.name}
    if _VERSION.fullmatch(version) is None or version not in known:
        raise QueryRefused(f"{safe(site)} has not released a version {safe(version)} lately")
    if known[version].status in _GONE:
        raise QueryRefused(f"version {safe(version)} is {safe(known[version].status)} and cannot be released")
    if _public(releases[0]) == safe(version):
        raise QueryRefused(f"version {safe(version)} is live already")


def _public(release: Release) -> SafeText:
    return EMPTY if release.type == DISABLE else safe(release.version.id)


def _older(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def _undo(live: Release) -> SafeText:
    if _public(live):
        return fmt("release {} again", _public(live))
    return lit("nothing was live before: disable the site with `firebase hosting:disable`")


def _reversal(live: Release) -> Wish | None:
    if not _public(live) or live.version.status in _GONE:
        return None
    return Wish("roll_back", {"revision": live.version.id})


def _seen(releases: Sequence[Release]) -> str:
    return releases[0].name if releases else ""


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)
