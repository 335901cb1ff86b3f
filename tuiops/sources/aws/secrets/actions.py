"""Adding a version to a secret. The value goes from the caller into one request, and nowhere else.

The version's ID is made from the action's token: Secrets Manager makes no other one of the same ID, so that an action
whose answer was lost is found again, and the same one twice adds one version.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import QueryRefused, SourceError
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged
from tuiops.sources.aws.secrets.wire import Added
from tuiops.sources.parts import body_of, call_of
from tuiops.sources.secret_values import check_size, wordless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.config.resources import SecretsManagerResource
    from tuiops.sources.abilities import Target, Told
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.secrets.reader import SecretReader
    from tuiops.sources.aws.secrets.wire import Secret
    from tuiops.sources.parts import Watched

PART = lit("Secrets Manager")
"""Name of the part that all of this belongs to."""

_API = lit("secretsmanager")


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """Which secret gets which version; the value is handed over apart."""

    name: str
    version: str


class SecretActions:
    """Prepares and carries out."""

    name = PART

    def __init__(
        self, secrets: Sequence[Watched[SecretsManagerResource]], reader: SecretReader, client: AwsClient
    ) -> None:
        self._secrets = {(one.system_id, one.id): one for one in secrets}
        self._reader = reader
        self._client = client

    def has(self, target: Target) -> bool:
        """Whether it is a secret."""
        return (target.system, target.resource) in self._secrets

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """IDs of the versions that have a stage: the current one, then the others, the newest first."""
        if of != "secret_versions":
            raise QueryRefused(f"a secret has no {of.replace('_', ' ')}")
        return tuple(safe(one) for one in await self._reader.staged(self._name(target)))

    def _name(self, target: Target) -> str:
        resource = self._secrets.get((target.system, target.resource))
        if resource is None:
            raise QueryRefused(f"{safe(target.system)} has no secret {safe(target.resource)}")
        return resource.config.name

    async def prepare_secret_version(self, target: Target, token: str) -> Prepared:
        """A version that `perform_secret` gives a value. It is the current one from then on."""
        name = self._name(target)
        secret = await self._reader.secret(name)
        if secret.deleted_date is not None:
            raise QueryRefused(f"the secret {safe(name)} is to be deleted; restore it before it gets a version")
        version = hashlib.sha256(token.encode()).hexdigest()
        words = ("aws", "secretsmanager", "put-secret-value", "--secret-id", name, "--client-request-token", version)
        return Prepared(
            target=target,
            verb=lit("add a secret version"),
            argv=(
                *(safe(word, 512) for word in words),
                *(lit("--secret-string"), lit("file:///dev/stdin"), *self._client.options),
            ),
            before=facts(secret),
            after=(Fact(lit("current version"), safe(version)), Fact(lit("previous version"), _told(secret.current))),
            seen=fingerprint(secret),
            token=token,
            call=call_of(self, msgspec.json.encode(_Call(name=name, version=version))),
            undo=fmt("move the stage AWSCURRENT back to {}", safe(secret.current)) if secret.current else EMPTY,
        )

    async def perform(self, prepared: Prepared) -> Receipt:
        """Never: without a value there is nothing to add."""
        raise QueryRefused(f"{prepared.verb} wants a value; use perform_secret")

    async def perform_secret(self, prepared: Prepared, value: bytes) -> Receipt:
        """Add the version, unless the secret's have changed meanwhile. A lost answer leaves it UNKNOWN.

        The value is text in UTF-8, as `--secret-string` is.
        """
        check_size(value)
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = ""
        if not text:
            # Outside of the handler: the error that it handles quotes the value.
            raise QueryRefused("a secret that is no text in UTF-8 is not added from here")
        call = _call(prepared)
        secret = await self._reader.secret(call.name)
        # An earlier attempt of this very action is none: the API takes the same value again, and refuses another one.
        if fingerprint(secret) != prepared.seen and call.version not in secret.version_ids_to_stages:
            raise StateChanged(facts(secret))
        try:
            added = await self._put(call, text)
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 500))
        return Receipt(prepared=prepared, progress=Progress.RUNNING, operation=added.version_id)

    async def look_up(self, receipt: Receipt) -> Receipt:
        """Whether the version is there, and which one is the current one."""
        call = _call(receipt.prepared)
        secret = await self._reader.secret(call.name)
        now = msgspec.structs.replace(receipt, facts=facts(secret))
        if call.version in secret.version_ids_to_stages or await self._reader.has(call.name, call.version):
            return msgspec.structs.replace(now, progress=Progress.DONE, operation=call.version, text=EMPTY)
        if receipt.progress is Progress.DONE:
            return receipt
        return msgspec.structs.replace(now, progress=Progress.UNKNOWN, text=lit("the version is not there so far"))

    async def _put(self, call: _Call, text: str) -> Added:
        params = {"SecretId": call.name, "ClientRequestToken": call.version, "SecretString": text}
        try:
            return await self._client.call("secretsmanager", "PutSecretValue", params, kind=Added)
        except SourceError as error:
            kept = wordless(error, _API)
        raise kept


def facts(secret: Secret) -> tuple[Fact, ...]:
    """What an operator wants to see of a secret before and after: versions and their stages."""
    others = [
        fmt("{} ({})", safe(version), join(", ", (safe(stage) for stage in stages)))
        for version, stages in sorted(secret.version_ids_to_stages.items())
        if version != secret.current
    ]
    return (
        Fact(lit("current version"), _told(secret.current)),
        Fact(lit("other versions"), join(", ", others[:10]) or lit("none")),
    )


def fingerprint(secret: Secret) -> str:
    """Another one whenever a version is added or a stage moves."""
    stages = secret.version_ids_to_stages
    return " ".join(f"{version}:{','.join(sorted(stages[version]))}" for version in sorted(stages))


def _told(version: str) -> SafeText:
    return safe(version) if version else lit("none")


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)
