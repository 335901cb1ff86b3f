"""What no single value can show: names that must exist elsewhere, settings that exclude or need each other."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

from tuiops.config.sources import (
    Basic,
    HostConfig,
    HttpSourceConfig,
    PrometheusConfig,
    SourceConfig,
    Tls,
)  # fmt: skip
from tuiops.config.systems import (
    GaugeIndicator,
    IndicatorConfig,
    LatencyIndicator,
    LogConfig,
    ProbeConfig,
    RatioIndicator,
    System,
    TlsProbe,
)  # fmt: skip
from tuiops.config.texts import nearest
from tuiops.config.tree import KeyPath, dotted
from tuiops.config.values import Secret
from tuiops.config.walk import structs
from tuiops.core.health import Comparison, Limit
from tuiops.core.promql import Selector
from tuiops.core.severity import Severity
from tuiops.core.units import Unit, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuiops.config.model import Config
    from tuiops.config.tree import Tree

_LOG_FIELDS = ("time", "level", "message", "service")
_SECRET_WORDS = ("token", "secret", "key", "auth", "cookie", "password")
"""A header whose name contains one of them holds a secret."""
_UPWARDS = frozenset({Comparison.ABOVE, Comparison.AT_LEAST})


def check(config: Config, tree: Tree) -> None:
    """Add every mistake between settings to `tree.faults`, except in tables that have faults already."""
    _Checker(config, tree).run()


class _Checker:
    """Visits every struct of a configuration; one method for each type that has something to check."""

    def __init__(self, config: Config, tree: Tree) -> None:
        self._config = config
        self._tree = tree
        self._faulty = {fault.key.rpartition(".")[0] for fault in tree.faults}

    def run(self) -> None:
        self._environment(self._config.environment, ("environment",))
        for value, path in structs(self._config):
            self.visit(value, path)

    @singledispatchmethod
    def visit(self, value: object, path: KeyPath) -> None:
        """Most types have nothing that their fields do not show one by one."""

    @visit.register
    def _(self, secret: Secret, path: KeyPath) -> None:
        given = [name for name in ("env", "file", "command") if getattr(secret, name) is not None]
        if len(given) != 1:
            said = f"names {' and '.join(given)}" if given else "names no place"
            self._fault((*path, ""), said, "give exactly one of env, file, command")

    @visit.register
    def _(self, tls: Tls, path: KeyPath) -> None:
        if (tls.cert is None) != (tls.key is None):
            missing = "key" if tls.key is None else "cert"
            self._fault((*path, missing), "is missing", "a client certificate needs both cert and key")

    @visit.register
    def _(self, source: HttpSourceConfig, path: KeyPath) -> None:
        self._bastion(source.via, (*path, "via"))
        if source.bearer is not None and source.basic is not None:
            self._fault((*path, "basic"), "is given beside bearer", "keep one of the two")
        for name in source.headers:
            if any(word in name.lower() for word in _SECRET_WORDS):
                remedy = "take it out and give `bearer` or `basic`, which keep secrets out of this file"
                self._fault((*path, "headers", name), "would hold a secret", remedy)
            elif not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
                self._fault((*path, "headers", name), "is not a header's name", "use letters, digits and -")

    @visit.register
    def _(self, basic: Basic, path: KeyPath) -> None:
        if ":" in basic.user:
            self._fault((*path, "user"), "holds a colon, which HTTP cannot carry", "check the user name")

    @visit.register
    def _(self, host: HostConfig, path: KeyPath) -> None:
        for name in ("cpu", "memory", "swap"):
            self._limit(getattr(host, name), Unit.RATIO, (*path, name))
        self._limit(host.load, Unit.COUNT, (*path, "load"))
        self._limits(host.disk, host.disk_down, Unit.RATIO, path, ("disk", "disk_down"))

    @visit.register
    def _(self, system: System, path: KeyPath) -> None:
        if system.environment is not None:
            self._environment(system.environment, (*path, "environment"))
        for word in system.respond:
            if word not in Severity.__members__:
                self._fault((*path, "respond", word), "is not a severity", nearest(word, Severity.__members__))
        for name in system.indicators.keys() & system.probes.keys():
            self._fault((*path, "probes", name), "has the name of an indicator", "rename one of the two")
        for name, indicator in system.indicators.items():
            for position, service in enumerate(indicator.services):
                key = (*path, "indicators", name, f"services[{position}]")
                self._known(service, system.services, (*path, "services"), key)
        for name, probe in system.probes.items():
            self._known(probe.service, system.services, (*path, "services"), (*path, "probes", name, "service"))
        for name, log in system.logs.items():
            if log.service is not None:
                self._known(log.service, system.services, (*path, "services"), (*path, "logs", name, "service"))

    @visit.register
    def _(self, ratio: RatioIndicator, path: KeyPath) -> None:
        self._indicator(ratio, Unit.RATIO, path)
        if (ratio.bad is None) == (ratio.good is None):
            said = "is missing, and so is good" if ratio.bad is None else "is given beside good"
            self._fault((*path, "bad"), said, "give exactly one of bad, good")
        if ratio.objective is not None:
            self._objective(ratio.objective, (*path, "objective"))

    @visit.register
    def _(self, latency: LatencyIndicator, path: KeyPath) -> None:
        self._indicator(latency, Unit.SECONDS, path)

    @visit.register
    def _(self, gauge: GaugeIndicator, path: KeyPath) -> None:
        self._indicator(gauge, gauge.unit, path)
        if gauge.max_age is not None and Selector.parse(gauge.query) is None:
            problem = "never passes: the result of an expression is as old as the query"
            remedy = 'take it out, or let query be a plain selector, such as queue_length{job="api"}'
            self._fault((*path, "max_age"), problem, remedy)

    @visit.register
    def _(self, probe: ProbeConfig, path: KeyPath) -> None:
        self._bastion(getattr(probe, "via", None), (*path, "via"))
        down = probe.down if isinstance(probe, TlsProbe) else None
        self._limits(probe.degraded, down, Unit.SECONDS, path)

    @visit.register
    def _(self, log: LogConfig, path: KeyPath) -> None:
        for name in log.fields:
            if name not in _LOG_FIELDS:
                self._fault((*path, "fields", name), "is not a part of a record", nearest(name, _LOG_FIELDS))

    def _indicator(self, indicator: IndicatorConfig, unit: Unit, path: KeyPath) -> None:
        key = (*path, "source")
        sources = self._config.sources
        if self._known(indicator.source, sources, ("sources",), key):
            source = sources.get(indicator.source)
            if source is not None and not isinstance(source, PrometheusConfig):
                able = [name for name, each in sources.items() if isinstance(each, PrometheusConfig)]
                kind = _tag(source)
                self._fault(key, f"names a source of type {kind}, which answers no queries", nearest("", able))
        if indicator.by is None and not indicator.services:
            remedy = 'list the services, such as services = ["api"]'
            self._fault((*path, "services"), 'is missing, and by = "" leaves nothing to tell services apart', remedy)
        self._limits(indicator.degraded, indicator.down, unit, path)

    def _limits(
        self,
        degraded: str | None,
        down: str | None,
        unit: Unit,
        path: KeyPath,
        names: tuple[str, str] = ("degraded", "down"),
    ) -> None:
        first = self._limit(degraded, unit, (*path, names[0]))
        second = self._limit(down, unit, (*path, names[1]))
        if first is None or second is None:
            return
        upwards = first.comparison in _UPWARDS
        beyond = second.value >= first.value if upwards else second.value <= first.value
        if upwards != (second.comparison in _UPWARDS) or not beyond:
            problem = f"{second} is not beyond {names[0]}, {first}"
            self._fault((*path, names[1]), problem, f"what is down must be worse than what is {names[0]}")

    def _limit(self, text: str | None, unit: Unit, path: KeyPath) -> Limit | None:
        if text is None:
            return None
        try:
            return Limit.parse(text, unit)
        except ValueError as error:
            problem, _, remedy = str(error).partition("; ")
            self._fault(path, problem, remedy)
            return None

    def _objective(self, text: str, path: KeyPath) -> None:
        try:
            share = parse_quantity(text, Unit.RATIO)
        except ValueError as error:
            self._fault(path, str(error), "write a share, such as 99.9%")
            return
        if not 0 < share < 1:
            self._fault(path, f"{text} leaves no error budget to spend", "give a share between 0% and 100%")

    def _environment(self, name: str, path: KeyPath) -> None:
        environments = self._config.environments
        if name != "default" and not environments and not self._tree.holds("environments"):
            remedy = f"add [environments.{name}], with production = true if mistakes there reach customers"
            self._fault(path, f"{name} is declared nowhere", remedy)
        else:
            self._known(name, {"default", *environments}, ("environments",), path)

    def _bastion(self, name: str | None, path: KeyPath) -> None:
        if name is not None:
            self._known(name, self._config.bastions, ("bastions",), path)

    def _known(self, name: str, known: Iterable[str], table: KeyPath, path: KeyPath) -> bool:
        """Whether the name was given in a table; what was given but is wrong counts, to blame nothing twice."""
        if name in known or self._tree.holds(*table, name):
            return True
        self._fault(path, f"{name} is not among {'.'.join(table)}", nearest(name, known))
        return False

    def _fault(self, path: KeyPath, problem: str, remedy: str) -> None:
        table = dotted(path[:-1])
        if table not in self._faulty or not table:
            self._tree.fault(path if path[-1] else path[:-1], problem, remedy)


def _tag(source: SourceConfig) -> str:
    return str(source.__struct_config__.tag)
