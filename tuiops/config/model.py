"""The whole configuration: typed, every field with its description, which the reference and the schema repeat."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from tuiops.config.clouds import AwsConfig, ElasticsearchConfig, GcpConfig, LokiConfig
from tuiops.config.credentials import AnyCredentials
from tuiops.config.sources import AlertmanagerConfig, Bastion, HostConfig, PrometheusConfig, SimulationConfig
from tuiops.config.systems import System
from tuiops.config.values import KIND, Duration, FilePath, Id, Secret, Size, Zone

AnySource = (
    PrometheusConfig
    | AlertmanagerConfig
    | GcpConfig
    | AwsConfig
    | ElasticsearchConfig
    | LokiConfig
    | HostConfig
    | SimulationConfig
)

Page = Literal["overview", "health", "alerts", "rollouts"]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose unknown keys are mistakes."""


class EnvironmentConfig(_Table, frozen=True, kw_only=True):
    """One environment that systems can be in."""

    production: Annotated[bool, Meta(description="Whether mistakes here reach customers; marked everywhere if so.")] = (
        False
    )


class Display(_Table, frozen=True, kw_only=True):
    """How the console looks. It follows `theme`, `time_zone` and `bell` while it runs, the rest at its next start."""

    theme: Annotated[str, Meta(description="Name of a theme: built in, or a file in the themes folder.")] = "dark"
    time_zone: Annotated[Zone, Meta(description="IANA name of the zone that times are shown in.")] = "UTC"
    time_style: Annotated[
        Literal["local", "utc", "relative"], Meta(description="What times look like at the start.")
    ] = "local"
    ascii: Annotated[bool, Meta(description="Whether to draw with ASCII characters only.")] = False
    mouse: Annotated[
        Literal["auto", "on", "off"],
        Meta(description="`auto` is off over SSH and on otherwise; F2 toggles it."),
    ] = "auto"
    bell: Annotated[bool, Meta(description="Whether a new P1 rings the terminal's bell.")] = True


class Keys(_Table, frozen=True, kw_only=True):
    """Which key does what. The console follows changes while it runs."""

    preset: Annotated[
        Literal["default", "k9s", "vim", "less", "plain"], Meta(description="Set of keys to start from.")
    ] = "default"
    bind: Annotated[
        dict[str, str],
        Meta(
            description='Keys by action, several separated by commas, such as `pane.next = "tab,n"`.',
            extra={KIND: "dotted"},
        ),
    ] = {}


class Logs(_Table, frozen=True, kw_only=True):
    """How much of the logs is kept. A change counts at the next start."""

    memory: Annotated[Size, Meta(description="Memory for log lines; older ones make room.")] = Size(64_000_000)


class Wallboard(_Table, frozen=True, kw_only=True):
    """The wallboard's rotation. A change counts at the next start."""

    dwell: Annotated[Duration, Meta(description="How long each page stays.")] = Duration(15)
    pages: Annotated[tuple[Page, ...], Meta(description="Pages in their order.", min_length=1)] = get_args(Page)


class Runbooks(_Table, frozen=True, kw_only=True):
    """Where runbooks are. Files are read again whenever they change."""

    folders: Annotated[
        tuple[FilePath, ...],
        Meta(description="Folders of runbooks, one TOML file each; `runbooks` beside each file that is read."),
    ] = ()


class LedgerConfig(_Table, frozen=True, kw_only=True):
    """Where everything that is done is recorded. A console moves at once; a run goes on where it was begun."""

    path: Annotated[
        FilePath | None,
        Meta(description="File of the record, on a local disk; `ledger.db` in the state folder when left out."),
    ] = None
    url: Annotated[
        Secret | None,
        Meta(
            description="Address of a PostgreSQL database that several machines share, in place of `path`: "
            "`postgresql://USER:PASSWORD@HOST/DATABASE`. Needs the extra `postgres`."
        ),
    ] = None
    anchors: Annotated[
        FilePath | None,
        Meta(
            description="File where the end of the record is noted, best on another disk; "
            "beside the record, or in the state folder, when left out."
        ),
    ] = None


DangerLetter = Literal["S", "C", "X"]


class Person(_Table, frozen=True, kw_only=True):
    """Somebody who may do something. Without any, the user of this machine acts where `production = false` is said."""

    accounts: Annotated[
        tuple[Annotated[str, Meta(pattern="^[a-z]+:[^\\s]+$", max_length=255)], ...],
        Meta(description="How it is proven who sits there, such as `local:kim` or `ssh:SHA256:…`.", min_length=1),
    ]
    role: Annotated[
        Literal["viewer", "operator", "approver"],
        Meta(description="What the person is here for; each may do what the ones before it may."),
    ] = "viewer"


class Permission(_Table, frozen=True, kw_only=True):
    """One rule that allows. What none allows is refused. A list that is left out or empty means all."""

    people: Annotated[tuple[Id, ...], Meta(description="Of whom it speaks.")] = ()
    role: Annotated[Literal["operator", "approver"], Meta(description="The least role of whom it speaks.")] = "operator"
    systems: Annotated[tuple[Id, ...], Meta(description="Where: in these systems.")] = ()
    environments: Annotated[tuple[Id, ...], Meta(description="Where: in these environments.")] = ()
    danger: Annotated[
        DangerLetter,
        Meta(description="The most that it allows: `S` only reads, `C` changes, `X` destroys."),
    ] = "C"
    second: Annotated[
        DangerLetter | None,
        Meta(
            description="From which danger on another person, an approver, must approve wherever this rule fits, "
            "also what another rule allows; when left out, this rule asks for nobody."
        ),
    ] = None


class Config(_Table, frozen=True, kw_only=True):
    """Everything that a configuration file can say."""

    environment: Annotated[
        Id, Meta(description="Environment of systems that name none; `[environments.NAME]` says what it is.")
    ] = "default"
    include: Annotated[
        tuple[str, ...],
        Meta(description="Further files or globs, relative to this one; no key may be given twice."),
    ] = ()
    environments: Annotated[dict[Id, EnvironmentConfig], Meta(description="Environments by name.")] = {}
    display: Annotated[Display, Meta(description="How the console looks.")] = Display()
    keys: Annotated[Keys, Meta(description="Which key does what.")] = Keys()
    logs: Annotated[Logs, Meta(description="How much of the logs is kept.")] = Logs()
    wallboard: Annotated[Wallboard, Meta(description="The wallboard's rotation.")] = Wallboard()
    runbooks: Annotated[Runbooks, Meta(description="Where runbooks are.")] = Runbooks()
    ledger: Annotated[LedgerConfig, Meta(description="Where everything that is done is recorded.")] = LedgerConfig()
    people: Annotated[dict[Id, Person], Meta(description="Who may do something.")] = {}
    permissions: Annotated[
        tuple[Permission, ...], Meta(description="What they may do; what nothing here allows is refused.")
    ] = ()
    bastions: Annotated[dict[Id, Bastion], Meta(description="SSH servers through which sources are reached.")] = {}
    credentials: Annotated[dict[Id, AnyCredentials], Meta(description="Who asks the clouds.")] = {}
    sources: Annotated[dict[Id, AnySource], Meta(description="Where data comes from.")] = {}
    systems: Annotated[dict[Id, System], Meta(description="What is watched.")] = {}

    @property
    def simulated(self) -> bool:
        """Whether any of it is a simulated world, so that what is done is a drill."""
        return any(isinstance(source, SimulationConfig) for source in self.sources.values())
