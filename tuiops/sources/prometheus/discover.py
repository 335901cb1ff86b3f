"""What a Prometheus knows that could be watched, as tables of a configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.config.draft import Draft
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import NotFound, SourceError
from tuiops.sources.prometheus import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tuiops.config.proposal import Proposal
    from tuiops.sources.prometheus.api_client import ApiClient

MOST_SERVICES = 200
MOST_INDICATORS = 40

_SERIES = 20_000
"""Groups of series that are looked at."""

STATUS_LABELS = (
    "code", "status", "status_code", "response_code", "http_status_code", "response_code_class", "result", "outcome",
)  # fmt: skip
"""Labels by which counters tell good events from bad ones, the clearest first."""

_BY = ("service", "job")
"""Labels that tell services apart, the better one first."""

_STATUS = re.compile(r"[1-5](\d\d|xx|XX)", re.ASCII)
_GOOD = frozenset({"success", "succeeded", "ok", "delivered", "completed", "hit"})
_BAD = frozenset({"error", "errors", "failed", "failure", "fail", "timeout", "rejected", "exception"})
_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_OWN = re.compile(r"(go|process|python|promhttp|prometheus|alertmanager|net_conntrack|scrape|node|cortex|vm)_")
"""Metrics of runtimes, of machines and of monitoring itself: no service's own."""

_UNITS = {"_milliseconds_bucket": "milliseconds", "_ms_bucket": "milliseconds", "_seconds_bucket": "seconds"}
_WATCHDOGS = frozenset({"Watchdog", "DeadMansSwitch", "DeadMansSnitch"})
_COUNTERS = f'count by (__name__, service, job, {", ".join(STATUS_LABELS)}) ({{__name__=~".+_total"}})'
_HISTOGRAMS = 'count by (__name__, service, job) ({__name__=~".+_(seconds|milliseconds|ms)_bucket"})'
_UP = "count by (job) (up)"


class _Rule(msgspec.Struct, frozen=True):
    name: str = ""
    type: str = ""


class _Group(msgspec.Struct, frozen=True):
    rules: tuple[_Rule, ...] = ()


class _Groups(msgspec.Struct, frozen=True):
    groups: tuple[_Group, ...] = ()


class _Family(NamedTuple):
    """All series of one metric."""

    by: str
    """The label that tells services apart."""
    services: tuple[str, ...]
    labels: Mapping[str, frozenset[str]]
    """The values of every label by which events are told apart."""


async def look_at(url: str, bearer_env: str, system: str) -> Proposal:
    """What could be watched of a Prometheus, which is called `prometheus`."""
    from tuiops.config.secrets import resolve_secret
    from tuiops.config.values import Secret
    from tuiops.sources.daemon import DaemonWorker
    from tuiops.sources.prometheus.api_client import ApiClient

    token = resolve_secret(Secret(env=bearer_env)) if bearer_env else ""

    def look() -> Proposal:
        client = ApiClient(url, bearer=token)
        try:
            return discover(client, ("prometheus", system), bearer_env)
        finally:
            client.close()

    worker = DaemonWorker("prometheus-api-client")
    try:
        return await worker.run(look)
    finally:
        worker.close()


def discover(client: ApiClient, names: tuple[str, str], bearer_env: str = "") -> Proposal:
    """Services, indicators and alerts; `names` are the identifiers of the source and of the system. Blocks.

    What alone cannot be read is a warning. Raises errors.SourceError when nothing can.
    """
    draft = Draft(*names)
    bearer = {"bearer": {"env": bearer_env}} if bearer_env else {}
    counters = client.query(_COUNTERS, tuple[wire.InstantSeries, ...], {"limit": str(_SERIES)})
    histograms = client.query(_HISTOGRAMS, tuple[wire.InstantSeries, ...], {"limit": str(_SERIES)})
    ups = client.query(_UP, tuple[wire.InstantSeries, ...])
    alerting, told = _alerting(client, draft)
    draft.root(
        ("sources", draft.source), {"type": "prometheus", "url": client.url, **bearer, **alerting},
        join(" ", (text for text in (lit("The server that was asked."), told) if text)),
    )  # fmt: skip
    finder = _Finder(draft)
    finder.up({one.metric.get("job", "") for one in ups} - {""}, _targets(client, draft))
    finder.counters(_families(counters))
    finder.histograms(_families(histograms))
    return draft.proposal()


def _alerting(client: ApiClient, draft: Draft) -> tuple[dict[str, object], SafeText]:
    """Settings of the source when the server has alerting rules, and what they are."""
    try:
        groups = client.rules(_Groups).groups
    except NotFound:
        return {}, EMPTY
    except SourceError as error:
        draft.warn(fmt("rules: {}", safe(str(error), 200)))
        return {}, EMPTY
    rules = [rule.name for group in groups for rule in group.rules if rule.type == "alerting"]
    if not rules:
        return {}, EMPTY
    watchdog = next((rule for rule in rules if rule in _WATCHDOGS), None)
    told = fmt("It has {} alerting rules; take `alerts` out where an Alertmanager gets them all.", len(rules))
    return {"alerts": True, **({"watchdog": watchdog} if watchdog else {})}, told


def _targets(client: ApiClient, draft: Draft) -> Mapping[str, tuple[int, int]]:
    """Targets that are up and all targets, by job; none where the server tells no targets."""
    found: dict[str, tuple[int, int]] = {}
    try:
        targets = client.targets(wire.Targets).active_targets
    except NotFound:
        return {}
    except SourceError as error:
        draft.warn(fmt("targets: {}", safe(str(error), 200)))
        return {}
    for target in targets:
        up, every = found.get(target.labels.get("job", ""), (0, 0))
        found[target.labels.get("job", "")] = (up + (target.health == "up"), every + 1)
    return found


def _families(series: Iterable[wire.InstantSeries]) -> dict[str, _Family]:
    """By metric, those of services alone."""
    by_name: dict[str, list[Mapping[str, str]]] = {}
    for one in series:
        name = one.metric.get("__name__", "")
        if name and not _OWN.match(name):
            by_name.setdefault(name, []).append(one.metric)
    found: dict[str, _Family] = {}
    for name, metrics in sorted(by_name.items()):
        by = next((label for label in _BY if all(metric.get(label) for metric in metrics)), "")
        services = tuple(dict.fromkeys(metric[by] for metric in metrics)) if by else ()
        labels = {label: frozenset(metric.get(label, "") for metric in metrics) - {""} for label in STATUS_LABELS}
        found[name] = _Family(by, services, {label: values for label, values in labels.items() if values})
    return found


class _Finder:
    """Drafts one kind of indicator after the other."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._known: dict[str, str] = {}
        self._indicators = 0

    def up(self, jobs: Iterable[str], targets: Mapping[str, tuple[int, int]]) -> None:
        """Every job is a service that can be down."""
        for job in sorted(jobs):
            up, every = targets.get(job, (0, 0))
            counted = fmt(" {} of {} targets are up.", up, every) if every else EMPTY
            self._service(job, fmt("The job {}.{}", safe(job, 80), counted))
        services = list(self._known.values())
        if services:
            told = lit("Whether every target of a job can be scraped.")
            self._indicator(
                "up", "gauge", told, heading="UP", services=services, by="job", query="min by (job) (up)", down="< 1"
            )

    def counters(self, families: Mapping[str, _Family]) -> None:
        """Counters whose events are good or bad."""
        for name, family in families.items():
            part = _part(name, family) if _PLAIN.fullmatch(name) else {}
            services = self._services(name, family) if part else []
            if services:
                limit = {"degraded": "< 99%"} if "good" in part else {"degraded": "> 1%"}
                said = lit("The share of events that are good.") if "good" in part else lit("The share that fails.")
                told = fmt("{} The limit is a guess. Give `objective` what was promised.", said)
                heading = "OK%" if "good" in part else "ERR%"
                self._indicator(
                    name, "ratio", told, heading=heading, services=services, by=family.by, total=name, **part, **limit
                )

    def histograms(self, families: Mapping[str, _Family]) -> None:
        """Histograms of times."""
        for name, family in families.items():
            unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), None)
            services = self._services(name, family) if unit and _PLAIN.fullmatch(name) else []
            if services:
                told = lit("How long 95% of events take at most. It has no limit yet: add `degraded`, such as > 500ms.")
                more = {} if unit == "seconds" else {"histogram_unit": unit}
                self._indicator(
                    name, "latency", told, heading="P95", services=services, by=family.by, histogram=name, **more
                )

    def _services(self, metric: str, family: _Family) -> list[str]:
        """The identifiers of a metric's services, as far as there is room."""
        if not family.by:
            self._draft.warn(fmt("{}: neither `service` nor `job` tells whose it is", safe(metric, 80)))
            return []
        why = lit("Named by the label `service` of its metrics.")
        return [id_ for service in family.services if (id_ := self._service(service, why)) is not None]

    def _service(self, name: str, why: SafeText) -> str | None:
        if name not in self._known:
            if len(self._known) >= MOST_SERVICES:
                self._draft.warn(fmt("services: there are more than {}", MOST_SERVICES))
                return None
            self._known[name] = self._draft.service(name, why)
        return self._known[name]

    def _indicator(self, name: str, kind: str, why: SafeText, **values: object) -> None:
        if self._indicators >= MOST_INDICATORS:
            self._draft.warn(fmt("indicators: there are more than {}", MOST_INDICATORS))
            return
        self._indicators += 1
        self._draft.indicator(name, kind, self._draft.source, why, **values)


def _part(name: str, family: _Family) -> dict[str, str]:
    """The selector of bad events, or of good ones where no bad one has been seen; empty when none can be told."""
    for label, values in family.labels.items():
        if any(_STATUS.fullmatch(value) for value in values):
            return {"bad": f'{name}{{{label}=~"5.."}}'}
        for role, words in (("bad", _BAD), ("good", _GOOD)):
            seen = sorted(value for value in values if value.lower() in words)
            if seen:
                return {role: f'{name}{{{label}=~"{"|".join(seen)}"}}'}
    return {}
