"""The Cloud SQL Admin API v1, as far as instances, backups, clones and operations go.

Operations wait, run and end by the clock: `delay` seconds each. While one runs, its instance refuses others.

    sql = google.teach(SqlApi(google.clock))
    sql.create("orders")
    sql.backup("orders", hours_ago=3)
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.errors import GoogleError
from tests.google.times import text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.google.server import Call, Handler
    from tuiops.core.clock import Clock


class SqlError(GoogleError):
    """An error in this API's own, older form: no status, and a reason beside the message."""

    def body(self) -> bytes:
        reason = {"domain": "global", "reason": self.reason, "message": str(self)}
        return json.dumps({"error": {"code": self.code, "message": str(self), "errors": [reason]}}).encode()


@dataclass
class _Work:
    """An operation that has not ended, and what comes of it."""

    operation: dict[str, Any]
    starts: float
    ends: float
    """On the monotonic clock."""
    effect: Callable[[], None]
    failure: str = ""


@dataclass
class _Kept:
    """An instance and its backups, the newest first."""

    instance: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)


class SqlApi:
    """The API, and everybody who uses it beside the console."""

    name = "sqladmin"
    document = document("sqladmin", "v1")

    def __init__(self, clock: Clock, *, project: str = "shop-production", region: str = "asia-northeast1") -> None:
        self._clock = clock
        self.project = project
        self.region = region
        self.delay = 120.0
        """Seconds from the start of an operation to its end."""
        self.failure = ""
        """Why the next operations will fail."""
        self.passwords: dict[tuple[str, str], str] = {}
        """By instance and user, as far as somebody has set them."""
        self.unreachable: list[str] = []
        """Regions that do not answer."""
        self._kept: dict[str, _Kept] = {}
        self._operations: list[dict[str, Any]] = []
        self._work: list[_Work] = []
        self._count = 1000

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "sql.instances.list": self._list,
            "sql.instances.get": lambda call: self._found(call.variables[1]).instance,
            "sql.instances.clone": self._clone,
            "sql.instances.restoreBackup": self._restore,
            "sql.backupRuns.list": self._runs,
            "sql.backupRuns.insert": self._back_up,
            "sql.Backups.ListBackups": self._backups,
            "sql.operations.list": self._operation_list,
            "sql.operations.get": self._operation,
            "sql.projects.instances.getLatestRecoveryTime": self._window,
            "sql.users.update": self._user,
        }

    # What others do.

    def create(self, name: str, *, logs: bool = True, **settings: Any) -> dict[str, Any]:
        """An instance that has been there for a while. The instance, to be changed at will."""
        instance = {
            "kind": "sql#instance",
            "name": name,
            "project": self.project,
            "region": self.region,
            "state": "RUNNABLE",
            "databaseVersion": "POSTGRES_15",
            "instanceType": "CLOUD_SQL_INSTANCE",
            "createTime": text(self._clock.now() - timedelta(days=90)),
            "settings": {
                "settingsVersion": "1",
                "tier": "db-custom-2-8192",
                "activationPolicy": "ALWAYS",
                "availabilityType": "ZONAL",
                "dataDiskSizeGb": "50",
                "deletionProtectionEnabled": True,
                "backupConfiguration": {
                    "enabled": True,
                    "startTime": "18:00",
                    "pointInTimeRecoveryEnabled": logs,
                    "transactionLogRetentionDays": 7,
                },
            }
            | settings,
        }
        self._kept[name] = _Kept(instance)
        return instance

    def backup(self, name: str, *, hours_ago: float, status: str = "SUCCESSFUL", message: str = "") -> str:
        """A backup of the past. Its ID."""
        at = self._clock.now() - timedelta(hours=hours_ago)
        run = self._run(name, at, "AUTOMATED", "", status)
        if message:
            run["error"] = {"kind": "sql#operationError", "code": "BACKUP_FAILED", "message": message}
        self._kept[name].runs.append(run)
        self._kept[name].runs.sort(key=lambda one: one["enqueuedTime"], reverse=True)
        return str(run["id"])

    def begin(self, name: str, kind: str, *, user: str = "kim@shop.example") -> dict[str, Any]:
        """Somebody begins an operation that never ends by itself."""
        operation = self._begin(name, kind, lambda: None, seconds=1e9)
        operation["user"] = user
        return operation

    def instance(self, name: str) -> dict[str, Any]:
        """An instance as it is now."""
        self._settle()
        return self._kept[name].instance

    def operation(self, name: str) -> dict[str, Any]:
        """An operation as it is now."""
        self._settle()
        return next(one for one in self._operations if one["name"] == name)

    @property
    def instances(self) -> set[str]:
        """The names of all instances."""
        self._settle()
        return set(self._kept)

    # What the API answers.

    def _list(self, call: Call) -> object:
        self._own(call.variables[0])
        self._settle()
        items = [kept.instance for kept in self._kept.values() if kept.instance["region"] not in self.unreachable]
        page = _paged(call, items, most=500)
        warnings = [
            {"code": "REGION_UNREACHABLE", "region": region, "message": "not reached"} for region in self.unreachable
        ]
        return page | ({"warnings": warnings} if warnings else {})

    def _runs(self, call: Call) -> object:
        return {"kind": "sql#backupRunsList", **_paged(call, self._found(call.variables[1]).runs, most=500)}

    def _backups(self, call: Call) -> object:
        self._settle()
        wanted = call.parameter("filter").removeprefix("instance:")
        found = [
            {
                "name": f"projects/{self.project}/backups/{_uid(run)}",
                "kind": "sql#backup",
                "instance": name,
                "state": run["status"],
                "backupRun": f"projects/{self.project}/instances/{name}/backupRuns/{run['id']}",
            }
            for name, kept in self._kept.items()
            for run in kept.runs
            if wanted in {"", name}
        ]
        page = _paged(call, found, most=500, size="pageSize")
        return {"backups": page.pop("items", []), **{key: page[key] for key in page if key != "kind"}}

    def _back_up(self, call: Call) -> object:
        kept = self._found(call.variables[1])
        self._free(kept)
        name = kept.instance["name"]
        run = self._run(name, self._clock.now(), "ON_DEMAND", call.body.get("description", ""), "ENQUEUED")

        ends = self._clock.now() + timedelta(seconds=self.delay)

        def done() -> None:
            run.update(status="SUCCESSFUL", endTime=text(ends))

        kept.runs.insert(0, run)
        return self._begin(name, "BACKUP_VOLUME", done)

    def _clone(self, call: Call) -> object:
        kept = self._found(call.variables[1])
        context = call.body["cloneContext"]
        moment = datetime.fromisoformat(context["pointInTime"])
        if moment > self._clock.now():
            raise SqlError(400, "The point in time is in the future.", reason="invalid")
        return self._make(kept, context["destinationInstanceName"], "CLONE")

    def _restore(self, call: Call) -> object:
        target, wanted = call.variables[1], call.body["backup"]
        for kept in self._kept.values():
            if any(wanted.endswith(_uid(run)) for run in kept.runs):
                assert call.body["restoreInstanceSettings"]["name"] == target
                return self._make(kept, target, "RESTORE_VOLUME")
        raise SqlError(404, f"The backup {wanted} does not exist.", reason="backupDoesNotExist")

    def _make(self, origin: _Kept, name: str, kind: str) -> dict[str, Any]:
        if name in self._kept:
            raise SqlError(409, "The Cloud SQL instance already exists.", reason="instanceAlreadyExists")
        self._free(origin)
        self._kept[name] = _Kept({**copy.deepcopy(origin.instance), "name": name, "state": "PENDING_CREATE"})
        return self._begin(name, kind, lambda: self._kept[name].instance.update(state="RUNNABLE"))

    def _operation_list(self, call: Call) -> object:
        self._settle()
        wanted = call.parameter("instance")
        found = [one for one in self._operations if wanted in {"", one["targetId"]}]
        return {"kind": "sql#operationsList", **_paged(call, found, most=500)}

    def _operation(self, call: Call) -> object:
        self._settle()
        for one in self._operations:
            if one["name"] == call.variables[1]:
                return one
        raise SqlError(404, "The Cloud SQL operation does not exist.", reason="operationDoesNotExist")

    def _window(self, call: Call) -> object:
        settings = self._found(call.variables[1]).instance["settings"]
        if not settings["backupConfiguration"]["pointInTimeRecoveryEnabled"]:
            raise SqlError(400, "Point in time recovery is not enabled.", reason="invalidState")
        now = self._clock.now()
        return {
            "kind": "sql#getLatestRecoveryTime",
            "earliestRecoveryTime": text(now - timedelta(days=7)),
            "latestRecoveryTime": text(now - timedelta(minutes=3)),
        }

    def _user(self, call: Call) -> object:
        name, user = call.variables[1], call.parameter("name")
        self._free(self._found(name))
        password = call.body["password"]
        return self._begin(name, "UPDATE_USER", lambda: self.passwords.update({(name, user): password}), seconds=20)

    # How things come about.

    def _found(self, name: str) -> _Kept:
        self._settle()
        if name not in self._kept:
            raise SqlError(404, "The Cloud SQL instance does not exist.", reason="instanceDoesNotExist")
        return self._kept[name]

    def _own(self, project: str) -> None:
        if project != self.project:
            raise SqlError(403, "The client is not authorized to make this request.", reason="notAuthorized")

    def _free(self, kept: _Kept) -> None:
        name = kept.instance["name"]
        if any(work.operation["targetId"] == name for work in self._work):
            message = "Operation failed because another operation was already in progress."
            raise SqlError(409, message, reason="operationInProgress")

    def _begin(
        self, target: str, kind: str, effect: Callable[[], None], *, seconds: float | None = None
    ) -> dict[str, Any]:
        self._count += 1
        now = self._clock.monotonic()
        operation = {
            "kind": "sql#operation",
            "name": f"00000000-0000-4000-8000-{self._count:012d}",
            "status": "PENDING",
            "operationType": kind,
            "insertTime": text(self._clock.now()),
            "targetId": target,
            "targetProject": self.project,
            "user": "console@shop-production.iam.gserviceaccount.com",
        }
        self._operations.insert(0, operation)
        end = now + (self.delay if seconds is None else seconds)
        self._work.append(_Work(operation, now + 5, end, effect, self.failure))
        return operation

    def _settle(self) -> None:
        now = self._clock.monotonic()
        for work in list(self._work):
            if now >= work.starts and work.operation["status"] == "PENDING":
                started = self._clock.now() - timedelta(seconds=now - work.starts)
                work.operation |= {"status": "RUNNING", "startTime": text(started)}
            if now < work.ends:
                continue
            self._work.remove(work)
            ended = self._clock.now() - timedelta(seconds=now - work.ends)
            work.operation |= {"status": "DONE", "endTime": text(ended)}
            if work.failure:
                error = {"kind": "sql#operationError", "code": "INTERNAL_ERROR", "message": work.failure}
                work.operation["error"] = {"kind": "sql#operationErrors", "errors": [error]}
            else:
                work.effect()

    def _run(self, name: str, at: datetime, kind: str, description: str, status: str) -> dict[str, Any]:
        self._count += 1
        run = {
            "kind": "sql#backupRun",
            "id": str(1_700_000_000_000 + self._count),
            "instance": name,
            "type": kind,
            "status": status,
            "enqueuedTime": text(at),
            "startTime": text(at),
        }
        if description:
            run["description"] = description
        return run | ({"endTime": text(at)} if status != "ENQUEUED" else {})


def _uid(run: Mapping[str, Any]) -> str:
    return f"uid-{run['id']}"


def _paged(call: Call, items: Sequence[object], *, most: int, size: str = "maxResults") -> dict[str, Any]:
    """A page of this API: what it lists is always called `items`."""
    start = int(call.parameter("pageToken") or 0)
    count = min(int(call.parameter(size) or most), most)
    page: dict[str, Any] = {"items": list(items[start : start + count])} if items[start:] else {}
    return page | ({"nextPageToken": str(start + count)} if start + count < len(items) else {})
