"""Mute rules: by which alarms tell nobody, at a moment or again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.errors import NotFound
from tuiops.sources.aws.cloudwatch import wire
from tuiops.sources.aws.cloudwatch.paging import pages
from tuiops.sources.together import SHARE, raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from tuiops.errors import SourceError
    from tuiops.sources.aws.client import AwsClient

_Found = TypeVar("_Found")

READ = 40
"""Rules that are read in one poll: a listing does not tell what they mute. Those that have not changed are known."""

_PAGE = 100
_PAGES = 10
_ACTIVE, _SCHEDULED = "ACTIVE", "SCHEDULED"


class MuteRules:
    """Reads them, and remembers what does not change."""

    def __init__(self, client: AwsClient) -> None:
        self._client = client
        self._known: dict[str, tuple[object, wire.MuteRule]] = {}
        """By ARN: when it was changed last, and the rule."""

    async def active(self) -> tuple[Sequence[wire.MuteRule], bool]:
        """Those that mute at this moment, and whether these are all. Raises errors.SourceError."""
        found, more = await pages(
            self._client,
            "ListAlarmMuteRules",
            {"Statuses": [_ACTIVE], "MaxRecords": _PAGE},
            wire.MuteRuleSummaries,
            _PAGES,
        )
        summaries = [summary for page in found for summary in page.alarm_mute_rule_summaries]
        present = {one.alarm_mute_rule_arn: one.last_updated_timestamp for one in summaries}
        self._known = {arn: kept for arn, kept in self._known.items() if arn in present and kept[0] == present[arn]}
        missing = [arn for arn in present if arn not in self._known]
        _, failed = await self._read({arn: self._remember(arn, present[arn]) for arn in missing[:READ]})
        raise_if_all(self._known, failed)
        return [rule for _, rule in self._known.values()], not more and not failed and len(missing) <= READ

    async def of(self, alarms: Sequence[str]) -> list[wire.MuteRule]:
        """Those that mute any of these alarms at present or later on, by name."""
        found: dict[str, None] = {}
        for alarm in alarms:
            params = {"AlarmName": alarm, "Statuses": [_ACTIVE, _SCHEDULED], "MaxRecords": _PAGE}
            listed, _ = await pages(self._client, "ListAlarmMuteRules", params, wire.MuteRuleSummaries, _PAGES)
            found |= dict.fromkeys(one.alarm_mute_rule_arn for page in listed for one in page.alarm_mute_rule_summaries)
        read, failed = await self._read({arn: self._rule(arn) for arn in found})
        for error in failed.values():
            raise error
        return sorted((rule for rule in read.values() if rule is not None), key=lambda rule: rule.name)

    async def rule(self, name: str) -> wire.MuteRule:
        """A rule by its name. Raises NotFound when there is none."""
        params = {"AlarmMuteRuleName": name}
        return await self._client.call("cloudwatch", "GetAlarmMuteRule", params, kind=wire.MuteRule)

    async def _read(
        self, jobs: Mapping[str, Coroutine[None, None, _Found]]
    ) -> tuple[dict[str, _Found], dict[str, SourceError]]:
        return await together(jobs, SHARE * self._client.timeout, lambda _: lit("mute rules"))

    async def _remember(self, arn: str, changed: object) -> None:
        """Kept as soon as it is read: when time is up for the others, this one need not be asked for again."""
        rule = await self._rule(arn)
        if rule is not None:
            self._known[arn] = (changed, rule)

    async def _rule(self, arn: str) -> wire.MuteRule | None:
        """None when it was deleted a moment ago."""
        try:
            return await self.rule(arn.rpartition(":alarm-mute-rule:")[2])
        except NotFound:
            return None


def muted_by(rules: Sequence[wire.MuteRule]) -> Mapping[str, tuple[SafeText, ...]]:
    """By the names of alarms, what mutes them."""
    found: dict[str, tuple[SafeText, ...]] = {}
    for rule in rules:
        for name in rule.mute_targets.alarm_names:
            found[name] = (*found.get(name, ()), described(rule))
    return found


def described(rule: wire.MuteRule) -> SafeText:
    """What it is called and for, and when it mutes, in its own words."""
    schedule = rule.rule.schedule
    words = [safe(rule.name, 255)]
    words += [safe(rule.description, 300)] if rule.description.strip() else []
    when = [safe(word, 60) for word in (schedule.expression, schedule.duration, schedule.timezone) if word]
    return fmt("{} ({})", join(": ", words), join(" ", when)) if when else join(": ", words)
