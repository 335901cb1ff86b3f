"""Where a Cloud Run service is not what its configuration expects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.sources.gcp.run.state import pinned
from tuiops.sources.gcp.run.wire import Container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.resources import CloudRunResource
    from tuiops.core.drift import Drift
    from tuiops.sources.gcp.run.wire import Service
    from tuiops.sources.parts import Watched

MAX_INSTANCES = 100
"""Where nothing bounds them (cloud.google.com/run/docs/configuring/max-instances)."""

CONCURRENCY = 80
"""Where none is set and an instance has a whole CPU (cloud.google.com/run/docs/about-concurrency)."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?")
_FACTORS = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


def drifts(resource: Watched[CloudRunResource], service: Service) -> Iterator[Drift]:
    """One for each property that is expected and not so."""
    expect = resource.config.expect
    counts = (
        (lit("min instances"), expect.min_instances, least_instances(service)),
        (lit("max instances"), expect.max_instances, most_instances(service)),
        (lit("concurrency"), expect.concurrency, service.template.max_instance_request_concurrency or CONCURRENCY),
    )
    for what, count, actual in counts:
        if count is not None and count != actual:
            yield resource.drift(what, safe(str(count)), safe(str(actual)))
    container = serving(service)
    limits = container.resources.limits
    sizes = (
        (lit("cpu"), expect.cpu, limits.get("cpu", "1")),
        (lit("memory"), expect.memory, limits.get("memory", "512Mi")),
    )
    for what, size, found in sizes:
        if size is not None and quantity(size) != quantity(found):
            yield resource.drift(what, safe(size), safe(found))
    if expect.pinned is not None and expect.pinned != pinned(service):
        yield resource.drift(
            lit("traffic"), _pinning(to_revisions=expect.pinned), _pinning(to_revisions=not expect.pinned)
        )
    variables = {variable.name: variable for variable in container.env}
    for name, value in expect.env.items():
        variable = variables.get(name)
        if variable is None or variable.value_source is not None or variable.value != value:
            held = lit("not set")
            if variable is not None:
                held = safe(variable.value) if variable.value_source is None else lit("a secret")
            yield resource.drift(fmt("env {}", safe(name)), safe(value), held)


def least_instances(service: Service) -> int:
    """Least instances, be they set on the service or on its revisions."""
    return max(service.scaling.min_instance_count or 0, service.template.scaling.min_instance_count or 0)


def most_instances(service: Service) -> int:
    """Most instances, be they set on the service or on its revisions."""
    bounds = (service.scaling.max_instance_count, service.template.scaling.max_instance_count)
    return min((bound for bound in bounds if bound), default=MAX_INSTANCES)


def serving(service: Service) -> Container:
    """The container that takes requests: the one with a port, else the only one."""
    containers = service.template.containers
    return next((one for one in containers if one.ports), containers[0] if containers else Container())


def quantity(text: str) -> float | str:
    """A quantity as Kubernetes writes them, as a number; the text itself when it is none."""
    found = _QUANTITY.fullmatch(text.strip())
    return round(float(found[1]) * _FACTORS.get(found[2], 1.0), 6) if found is not None else text


def _pinning(*, to_revisions: bool) -> SafeText:
    return lit("pinned to revisions") if to_revisions else lit("floating with the latest revision")
