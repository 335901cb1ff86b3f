"""Acting on simulated databases: taking a backup, and restoring one into an instance of its own."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import QueryRefused
from tuiops.sim.acting.base import Hand, Meant
from tuiops.sim.changes import Order
from tuiops.sources.abilities import Fact

if TYPE_CHECKING:
    from tuiops.sources.abilities import Prepared, Target, Told

_DAY = 86_400.0
_KEPT = 7
"""Backups that are kept of those that are taken daily."""
_FIRST = -6 * 3600.0
"""Seconds from the beginning of the world to one of these."""
_BACKUP_TAKES, _RESTORE_TAKES = 20.0, 40.0
_NAME = re.compile(r"[a-z](?:-?[a-z0-9]){0,62}")


class DatabaseHand(Hand):
    """Backs up and restores. Nothing writes over an instance that there is."""

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Backups that can be restored, the newest first."""
        self._check(target)
        if of != "backups":
            raise self._has_no(of)
        return tuple(safe(name) for name in self._backups(self._now()))

    async def prepare_backup(self, target: Target, note: str, token: str) -> Prepared:
        """A backup by hand."""
        made = self._named(hashlib.sha256(token.encode()).hexdigest())
        meant = Meant(
            verb=lit("take a backup"),
            argv=self._backup_argv(made, note[:200]),
            after=(Fact(lit("newest backup"), safe(made)),),
            order=Order(kind="backup", made=made, lasts=_BACKUP_TAKES),
            undo=fmt("delete the backup {}", safe(made)),
        )
        return self._prepared(target, meant, token)

    async def prepare_restore(self, target: Target, backup: str | datetime, instance: str, token: str) -> Prepared:
        """A backup or a moment into an instance that does not exist yet. QueryRefused when that cannot be."""
        if _NAME.fullmatch(instance) is None:
            raise QueryRefused(f"{safe(instance, 80)!r} is no name for an instance: small letters, digits and dashes")
        if instance in self._instances():
            raise QueryRefused(f"{safe(instance)} exists; a restore never writes over an instance")
        if isinstance(backup, datetime):
            self._restorable(backup)
            words = self._moment_argv(safe(f"{backup:%Y-%m-%dT%H:%M:%SZ}"), safe(instance))
        elif backup in self._backups(self._now()):
            words = self._restore_argv(safe(backup), safe(instance))
        else:
            raise QueryRefused(f"{safe(self._resource.name)} has no backup {safe(backup)}")
        meant = Meant(
            verb=lit("restore into an instance of its own"),
            argv=words,
            after=(Fact(fmt("instance {}", safe(instance)), fmt("made of {}", safe(self._resource.name))),),
            order=Order(kind="restore", made=instance, lasts=_RESTORE_TAKES),
            undo=fmt("delete {}; {} is not touched", safe(instance), safe(self._resource.name)),
        )
        return self._prepared(target, meant, token)

    def _facts(self, t: float) -> tuple[Fact, ...]:
        changes = self._world.changes.of(self._target.system, self._resource.id)
        under_way = [one for one in changes if one.at <= t < one.end]
        return (
            Fact(lit("instance"), fmt("{}, available", safe(self._resource.name))),
            Fact(lit("under way"), safe(under_way[-1].order.kind) if under_way else lit("nothing")),
            Fact(lit("newest backup"), safe(self._backups(t)[0])),
        )

    def _backups(self, t: float) -> tuple[str, ...]:
        """The newest first: those that are taken daily, and those by hand that are done."""
        last = int((t - _FIRST) // _DAY)
        taken = [(_FIRST + _DAY * number) for number in range(last - _KEPT + 1, last + 1)]
        found = [(at, self._automatic(self._world.wall(at))) for at in taken]
        changes = self._world.changes.of(self._target.system, self._resource.id)
        found += [(one.end, one.order.made) for one in changes if one.order.kind == "backup" and one.end <= t]
        return tuple(name for _, name in sorted(found, reverse=True))

    def _instances(self) -> set[str]:
        """All that there are of the system, those to be made among them."""
        own = {one.name for one in self._system.resources}
        changes = (self._world.changes.of(self._system.id, one.id) for one in self._system.resources)
        return own | {one.order.made for found in changes for one in found if one.order.kind == "restore"}

    def _restorable(self, moment: datetime) -> None:
        now = self._clock.now()
        if not now - timedelta(days=_KEPT) <= moment <= now:
            raise QueryRefused(f"{moment:%F %T} cannot be restored: only the last {_KEPT} days can")

    def _named(self, digest: str) -> str:
        """The name of a backup by hand."""
        raise NotImplementedError

    def _automatic(self, at: datetime) -> str:
        """The name of a daily backup."""
        raise NotImplementedError

    def _backup_argv(self, made: str, note: str) -> tuple[SafeText, ...]:
        raise NotImplementedError

    def _restore_argv(self, backup: SafeText, instance: SafeText) -> tuple[SafeText, ...]:
        raise NotImplementedError

    def _moment_argv(self, moment: SafeText, instance: SafeText) -> tuple[SafeText, ...]:
        raise NotImplementedError


class CloudSqlHand(DatabaseHand):
    """An instance of Cloud SQL."""

    def _named(self, digest: str) -> str:
        return str(int(digest[:10], 16))

    def _automatic(self, at: datetime) -> str:
        return f"{at.timestamp() * 1000:.0f}"

    def _backup_argv(self, made: str, note: str) -> tuple[SafeText, ...]:
        del made
        flags = (safe(f"--instance={self._resource.name}"), safe(f"--description={note}"))
        return self._argv(lit("backups"), lit("create"), *flags)

    def _restore_argv(self, backup: SafeText, instance: SafeText) -> tuple[SafeText, ...]:
        return self._argv(lit("backups"), lit("restore"), backup, fmt("--restore-instance={}", instance))

    def _moment_argv(self, moment: SafeText, instance: SafeText) -> tuple[SafeText, ...]:
        origin = safe(self._resource.name)
        return self._argv(lit("instances"), lit("clone"), origin, instance, fmt("--point-in-time={}", moment))

    def _argv(self, *words: SafeText) -> tuple[SafeText, ...]:
        return (lit("gcloud"), lit("sql"), *words, safe(f"--project={self._system.project}"))


class RdsHand(DatabaseHand):
    """An instance of RDS."""

    def _named(self, digest: str) -> str:
        return f"{self._resource.name}-tuiops-{digest[:16]}"

    def _automatic(self, at: datetime) -> str:
        return f"rds:{self._resource.name}-{at:%Y-%m-%d-%H-%M}"

    def _backup_argv(self, made: str, note: str) -> tuple[SafeText, ...]:
        tags = (lit("--tags"), safe(f"Key=note,Value={note}")) if note else ()
        origin = (lit("--db-instance-identifier"), safe(self._resource.name))
        return self._argv(lit("create-db-snapshot"), *origin, lit("--db-snapshot-identifier"), safe(made), *tags)

    def _restore_argv(self, backup: SafeText, instance: SafeText) -> tuple[SafeText, ...]:
        names = (lit("--db-instance-identifier"), instance, lit("--db-snapshot-identifier"), backup)
        return self._argv(lit("restore-db-instance-from-db-snapshot"), *names)

    def _moment_argv(self, moment: SafeText, instance: SafeText) -> tuple[SafeText, ...]:
        origin = (lit("--source-db-instance-identifier"), safe(self._resource.name))
        rest = (lit("--target-db-instance-identifier"), instance, lit("--restore-time"), moment)
        return self._argv(lit("restore-db-instance-to-point-in-time"), *origin, *rest)

    def _argv(self, *words: SafeText) -> tuple[SafeText, ...]:
        return (lit("aws"), lit("rds"), *words, lit("--region"), safe(self._system.region))
