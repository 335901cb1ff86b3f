"""What can be done with the backups of databases: take one, restore one into an instance of its own.

RDS knows no idempotency tokens, but names are unique: that of a snapshot is made from the token, and a restored
instance carries it as a tag, so that a second attempt finds what the first one began.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import NotFound, QueryRefused, SourceError
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged
from tuiops.sources.aws.errors import Exists
from tuiops.sources.aws.rds.state import AVAILABLE, serves_not
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.config.resources import RdsResource
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Target, Told
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.rds.reader import RdsReader
    from tuiops.sources.aws.rds.wire import Instance, Snapshot
    from tuiops.sources.parts import Watched

PART = lit("RDS")
"""Name of the part that all of this belongs to."""

TAG, NOTE = "tuiops", "note"
"""Tags that mark what was made here, and why."""

_INSTANCE = re.compile(r"[a-z](?:-?[a-z0-9]){0,62}")
_NAMES = "a to z, 0 to 9 and single -, at most 63, a letter first"
_UNTAGGABLE = re.compile(r"[^\w\s.:/=+\-@]")
_SNAPSHOTTABLE = frozenset({AVAILABLE, "storage-optimization"})
_BACKUP, _SNAPSHOT, _MOMENT = "CreateDBSnapshot", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and what is made by it."""

    operation: str
    params: dict[str, Any]
    source: str
    """The instance that it is about."""
    made: str
    """Name of the snapshot or of the instance that it makes."""
    restored: str = ""
    """The snapshot that is restored; empty when there is none."""
    mark: str


class RdsActions:
    """Prepares, performs and looks up."""

    name = PART

    def __init__(
        self, resources: Sequence[Watched[RdsResource]], reader: RdsReader, client: AwsClient, clock: Clock
    ) -> None:
        self._watched = {(one.system_id, one.id): one for one in resources}
        self._reader = reader
        self._client = client
        self._clock = clock

    def has(self, target: Target) -> bool:
        """Whether it is an RDS instance."""
        return (target.system, target.resource) in self._watched

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Names of the snapshots that can be restored, the newest first."""
        if of != "backups":
            raise QueryRefused(f"an RDS instance has no {of.replace('_', ' ')}")
        snapshots = await self._reader.listed(self._name(target))
        dated = [
            (one.snapshot_create_time, one.db_snapshot_identifier)
            for one in snapshots
            if one.status == AVAILABLE and one.snapshot_create_time is not None
        ]
        return tuple(safe(name) for _, name in sorted(dated, reverse=True))

    async def prepare_backup(self, target: Target, note: str, token: str) -> Prepared:
        """A manual snapshot, named after the instance and the token; `note` becomes a tag of it."""
        instance = await self._instance(target)
        name, mark = instance.db_instance_identifier, _mark(token)
        if instance.db_instance_status not in _SNAPSHOTTABLE:
            status = safe(instance.db_instance_status, 40)
            raise QueryRefused(f"{safe(name)} is {status}: RDS takes snapshots of available instances only")
        made = f"{name}-tuiops-{mark}"
        params: dict[str, Any] = {
            "DBInstanceIdentifier": name,
            "DBSnapshotIdentifier": made,
            "Tags": _tags(mark, note),
        }
        call = Call(operation=_BACKUP, params=params, source=name, made=made, mark=mark)
        after = (Fact(lit("snapshot"), fmt("{}, available", safe(made))),)
        undo = fmt("delete the snapshot {}", safe(made))
        return self._prepared(target, lit("take backup"), call, (instance, None), after, token, undo)

    async def prepare_restore(self, target: Target, backup: str | datetime, instance: str, token: str) -> Prepared:
        """A new instance from a snapshot, by its name, or as the source was at a moment. It costs money while it is."""
        source = await self._instance(target)
        if not _INSTANCE.fullmatch(instance):
            raise QueryRefused(f"{safe(instance, 80)!r} is no name for an instance: {_NAMES}")
        if await self._exists(instance):
            raise QueryRefused(f"there is an instance {safe(instance)} already; nothing is restored over another one")
        mark, shape = _mark(token), _shape(source)
        if isinstance(backup, datetime):
            self._restorable(source, backup)
            operation, snapshot, restored = _MOMENT, None, ""
            shape |= {
                "SourceDBInstanceIdentifier": source.db_instance_identifier,
                "TargetDBInstanceIdentifier": instance,
                "RestoreTime": backup.isoformat(),
            }
        else:
            snapshot = await self._snapshot(source, backup)
            operation, restored = _SNAPSHOT, backup
            shape |= {"DBInstanceIdentifier": instance, "DBSnapshotIdentifier": backup}
        params = shape | {"Tags": _tags(mark, "")}
        call = Call(
            operation=operation,
            params=params,
            source=source.db_instance_identifier,
            made=instance,
            restored=restored,
            mark=mark,
        )
        after = (
            Fact(lit("new instance"), fmt("{}, available", safe(instance))),
            Fact(lit("instance"), fmt("{}, untouched", safe(source.db_instance_identifier))),
        )
        undo = fmt("delete the instance {}", safe(instance))
        return self._prepared(target, lit("restore backup"), call, (source, snapshot), after, token, undo)

    async def perform(self, prepared: Prepared) -> Receipt:
        """Send it, unless something has changed since. A lost answer leaves it UNKNOWN."""
        call = _call(prepared)
        instance = await self._reader.instance(call.source)
        snapshot = await self._reader.snapshot(call.restored) if call.restored else None
        if _fingerprint(instance, snapshot) != prepared.seen:
            raise StateChanged(_facts(instance, snapshot))
        params = dict(call.params)
        if "RestoreTime" in params:
            params["RestoreTime"] = datetime.fromisoformat(params["RestoreTime"])
        self._reader.forget()
        begun = Receipt(prepared=prepared, progress=Progress.RUNNING, operation=call.made)
        try:
            await self._client.call("rds", call.operation, params)
        except LOST as error:
            return msgspec.structs.replace(begun, progress=Progress.UNKNOWN, text=safe(str(error), 300))
        except Exists:
            # An earlier attempt of the same action made it, or somebody else something of the same name.
            try:
                return await self.look_up(begun)
            except SourceError as error:
                text = fmt("{} is there already, and cannot be read: {}", safe(call.made), safe(str(error), 300))
                return msgspec.structs.replace(begun, progress=Progress.UNKNOWN, text=text)
        return begun

    async def look_up(self, receipt: Receipt) -> Receipt:
        """By what it makes: RDS has no operations that could be asked."""
        call = _call(receipt.prepared)
        self._reader.forget()
        try:
            if call.operation == _BACKUP:
                progress, facts, text = _snapshot_made(await self._reader.snapshot(call.made))
            else:
                progress, facts, text = _instance_made(await self._reader.instance(call.made), call.mark)
        except NotFound:
            text = fmt("there is no {} so far", safe(call.made))
            return msgspec.structs.replace(receipt, progress=Progress.UNKNOWN, text=text)
        return msgspec.structs.replace(receipt, progress=progress, facts=facts, text=text)

    async def _instance(self, target: Target) -> Instance:
        return await self._reader.instance(self._name(target))

    def _name(self, target: Target) -> str:
        found = self._watched.get((target.system, target.resource))
        if found is None:
            raise NotFound(f"{safe(target.system)} has no RDS instance {safe(target.resource)}")
        return found.config.name

    async def _exists(self, name: str) -> bool:
        try:
            await self._reader.instance(name)
        except NotFound:
            return False
        return True

    async def _snapshot(self, source: Instance, name: str) -> Snapshot:
        found = await self._reader.snapshot(name)
        if found.db_instance_identifier != source.db_instance_identifier:
            owner, wanted = safe(found.db_instance_identifier), safe(source.db_instance_identifier)
            raise QueryRefused(f"{safe(name)} is a snapshot of {owner}, not of {wanted}")
        if found.status != AVAILABLE:
            raise QueryRefused(f"{safe(name)} is {safe(found.status, 40)}: only available snapshots can be restored")
        return found

    def _restorable(self, source: Instance, moment: datetime) -> None:
        latest = source.latest_restorable_time
        name = safe(source.db_instance_identifier)
        if latest is None or not source.backup_retention_period:
            raise QueryRefused(f"{name} has no automated backups, so that no moment can be restored")
        first = self._clock.now() - timedelta(days=source.backup_retention_period)
        if source.instance_create_time is not None:
            first = max(first, source.instance_create_time)
        if not first <= moment <= latest:
            raise QueryRefused(f"{name} can be restored to moments from {first:%F %T} to {latest:%F %T} UTC")

    def _prepared(
        self,
        target: Target,
        verb: SafeText,
        call: Call,
        seen: tuple[Instance, Snapshot | None],
        after: tuple[Fact, ...],
        token: str,
        undo: SafeText,
    ) -> Prepared:
        return Prepared(
            target=target,
            verb=verb,
            argv=(*_argv(call), *self._client.options),
            before=_facts(*seen),
            after=after,
            seen=_fingerprint(*seen),
            token=token,
            call=call_of(self, msgspec.json.encode(call)),
            undo=undo,
        )


def _call(prepared: Prepared) -> Call:
    return msgspec.json.decode(body_of(prepared.call), type=Call)


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _tags(mark: str, note: str) -> list[dict[str, str]]:
    """Tags hold letters, digits, spaces and a few signs."""
    tags = [{"Key": TAG, "Value": mark}]
    cleaned = _UNTAGGABLE.sub(" ", safe(note, 200)).strip()
    return [*tags, {"Key": NOTE, "Value": cleaned}] if cleaned else tags


def _shape(source: Instance) -> dict[str, Any]:
    """What a restored instance has in common with its source: RDS would take its own defaults."""
    groups = [one.vpc_security_group_id for one in source.vpc_security_groups if one.vpc_security_group_id]
    parameters = [one.db_parameter_group_name for one in source.db_parameter_groups if one.db_parameter_group_name]
    found: dict[str, Any] = {
        "DBInstanceClass": source.db_instance_class,
        "DBSubnetGroupName": source.db_subnet_group.db_subnet_group_name,
        "VpcSecurityGroupIds": groups,
        "DBParameterGroupName": parameters[0] if parameters else "",
    }
    return {name: value for name, value in found.items() if value} | {
        "MultiAZ": source.multi_az,
        "PubliclyAccessible": source.publicly_accessible,
    }


_COMMANDS: Mapping[str, SafeText] = {
    _BACKUP: lit("create-db-snapshot"),
    _SNAPSHOT: lit("restore-db-instance-from-db-snapshot"),
    _MOMENT: lit("restore-db-instance-to-point-in-time"),
}


def _argv(call: Call) -> list[SafeText]:
    """The command line that sends the same."""
    words = [lit("aws"), lit("rds"), _COMMANDS[call.operation]]
    for name, value in call.params.items():
        option = _option(name)
        if isinstance(value, bool):
            words.append(fmt("--{}", option) if value else fmt("--no-{}", option))
        elif name == "Tags":
            tags = (fmt("Key={},Value={}", safe(tag["Key"]), safe(tag["Value"])) for tag in value)
            words += [fmt("--{}", option), *tags]
        elif isinstance(value, list):
            words += [fmt("--{}", option), *(safe(one) for one in value)]
        else:
            words += [fmt("--{}", option), safe(str(value))]
    return words


def _option(name: str) -> SafeText:
    """`DBInstanceIdentifier` is `--db-instance-identifier`."""
    return safe(re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower())


def _facts(instance: Instance, snapshot: Snapshot | None) -> tuple[Fact, ...]:
    """What an operator wants to see before and after."""
    found = [
        Fact(
            lit("instance"),
            fmt("{}, {}", safe(instance.db_instance_identifier), safe(instance.db_instance_status, 40)),
        ),
        Fact(
            lit("engine"),
            fmt(
                "{} {}, {}, {} GiB",
                safe(instance.engine, 40),
                safe(instance.engine_version, 40),
                safe(instance.db_instance_class, 40),
                instance.allocated_storage,
            ),
        ),
    ]
    if snapshot is not None:
        made = f"{snapshot.snapshot_create_time:%F %T} UTC" if snapshot.snapshot_create_time else "?"
        found.append(Fact(lit("snapshot"), fmt("{}, of {}", safe(snapshot.db_snapshot_identifier), safe(made))))
    return tuple(found)


def _fingerprint(instance: Instance, snapshot: Snapshot | None) -> str:
    """Another one when the instance or the snapshot is another one, or has been changed."""
    parts: list[object] = [
        instance.dbi_resource_id,
        instance.db_instance_status,
        instance.db_instance_class,
        instance.engine_version,
        instance.allocated_storage,
    ]
    if snapshot is not None:
        parts += [snapshot.db_snapshot_arn, snapshot.status, snapshot.snapshot_create_time]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _snapshot_made(snapshot: Snapshot) -> tuple[Progress, tuple[Fact, ...], SafeText]:
    """How far a snapshot has come."""
    name, status = safe(snapshot.db_snapshot_identifier), safe(snapshot.status, 40)
    facts = (Fact(lit("snapshot"), fmt("{}, {}, {}%", name, status, snapshot.percent_progress)),)
    if snapshot.status == AVAILABLE:
        return Progress.DONE, facts, EMPTY
    if snapshot.status == "creating":
        return Progress.RUNNING, facts, EMPTY
    return Progress.FAILED, facts, fmt("{} is {}", name, status)


def _instance_made(instance: Instance, mark: str) -> tuple[Progress, tuple[Fact, ...], SafeText]:
    """How far a restored instance has come."""
    name, status = safe(instance.db_instance_identifier), safe(instance.db_instance_status, 60)
    facts = (Fact(lit("new instance"), fmt("{}, {}", name, status)),)
    if (TAG, mark) not in {(tag.key, tag.value) for tag in instance.tag_list}:
        return Progress.UNKNOWN, facts, lit("there is an instance of this name, made by somebody else")
    if instance.db_instance_status == AVAILABLE:
        return Progress.DONE, facts, EMPTY
    if serves_not(instance.db_instance_status):
        return Progress.FAILED, facts, fmt("{} is {}", name, status)
    return Progress.RUNNING, facts, EMPTY
