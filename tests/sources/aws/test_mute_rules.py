"""Mute rules of CloudWatch, which no emulator has: what they silence, and making one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tuiops.core.alerts import AlertState
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, QueryRefused
from tuiops.sources.abilities import Acts, Progress, Snoozes, StateChanged
from tuiops.sources.aws.cloudwatch.muting import READ
from tuiops.sources.aws.source import AwsAlertsSource
from tuiops.sources.aws.spare import BARRED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.core.alerts import Alert
    from tuiops.sources.abilities import Prepared

ACCOUNT = "arn:aws:cloudwatch:us-east-1:123456789012"


class Cloud:
    """Alarms and mute rules of an account, and a source that looks at them."""

    def __init__(self, script: Scripted, url: str) -> None:
        self.script = script
        self.clock = FakeClock(at(0))
        self.alarms: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        script.answers |= {
            "DescribeAlarms": self._describe,
            "ListAlarmMuteRules": self._list,
            "GetAlarmMuteRule": self._get,
            "PutAlarmMuteRule": self._put,
        }
        source = source_of({"cloudwatch": url}, {}, self.clock, alerts=True)
        assert isinstance(source, AwsAlertsSource)
        self.source = source

    def alarm(self, name: str, state: str = "ALARM", **members: Any) -> None:
        self.alarms[name] = {
            "AlarmName": name,
            "AlarmArn": f"{ACCOUNT}:alarm:{name}",
            "StateValue": state,
            "StateTransitionedTimestamp": at(-30),
            "AlarmConfigurationUpdatedTimestamp": at(-90),
            "ActionsEnabled": True,
            **members,
        }

    def rule(self, name: str, *alarms: str, status: str = "ACTIVE", **members: Any) -> None:
        self.rules[name] = {
            "Name": name,
            "AlarmMuteRuleArn": f"{ACCOUNT}:alarm-mute-rule:{name}",
            "Rule": {"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT4H", "Timezone": "Asia/Tokyo"}},
            "MuteTargets": {"AlarmNames": list(alarms)},
            "Status": status,
            "LastUpdatedTimestamp": at(-60),
            **members,
        }

    async def alerts(self) -> dict[str, Alert]:
        return {str(alert.name): alert for alert in (await self.source.read_alerts()).alerts}

    async def prepare(
        self, *alarms: str, start: datetime | None = None, minutes: float = 60, comment: str = "moving house"
    ) -> Prepared:
        begins = start or self.clock.now()
        return await self.source.prepare_snooze(alarms, begins, begins + timedelta(minutes=minutes), comment, "t-1")

    def _describe(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params.get("AlarmNames")
        return {"MetricAlarms": [one for name, one in self.alarms.items() if wanted is None or name in wanted]}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        alarm = params.get("AlarmName")
        found = [
            {key: rule[key] for key in ("AlarmMuteRuleArn", "Status", "LastUpdatedTimestamp")}
            for rule in self.rules.values()
            if rule["Status"] in params["Statuses"] and alarm in {None, *rule["MuteTargets"]["AlarmNames"]}
        ]
        first = int(params.get("NextToken", 0))
        more = {"NextToken": str(first + 2)} if len(found) > first + 2 else {}
        return {"AlarmMuteRuleSummaries": found[first : first + 2], **more}

    def _get(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["AlarmMuteRuleName"] not in self.rules:
            raise Refuses("ResourceNotFoundException", "no such rule")
        return self.rules[params["AlarmMuteRuleName"]]

    def _put(self, params: dict[str, Any]) -> dict[str, Any]:
        self.rule(
            params["Name"],
            *params["MuteTargets"]["AlarmNames"],
            Description=params["Description"],
            Rule=params["Rule"],
            LastUpdatedTimestamp=self.clock.now(),
        )
        return {}


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    script = Scripted("cloudwatch")
    async with Hostile(script) as server:
        found = Cloud(script, server.url)
        found.alarm("cpu")
        found.alarm("disk")
        yield found
        await found.source.close()


async def test_a_muted_alarm_is_silenced_and_says_by_what(cloud: Cloud) -> None:
    cloud.rule("night", "cpu", Description="backups run")
    cloud.rule("later", "disk", status="SCHEDULED")
    found = await cloud.alerts()

    assert found["cpu"].state is AlertState.SILENCED
    assert found["cpu"].silenced_by == ("night: backups run (cron(0 2 * * *) PT4H Asia/Tokyo)",)
    assert (found["disk"].state, found["disk"].silenced_by) == (AlertState.FIRING, ())


async def test_all_rules_that_mute_an_alarm_are_named(cloud: Cloud) -> None:
    for name in ("a", "b", "c"):
        cloud.rule(name, "cpu")
    found = await cloud.alerts()

    assert [text.split(" ")[0] for text in found["cpu"].silenced_by] == ["a", "b", "c"]


async def test_what_would_call_nobody_anyway_keeps_its_own_reason(cloud: Cloud) -> None:
    cloud.alarm("off", ActionsEnabled=False)
    cloud.rule("night", "off")

    assert (await cloud.alerts())["off"].silenced_by == ("its actions are disabled",)


async def test_a_rule_is_read_once_until_it_changes(cloud: Cloud) -> None:
    cloud.rule("night", "cpu")
    await cloud.alerts()
    await cloud.alerts()
    once = cloud.script.count("GetAlarmMuteRule")
    cloud.rule("night", "disk", LastUpdatedTimestamp=at(-1))
    found = await cloud.alerts()
    cloud.rules.clear()
    later = await cloud.alerts()

    assert once == 1
    assert (found["cpu"].state, found["disk"].state) == (AlertState.FIRING, AlertState.SILENCED)
    assert later["disk"].state is AlertState.FIRING


async def test_a_rule_that_goes_away_while_it_is_read_mutes_nothing(cloud: Cloud) -> None:
    cloud.rule("night", "cpu")
    cloud.script.answers["GetAlarmMuteRule"] = refuse("ResourceNotFoundException")

    assert (await cloud.alerts())["cpu"].state is AlertState.FIRING


async def test_where_nothing_fires_no_rule_is_asked_for(cloud: Cloud) -> None:
    cloud.alarms.clear()
    update = await cloud.source.read_alerts()

    assert (update.alerts, update.knows_silences) == ((), True)
    assert cloud.script.count("ListAlarmMuteRules") == 0


async def test_rules_that_may_not_be_read_mute_nothing_and_are_a_warning(cloud: Cloud) -> None:
    cloud.rule("night", "cpu")
    cloud.script.answers["ListAlarmMuteRules"] = refuse("AccessDeniedException")
    update = await cloud.source.read_alerts()
    again = await cloud.source.read_alerts()
    asked = cloud.script.count("ListAlarmMuteRules")
    cloud.clock.advance(BARRED + 1)
    await cloud.source.read_alerts()

    assert {alert.state for alert in update.alerts} == {AlertState.FIRING}
    assert not update.knows_silences
    assert update.warnings == again.warnings
    assert update.warnings[-2].startswith("mute rules are not known: cloudwatch forbids this")
    assert update.warnings[-1] == "muted alarms are shown as firing"
    assert (asked, cloud.script.count("ListAlarmMuteRules")) == (1, 2)


async def test_of_very_many_rules_the_rest_is_a_warning_and_read_at_the_next_poll(cloud: Cloud) -> None:
    cloud.rules |= {}
    for number in range(20 + READ):
        cloud.rule(f"rule-{number}", "disk")
    cloud.script.answers["ListAlarmMuteRules"] = {
        "AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": one["AlarmMuteRuleArn"]} for one in cloud.rules.values()]
    }
    first = await cloud.source.read_alerts()
    second = await cloud.source.read_alerts()

    assert "mute rules: not all were read; some muted alarms are shown as firing" in first.warnings
    assert not [text for text in second.warnings if "mute rules" in text]
    assert cloud.script.count("GetAlarmMuteRule") == 20 + READ


async def test_one_rule_that_cannot_be_read_leaves_the_others_known(cloud: Cloud) -> None:
    cloud.rule("theirs", "cpu")
    cloud.rule("broken", "disk")
    read = cloud.script.answers["GetAlarmMuteRule"]

    def some(params: dict[str, Any]) -> dict[str, Any]:
        if params["AlarmMuteRuleName"] == "broken":
            raise Refuses("InternalFailure", "broken", 500)
        assert callable(read)
        return dict(read(params))

    cloud.script.answers["GetAlarmMuteRule"] = some
    update = await cloud.source.read_alerts()
    await cloud.source.read_alerts()

    states = {str(alert.name): alert.state for alert in update.alerts}
    assert (states["cpu"], states["disk"]) == (AlertState.SILENCED, AlertState.FIRING)
    assert "mute rules: not all were read; some muted alarms are shown as firing" in update.warnings
    names = [params["AlarmMuteRuleName"] for operation, params in cloud.script.asked if operation == "GetAlarmMuteRule"]
    assert names.count("theirs") == 1


# Making one.


async def test_alarms_are_muted_with_a_comment_until_a_moment(cloud: Cloud) -> None:
    cloud.clock.advance(20)
    prepared = await cloud.prepare("cpu", "disk", minutes=90)
    receipt = await cloud.source.perform(prepared)
    later = await cloud.source.look_up(receipt)

    assert isinstance(cloud.source, Snoozes)
    assert isinstance(cloud.source, Acts)
    (name,) = cloud.rules
    assert name.startswith("tuiops-")
    assert prepared.argv == (
        *("aws", "cloudwatch", "put-alarm-mute-rule", "--name", name, "--description", "moving house", "--rule"),
        '{"Schedule":{"Expression":"at(2026-05-01T12:01)","Duration":"PT90M","Timezone":"UTC"}}',
        *("--mute-targets", '{"AlarmNames":["cpu","disk"]}', "--expire-date", "2026-05-01T13:31:00Z"),
        *("--region", "us-east-1"),
    )
    sent = next(params for operation, params in cloud.script.asked if operation == "PutAlarmMuteRule")
    assert sent["ExpireDate"] == at(91).timestamp()
    assert [(fact.what, fact.value) for fact in prepared.before] == [
        ("cpu", "ALARM"),
        ("disk", "ALARM"),
        ("mute rules", "none"),
    ]
    assert (prepared.after[0].what, prepared.after[0].value) == (
        "cpu, disk",
        "quiet from 2026-05-01 12:01 to 2026-05-01 13:31 UTC: moving house",
    )
    assert prepared.undo == f"aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name {name} --region us-east-1"
    assert (receipt.progress, later.progress, later.operation) == (Progress.RUNNING, Progress.DONE, name)
    assert later.facts[0].value == f"{name}: moving house (at(2026-05-01T12:01) PT90M UTC), mutes"
    assert {alert.state for alert in (await cloud.alerts()).values()} == {AlertState.SILENCED}


async def test_a_whole_minute_to_come_is_kept(cloud: Cloud) -> None:
    prepared = await cloud.prepare("cpu", start=at(30))
    assert "at(2026-05-01T12:30)" in prepared.argv[8]


async def test_moments_of_any_zone_are_told_in_utc(cloud: Cloud) -> None:
    tokyo = await cloud.prepare("cpu", start=at(30).astimezone(timezone(timedelta(hours=9))))
    assert tokyo == await cloud.prepare("cpu", start=at(30))


async def test_one_that_is_confirmed_late_is_the_same_and_begins_when_it_is_sent(cloud: Cloud) -> None:
    """What a person confirms is what was on the card, however long they looked at it."""
    card = await cloud.prepare("cpu", start=at(0), minutes=60)
    cloud.clock.advance(200)
    again = await cloud.prepare("cpu", start=at(0), minutes=60)
    receipt = await cloud.source.perform(again)
    found = await cloud.source.look_up(receipt)

    assert again == card
    sent = next(params for operation, params in cloud.script.asked if operation == "PutAlarmMuteRule")
    assert sent["Rule"]["Schedule"] == {"Expression": "at(2026-05-01T12:04)", "Duration": "PT56M", "Timezone": "UTC"}
    assert sent["ExpireDate"] == at(60).timestamp()
    assert found.progress is Progress.DONE


async def test_one_that_would_be_over_is_not_made(cloud: Cloud) -> None:
    prepared = await cloud.prepare("cpu", minutes=2)
    cloud.clock.advance(61)
    with pytest.raises(QueryRefused, match="a snooze until 2026-05-01 12:02 UTC would be over by now"):
        await cloud.source.perform(prepared)
    with pytest.raises(QueryRefused, match="cannot begin in the past, at 2026-05-01 10:00 UTC"):
        await cloud.prepare("cpu", start=at(-120))
    assert cloud.script.count("PutAlarmMuteRule") == 0


async def test_the_command_line_names_every_alarm_however_long(cloud: Cloud) -> None:
    names = [f"{number:02}{'x' * 253}" for number in range(20)]
    for name in names:
        cloud.alarm(name)
    prepared = await cloud.prepare(*names)
    targets = prepared.argv[prepared.argv.index("--mute-targets") + 1]

    assert msgspec.json.decode(targets) == {"AlarmNames": names}


async def test_the_same_action_prepared_again_is_the_same(cloud: Cloud) -> None:
    first = await cloud.prepare("cpu")
    await cloud.source.perform(first)
    again = await cloud.prepare("cpu")

    assert again == first
    assert (await cloud.source.perform(again)).progress is Progress.RUNNING


async def test_where_alarms_on_logs_are_unknown_it_is_prepared_all_the_same(cloud: Cloud) -> None:
    describe = cloud.script.answers["DescribeAlarms"]

    def older(params: dict[str, Any]) -> dict[str, Any]:
        if "LogAlarm" in params["AlarmTypes"]:
            raise Refuses("ValidationError", "LogAlarm is none", 400)
        assert callable(describe)
        return dict(describe(params))

    cloud.script.answers["DescribeAlarms"] = older
    assert (await cloud.prepare("cpu")).argv


@pytest.mark.parametrize(
    ("alarms", "options", "why"),
    [
        ((), {}, "1 to 20 alarms, not 0"),
        (tuple(f"a{number}" for number in range(21)), {}, "1 to 20 alarms, not 21"),
        (("nobody",), {}, "there is no alarm nobody"),
        (("cpu",), {"comment": " "}, "wants a comment"),
        (("cpu",), {"comment": "x" * 1025}, "wants a comment"),
        (("cpu",), {"minutes": 0}, "lasts 1 minute to 15 days"),
        (("cpu",), {"minutes": 60 * 24 * 16}, "lasts 1 minute to 15 days"),
    ],
)
async def test_what_cannot_be_muted_is_refused(
    cloud: Cloud, alarms: tuple[str, ...], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(QueryRefused, match=why):
        await cloud.prepare(*alarms, **options)
    assert cloud.script.count("PutAlarmMuteRule") == 0


async def test_an_alarm_or_a_rule_that_changed_is_a_reason_to_stop(cloud: Cloud) -> None:
    prepared = await cloud.prepare("cpu")
    cloud.rule("theirs", "cpu", status="SCHEDULED")
    with pytest.raises(StateChanged) as raised:
        await cloud.source.perform(prepared)
    cloud.rules.clear()
    cloud.alarm("cpu", AlarmConfigurationUpdatedTimestamp=at(-1))
    with pytest.raises(StateChanged):
        await cloud.source.perform(prepared)

    assert raised.value.facts[-1].value == "theirs (cron(0 2 * * *) PT4H Asia/Tokyo), is to mute"
    assert cloud.script.count("PutAlarmMuteRule") == 0


async def test_an_alarm_that_fires_or_recovers_meanwhile_is_none(cloud: Cloud) -> None:
    prepared = await cloud.prepare("cpu")
    cloud.alarm("cpu", "OK")

    assert (await cloud.source.perform(prepared)).progress is Progress.RUNNING


async def test_a_rule_whose_answer_was_lost_is_known_by_its_name_and_written_again_by_the_same_action(
    cloud: Cloud,
) -> None:
    prepared = await cloud.prepare("cpu")
    write = cloud.script.answers["PutAlarmMuteRule"]

    def lost(params: dict[str, Any]) -> dict[str, Any]:
        assert callable(write)
        write(params)
        raise Refuses("InternalFailure", "lost", 500)

    cloud.script.answers["PutAlarmMuteRule"] = lost
    unknown = await cloud.source.perform(prepared)
    found = await cloud.source.look_up(unknown)
    cloud.script.answers["PutAlarmMuteRule"] = write
    again = await cloud.source.perform(prepared)

    assert (unknown.progress, found.progress) == (Progress.UNKNOWN, Progress.DONE)
    assert (again.progress, len(cloud.rules)) == (Progress.RUNNING, 1)


async def test_a_rule_that_never_came_to_be_is_not_found(cloud: Cloud) -> None:
    prepared = await cloud.prepare("cpu")
    cloud.script.answers["PutAlarmMuteRule"] = refuse("InternalFailure", 500)
    found = await cloud.source.look_up(await cloud.source.perform(prepared))

    assert (found.progress, found.text) == (Progress.UNKNOWN, "no such mute rule so far")


async def test_a_rule_that_somebody_deleted_was_made_all_the_same(cloud: Cloud) -> None:
    done = await cloud.source.look_up(await cloud.source.perform(await cloud.prepare("cpu")))
    cloud.rules.clear()

    assert await cloud.source.look_up(done) == done


async def test_a_rule_that_mutes_nothing_has_failed(cloud: Cloud) -> None:
    receipt = await cloud.source.perform(await cloud.prepare("cpu"))
    cloud.rules[receipt.operation]["Status"] = "EXPIRED"
    expired = await cloud.source.look_up(receipt)
    cloud.clock.advance(2 * 3600)
    over = await cloud.source.look_up(receipt)
    cloud.rules[receipt.operation]["MuteTargets"] = {"AlarmNames": ["disk"]}
    other = await cloud.source.look_up(receipt)

    assert expired.progress is Progress.FAILED
    assert expired.text.startswith("CloudWatch takes it for expired before its end")
    assert (over.progress, over.text) == (
        Progress.UNKNOWN,
        "it is over, and nobody has seen whether it muted anything",
    )
    assert (other.progress, other.text) == (
        Progress.FAILED,
        f"the mute rule {receipt.operation} is another one by now",
    )


@pytest.mark.parametrize(("member", "value"), [("Duration", "PT1M"), ("Timezone", "Asia/Tokyo")])
async def test_a_rule_that_somebody_changed_is_another_one(cloud: Cloud, member: str, value: str) -> None:
    receipt = await cloud.source.perform(await cloud.prepare("cpu"))
    cloud.rules[receipt.operation]["Rule"]["Schedule"][member] = value

    assert (await cloud.source.look_up(receipt)).progress is Progress.FAILED


async def test_a_permission_that_is_missing_is_named(cloud: Cloud) -> None:
    prepared = await cloud.prepare("cpu")
    said = "User: arn:aws:iam::1:user/ops is not authorized to perform: cloudwatch:PutAlarmMuteRule on resource: x"
    cloud.script.answers["PutAlarmMuteRule"] = refuse("AccessDeniedException", said=said)

    with pytest.raises(AccessDenied, match="the permission cloudwatch:PutAlarmMuteRule is missing"):
        await cloud.source.perform(prepared)


async def test_a_source_without_alerts_snoozes_nothing() -> None:
    source = source_of("http://127.0.0.1:9", {}, alerts=False)
    assert not isinstance(source, Snoozes)
    await source.close()


async def test_a_botocore_that_is_too_old_for_an_operation_says_so() -> None:
    client = aws_client(aws_config("http://127.0.0.1:9"))
    with pytest.raises(QueryRefused, match="cloudwatch MuteTheWorld is not known to the botocore that is installed"):
        await client.call("cloudwatch", "MuteTheWorld")
    await client.close()


def refuse(code: str, status: int = 400, said: str = "no") -> Any:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        raise Refuses(code, said, status)

    return answer
