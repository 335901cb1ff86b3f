"""What a Google Cloud project has that could be watched, as tables of a configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tuiops.config.draft import Draft
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.sources.gcp.client import PAGE, Page
from tuiops.sources.gcp.message import Message, short
from tuiops.sources.gcp.run.wire import Service, Services
from tuiops.sources.http import decode
from tuiops.sources.together import raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.proposal import Proposal
    from tuiops.sources.gcp.client import GoogleClient

MOST = 200
"""Resources of a kind that are proposed."""

SECONDS = 30.0
"""Deadline of one listing."""

_REGION = re.compile(r"[a-z0-9-]+", re.ASCII)
_MANAGED = "https://monitoring.googleapis.com/v1/projects/{}/location/global/prometheus"
_CPU = (
    "histogram_quantile(0.99, sum by (service_name, le) "
    '(rate(run_googleapis_com:container_cpu_utilizations_bucket{monitored_resource="cloud_run_revision"}[5m])))'
)


class BackupSettings(Message, frozen=True, kw_only=True):
    """Whether backups are taken."""

    enabled: bool = False


class DatabaseSettings(Message, frozen=True, kw_only=True):
    """What the owner of a database has set."""

    backup_configuration: BackupSettings = BackupSettings()


class Database(Message, frozen=True, kw_only=True):
    """A Cloud SQL instance."""

    name: str
    database_version: str = ""
    region: str = ""
    settings: DatabaseSettings = DatabaseSettings()


class Databases(Page, frozen=True, kw_only=True):
    """A page of Cloud SQL instances."""

    items: tuple[Database, ...] = ()


class Named(Message, frozen=True, kw_only=True):
    """Anything of which the name is enough."""

    name: str


class Caches(Page, frozen=True, kw_only=True):
    """A page of Memorystore instances."""

    instances: tuple[Named, ...] = ()


class Secrets(Page, frozen=True, kw_only=True):
    """A page of secrets; there is no message here that holds a value."""

    secrets: tuple[Named, ...] = ()


class Sites(Page, frozen=True, kw_only=True):
    """A page of Hosting sites."""

    sites: tuple[Named, ...] = ()


class Monitored(Message, frozen=True, kw_only=True):
    """What an uptime check asks."""

    type: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Check(Message, frozen=True, kw_only=True):
    """An uptime check."""

    name: str
    display_name: str = ""
    disabled: bool = False
    monitored_resource: Monitored = Monitored()


class Checks(Page, frozen=True, kw_only=True):
    """A page of uptime checks."""

    uptime_check_configs: tuple[Check, ...] = ()


class _Kind(NamedTuple):
    """How one kind of resource is listed."""

    what: SafeText
    """In the plural."""
    page: type[Page]
    api: str
    path: str
    items: Callable[[Any], Sequence[Any]]
    params: tuple[tuple[str, str], ...] = ()


def _kinds(project: str, region: str | None) -> Mapping[str, _Kind]:
    size = (("pageSize", str(PAGE)),)
    run = _Kind(
        what=lit("Cloud Run services"), page=Services, api="run", params=size,
        path=f"v2/projects/{project}/locations/{region}/services", items=lambda page: page.services,
    )  # fmt: skip
    return {
        **({"run": run} if region else {}),
        "sql": _Kind(
            what=lit("Cloud SQL instances"), page=Databases, api="sqladmin",
            path=f"v1/projects/{project}/instances", items=lambda page: page.items,
        ),
        "redis": _Kind(
            what=lit("Memorystore instances"), page=Caches, api="redis", params=size,
            path=f"v1/projects/{project}/locations/-/instances", items=lambda page: page.instances,
        ),
        "hosting": _Kind(
            what=lit("Firebase Hosting sites"), page=Sites, api="firebasehosting", params=size,
            path=f"v1beta1/projects/{project}/sites", items=lambda page: page.sites,
        ),
        "uptime": _Kind(
            what=lit("uptime checks"), page=Checks, api="monitoring", params=size,
            path=f"v3/projects/{project}/uptimeCheckConfigs", items=lambda page: page.uptime_check_configs,
        ),
        "secrets": _Kind(
            what=lit("secrets"), page=Secrets, api="secretmanager", params=size,
            path=f"v1/projects/{project}/secrets", items=lambda page: page.secrets,
        ),
    }  # fmt: skip


async def discover(
    client: GoogleClient, config: GcpConfig, credentials: Mapping[str, str], names: tuple[str, str]
) -> Proposal:
    """Services, resources, indicators and logs of a project.

    `credentials` is the table of what is asked with; `names` are the identifiers of the source and of the system. What
    alone cannot be read is a warning. Raises errors.SourceError when nothing can.
    """
    kinds = _kinds(config.project, config.region)
    jobs = {name: _listed(client, kind) for name, kind in kinds.items()}
    found, failed = await together(jobs, SECONDS, lambda _: lit("Google Cloud"))
    raise_if_all(found, failed)
    finder = _Finder(config, credentials, Draft(*names))
    if config.region is None:
        finder.draft.warn(lit("Cloud Run services: name their region with --region"))
    finder.draft.warn(*(fmt("{}: {}", kinds[name].what, safe(str(error), 300)) for name, error in failed.items()))
    for name, (items, warnings) in found.items():
        finder.draft.warn(*warnings)
        finder.take(name, items)
    return finder.proposal()


async def _listed(client: GoogleClient, kind: _Kind) -> tuple[Sequence[Any], Sequence[SafeText]]:
    listing = await client.pages(kind.page, kind.api, kind.path, kind.params, items=kind.items, most=MOST)
    unread = [fmt("{}: {} did not answer", kind.what, place) for place in listing.unreachable]
    if listing.truncated:
        unread.append(fmt("{}: there are more than {}", kind.what, MOST))
    return listing.items, unread


class _Finder:
    """Drafts one kind of resource after the other."""

    def __init__(self, config: GcpConfig, credentials: Mapping[str, str], draft: Draft) -> None:
        self.draft = draft
        self._config = config
        self._credentials = credentials
        self._metrics = f"{draft.source}-metrics"
        self._runs: list[str] = []
        self._sources()

    def take(self, kind: str, items: Iterable[Any]) -> None:
        """All resources of a kind."""
        takes: Mapping[str, Callable[[Any], None]] = {
            "run": self._run, "sql": self._sql, "redis": self._redis, "hosting": self._hosting, "uptime": self._uptime,
            "secrets": self._secret,
        }  # fmt: skip
        for item in items:
            takes[kind](item)

    def proposal(self) -> Proposal:
        """Everything found."""
        if self._runs:
            self._all_runs(self._runs)
        return self.draft.proposal()

    def _sources(self) -> None:
        config, name = self._config, self.draft.source
        region = {"region": config.region} if config.region else {}
        self.draft.root(
            ("credentials", name), {"type": "google", **self._credentials},
            lit("Who asks: without a `file`, the credentials that this machine has by itself."),
        )  # fmt: skip
        self.draft.root(
            ("sources", name), {"type": "gcp", "project": config.project, **region, "credentials": name},
            lit("The project: states of its resources, rollouts, alerts, logs."),
        )  # fmt: skip
        self.draft.root(
            ("sources", self._metrics),
            {
                "type": "prometheus", "url": _MANAGED.format(config.project), "credentials": name,
                "interval": "60s", "timeout": "30s", "targets": False,
            },
            lit("Its metrics, those of Cloud Monitoring among them, in PromQL."),
        )  # fmt: skip

    def _run(self, raw: bytes) -> None:
        service = decode(bytes(raw), Service, lit("run"))
        name = short(service.name)
        scaling = service.template.scaling
        bounds = {"min_instances": scaling.min_instance_count, "max_instances": scaling.max_instance_count}
        expect = {key: bound for key, bound in bounds.items() if bound}
        state = lit("Whether it is ready, and how its traffic is shared among revisions.")
        today = lit("`expect` is what it is set to today: what differs later is shown as drift.") if expect else EMPTY
        told = (name, fmt("Cloud Run service {}.", safe(name, 80)))
        more = {"expect": expect} if expect else {}
        id_ = self.draft.resource("cloud_run", name, told, (state, today), **more)
        if id_ is not None:
            self._runs.append(id_)

    def _sql(self, database: Database) -> None:
        name = database.name
        backups = database.settings.backup_configuration.enabled
        told = (name, fmt("Cloud SQL instance {}, {}.", safe(name, 80), safe(database.database_version, 40)))
        kept = (
            lit("Backed up every day: after 26 h the last good one is late.") if backups else lit("It has no backups.")
        )
        more = {"backup": "> 26h"} if backups else {}
        id_ = self.draft.resource("cloud_sql", name, told, (lit("Whether it runs."), kept), **more)
        if id_ is not None:
            selector = f'{{database_id=~".+:{name.replace(".", "[.]")}"}}'
            self.draft.indicator(
                f"{name} cpu", "gauge", self._metrics,
                lit("The share of its CPU that is used; the limit is a guess. It is known up to 165 s late."),
                heading="CPU", services=[id_], by="", unit="ratio",
                query=f"cloudsql_googleapis_com:database_cpu_utilization{selector}", degraded="> 80%", max_age="5m",
            )  # fmt: skip

    def _redis(self, cache: Named) -> None:
        name, parts = short(cache.name), cache.name.split("/")
        place = parts[3] if len(parts) > 3 and _REGION.fullmatch(parts[3]) else ""
        more = {"region": place} if place and place != self._config.region else {}
        told = (name, fmt("Memorystore instance {}.", safe(name, 80)))
        self.draft.resource("memorystore", name, told, (lit("Whether it is ready."),), **more)

    def _hosting(self, site: Named) -> None:
        name = short(site.name)
        told = (name, fmt("Firebase Hosting site {}.", safe(name, 80)))
        self.draft.resource("firebase_hosting", name, told, (lit("Its releases are shown as rollouts."),))

    def _uptime(self, check: Check) -> None:
        if check.disabled:
            return
        labels = check.monitored_resource.labels
        service = labels.get("service_name") or labels.get("host") or check.display_name or short(check.name)
        told = (service, fmt("What the uptime check {} asks.", safe(check.display_name, 80)))
        state = lit("Whether it can be reached from around the world.")
        self.draft.resource("uptime_check", short(check.name), told, (state,), heading="UPTIME")

    def _secret(self, secret: Named) -> None:
        told = ("secrets", lit("The secrets of the project, together."))
        state = lit("The states of its versions, never their values.")
        self.draft.resource("secret", short(secret.name), told, (state,), heading="SECRET")

    def _all_runs(self, services: Sequence[str]) -> None:
        """What is measured of all Cloud Run services together: one query each, however many there are."""
        self.draft.indicator(
            "errors", "ratio", self._metrics,
            lit("The share of requests that fail, from one query for all services. The limits are guesses."),
            heading="ERR%", services=services, by="service_name", total="run_googleapis_com:request_count",
            bad='run_googleapis_com:request_count{response_code_class="5xx"}', revision="revision_name",
            degraded="> 1%", down="> 5%", max_age="5m",
        )  # fmt: skip
        self.draft.indicator(
            "p95", "latency", self._metrics,
            lit("How long 95% of requests take at most. It has no limit yet: add `degraded`, such as > 1s."),
            heading="P95", services=services, by="service_name", max_age="5m", revision="revision_name",
            histogram="run_googleapis_com:request_latencies_bucket", histogram_unit="milliseconds",
        )  # fmt: skip
        self.draft.indicator(
            "cpu", "gauge", self._metrics,
            lit("The share of its CPU that the busiest instance uses. The limit is a guess."),
            heading="CPU", services=services, by="service_name", unit="ratio", query=_CPU, degraded="> 80%",
        )  # fmt: skip
        self.draft.log(
            "run", "cloud_logging",
            lit("What Cloud Run services log. Name the fields with personal data in `mask`."),
            resource="cloud_run_revision", severity="WARNING", mask=["remoteIp"],
        )  # fmt: skip
