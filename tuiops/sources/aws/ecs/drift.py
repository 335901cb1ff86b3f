"""Where a service is not as the configuration expects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.resources import EcsResource
    from tuiops.core.drift import Drift
    from tuiops.sources.aws.ecs.wire import ScalableTarget, Service
    from tuiops.sources.parts import Watched

_NONE = lit("none")


def wants_bounds(resource: Watched[EcsResource]) -> bool:
    """Whether what scales a service must be read to compare it."""
    expect = resource.config.expect
    return expect.min_tasks is not None or expect.max_tasks is not None


def drifts(resource: Watched[EcsResource], service: Service) -> Iterator[Drift]:
    """What differs in the service itself."""
    expect = resource.config.expect
    if expect.desired is not None and expect.desired != service.desired_count:
        yield resource.drift(lit("desired tasks"), fmt("{}", expect.desired), fmt("{}", service.desired_count))
    breaker = service.deployment_configuration.deployment_circuit_breaker
    on = breaker.enable and breaker.rollback
    if expect.circuit_breaker is not None and expect.circuit_breaker != on:
        yield resource.drift(lit("circuit breaker"), _switch(on=expect.circuit_breaker), _breaker(service))


def bound_drifts(resource: Watched[EcsResource], target: ScalableTarget | None) -> Iterator[Drift]:
    """What differs in the bounds of its scaling; None: nothing scales it."""
    expect = resource.config.expect
    for what, wanted, real in (
        (lit("min tasks"), expect.min_tasks, target.min_capacity if target is not None else None),
        (lit("max tasks"), expect.max_tasks, target.max_capacity if target is not None else None),
    ):
        if wanted is not None and wanted != real:
            yield resource.drift(what, fmt("{}", wanted), _NONE if real is None else fmt("{}", real))


def _switch(*, on: bool) -> SafeText:
    return lit("on") if on else lit("off")


def _breaker(service: Service) -> SafeText:
    breaker = service.deployment_configuration.deployment_circuit_breaker
    if breaker.enable and not breaker.rollback:
        return lit("on without rollback")
    return _switch(on=breaker.enable)
