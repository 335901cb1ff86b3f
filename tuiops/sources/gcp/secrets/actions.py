"""Adding a version to a secret. The value goes from the caller into one request, and nowhere else.

Secret Manager knows no idempotency tokens: of a request whose answer was lost, only the versions that have appeared
since tell anything.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.errors import QueryRefused, SourceError
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged
from tuiops.sources.gcp.client import PAGE
from tuiops.sources.gcp.message import short
from tuiops.sources.gcp.secrets.wire import ENABLED, Version, Versions
from tuiops.sources.parts import body_of, call_of
from tuiops.sources.secret_values import check_size, wordless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.config.resources import SecretResource
    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Target, Told
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.paging import Listing
    from tuiops.sources.parts import Watched

PART = lit("Secret Manager")
"""Name of the part that all of this belongs to."""


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """Which secret gets a version; the value is handed over apart."""

    path: str
    newest: str
    """Number of the newest version before it; empty without any."""


class SecretActions:
    """Prepares and carries out."""

    name = PART

    def __init__(self, secrets: Sequence[Watched[SecretResource]], client: GoogleClient) -> None:
        self._secrets = {(one.system_id, one.id): one for one in secrets}
        self._client = client

    def has(self, target: Target) -> bool:
        """Whether it is a secret."""
        return (target.system, target.resource) in self._secrets

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Numbers of the versions that can be read, the newest first."""
        if of != "secret_versions":
            raise QueryRefused(f"a secret has no {of.replace('_', ' ')}")
        _, path = self._secret(target)
        return tuple(safe(one.id) for one in (await versions_of(self._client, path)).items if one.state == ENABLED)

    def _secret(self, target: Target) -> tuple[str, str]:
        """Its name and its path."""
        resource = self._secrets.get((target.system, target.resource))
        if resource is None:
            raise QueryRefused(f"{safe(target.system)} has no secret {safe(target.resource)}")
        name = resource.config.name
        return name, f"v1/projects/{self._client.project}/secrets/{name}"

    async def prepare_secret_version(self, target: Target, token: str) -> Prepared:
        """A version that `perform_secret` gives a value."""
        name, path = self._secret(target)
        versions = (await versions_of(self._client, path)).items
        newest = versions[0].id if versions else ""
        return Prepared(
            target=target,
            verb=lit("add a secret version"),
            argv=(
                *(lit("gcloud"), lit("secrets"), lit("versions"), lit("add"), safe(name)),
                *(lit("--data-file=-"), safe(f"--project={self._client.project}")),
            ),
            before=facts(versions),
            after=(Fact(lit("newest version"), safe(f"{int(newest) + 1}" if newest.isdecimal() else "1")),),
            seen=fingerprint(versions),
            token=token,
            call=call_of(self, msgspec.json.encode(_Call(path=path, newest=newest))),
            undo=lit("disable the version; what reads `latest` then fails until another one is enabled"),
        )

    async def perform(self, prepared: Prepared) -> Receipt:
        """Never: without a value there is nothing to add."""
        raise QueryRefused(f"{prepared.verb} wants a value; use perform_secret")

    async def perform_secret(self, prepared: Prepared, value: bytes) -> Receipt:
        """Add the version, unless the secret has got another one meanwhile. A lost answer leaves it UNKNOWN."""
        check_size(value)
        call = _call(prepared)
        versions = (await versions_of(self._client, call.path)).items
        if fingerprint(versions) != prepared.seen:
            raise StateChanged(facts(versions))
        try:
            version = await self._add(call.path, value)
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 500))
        return Receipt(
            prepared=prepared,
            progress=Progress.DONE,
            operation=version.name,
            facts=facts((version, *versions)),
            text=EMPTY,
        )

    async def look_up(self, receipt: Receipt) -> Receipt:
        """Whether the version is there. One that appeared while the answer was lost may be somebody else's."""
        call = _call(receipt.prepared)
        versions = (await versions_of(self._client, call.path)).items
        now = msgspec.structs.replace(receipt, facts=facts(versions))
        if receipt.operation:
            there = any(one.id == short(receipt.operation) for one in versions)
            return msgspec.structs.replace(now, progress=Progress.DONE if there else Progress.UNKNOWN, text=EMPTY)
        later = [one.id for one in versions if _number(one.id) > _number(call.newest)]
        if not later:
            return msgspec.structs.replace(now, progress=Progress.UNKNOWN, text=lit("no version has appeared so far"))
        text = fmt("version {} has appeared; whether it holds this value is not told", safe(", ".join(later)))
        return msgspec.structs.replace(now, progress=Progress.UNKNOWN, text=text)

    async def _add(self, path: str, value: bytes) -> Version:
        body = {"payload": {"data": base64.b64encode(value).decode()}}
        try:
            return await self._client.send(Version, "secretmanager", "POST", f"{path}:addVersion", body)
        except SourceError as error:
            kept = wordless(error, lit("secretmanager"))
        raise kept


async def versions_of(client: GoogleClient, path: str) -> Listing[Version]:
    """The newest versions of a secret: what counts is near the newest one, and old ones are of no interest."""
    return await client.pages(
        Versions,
        "secretmanager",
        f"{path}/versions",
        (("pageSize", str(PAGE)),),
        items=lambda page: page.versions,
        most=PAGE,
    )


def facts(versions: Sequence[Version]) -> tuple[Fact, ...]:
    """What an operator wants to see of a secret before and after."""
    enabled = [safe(one.id) for one in versions if one.state == ENABLED]
    return (
        Fact(lit("newest version"), safe(versions[0].id) if versions else lit("none")),
        Fact(lit("enabled"), join(", ", enabled[:10]) if enabled else lit("none")),
    )


def fingerprint(versions: Sequence[Version]) -> str:
    """Another one whenever a version is added, enabled or disabled."""
    return " ".join(f"{one.id}:{one.state}" for one in versions)


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0
