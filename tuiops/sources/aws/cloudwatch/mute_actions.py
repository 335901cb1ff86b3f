"""Keeping alarms quiet for a while, by a mute rule that ends by itself.

A rule's name is made from the action's token: another attempt at the same action writes that rule again. It begins
when it is sent, if the moment that it was to begin at has passed by then, and ends when it was to end.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import NotFound, QueryRefused
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged, Target
from tuiops.sources.aws.cloudwatch.muting import described
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.cloudwatch import wire
    from tuiops.sources.aws.cloudwatch.alarm_list import AlarmList
    from tuiops.sources.aws.cloudwatch.muting import MuteRules

PART = lit("CloudWatch alarms")
"""Name of the part that all of this belongs to."""

MOST_ALARMS = 20
"""Alarms that are muted at once: which rules there are is told alarm by alarm. CloudWatch takes 100."""

_MOST_COMMENT = 1024
_LONGEST = timedelta(days=15)
_LONGEST_WORD = 8192
"""Characters of the names of as many alarms as are muted at once, each 255 long, and what JSON puts around them."""
_MINUTE = timedelta(minutes=1)
_PAST = timedelta(hours=1)
"""How far back a beginning may lie: as long as somebody may think about it."""

_DELETE = lit("aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name")
_EXPIRED = "EXPIRED"
_STATES = {"ACTIVE": lit("mutes"), "SCHEDULED": lit("is to mute"), _EXPIRED: lit("has expired")}


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that is to be made."""

    params: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.params["Name"])

    @property
    def start(self) -> datetime:
        """When it is to begin to mute."""
        return _starts(self.params["Rule"]["Schedule"]["Expression"])

    @property
    def end(self) -> datetime:
        """When it is over."""
        return datetime.fromisoformat(self.params["ExpireDate"])

    @property
    def alarms(self) -> list[str]:
        return list(self.params["MuteTargets"]["AlarmNames"])

    def sent(self, now: datetime) -> dict[str, Any]:
        """The rule: one whose beginning has passed begins at once, for a rule that begins in the past mutes nothing."""
        return {**self.params, "Rule": {"Schedule": _schedule(max(self.start, _minute(now)), self.end)}}


class MuteActions:
    """Prepares and carries out."""

    name = PART

    def __init__(self, client: AwsClient, alarms: AlarmList, rules: MuteRules, clock: Clock) -> None:
        self._client = client
        self._alarms = alarms
        self._rules = rules
        self._clock = clock

    async def prepare_snooze(
        self, policies: tuple[str, ...], start: datetime, end: datetime, comment: str, token: str
    ) -> Prepared:
        """`policies` are alarms, by name. Rules begin at whole minutes: it begins and ends with the next ones."""
        alarms = tuple(dict.fromkeys(policies))
        start, end = _minute(start.astimezone(UTC)), _minute(end.astimezone(UTC))
        _check(alarms, start, end, comment, self._clock.now())
        name = f"tuiops-{hashlib.sha256(token.encode()).hexdigest()[:16]}"
        found, rules = await self._alarms.named(alarms), await self._others(alarms, name)
        params = {
            "Name": name,
            "Description": comment,
            "Rule": {"Schedule": _schedule(start, end)},
            "MuteTargets": {"AlarmNames": list(alarms)},
            "ExpireDate": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }
        quiet = fmt("quiet from {} to {}: {}", safe(f"{start:%F %H:%M}"), safe(f"{end:%F %H:%M} UTC"), safe(comment))
        return Prepared(
            target=Target("", ",".join(alarms)),
            verb=lit("snooze"),
            argv=(*_command(params), *self._client.options),
            before=_facts(found, rules),
            after=(Fact(join(", ", (safe(alarm) for alarm in alarms)), quiet),),
            seen=_fingerprint(found, rules),
            token=token,
            call=call_of(self, msgspec.json.encode(_Call(params=params))),
            undo=join(" ", (_DELETE, safe(name), *self._client.options)),
        )

    async def perform(self, prepared: Prepared) -> Receipt:
        """Make the rule, unless the alarms or their rules have changed. A lost answer leaves it UNKNOWN."""
        call = _call(prepared)
        found, rules = await self._alarms.named(call.alarms), await self._others(call.alarms, call.name)
        if _fingerprint(found, rules) != prepared.seen:
            raise StateChanged(_facts(found, rules))
        now = self._clock.now()
        if call.end <= _minute(now):
            raise QueryRefused(f"a snooze until {call.end:%F %H:%M} UTC would be over by now")
        begun = Receipt(prepared=prepared, progress=Progress.UNKNOWN, facts=_facts(found, rules))
        try:
            await self._client.call("cloudwatch", "PutAlarmMuteRule", call.sent(now))
        except LOST as error:
            return msgspec.structs.replace(begun, text=safe(str(error), 500))
        return msgspec.structs.replace(begun, progress=Progress.RUNNING, operation=call.name)

    async def _others(self, alarms: Sequence[str], name: str) -> list[wire.MuteRule]:
        """The rules of these alarms beside the one of this action, which an earlier attempt may have made."""
        return [rule for rule in await self._rules.of(alarms) if rule.name != name]

    async def look_up(self, receipt: Receipt) -> Receipt:
        """Whether the rule is there, and what CloudWatch makes of it."""
        call = _call(receipt.prepared)
        try:
            rule = await self._rules.rule(call.name)
        except NotFound:
            if receipt.progress is Progress.DONE:
                # It has been seen; somebody may have deleted it since.
                return receipt
            text = lit("no such mute rule so far")
            return msgspec.structs.replace(receipt, progress=Progress.UNKNOWN, text=text)
        facts = (Fact(lit("mute rule"), fmt("{}, {}", described(rule), _status(rule))),)
        if not _same(rule, call):
            text = fmt("the mute rule {} is another one by now", safe(call.name))
            return msgspec.structs.replace(receipt, progress=Progress.FAILED, facts=facts, text=text)
        if rule.status == _EXPIRED and receipt.progress is not Progress.DONE:
            early = self._clock.now() < call.end
            text = lit("CloudWatch takes it for expired before its end, so that it mutes nothing")
            if not early:
                text = lit("it is over, and nobody has seen whether it muted anything")
            progress = Progress.FAILED if early else Progress.UNKNOWN
            return msgspec.structs.replace(receipt, progress=progress, facts=facts, text=text)
        return msgspec.structs.replace(receipt, progress=Progress.DONE, operation=rule.name, facts=facts, text=EMPTY)


def _minute(moment: datetime) -> datetime:
    """The moment itself when it is a whole minute, else the next one."""
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + _MINUTE


def _schedule(start: datetime, end: datetime) -> dict[str, str]:
    return {
        "Expression": f"at({start:%Y-%m-%dT%H:%M})",
        "Duration": f"PT{(end - start) // _MINUTE}M",
        "Timezone": "UTC",
    }


def _starts(expression: str) -> datetime:
    """The moment in `at(…)`. ValueError when that is no moment of ours."""
    return datetime.strptime(expression, "at(%Y-%m-%dT%H:%M)").replace(tzinfo=UTC)


def _check(alarms: Sequence[str], start: datetime, end: datetime, comment: str, now: datetime) -> None:
    if not 1 <= len(alarms) <= MOST_ALARMS:
        raise QueryRefused(f"a snooze is of 1 to {MOST_ALARMS} alarms, not {len(alarms)}")
    if not comment.strip() or len(comment) > _MOST_COMMENT:
        raise QueryRefused(f"a snooze wants a comment of 1 to {_MOST_COMMENT} characters")
    if start < now - _PAST:
        raise QueryRefused(f"a snooze cannot begin in the past, at {start:%F %H:%M} UTC")
    if not _MINUTE <= end - start <= _LONGEST:
        raise QueryRefused(f"a snooze from {start:%F %H:%M} to {end:%F %H:%M} cannot be: it lasts 1 minute to 15 days")


def _command(params: dict[str, Any]) -> tuple[SafeText, ...]:
    def inner(name: str) -> SafeText:
        return safe(msgspec.json.encode(params[name]).decode(), _LONGEST_WORD)

    return (
        *(lit("aws"), lit("cloudwatch"), lit("put-alarm-mute-rule"), lit("--name"), safe(params["Name"])),
        *(lit("--description"), safe(params["Description"], _MOST_COMMENT)),
        *(lit("--rule"), inner("Rule"), lit("--mute-targets"), inner("MuteTargets")),
        *(lit("--expire-date"), safe(params["ExpireDate"])),
    )


def _facts(alarms: Sequence[wire.Alarm], rules: Sequence[wire.MuteRule]) -> tuple[Fact, ...]:
    states = (
        Fact(
            safe(one.alarm_name),
            fmt("{}{}", safe(one.state_value, 40), EMPTY if one.actions_enabled else lit(", its actions are disabled")),
        )
        for one in alarms
    )
    told = join(", ", (fmt("{}, {}", described(rule), _status(rule)) for rule in rules))
    return (*states, Fact(lit("mute rules"), told or lit("none")))


def _status(rule: wire.MuteRule) -> SafeText:
    return _STATES.get(rule.status, safe(rule.status, 40))


def _fingerprint(alarms: Sequence[wire.Alarm], rules: Sequence[wire.MuteRule]) -> str:
    """Another one whenever an alarm or a rule is another. Whether an alarm fires is no reason to stop."""
    seen = (
        [(one.alarm_arn, one.actions_enabled, one.alarm_configuration_updated_timestamp) for one in alarms],
        [(rule.name, rule.last_updated_timestamp) for rule in rules],
    )
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()


def _same(rule: wire.MuteRule, call: _Call) -> bool:
    """It ends at the very moment, and begins when it was asked for or when that was sent."""
    schedule = rule.rule.schedule
    try:
        start = _starts(schedule.expression)
    except ValueError:
        return False
    told = {"Expression": schedule.expression, "Duration": schedule.duration, "Timezone": schedule.timezone}
    return (
        rule.description == call.params["Description"]
        and start >= call.start
        and told == _schedule(start, call.end)
        and sorted(rule.mute_targets.alarm_names) == sorted(call.alarms)
    )


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)
