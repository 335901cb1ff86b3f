"""What a native alert means to the systems: whose it is, how bad, and by when somebody must respond.

Pure, and shared by all sources of alerts, so that the same alert from two of them comes out the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.severity import DEFAULT_WORDS, Severity, from_word
from tuiops.core.text import ANNOTATION, EMPTY, SafeText, lit, safe, safe_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuiops.config.systems import AlertRule, System

SEVERITY_LABEL = "severity"
MAX_LABELS = 64
"""Labels and annotations that are kept of an alert."""

_URL = 2048
_SUMMARIES = ("summary", "title", "message")
_DESCRIPTIONS = ("description", "message")
_LINKS = {
    "runbook_url": lit("runbook"), "runbook": lit("runbook"), "dashboard_url": lit("dashboard"),
    "dashboard": lit("dashboard"), "panel_url": lit("panel"),
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Native(msgspec.Struct, gc=False, frozen=True):
    """An alert as a source tells it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    started: datetime
    state: AlertState
    silenced_by: tuple[SafeText, ...] = ()
    inhibited_by: tuple[SafeText, ...] = ()
    generator: str = ""
    owner: tuple[str, str] | None = None
    """The system and the service that it watches a resource of, where the source knows; labels that say more count."""
    pages: tuple[tuple[SafeText, str], ...] = ()
    """Names and addresses of pages about it, such as its incident in a cloud's console."""


class _SystemRules(NamedTuple):
    id: str
    match: Mapping[str, str]
    service_labels: tuple[str, ...]
    services: Mapping[str, str]
    words: Mapping[str, Severity]
    respond: Mapping[str, float]
    alerts: Mapping[str, AlertRule]


_NOBODYS = _SystemRules("", {}, ("service", "job", "instance"), {}, DEFAULT_WORDS, {}, {})


class AlertMapper:
    """Turns native alerts into ours, by the rules of the configured systems."""

    def __init__(self, systems: Mapping[str, System], source: str) -> None:
        self._sources = (safe(source),)
        rules = [_rules(name, system) for name, system in systems.items()]
        # The system that asks for more labels knows its alerts better.
        self._matching = sorted((one for one in rules if one.match), key=lambda one: -len(one.match))
        self._named = {one.id: one for one in rules if not one.match}
        self._all = {one.id: one for one in rules}

    def alert(self, native: Native, now: datetime) -> Alert:
        """Never fails: what is odd about an alert must not hide it."""
        labels, annotations = native.labels, native.annotations
        rules = self._system(native)
        word = labels.get(SEVERITY_LABEL, "")
        severity, known = from_word(word, rules.words)
        rule = rules.alerts.get(labels.get("alertname", ""))
        if rule is not None and rule.severity is not None:
            severity, known = Severity[rule.severity], True
        started = _sane(native.started, now)
        respond = rules.respond.get(severity.name) if rule is None or rule.respond is None else rule.respond
        description = next((annotations[name] for name in _DESCRIPTIONS if annotations.get(name)), "")
        return Alert(
            identity=identity(labels),
            name=safe(labels.get("alertname", "")) or lit("(no alertname)"),
            system=safe(rules.id or labels.get("system", "")),
            service=_service(native, rules),
            severity=severity,
            native_severity=safe(word),
            severity_known=known,
            state=native.state,
            summary=safe(next((annotations[name] for name in _SUMMARIES if annotations.get(name)), "")),
            description=safe_lines(description) if description else (),
            labels=_pairs(labels),
            annotations=_pairs(annotations, ANNOTATION),
            started=started,
            due=started + timedelta(seconds=respond) if respond is not None else None,
            sources=self._sources,
            silenced_by=native.silenced_by,
            inhibited_by=native.inhibited_by,
            links=_links(annotations, native),
        )

    def _system(self, native: Native) -> _SystemRules:
        for rules in self._matching:
            if all(native.labels.get(name) == value for name, value in rules.match.items()):
                return rules
        named = native.labels.get("system", "")
        if native.owner is not None and not named:
            return self._all.get(native.owner[0], _NOBODYS)
        return self._named.get(named, _NOBODYS)


def identity(labels: Mapping[str, str]) -> str:
    """Equal for equal labels, whoever reports them. Labels without a value count as absent, as in Prometheus."""
    canonical = msgspec.json.encode(sorted((name, value) for name, value in labels.items() if value))
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def keep_worst(alerts: list[Alert], limit: int) -> tuple[list[Alert], int]:
    """At most `limit` alerts, those that call for a person and the worst first, and how many were left out."""
    if len(alerts) <= limit:
        return alerts, 0
    ranked = sorted(alerts, key=lambda alert: (not alert.active, alert.severity, alert.started))
    return ranked[:limit], len(alerts) - limit


def _rules(name: str, system: System) -> _SystemRules:
    words = dict(DEFAULT_WORDS)
    words.update({word.strip().casefold(): Severity[value] for word, value in system.severities.items()})
    services = {service.match or id_: id_ for id_, service in system.services.items()}
    services.update({id_: id_ for id_ in system.services})
    return _SystemRules(name, system.match, system.service_labels, services, words, system.respond, system.alerts)


def _service(native: Native, rules: _SystemRules) -> SafeText:
    """A declared service if any of the labels or the source names one, else whatever the first label there says."""
    said = [native.labels[name] for name in rules.service_labels if native.labels.get(name)]
    for value in said:
        if value in rules.services:
            return safe(rules.services[value])
    if native.owner is not None and native.owner[0] == rules.id:
        return safe(native.owner[1])
    return safe(said[0]) if said else EMPTY


def _pairs(found: Mapping[str, str], limit: int = 256) -> tuple[tuple[SafeText, SafeText], ...]:
    return tuple((safe(name), safe(value, limit)) for name, value in sorted(found.items())[:MAX_LABELS])


def _links(annotations: Mapping[str, str], native: Native) -> tuple[tuple[SafeText, SafeText], ...]:
    named = tuple((name, annotations.get(key, "")) for key, name in _LINKS.items())
    return tuple(_web((*named, (lit("expression"), native.generator), *native.pages)))


def _web(links: Iterable[tuple[SafeText, str]]) -> Iterable[tuple[SafeText, SafeText]]:
    """Only addresses that a browser may be given."""
    for name, address in links:
        if address.startswith(("https://", "http://")) and len(address) <= _URL:
            yield name, safe(address, _URL)


def _sane(started: datetime, now: datetime) -> datetime:
    """A beginning between 1970 and now, in UTC: others come from clocks that are wrong."""
    try:
        return min(max(started.astimezone(UTC), _EPOCH), now)
    except (OverflowError, ValueError):
        return _EPOCH if started.year < 1970 else now
