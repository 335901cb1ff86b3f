"""RDS as it is and Moto is not: an instance that is restored takes its time, and may never become available."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.sources.aws.scripted import Refuses
from tests.sources.aws.scripted_query import ScriptedQuery

if TYPE_CHECKING:
    from tuiops.core.clock import Clock

TAKES = timedelta(minutes=45)
"""Longer than `aws rds wait` waits."""


class SlowRds(ScriptedQuery):
    """One instance and one snapshot of it."""

    def __init__(self, clock: Clock, name: str, snapshot: str) -> None:
        super().__init__(
            "rds",
            DescribeDBInstances=self._instances,
            DescribeDBSnapshots={"DBSnapshots": [_snapshot(name, snapshot)]},
            RestoreDBInstanceFromDBSnapshot=self._restore,
        )
        self._clock = clock
        self._restored: datetime | None = None
        self.becomes = "available"
        """The state of a restored instance in the end."""
        self._there = {name: _instance(name, "available")}

    def _restore(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["DBInstanceIdentifier"]
        self._restored = self._clock.now()
        self._there[name] = {**_instance(name, "creating"), "TagList": params["Tags"]}
        return {"DBInstance": self._there[name]}

    def _instances(self, params: dict[str, Any]) -> dict[str, Any]:
        for one in self._there.values():
            if one["DBInstanceStatus"] == "creating" and self._restored is not None:
                over = self._clock.now() - self._restored >= TAKES
                one["DBInstanceStatus"] = self.becomes if over else "creating"
        wanted = params.get("DBInstanceIdentifier")
        if wanted is not None and wanted not in self._there:
            raise Refuses("DBInstanceNotFound", f"DBInstance {wanted} not found.", 404)
        return {"DBInstances": [one for name, one in self._there.items() if wanted in {None, name}]}


def _instance(name: str, status: str) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceStatus": status,
        "DbiResourceId": f"db-{name}",
        "DBInstanceClass": "db.t3.large",
        "Engine": "postgres",
        "EngineVersion": "16.4",
        "AllocatedStorage": 100,
        "Endpoint": {"Address": f"{name}.abc.us-east-1.rds.amazonaws.com", "Port": 5432},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0123456789abcdef0", "Status": "active"}],
    }


def _snapshot(instance: str, name: str) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": instance,
        "Status": "available",
        "SnapshotType": "manual",
        "SnapshotCreateTime": datetime(2026, 4, 30, tzinfo=UTC),
        "DBSnapshotArn": f"arn:aws:rds:us-east-1:123456789012:snapshot:{name}",
    }
