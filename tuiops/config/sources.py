"""Sources: where data comes from. Each is a table `[sources.NAME]` with a `type`."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tuiops.config.values import Duration, FilePath, Id, Interval, Port, PrivateFile, Secret, Size, Url

Matcher = Annotated[str, Meta(pattern=r'^[a-zA-Z_][a-zA-Z0-9_]*\s*(=|!=|=~|!~)\s*"[^"]*"$')]


class Basic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """HTTP basic authentication."""

    user: Annotated[str, Meta(description="User name.")]
    password: Annotated[Secret, Meta(description="Where the password is found.")]


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server's certificate is checked and which one is shown to it."""

    ca: Annotated[
        FilePath | None, Meta(description="File of certificate authorities to trust instead of the system's.")
    ] = None
    cert: Annotated[FilePath | None, Meta(description="Client certificate (PEM).")] = None
    key: Annotated[PrivateFile | None, Meta(description="Key of the client certificate (PEM, mode 0600).")] = None
    server_name: Annotated[
        str | None, Meta(description="Name to expect in the certificate when it is not the URL's.")
    ] = None


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every source has."""

    interval: Annotated[Interval, Meta(description="Time between polls when all is well.")] = Duration(15)
    timeout: Annotated[Duration, Meta(description="Deadline of one whole poll, from connecting to the last byte.")] = (
        Duration(10)
    )


class HttpSourceConfig(SourceConfig, frozen=True, kw_only=True):
    """What every source that speaks HTTP has."""

    url: Annotated[Url, Meta(description="Base address, without credentials.")]
    via: Annotated[str | None, Meta(description="Name of the bastion through which to connect.")] = None
    bearer: Annotated[Secret | None, Meta(description="Bearer token; read again when the server refuses it.")] = None
    basic: Annotated[Basic | None, Meta(description="Basic authentication.")] = None
    tls: Annotated[Tls, Meta(description="Certificates.")] = Tls()
    headers: Annotated[
        dict[str, str],
        Meta(description="Further request headers, such as `X-Scope-OrgID`; never for secrets, which are refused."),
    ] = {}
    max_response: Annotated[Size, Meta(description="Largest answer that is read, after decompression.")] = Size(
        32_000_000
    )
    max_items: Annotated[
        int, Meta(description="Most series or alerts that are kept of one answer.", ge=1, le=10_000_000)
    ] = 50_000


class PrometheusConfig(HttpSourceConfig, frozen=True, kw_only=True, tag="prometheus"):
    """Prometheus, or whatever speaks its API: VictoriaMetrics, Thanos, Mimir, Google's managed service."""

    alerts: Annotated[
        bool,
        Meta(description="Whether to read the alerts of its rules; off when an Alertmanager gets them all."),
    ] = False
    watchdog: Annotated[
        str | None,
        Meta(description="Name of the alert that always fires; its absence means alerting is broken."),
    ] = None
    targets: Annotated[bool, Meta(description="Whether to report scrape targets that are down.")] = True
    credentials: Annotated[
        str | None,
        Meta(description="Name of cloud credentials that sign the requests, for managed Prometheus of Google or AWS."),
    ] = None
    external_labels: Annotated[
        dict[str, str],
        Meta(description="Labels that this server adds when it sends alerts; read from the server when left out."),
    ] = {}
    budget_interval: Annotated[
        Interval,
        Meta(description="Time between computations of error budgets, which read a whole SLO window."),
    ] = Duration(300)


def aws_region(url: str) -> str | None:
    """The region of an Amazon Managed Service for Prometheus, by its address; None where that names none."""
    found = re.match(r"https?://(?:[^/?#@]+\.)?aps-workspaces\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.", url)
    return found[1] if found is not None else None


def takes_google_tokens(url: str) -> bool:
    """Whether an access token of Google's may be sent to an address: to Google's own over TLS, and to this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"}:
        return True
    return parts.scheme == "https" and re.fullmatch(r"(?:[a-z0-9-]+\.)+googleapis\.com", host) is not None


class AlertmanagerConfig(HttpSourceConfig, frozen=True, kw_only=True, tag="alertmanager"):
    """An Alertmanager (API v2). Several are merged by the labels of their alerts."""

    filter: Annotated[
        tuple[Matcher, ...], Meta(description='Matchers that alerts must satisfy, such as `team="ops"`.')
    ] = ()
    watchdog: Annotated[
        str | None,
        Meta(description="Name of the alert that always fires; its absence means alerting is broken."),
    ] = None


class HostConfig(SourceConfig, frozen=True, kw_only=True, tag="host"):
    """The machine that tuiops runs on, as the system named by `system`."""

    system: Annotated[Id, Meta(description="Identifier of the system that stands for this machine.")] = "host"
    label: Annotated[str | None, Meta(description="Its name on screen; the host name when left out.")] = None
    cpu: Annotated[str, Meta(description="When CPU use is degraded.")] = "> 90%"
    memory: Annotated[str, Meta(description="When memory use is degraded.")] = "> 90%"
    swap: Annotated[str, Meta(description="When swap use is degraded.")] = "> 80%"
    disk: Annotated[str, Meta(description="When a file system's use is degraded.")] = "> 85%"
    disk_down: Annotated[str, Meta(description="When a file system counts as down.")] = "> 97%"
    load: Annotated[str, Meta(description="When the 1-minute load per core is degraded.")] = "> 4"
    hold: Annotated[
        Duration,
        Meta(
            description="How long CPU, memory, swap or load must be beyond its limit before it is degraded, and within "
            "it before that ends."
        ),
    ] = Duration(60)
    mounts: Annotated[
        tuple[str, ...], Meta(description="Mount points to watch; every real file system when left out.")
    ] = ()
    units: Annotated[bool, Meta(description="Whether failed systemd units are reported.")] = True
    processes: Annotated[
        tuple[str, ...], Meta(description="Names of processes that must run; each becomes a service.")
    ] = ()
    listeners: Annotated[
        tuple[Port, ...], Meta(description="TCP ports that must be listened on; each becomes a service.")
    ] = ()


class SimulationConfig(SourceConfig, frozen=True, kw_only=True, tag="simulation"):
    """A simulated fleet, for demonstrations and drills."""

    seed: Annotated[int, Meta(description="Equal seeds give equal incidents.")] = 1
    speed: Annotated[float, Meta(description="Simulated seconds per real second.", gt=0, le=100_000)] = 1.0


class Bastion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SSH server through which sources are reached. The user's own ssh configuration applies."""

    host: Annotated[str, Meta(description="Host name, or a `Host` of the ssh configuration.")]
    port: Annotated[Port | None, Meta(description="Port, when the ssh configuration does not say.")] = None
    user: Annotated[str | None, Meta(description="User, when the ssh configuration does not say.")] = None
    known_hosts: Annotated[
        FilePath | None,
        Meta(description="File of known host keys; the user's own when left out. Unknown hosts are refused."),
    ] = None
    identity: Annotated[
        PrivateFile | None, Meta(description="Private key file; the agent's and default keys when left out.")
    ] = None
    ssh_config: Annotated[
        FilePath | None, Meta(description="ssh configuration file; the user's own when left out.")
    ] = None
    connect_timeout: Annotated[Duration, Meta(description="Deadline for connecting and authenticating.")] = Duration(10)
    keepalive: Annotated[Duration, Meta(description="Time between keepalive messages.")] = Duration(15)
