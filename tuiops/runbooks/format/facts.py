"""What the configuration itself tells a runbook: which resources there are, of what kind, in which project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.clouds import GcpConfig
from tuiops.config.resources import (
    CloudRunResource,
    CloudSqlResource,
    EcsResource,
    HostingResource,
    RdsResource,
    Regional,
    SecretResource,
    SecretsManagerResource,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.model import Config
    from tuiops.config.resources import AnyResource
    from tuiops.runbooks.format.model import Ability, ListedParameter

    _Kinds = frozenset[type[AnyResource]]

CONFIGURED = frozenset({"name", "project", "region"})
"""What can be read without asking anybody."""

_ROLLS: _Kinds = frozenset({CloudRunResource, EcsResource, HostingResource})
_KEEPS_BACKUPS: _Kinds = frozenset({CloudSqlResource, RdsResource})
_KEEPS_SECRETS: _Kinds = frozenset({SecretResource, SecretsManagerResource})

KINDS: Mapping[str, _Kinds] = {
    "serving": _ROLLS,
    "previous": _ROLLS,
    "revisions": _ROLLS,
    "backups": _KEEPS_BACKUPS,
    "secret_versions": _KEEPS_SECRETS,
}
"""Which resources have what can be listed or read."""

WORDS: Mapping[str, str] = {
    "serving": "serving revision", "previous": "previous revision", "secret_versions": "secret versions",
}  # fmt: skip
"""What is listed or read, in a sentence; what is left out is its own word."""

ABLE: Mapping[Ability, _Kinds] = {
    "shift_traffic": frozenset({CloudRunResource}),
    "roll_back": _ROLLS,
    "restart": frozenset({CloudRunResource, EcsResource}),
    "scale": frozenset({CloudRunResource, EcsResource}),
    "take_backup": _KEEPS_BACKUPS,
    "restore_backup": _KEEPS_BACKUPS,
    "add_secret_version": _KEEPS_SECRETS,
}
"""Which resources can be acted on how; `snooze` is of alert policies, and asks for a resource in Google Cloud."""


def configured(config: Config, system: str, of: str, resource: str) -> str | None:
    """The name, the project or the region of a resource; None when the configuration does not say it."""
    known = config.systems[system].resources.get(resource) if system in config.systems else None
    if known is None:
        return None
    source = config.sources.get(known.source)
    match of:
        case "name":
            return known.name
        case "project":
            return source.project if isinstance(source, GcpConfig) else None
        case _:
            own = known.region if isinstance(known, Regional) else None
            return own or getattr(source, "region", None)


def choices(config: Config, system: str, parameter: ListedParameter) -> tuple[str, ...] | None:
    """The services or the resources of a system; None for what only a source can list."""
    known = config.systems.get(system)
    if known is None or parameter.of not in {"services", "resources"}:
        return None if known is not None else ()
    if parameter.of == "services":
        return tuple(known.services)
    return tuple(name for name, one in known.resources.items() if parameter.kind in {"", kind_of(one)})


def kind_of(resource: AnyResource) -> str:
    """The word that the configuration has for a resource's kind."""
    return word_for(type(resource))


def word_for(kind: type[AnyResource]) -> str:
    """The word that the configuration has for a kind of resource."""
    return str(kind.__struct_config__.tag)
