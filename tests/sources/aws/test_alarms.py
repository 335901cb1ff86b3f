"""Alarms of CloudWatch as alerts: from MiniStack and Moto where they can, from a script where they cannot."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tests.waiting import eventually, let_pass
from tuiops.config.resources import EcsResource, RdsResource
from tuiops.config.systems import Service, System
from tuiops.config.values import Duration
from tuiops.core.alerts import AlertState
from tuiops.core.clock import FakeClock, SystemClock
from tuiops.core.severity import Severity
from tuiops.errors import AccessDenied, BadAnswer, RateLimited
from tuiops.sources.aws.source import AwsAlertsSource
from tuiops.sources.aws.spare import HUNG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto
    from tuiops.core.alerts import Alert

ACCOUNT = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


def alarm(name: str = "api-cpu", state: str = "ALARM", **members: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmArn": ACCOUNT + name,
        "StateValue": state,
        "StateReason": "Threshold Crossed: 1 datapoint was greater than the threshold (80.0).",
        "StateUpdatedTimestamp": at(-5),
        "StateTransitionedTimestamp": at(-30),
        "ActionsEnabled": True,
        "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "ClusterName", "Value": "prod"}, {"Name": "ServiceName", "Value": "api"}],
        **members,
    }


def fired(name: str, minute: float, new: str = "ALARM") -> dict[str, Any]:
    data = json.dumps({"version": "1.0", "oldState": {"stateValue": "OK"}, "newState": {"stateValue": new}})
    return {"AlarmName": name, "Timestamp": at(minute), "HistoryItemType": "StateUpdate", "HistoryData": data}


@asynccontextmanager
async def scripted(
    *alarms: dict[str, Any], systems: dict[str, System] | None = None, **settings: Any
) -> AsyncIterator[tuple[AwsAlertsSource, Scripted, FakeClock]]:
    script, clock = Scripted("cloudwatch", DescribeAlarms={"MetricAlarms": list(alarms)}), FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"cloudwatch": server.url}, systems or {}, clock, **{"alerts": True} | settings)
        assert isinstance(source, AwsAlertsSource)
        try:
            yield source, script, clock
        finally:
            await source.close()


def noted(alert: Alert, name: str) -> str:
    """An annotation."""
    return next(value for key, value in alert.annotations if key == name)


async def one(source: AwsAlertsSource) -> Alert:
    (found,) = (await source.read_alerts()).alerts
    return found


async def test_an_alarm_fires_since_its_state_changed() -> None:
    described = alarm(AlarmDescription="The API is busy\nLook at the dashboard.")
    async with scripted(described, alarm("fine", "OK")) as (source, script, _):
        found = await one(source)

    assert (found.name, found.state, found.started) == ("api-cpu", AlertState.FIRING, at(-30))
    assert (found.severity, found.severity_known) == (Severity.P3, False)
    assert found.summary == "The API is busy"
    assert found.description[-1] == "Threshold Crossed: 1 datapoint was greater than the threshold (80.0)."
    assert dict(found.labels) == {
        "ClusterName": "prod",
        "ServiceName": "api",
        "account": "123456789012",
        "alertname": "api-cpu",
        "namespace": "AWS/ECS",
        "region": "us-east-1",
    }
    console = "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/api-cpu"
    assert found.links == (("console", console),)
    assert script.asked[0][1]["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm", "LogAlarm"]


async def test_alarms_of_all_kinds_fire() -> None:
    async with scripted() as (source, script, _):
        composite = {
            "AlarmName": "api-down",
            "AlarmArn": ACCOUNT + "api-down",
            "StateValue": "ALARM",
            "StateUpdatedTimestamp": at(-2),
            "AlarmRule": 'ALARM("a") AND ALARM("b")',
        }
        script.answers["DescribeAlarms"] = {
            "MetricAlarms": [alarm()],
            "CompositeAlarms": [composite],
            "LogAlarms": [{"AlarmName": "log-errors", "AlarmArn": ACCOUNT + "log-errors", "StateValue": "ALARM"}],
        }
        found = {str(alert.name): alert for alert in (await source.read_alerts()).alerts}

    assert set(found) == {"api-cpu", "api-down", "log-errors"}
    assert found["api-down"].started == at(-2)
    assert noted(found["api-down"], "rule") == 'ALARM("a") AND ALARM("b")'


async def test_where_alarms_on_logs_are_not_known_the_others_are_read() -> None:
    async with scripted() as (source, script, _):

        def older(params: dict[str, Any]) -> dict[str, Any]:
            if "LogAlarm" in params["AlarmTypes"]:
                raise Refuses("ValidationError", "Value 'LogAlarm' at 'alarmTypes' failed to satisfy constraint")
            return {"MetricAlarms": [alarm()]}

        script.answers["DescribeAlarms"] = older
        await one(source)
        found = await one(source)

    assert found.name == "api-cpu"
    assert script.count("DescribeAlarms") == 3


async def test_an_alarm_without_data_is_a_warning_and_no_good_news() -> None:
    silent = [alarm(f"silent-{number}", "INSUFFICIENT_DATA") for number in range(5)]
    async with scripted(*silent, alarm("fine", "OK", EvaluationState="EVALUATION_ERROR")) as (source, _, _):
        update = await source.read_alerts()

    assert update.alerts == ()
    assert update.warnings == (
        "5 of the alarms have not enough data: silent-0, silent-1, silent-2 and 2 more",
        "1 of the alarms cannot be evaluated: fine",
    )


async def test_a_state_that_is_not_known_is_shown() -> None:
    async with scripted(alarm()) as (source, script, _):
        # botocore's validator knows the three states only as an enumeration, which it does not enforce.
        script.answers["DescribeAlarms"] = {"MetricAlarms": [alarm(state="PANIC")]}
        update = await source.read_alerts()

    assert [alert.state for alert in update.alerts] == [AlertState.FIRING]
    assert "in a state that is not known" in update.warnings[0]


@pytest.mark.parametrize(
    ("members", "state", "silenced", "inhibited"),
    [
        ({"ActionsEnabled": False}, AlertState.SILENCED, ("its actions are disabled",), ()),
        (
            {"AlarmActions": ["arn:aws:autoscaling:us-east-1:1:scalingPolicy:x:resource/ecs/service/prod/api:policy"]},
            AlertState.SILENCED,
            ("it only scales: none of its actions tells anybody",),
            (),
        ),
        (
            {"AlarmActions": ["arn:aws:autoscaling:us-east-1:1:scalingPolicy:x", "arn:aws:sns:us-east-1:1:on-call"]},
            AlertState.FIRING,
            (),
            (),
        ),
    ],
)
async def test_what_calls_nobody_is_silenced(
    members: dict[str, Any], state: AlertState, silenced: tuple[str, ...], inhibited: tuple[str, ...]
) -> None:
    async with scripted(alarm(**members)) as (source, _, _):
        found = await one(source)

    assert (found.state, found.silenced_by, found.inhibited_by) == (state, silenced, inhibited)


async def test_a_suppressed_composite_alarm_is_inhibited() -> None:
    async with scripted() as (source, script, _):
        composite = {
            "AlarmName": "api-down",
            "StateValue": "ALARM",
            "StateUpdatedTimestamp": at(-2),
            "ActionsSuppressedBy": "Alarm",
            "ActionsSuppressor": ACCOUNT + "maintenance",
        }
        script.answers["DescribeAlarms"] = {"CompositeAlarms": [composite]}
        found = await one(source)

    assert (found.state, found.inhibited_by) == (AlertState.INHIBITED, ("maintenance",))


@pytest.mark.parametrize(
    ("name", "description", "tags", "severity", "known"),
    [
        ("cpu", "", {"Severity": "critical"}, Severity.P1, True),
        ("cpu", "severity: low", {"severity": "high"}, Severity.P2, True),
        ("cpu", "", {"priority": "P4"}, Severity.P4, True),
        ("cpu", "Busy. Severity: high.", {}, Severity.P2, True),
        ("cpu", "severity=fatal-ish", {}, Severity.P3, False),
        ("[critical] cpu", "", {}, Severity.P1, True),
        ("[prod] cpu [low]", "", {}, Severity.P4, True),
        ("p2-api-cpu", "", {}, Severity.P2, True),
        ("cpu", "[P1] wake up", {}, Severity.P1, True),
        ("cpu", "", {"severity": "loud"}, Severity.P1, True),
        ("low-disk-space", "", {}, Severity.P3, False),
        ("high-errors-p95", "ap1 http2", {}, Severity.P3, False),
    ],
)
async def test_severities_come_from_tags_descriptions_and_names(
    name: str, description: str, tags: dict[str, str], severity: Severity, known: bool
) -> None:
    systems = {"shop": System(match={"region": "us-east-1"}, severities={"loud": "P1"})}
    async with scripted(alarm(name, AlarmDescription=description), systems=systems) as (source, script, _):
        script.answers["ListTagsForResource"] = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        found = await one(source)

    assert (found.severity, found.severity_known) == (severity, known)


async def test_an_alarm_is_that_of_the_resource_that_it_watches() -> None:
    systems = {
        "shop": System(
            match={"team": "shop"},
            respond={"P3": Duration(900)},
            services={"front": Service(), "db": Service()},
            resources={
                "front": EcsResource(source="aws", service="front", name="api", cluster="prod"),
                "db": RdsResource(source="aws", service="db", name="orders"),
                "elsewhere": RdsResource(source="other", service="db", name="elsewhere"),
            },
        )
    }
    computed = [
        {"Id": "e", "Expression": "a/b"},
        {"Id": "a", "MetricStat": {"Metric": {"Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "orders"}]},
                                   "Period": 60, "Stat": "Sum"}},
    ]  # fmt: skip
    alarms = (
        alarm("ecs"),
        alarm("math", Dimensions=[], Metrics=computed),
        alarm("other", Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "elsewhere"}]),
    )
    async with scripted(*alarms, systems=systems) as (source, _, _):
        found = {str(alert.name): alert for alert in (await source.read_alerts()).alerts}

    assert {name: (alert.system, alert.service) for name, alert in found.items()} == {
        "ecs": ("shop", "front"),
        "math": ("shop", "db"),
        "other": ("", ""),
    }
    assert found["ecs"].due == at(-15)


async def test_tags_are_labels_and_change_nothing_about_which_alert_it_is() -> None:
    systems = {"shop": System(services={"api": Service()})}
    async with scripted(alarm(), systems=systems) as (source, script, clock):

        def throttled(_: dict[str, Any]) -> dict[str, Any]:
            raise Refuses("InternalFailure", "no", 500)

        script.answers["ListTagsForResource"] = throttled
        before = await one(source)
        tags = {"system": "shop", "service": "api", "team": "web", "aws:cloudformation:stack-name": "x"}
        script.answers["ListTagsForResource"] = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        clock.advance(5)
        after = await one(source)
        clock.advance(5)
        await one(source)

    assert (before.system, before.owner) == ("", "")
    assert (after.system, after.service, after.owner) == ("shop", "api", "web")
    assert "aws:cloudformation:stack-name" not in dict(after.labels)
    assert before.identity == after.identity
    assert script.count("ListTagsForResource") >= 2


async def test_the_past_of_an_alarm_is_told() -> None:
    history = [
        fired("api-cpu", -30), fired("api-cpu", -40, "OK"), fired("api-cpu", -90), fired("other", -91),
        fired("api-cpu", -200), {"AlarmName": "api-cpu", "Timestamp": at(-300), "HistoryData": "no json"},
    ]  # fmt: skip
    async with scripted(alarm()) as (source, script, clock):
        script.answers["DescribeAlarmHistory"] = {"AlarmHistoryItems": history}
        found = await one(source)
        clock.advance(30)
        await one(source)

    assert noted(found, "history") == "fired 3 times in 24h, before at 10:30, 08:40 UTC"
    assert script.count("DescribeAlarmHistory") == 1


async def test_what_is_forbidden_beside_the_alarms_is_a_warning() -> None:
    def forbidden(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDeniedException", "no", 403)

    async with scripted(alarm()) as (source, script, _):
        script.answers |= {"DescribeAlarmHistory": forbidden, "ListTagsForResource": forbidden}
        update = await source.read_alerts()
        await source.read_alerts()

    assert len(update.alerts) == 1
    assert len(update.warnings) == 2
    assert script.count("DescribeAlarmHistory") == script.count("ListTagsForResource") == 1


async def test_what_hangs_beside_the_alarms_is_a_warning() -> None:
    async with scripted(alarm(), timeout=Duration(300)) as (source, script, clock):
        script.silent = {"DescribeAlarmHistory", "ListTagsForResource"}
        reading = asyncio.create_task(source.read_alerts())
        for asked in (1, 2):
            await eventually(lambda: sum(map(script.count, script.silent)) == asked, "a question")  # noqa: B023 - awaited
            await let_pass(100)
        update = await reading
        again = await source.read_alerts()
        script.silent = set()
        clock.advance(HUNG + 1)
        later = await source.read_alerts()

    assert len(update.alerts) == 1
    assert (
        update.warnings
        == again.warnings
        == (
            "tags of alarms are not known: AWS gave no complete answer within 75s; is it overloaded? (timeout)",
            "histories of alarms are not known: AWS gave no complete answer within 75s; is it overloaded? (timeout)",
        )
    )
    assert later.warnings == ()
    assert script.count("DescribeAlarmHistory") == script.count("ListTagsForResource") == 2


async def test_hostile_names_and_descriptions_are_text() -> None:
    name = "\x1b]0;owned\x07[bold]x[/]\u202e/../#?&"
    described = alarm(name, AlarmDescription="a\r\nb\x00" * 300, StateReason="\x9b31m")
    async with scripted(described) as (source, _, _):
        found = await one(source)

    assert found.name.isprintable()
    assert found.summary.isprintable()
    assert all(line.isprintable() for line in found.description)
    assert all(address.isprintable() and " " not in address for _, address in found.links)
    assert "%1B%5D0%3Bowned%07" in found.links[0][1]


async def test_no_alarm_proves_something_only_when_all_of_them_were_read() -> None:
    def denied(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDenied", "no", 403)

    async with scripted() as (source, script, _):
        script.answers["DescribeAlarms"] = denied
        with pytest.raises(AccessDenied):
            await source.read_alerts()


async def test_a_storm_of_throttling_is_a_limit_and_ends_the_asking() -> None:
    def throttled(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("ThrottlingException", "Rate exceeded")

    async with scripted() as (source, script, _):
        script.answers["DescribeAlarms"] = throttled
        for _ in range(3):
            with pytest.raises(RateLimited):
                await source.read_alerts()

    assert script.count("DescribeAlarms") == 1


async def test_pages_without_end_are_cut_and_said_so() -> None:
    async with scripted(max_items=300) as (source, script, _):
        number = iter(range(10_000))

        def page(_: dict[str, Any]) -> dict[str, Any]:
            here = next(number)
            return {"MetricAlarms": [alarm(f"alarm-{here}-{one}") for one in range(100)], "NextToken": f"t{here}"}

        script.answers["DescribeAlarms"] = page
        update = await source.read_alerts()

    assert len(update.alerts) == 300
    assert update.warnings == ("alarms: only the first 300 were read; raise max_items",)
    assert script.count("ListTagsForResource") == 20


async def test_pages_that_go_in_circles_end() -> None:
    async with scripted() as (source, script, _):
        script.answers["DescribeAlarms"] = {"NextToken": "again"}
        with pytest.raises(BadAnswer, match="twice"):
            await source.read_alerts()


async def put_alarm(url: str, name: str, state: str, **members: Any) -> None:
    client = aws_client(aws_config(url))
    wanted = {
        "AlarmName": name,
        "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "ServiceName", "Value": "api"}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 80.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmDescription": "busy; severity: high",
        **members,
    }
    await client.call("cloudwatch", "PutMetricAlarm", wanted)
    change = {"AlarmName": name, "StateValue": state, "StateReason": "by the test"}
    await client.call("cloudwatch", "SetAlarmState", change)
    await client.close()


async def test_ministack_tells_alarms_with_their_tags_and_their_past(ministack: Ministack) -> None:
    tags = [{"Key": "severity", "Value": "critical"}, {"Key": "team", "Value": "web"}]
    await put_alarm(ministack.url, "mini", "ALARM", Tags=tags)
    source = source_of(ministack.url, {}, SystemClock(), alerts=True)
    assert isinstance(source, AwsAlertsSource)
    found = next(alert for alert in (await source.read_alerts()).alerts if alert.name == "mini")
    await source.close()

    assert (found.severity, found.owner, found.state) == (Severity.P1, "web", AlertState.FIRING)
    assert noted(found, "history") == "fired once in 24h"
    assert noted(found, "reason") == "by the test"


async def test_moto_tells_alarms(moto: Moto) -> None:
    moto.reset()
    await put_alarm(moto.url, "moto", "ALARM", ActionsEnabled=False)
    await put_alarm(moto.url, "fine", "OK")
    source = source_of(moto.url, {}, SystemClock(), alerts=True)
    assert isinstance(source, AwsAlertsSource)
    found = await one(source)
    await source.close()

    assert (found.name, found.severity, found.state) == ("moto", Severity.P2, AlertState.SILENCED)
