"""What can be done for a Cloud SQL instance: take a backup, and restore into an instance that is made for it.

Nothing here writes over an instance that exists. Cloud SQL knows no idempotency tokens: what became of a request
whose answer was lost is told by the operations of its target.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.errors import Conflict, QueryRefused
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged
from tuiops.sources.gcp.message import stamp
from tuiops.sources.gcp.sql.reader import running
from tuiops.sources.gcp.sql.state import failure
from tuiops.sources.gcp.sql.wire import DONE, SUCCESSFUL, Instance, Operation
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.config.resources import CloudSqlResource
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Target, Told
    from tuiops.sources.gcp.sql.reader import SqlReader
    from tuiops.sources.parts import Watched

PART = lit("Cloud SQL")
"""Name of the part that all of this belongs to."""

_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,96}[a-z0-9])?")
"""Names of instances (cloud.google.com/sql/docs: instance settings)."""


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A POST that begins an operation."""

    path: str
    body: dict[str, Any]
    origin: str
    """The instance that it is about."""
    target: str
    """The instance whose operations tell of it."""
    kinds: tuple[str, ...]
    """What the operation may be called."""


class SqlActions:
    """Prepares and carries out."""

    name = PART

    def __init__(self, instances: Sequence[Watched[CloudSqlResource]], reader: SqlReader, clock: Clock) -> None:
        self._instances = {(one.system_id, one.id): one for one in instances}
        self._reader = reader
        self._clock = clock

    def has(self, target: Target) -> bool:
        """Whether it is a Cloud SQL instance."""
        return (target.system, target.resource) in self._instances

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """IDs of the backups that can be restored, the newest first."""
        if of != "backups":
            raise QueryRefused(f"a Cloud SQL instance has no {of.replace('_', ' ')}")
        runs = (await self._reader.runs(self._instance(target))).items
        return tuple(safe(str(one.id)) for one in runs if one.status == SUCCESSFUL)

    async def prepare_backup(self, target: Target, note: str, token: str) -> Prepared:
        """A backup on demand; `note` becomes its description."""
        instance, operations = await self._find(target)
        description = note[:512]
        call = _Call(
            path=f"instances/{instance.name}/backupRuns",
            body={"description": description},
            origin=instance.name,
            target=instance.name,
            kinds=("BACKUP_VOLUME", "BACKUP", "SNAPSHOT"),
        )
        argv = (
            *_words("gcloud", "sql", "backups", "create", f"--instance={instance.name}"),
            safe(f"--description={description}", 600),
            safe(f"--project={self._reader.project}"),
        )
        return self._prepared(
            target,
            (instance, operations),
            call,
            verb=lit("take a backup"),
            argv=argv,
            after=(Fact(lit("newest backup"), fmt("one of now: {}", safe(description))),),
            undo=lit("delete the backup"),
            token=token,
        )

    async def prepare_restore(self, target: Target, backup: str | datetime, instance: str, token: str) -> Prepared:
        """A backup, by its ID, or a moment, into an instance that does not exist yet. QueryRefused when it does."""
        origin, operations = await self._find(target)
        await self._free(origin.name, instance)
        if isinstance(backup, datetime):
            call, argv = await self._cloned(origin, backup, instance)
            text = fmt("made of {} as of {}", safe(origin.name), safe(stamp(backup)))
        else:
            call, argv = await self._restored(origin, backup, instance)
            text = fmt("made of {} as of backup {}", safe(origin.name), safe(backup))
        return self._prepared(
            target,
            (origin, operations),
            call,
            verb=lit("restore into an instance of its own"),
            argv=(*argv, safe(f"--project={self._reader.project}")),
            after=(Fact(fmt("instance {}", safe(instance)), text),),
            undo=fmt("delete {}; {} is not touched", safe(instance), safe(origin.name)),
            token=token,
        )

    async def perform(self, prepared: Prepared) -> Receipt:
        """Send it, unless the instance has changed. A lost answer leaves it UNKNOWN."""
        call = _call(prepared)
        instance, operations = await self._read(call.origin)
        if fingerprint(instance, operations) != prepared.seen:
            raise StateChanged(facts(instance, operations))
        if call.target != call.origin:
            await self._free(call.origin, call.target)
        try:
            operation = await self._reader.send(call.path, call.body)
        except Conflict:
            raise StateChanged(facts(*await self._read(call.origin))) from None
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 500))
        return self._told(Receipt(prepared=prepared, progress=Progress.RUNNING), operation)

    async def look_up(self, receipt: Receipt) -> Receipt:
        """How far Cloud SQL has come, by the operation. One whose name was lost is looked for at its target."""
        call = _call(receipt.prepared)
        if receipt.operation:
            found = [one for one in [await self._reader.operation(_word(receipt.operation))] if one is not None]
        else:
            found = await self._lost(call, receipt)
        if len(found) != 1:
            text = _MANY if found else lit("Cloud SQL knows no such operation so far")
            return msgspec.structs.replace(receipt, progress=Progress.UNKNOWN, text=text)
        (operation,) = found
        told = self._told(receipt, operation)
        if told.progress is not Progress.DONE:
            return told
        return msgspec.structs.replace(told, facts=facts(*await self._read(call.target)))

    async def _lost(self, call: _Call, receipt: Receipt) -> list[Operation]:
        """The operations that the lost answer may have named: those of its kind that were not there before."""
        before = {fact.value for fact in receipt.prepared.before if fact.what == _LAST}
        later = takewhile(lambda one: safe(one.name) not in before, await self._reader.operations(call.target))
        return [one for one in later if one.operation_type in call.kinds]

    def _told(self, receipt: Receipt, operation: Operation) -> Receipt:
        now = msgspec.structs.replace(receipt, operation=operation.name)
        if operation.status != DONE:
            begun = operation.start_time or operation.insert_time
            seconds = max(0.0, (self._clock.now() - begun).total_seconds()) if begun is not None else 0.0
            text = fmt("{} {} for {}", safe(operation.operation_type), safe(operation.status.lower()), span(seconds))
            return msgspec.structs.replace(now, progress=Progress.RUNNING, text=text)
        if operation.error is not None:
            return msgspec.structs.replace(now, progress=Progress.FAILED, text=failure(operation))
        return msgspec.structs.replace(now, progress=Progress.DONE, text=EMPTY)

    def _prepared(
        self,
        target: Target,
        found: tuple[Instance, tuple[Operation, ...]],
        call: _Call,
        *,
        verb: SafeText,
        argv: tuple[SafeText, ...],
        after: tuple[Fact, ...],
        undo: SafeText,
        token: str,
    ) -> Prepared:
        return Prepared(
            target=target,
            verb=verb,
            argv=argv,
            before=facts(*found),
            after=after,
            seen=fingerprint(*found),
            token=token,
            call=call_of(self, msgspec.json.encode(call)),
            undo=undo,
        )

    async def _cloned(self, origin: Instance, moment: datetime, instance: str) -> tuple[_Call, tuple[SafeText, ...]]:
        if not origin.settings.backup_configuration.logs_kept:
            raise QueryRefused(f"{safe(origin.name)} keeps no logs: only its backups can be restored, by their IDs")
        window = await self._reader.window(origin.name)
        earliest = window.earliest_recovery_time if window is not None else None
        latest = (window.latest_recovery_time if window is not None else None) or self._clock.now()
        if moment > latest or (earliest is not None and moment < earliest):
            first = stamp(earliest) if earliest is not None else "its first backup"
            raise QueryRefused(f"{stamp(moment)} cannot be restored: only {first} to {stamp(latest)} can")
        context = {"destinationInstanceName": instance, "pointInTime": stamp(moment)}
        call = _Call(
            path=f"instances/{origin.name}/clone",
            body={"cloneContext": context},
            origin=origin.name,
            target=instance,
            kinds=("CLONE", "CREATE_CLONE", "CREATE"),
        )
        argv = _words("gcloud", "sql", "instances", "clone", origin.name, instance)
        return call, (*argv, safe(f"--point-in-time={stamp(moment)}"))

    async def _restored(self, origin: Instance, backup: str, instance: str) -> tuple[_Call, tuple[SafeText, ...]]:
        """Only the name of a backup, not the ID of its run, can be restored into an instance that is to be made."""
        found = await self._reader.backup(origin.name, backup)
        if found is None:
            raise QueryRefused(f"{safe(origin.name)} has no backup {safe(backup)}")
        if found.state not in {"SUCCESSFUL", ""}:
            raise QueryRefused(f"backup {safe(backup)} is {safe(found.state)} and cannot be restored")
        settings = {
            "name": instance,
            "region": origin.region,
            "databaseVersion": origin.database_version,
            "settings": {"tier": origin.settings.tier},
        }
        call = _Call(
            path=f"instances/{instance}/restoreBackup",
            body={"backup": found.name, "restoreInstanceSettings": settings},
            origin=origin.name,
            target=instance,
            kinds=("RESTORE_VOLUME", "CREATE"),
        )
        argv = _words("gcloud", "sql", "backups", "restore", found.name, f"--restore-instance={instance}")
        flags = (f"--region={origin.region}", f"--tier={origin.settings.tier}")
        return call, (*argv, *_words(*flags, f"--database-version={origin.database_version}"))

    async def _free(self, origin: str, name: str) -> None:
        """QueryRefused unless a name can be that of an instance and is not."""
        if _NAME.fullmatch(name) is None:
            raise QueryRefused(f"{safe(name)!r} cannot be the name of an instance: small letters, digits and dashes")
        fleet = await self._reader.fleet()
        if name == origin or name in fleet.instances:
            raise QueryRefused(f"{safe(name)} exists; a restore never writes over an instance, choose another name")
        if fleet.missing:
            raise QueryRefused(f"whether {safe(name)} exists is not certain: {fleet.missing}")

    async def _find(self, target: Target) -> tuple[Instance, tuple[Operation, ...]]:
        return await self._read(self._instance(target))

    def _instance(self, target: Target) -> str:
        resource = self._instances.get((target.system, target.resource))
        if resource is None:
            raise QueryRefused(f"{safe(target.system)} has no Cloud SQL resource {safe(target.resource)}")
        return resource.config.name

    async def _read(self, name: str) -> tuple[Instance, tuple[Operation, ...]]:
        return await self._reader.instance(name), await self._reader.operations(name)


_LAST = lit("last operation")
_MANY = lit("several such operations have begun since; which of them is this one is not told")


def facts(instance: Instance, operations: Sequence[Operation]) -> tuple[Fact, ...]:
    """What an operator wants to see of an instance before and after."""
    under_way = running(tuple(operations))
    return (
        Fact(lit("instance"), fmt("{} {}", safe(instance.name), safe(instance.state))),
        Fact(lit("under way"), join(", ", (safe(one.operation_type) for one in under_way)) or lit("nothing")),
        Fact(_LAST, safe(operations[0].name) if operations else lit("none")),
    )


def fingerprint(instance: Instance, operations: Sequence[Operation]) -> str:
    """Another one after every change of the instance and with every operation on it."""
    seen = (instance.state, str(instance.settings.settings_version), [(one.name, one.status) for one in operations])
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()


def _words(*words: str) -> tuple[SafeText, ...]:
    return tuple(safe(word) for word in words)


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)


def _word(name: str) -> str:
    """An operation's name as a word of a path."""
    if not name.replace("-", "").isalnum():
        raise QueryRefused("the operation has a name that none has")
    return name
