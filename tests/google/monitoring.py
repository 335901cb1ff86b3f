"""The Cloud Monitoring API v3, as far as incidents, policies, snoozes and uptime checks go.

Results of uptime checks appear `lateness` seconds after the check.

    monitoring = google.teach(MonitoringApi(google.clock))
    policy = monitoring.policy("Orders fail", severity="CRITICAL")
    incident = monitoring.open(policy, "cloud_run_revision", service_name="orders")
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.errors import GoogleError
from tests.google.server import Call, Handler, paged
from tests.google.times import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.clock import Clock

CHECK_PASSED = "monitoring.googleapis.com/uptime_check/check_passed"


class MonitoringApi:
    """The API, and everybody who uses it beside the console."""

    name = "monitoring"
    document = document("monitoring", "v3")

    def __init__(self, clock: Clock, *, project: str = "shop-production") -> None:
        self._clock = clock
        self._path = f"projects/{project}"
        self.lateness = 25.0
        """Seconds until a result can be read."""
        self.incidents: list[dict[str, Any]] = []
        self.policies: list[dict[str, Any]] = []
        self.snoozes: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self._results: list[tuple[str, str, datetime, bool]] = []
        self._count = 0

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "projects.alerts.list": self._list_incidents,
            "projects.alertPolicies.list": lambda call: paged(call, self.policies, "alertPolicies", most=1000),
            "projects.snoozes.list": self._list_snoozes,
            "projects.snoozes.create": self._create_snooze,
            "projects.uptimeCheckConfigs.list": lambda call: paged(call, self.checks, "uptimeCheckConfigs", most=100),
            "projects.timeSeries.list": self._list_series,
        }

    # What others do.

    def policy(self, title: str, **fields: Any) -> dict[str, Any]:
        """A policy with one threshold. The policy, to be changed at will."""
        threshold = {"filter": 'metric.type="run.googleapis.com/request_count"', "comparison": "COMPARISON_GT"}
        policy = {
            "name": f"{self._path}/alertPolicies/{self._next()}",
            "displayName": title,
            "enabled": True,
            "conditions": [{"displayName": f"{title} too often", "conditionThreshold": threshold}],
            "userLabels": {},
            "mutationRecord": {"mutateTime": text(self._clock.now()), "mutatedBy": "kim@shop.example"},
        } | fields
        self.policies.append(policy)
        return policy

    def open(self, policy: Mapping[str, Any], resource: str = "", /, **labels: str) -> dict[str, Any]:
        """An incident of a policy on a resource with these labels. The incident, to be changed at will."""
        snapshot = {key: policy[key] for key in ("name", "displayName", "severity", "userLabels") if key in policy}
        incident = {
            "name": f"{self._path}/alerts/0.{self._next()}",
            "state": "OPEN",
            "openTime": text(self._clock.now()),
            "policy": snapshot,
        }
        if resource:
            incident["resource"] = {"type": resource, "labels": labels}
        self.incidents.insert(0, incident)
        return incident

    def close(self, incident: dict[str, Any]) -> None:
        """The incident is over."""
        incident |= {"state": "CLOSED", "closeTime": text(self._clock.now())}

    def snooze(self, comment: str, policies: list[str], *, minutes: float = 60, filter: str = "") -> dict[str, Any]:  # noqa: A002 - the API's word
        """Somebody makes policies quiet from now on."""
        now = self._clock.now()
        snooze: dict[str, Any] = {
            "name": f"{self._path}/snoozes/{self._next()}",
            "displayName": comment,
            "criteria": {"policies": policies} | ({"filter": filter} if filter else {}),
            "interval": {"startTime": text(now), "endTime": text(now + timedelta(minutes=minutes))},
        }
        self.snoozes.append(snooze)
        return snooze

    def check(self, name: str, **fields: Any) -> dict[str, Any]:
        """An uptime check. The check, to be changed at will."""
        check = {
            "name": f"{self._path}/uptimeCheckConfigs/{name}",
            "displayName": name,
            "period": "60s",
            "timeout": "10s",
        } | fields
        self.checks.append(check)
        return check

    def result(self, check: str, place: str, *, passed: bool) -> None:
        """The result of a check from one place of the world, as of now."""
        self._results.append((check, place, self._clock.now(), passed))

    # What the API answers.

    def _list_incidents(self, call: Call) -> object:
        wanted = re.fullmatch(r'state="(OPEN|CLOSED)"', call.parameter("filter"))
        if wanted is None:
            raise GoogleError(400, "the fake knows no such filter")
        found = [one for one in self.incidents if one["state"] == wanted[1] or one["state"] not in {"OPEN", "CLOSED"}]
        order = call.parameter("orderBy", "open_time desc")
        key = {"open_time desc": "openTime", "close_time desc": "closeTime"}[order]
        found.sort(key=lambda one: one.get(key, ""), reverse=True)
        return paged(call, found, "alerts", most=1000) | {"totalSize": len(found)}

    def _list_snoozes(self, call: Call) -> object:
        wanted = re.fullmatch(r'interval\.end_time > "([^"]+)"', call.parameter("filter"))
        if wanted is None:
            raise GoogleError(400, "the fake knows no such filter")
        after = datetime.fromisoformat(wanted[1])
        found = [one for one in self.snoozes if datetime.fromisoformat(one["interval"]["endTime"]) > after]
        return paged(call, found, "snoozes", most=1000)

    def _create_snooze(self, call: Call) -> object:
        body = call.body
        policies = body["criteria"]["policies"]
        start = datetime.fromisoformat(body["interval"]["startTime"])
        if start < self._clock.now() - timedelta(seconds=15):
            raise GoogleError(400, "interval.start_time must not be in the past")
        if not 1 <= len(policies) <= 16:
            raise GoogleError(400, "a snooze has 1 to 16 policies")
        unknown = set(policies) - {one["name"] for one in self.policies}
        if unknown:
            raise GoogleError(404, f"no such policies: {unknown}")
        snooze = {**body, "name": f"{self._path}/snoozes/{self._next()}"}
        self.snoozes.append(snooze)
        return snooze

    def _list_series(self, call: Call) -> object:
        wanted = re.fullmatch(
            rf'metric\.type="{re.escape(CHECK_PASSED)}" AND metric\.labels\.check_id=one_of\((.+)\)',
            call.parameter("filter"),
        )
        if wanted is None:
            raise GoogleError(400, "the fake knows no such filter")
        checks = re.findall(r'"([^"]+)"', wanted[1])
        start = datetime.fromisoformat(call.parameter("interval.startTime"))
        end = datetime.fromisoformat(call.parameter("interval.endTime"))
        seen = min(end, self._clock.now() - timedelta(seconds=self.lateness))
        series: dict[tuple[str, str], list[object]] = {}
        for check, place, at, passed in self._results:
            if check in checks and start < at <= seen:
                point = {"interval": {"startTime": text(at), "endTime": text(at)}, "value": {"boolValue": passed}}
                series.setdefault((check, place), []).insert(0, point)
        found = [
            {
                "metric": {"type": CHECK_PASSED, "labels": {"check_id": check, "checker_location": place}},
                "resource": {"type": "uptime_url", "labels": {"host": "shop.example"}},
                "metricKind": "GAUGE",
                "valueType": "BOOL",
                "points": points,
            }
            for (check, place), points in series.items()
        ]
        return paged(call, found, "timeSeries", most=100_000)

    def _next(self) -> str:
        self._count += 1
        return str(9_000_000_000_000_000_000 + self._count)
