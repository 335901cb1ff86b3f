"""What a runbook names outside of itself: systems, environments, services, resources, sources, bastions, channels."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, get_args

from tuiops.config.clouds import GcpConfig
from tuiops.config.resources import AnyResource
from tuiops.config.sources import PrometheusConfig
from tuiops.config.texts import nearest
from tuiops.core.text import EMPTY
from tuiops.core.units import Unit
from tuiops.runbooks.format.checks.walk import Finding, all_steps, doings
from tuiops.runbooks.format.facts import ABLE, CONFIGURED, KINDS, WORDS, configured, kind_of
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    CommandCheck,
    EachAction,
    EnumParameter,
    GateAction,
    HttpAction,
    HttpCheck,
    IndicatorCheck,
    ListedParameter,
    NotifyAction,
    QueryCheck,
    RolloutCheck,
)
from tuiops.runbooks.format.template import Place, TemplateError, filled_in, names
from tuiops.runbooks.gates import within
from tuiops.sources.probe.naming import probe_indicator
from tuiops.sources.resource_naming import resource_indicators

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.model import Config
    from tuiops.config.systems import System
    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.checks.walk import At
    from tuiops.runbooks.format.model import AnyParameter, Runbook

_MOST_NAMES = 64
_TAGS = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyResource)}


def findings(runbook: Runbook, config: Config) -> Iterator[Finding]:
    """Everything that the configuration does not have, or that what it has cannot do."""
    yield from _environments(runbook, config)
    for position, name in enumerate(runbook.systems):
        system = config.systems.get(name)
        if system is None:
            yield Finding((f"systems[{position}]",), f"there is no system {name}", nearest(name, config.systems))
        else:
            yield from _Within(runbook, config, name, system).findings()
    for at in all_steps(runbook):
        for doing, path in doings(at):
            yield from _ways(doing, path, config)


def _environments(runbook: Runbook, config: Config) -> Iterator[Finding]:
    known = {"default", *config.environments}
    for position, name in enumerate(runbook.environments):
        if name not in known:
            yield Finding((f"environments[{position}]",), f"there is no environment {name}", nearest(name, known))
    for name in runbook.systems:
        system = config.systems.get(name)
        if system is not None and runbook.environments:
            place = system.environment or config.environment
            if place not in runbook.environments:
                remedy = f"add {place}, or leave environments out"
                yield Finding(("environments",), f"leaves out {place}, where {name} is", remedy)


def _ways(doing: object, path: KeyPath, config: Config) -> Iterator[Finding]:
    """Bastions and channels."""
    if isinstance(doing, GateAction):
        yield from _ways(doing.check, (*path, "check"), config)
    via = doing.via if isinstance(doing, CommandAction | CommandCheck | HttpAction | HttpCheck) else ""
    if via and via not in config.bastions:
        yield Finding((*path, "via"), f"there is no bastion {via}", nearest(via, config.bastions))
    if isinstance(doing, NotifyAction) and doing.channel:
        remedy = "leave it out: the message is recorded, and shown in the run"
        yield Finding((*path, "channel"), f"there is no channel {doing.channel}", remedy)
    if isinstance(doing, QueryCheck):
        source = config.sources.get(doing.source)
        able = [name for name, one in config.sources.items() if isinstance(one, PrometheusConfig)]
        if source is None:
            yield Finding((*path, "source"), f"there is no source {doing.source}", nearest(doing.source, able))
        elif not isinstance(source, PrometheusConfig):
            yield Finding((*path, "source"), f"{doing.source} answers no PromQL", nearest("", able))


class _Within:
    """What a runbook names in one of its systems."""

    def __init__(self, runbook: Runbook, config: Config, name: str, system: System) -> None:
        self._runbook = runbook
        self._config = config
        self._name = name
        self._system = system
        eaches = [at.step.do for at in all_steps(runbook) if isinstance(at.step.do, EachAction)]
        self._variables = {each.variable: each.over for each in eaches}

    def findings(self) -> Iterator[Finding]:
        known = self._runbook.parameters
        for name, parameter in known.items():
            if isinstance(parameter, ListedParameter):
                yield from self._listed(parameter, ("parameters", name))
        for name, read in self._runbook.reads.items():
            key: KeyPath = ("reads", name, "resource")
            yield from self._resources(read.resource, key, KINDS.get(read.of), f"has no {WORDS.get(read.of, read.of)}")
            if read.of in CONFIGURED:
                for resource in self._possible(read.resource):
                    exists = resource in self._system.resources
                    if exists and configured(self._config, self._name, read.of, resource) is None:
                        remedy = "write it out, or add it to the resource or its source"
                        yield Finding(key, f"{resource} of {self._name} has no {read.of}", remedy)
        for position, text in enumerate(self._runbook.touches):
            yield from self._resources(text, (f"touches[{position}]",), None, "")
        for at in all_steps(self._runbook):
            for doing, path in doings(at):
                yield from self._doing(doing, path, at)

    def _listed(self, parameter: ListedParameter, path: KeyPath) -> Iterator[Finding]:
        if parameter.kind and parameter.kind not in _TAGS:
            yield Finding((*path, "kind"), f"{parameter.kind} is no kind of resource", nearest(parameter.kind, _TAGS))
        if parameter.resource is not None:
            failing = f"has no {WORDS.get(parameter.of, parameter.of)}"
            yield from self._resources(parameter.resource, (*path, "resource"), KINDS.get(parameter.of), failing)

    def _doing(self, doing: object, path: KeyPath, at: At) -> Iterator[Finding]:
        match doing:
            case ApiAction(ability="snooze"):
                yield from self._snooze(doing, path)
            case ApiAction():
                failing = f"cannot {doing.ability.replace('_', ' ')}"
                yield from self._resources(doing.resource, (*path, "resource"), ABLE[doing.ability], failing, at)
            case GateAction(check=check):
                yield from self._doing(check, (*path, "check"), at)
            case IndicatorCheck():
                yield from self._indicator(doing, path, at)
            case RolloutCheck():
                yield from self._rollout(doing, path, at)
            case _:
                pass

    def _resources(
        self, text: str, path: KeyPath, kinds: frozenset[type] | None, failing: str, at: At | None = None
    ) -> Iterator[Finding]:
        """Every resource that a text can name exists and is of a kind."""
        resources = self._system.resources
        for name in self._possible(text, at):
            if name not in resources:
                yield Finding(path, f"{self._name} has no resource {name}", nearest(name, resources))
            elif kinds is not None and type(resources[name]) not in kinds:
                able = [other for other, one in resources.items() if type(one) in kinds]
                yield Finding(path, f"{name} is a {kind_of(resources[name])}, which {failing}", nearest("", able))
        chosen = self._chosen(text, at)
        kind = chosen.kind if isinstance(chosen, ListedParameter) and chosen.of == "resources" else None
        if kinds is not None and kind is not None and _TAGS.get(kind) not in kinds:
            able = sorted(tag for tag, each in _TAGS.items() if each in kinds)
            problem = f"may be a {kind or 'resource of any kind'}, which {failing}"
            yield Finding(path, problem, f"give the parameter kind = {' or '.join(able)}")

    def _snooze(self, do: ApiAction, path: KeyPath) -> Iterator[Finding]:
        for name in self._possible(do.resource):
            known = self._system.resources.get(name)
            if known is None:
                remedy = nearest(name, self._system.resources)
                yield Finding((*path, "resource"), f"{self._name} has no resource {name}", remedy)
            elif not isinstance(self._config.sources.get(known.source), GcpConfig):
                yield Finding((*path, "resource"), f"{name} is not in Google Cloud, which snoozes", "name one there")

    def _indicator(self, check: IndicatorCheck, path: KeyPath, at: At) -> Iterator[Finding]:
        for service, indicator in self._pairs(check, at):
            if service not in self._system.services:
                remedy = nearest(service, self._system.services)
                yield Finding((*path, "service"), f"{self._name} has no service {service}", remedy)
                continue
            known = self._indicators(service)
            if indicator not in known:
                remedy = nearest(indicator, known)
                yield Finding((*path, "indicator"), f"{service} has no indicator {indicator}", remedy)
                continue
            try:
                within(check.limit, known[indicator], 0.0)
            except ValueError as error:
                problem, _, remedy = str(error).partition("; ")
                yield Finding((*path, "limit"), problem, remedy)

    def _pairs(self, check: IndicatorCheck, at: At) -> list[tuple[str, str]]:
        """Each service with its indicator: a name that stands in both is the same in both."""
        together = self._possible(f"{check.service}\n{check.indicator}", at)
        found = [text.partition("\n") for text in together]
        return [(service, indicator) for service, _, indicator in found]

    def _indicators(self, service: str) -> Mapping[str, Unit]:
        """The indicators of a service with their units."""
        system = self._system
        found: dict[str, Unit] = {}
        for name, one in system.indicators.items():
            if service in (one.services or system.services):
                kind = one.__struct_config__.tag
                total = getattr(one, "total", None)
                ratio = kind == "ratio" or (kind == "cloudwatch" and total)
                found[name] = (
                    Unit.RATIO if ratio else Unit.SECONDS if kind == "latency" else getattr(one, "unit", Unit.COUNT)
                )
        for name, probe in system.probes.items():
            if probe.service == service:
                measured = probe_indicator(self._name, name, probe, EMPTY)
                found[measured.id] = measured.unit
        for name, resource in system.resources.items():
            if resource.service == service:
                found |= {one.id: one.unit for one in resource_indicators(self._name, name, resource)}
        return found

    def _rollout(self, check: RolloutCheck, path: KeyPath, at: At) -> Iterator[Finding]:
        rolling = {one.service for one in self._system.resources.values() if type(one) in KINDS["serving"]}
        for service in self._possible(check.service, at):
            if service not in self._system.services:
                remedy = nearest(service, self._system.services)
                yield Finding((*path, "service"), f"{self._name} has no service {service}", remedy)
            elif service not in rolling:
                yield Finding((*path, "service"), f"no source tells of rollouts of {service}", nearest("", rolling))

    def _chosen(self, text: str, at: At | None) -> AnyParameter | None:
        """The parameter whose value the text is, alone."""
        name = text[1:-1] if text.startswith("{") and text.endswith("}") else ""
        if at is not None and at.each is not None and name == at.each.variable:
            name = at.each.over
        return self._runbook.parameters.get(name) or self._runbook.parameters.get(self._variables.get(name, ""))

    def _possible(self, text: str, at: At | None = None) -> list[str]:
        """What a text can become, as far as that is known: nothing when a value may be anything."""
        try:
            named = names(text, Place.NAME)
        except TemplateError:
            return []
        options: list[tuple[str, ...]] = []
        for name in named:
            chosen = self._chosen(f"{{{name}}}", at)
            if not isinstance(chosen, EnumParameter):
                return []
            options.append(chosen.options)
        filled = (dict(zip(named, each, strict=True)) for each in itertools.product(*options))
        return [filled_in(text, Place.NAME, values) for values in itertools.islice(filled, _MOST_NAMES)]
