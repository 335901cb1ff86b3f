"""What no single value can show: names that must exist elsewhere, settings that exclude or need each other."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

from tuiops.config.clouds import AwsConfig, CloudConfig, ElasticsearchConfig, GcpConfig, LokiConfig
from tuiops.config.credentials import AwsCredentials, GoogleCredentials
from tuiops.config.logs import CloudLog, CloudWatchLog, ElasticsearchLog, LogConfig, LokiLog, StoredLog
from tuiops.config.model import LedgerConfig, Permission
from tuiops.config.resources import (
    CloudSqlResource,
    GcpResource,
    RdsResource,
    ResourceConfig,
    SecretResource,
    SecretsManagerResource,
)
from tuiops.config.sources import (
    Basic,
    HostConfig,
    HttpSourceConfig,
    PrometheusConfig,
    Tls,
    aws_region,
    takes_google_tokens,
)  # fmt: skip
from tuiops.config.systems import (
    CloudWatchIndicator,
    GaugeIndicator,
    IndicatorConfig,
    LatencyIndicator,
    ProbeConfig,
    RatioIndicator,
    System,
    TlsProbe,
)  # fmt: skip
from tuiops.config.texts import nearest
from tuiops.config.tree import KeyPath, dotted
from tuiops.config.values import ONE_PLACE, Secret
from tuiops.config.walk import structs
from tuiops.core.health import Comparison, Limit
from tuiops.core.promql import Selector
from tuiops.core.severity import Severity
from tuiops.core.units import Unit, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import msgspec

    from tuiops.config.model import Config
    from tuiops.config.tree import Tree

_LOG_FIELDS = ("time", "level", "message", "service")
_SECRET_WORDS = ("token", "secret", "key", "auth", "cookie", "password")
"""A header whose name contains one of them holds a secret."""
_UPWARDS = frozenset({Comparison.ABOVE, Comparison.AT_LEAST})


def check(config: Config, tree: Tree) -> None:
    """Add every mistake between settings to `tree.faults`, except in tables that have faults already."""
    _Checker(config, tree).run()


_LOG_STORES: Mapping[type, type] = {
    CloudLog: GcpConfig, CloudWatchLog: AwsConfig, ElasticsearchLog: ElasticsearchConfig, LokiLog: LokiConfig,
}  # fmt: skip
"""What holds each kind of log stream."""


class _Checker:
    """Visits every struct of a configuration; one method for each type that has something to check."""

    def __init__(self, config: Config, tree: Tree) -> None:
        self._config = config
        self._tree = tree
        self._faulty = {fault.key.rpartition(".")[0] for fault in tree.faults}

    def run(self) -> None:
        self._environment(self._config.environment, ("environment",))
        self._people()
        for value, path in structs(self._config):
            self.visit(value, path)

    @singledispatchmethod
    def visit(self, value: object, path: KeyPath) -> None:
        """Most types have nothing that their fields do not show one by one."""

    @visit.register
    def _(self, secret: Secret, path: KeyPath) -> None:
        if secret.mistake:
            self._fault((*path, ""), secret.mistake, ONE_PLACE)

    @visit.register
    def _(self, ledger: LedgerConfig, path: KeyPath) -> None:
        if ledger.path is not None and ledger.url is not None:
            self._fault((*path, "url"), "is given beside path", "keep one of them: there is one record")

    @visit.register
    def _(self, tls: Tls, path: KeyPath) -> None:
        if (tls.cert is None) != (tls.key is None):
            missing = "key" if tls.key is None else "cert"
            self._fault((*path, missing), "is missing", "a client certificate needs both cert and key")

    @visit.register
    def _(self, source: HttpSourceConfig, path: KeyPath) -> None:
        self._http(source, path)

    def _http(self, source: HttpSourceConfig, path: KeyPath) -> None:
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
    def _(self, source: PrometheusConfig, path: KeyPath) -> None:
        self._http(source, path)
        self._credentials(source.credentials, (GoogleCredentials, AwsCredentials), (*path, "credentials"))
        if source.credentials is not None and (source.bearer is not None or source.basic is not None):
            self._fault((*path, "credentials"), "is given beside bearer or basic", "keep one of them")
        known = self._config.credentials.get(source.credentials or "")
        if isinstance(known, AwsCredentials) and aws_region(source.url) is None:
            remedy = "write https://aps-workspaces.REGION.amazonaws.com/workspaces/ID"
            self._fault((*path, "url"), "names no region for which requests could be signed", remedy)
        if isinstance(known, GoogleCredentials) and not takes_google_tokens(source.url):
            remedy = "write https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus"
            self._fault((*path, "url"), "is not Google's over https, and would be sent Google's access token", remedy)

    @visit.register
    def _(self, cloud: CloudConfig, path: KeyPath) -> None:
        self._bastion(cloud.via, (*path, "via"))
        kind = GoogleCredentials if isinstance(cloud, GcpConfig) else AwsCredentials
        self._credentials(cloud.credentials, (kind,), (*path, "credentials"))

    @visit.register
    def _(self, resource: ResourceConfig, path: KeyPath) -> None:
        cloud = GcpConfig if isinstance(resource, GcpResource) else AwsConfig
        self._source(resource.source, (cloud,), f"has no {_tag(resource)}", path)
        for name, kinds in (
            ("backup", (CloudSqlResource, RdsResource)),
            ("rotate", (SecretResource, SecretsManagerResource)),
        ):
            if isinstance(resource, kinds):
                self._limit(getattr(resource, name), Unit.SECONDS, (*path, name))

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
        self._services_of(system, path)

    def _services_of(self, system: System, path: KeyPath) -> None:
        """Whatever speaks for a service names one that is there."""
        for name, indicator in system.indicators.items():
            for position, service in enumerate(indicator.services):
                key = (*path, "indicators", name, f"services[{position}]")
                self._known(service, system.services, (*path, "services"), key)
        parts: tuple[tuple[str, Mapping[str, ProbeConfig | ResourceConfig]], ...] = (
            ("probes", system.probes),
            ("resources", system.resources),
        )
        for table, entries in parts:
            for name, entry in entries.items():
                self._known(entry.service, system.services, (*path, "services"), (*path, table, name, "service"))
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
        self._indicator(gauge, Unit(gauge.unit), path)
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
        self._fields(log, path)

    def _fields(self, log: LogConfig, path: KeyPath) -> None:
        for name in log.fields:
            if name not in _LOG_FIELDS:
                self._fault((*path, "fields", name), "is not a part of a record", nearest(name, _LOG_FIELDS))

    @visit.register
    def _(self, log: StoredLog, path: KeyPath) -> None:
        self._fields(log, path)
        self._source(log.source, (_LOG_STORES[type(log)],), f"has no {_tag(log)}", path)

    @visit.register
    def _(self, indicator: CloudWatchIndicator, path: KeyPath) -> None:
        self._indicator(indicator, Unit.RATIO if indicator.total else Unit(indicator.unit), path)
        if indicator.period % 60 or not indicator.period:
            self._fault((*path, "period"), "is not a whole number of minutes", "write 1m, 5m or 1h")

    def _indicator(self, indicator: IndicatorConfig, unit: Unit, path: KeyPath) -> None:
        kind = AwsConfig if isinstance(indicator, CloudWatchIndicator) else PrometheusConfig
        self._source(indicator.source, (kind,), "answers no such queries", path)
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

    def _people(self) -> None:
        """An account proves one person; rules without people would speak of nobody."""
        known: dict[str, str] = {}
        for name, person in self._config.people.items():
            for account in person.accounts:
                if account in known:
                    remedy = "an account belongs to one person"
                    self._fault(("people", name, "accounts"), f"{account} is that of {known[account]} already", remedy)
                known[account] = name
        if self._config.permissions and not self._config.people and not self._tree.holds("people"):
            remedy = "add [people.NAME] with the accounts that they speak of"
            self._fault(("permissions",), "allow nobody anything without people", remedy)

    @visit.register
    def _(self, permission: Permission, path: KeyPath) -> None:
        for name in permission.people:
            self._known(name, self._config.people, ("people",), (*path, "people"))
        for name in permission.systems:
            self._known(name, self._config.systems, ("systems",), (*path, "systems"))
        for name in permission.environments:
            self._environment(name, (*path, "environments"))

    def _credentials(self, name: str | None, kinds: tuple[type, ...], path: KeyPath) -> None:
        """What is named must be there, and of the cloud that it is for."""
        known = self._config.credentials
        if name is None or not self._known(name, known, ("credentials",), path) or name not in known:
            return
        if not isinstance(known[name], kinds):
            able = [other for other, each in known.items() if isinstance(each, kinds)]
            self._fault(path, f"names credentials of type {_tag(known[name])}", nearest("", able))

    def _source(self, name: str, kinds: tuple[type, ...], failing: str, path: KeyPath) -> None:
        """What is named must be there, and able to answer."""
        key = (*path, "source")
        sources = self._config.sources
        if self._known(name, sources, ("sources",), key):
            source = sources.get(name)
            if source is not None and not isinstance(source, kinds):
                able = [other for other, each in sources.items() if isinstance(each, kinds)]
                self._fault(key, f"names a source of type {_tag(source)}, which {failing}", nearest("", able))

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


def _tag(table: msgspec.Struct) -> str:
    return str(table.__struct_config__.tag)
