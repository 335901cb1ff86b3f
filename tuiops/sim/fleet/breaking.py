"""How bad revisions show: errors within seconds, and an alert that names the service."""

from __future__ import annotations

from tuiops.sim.model import AlertModel, Breakage, Effect

ALERT = "ErrorsAfterRollout"
"""Name of the alert."""


def breaks(service: str, *, errors: float, limit: str, severity: str) -> Breakage:
    """A revision that fails a share of its requests, 0–1. Nobody has to wait for it: this is a drill."""
    return Breakage(
        effects=(Effect(service=service, metric="errors", peak=errors, delay=6, ramp=8, fade=5),),
        alerts=(
            AlertModel(
                name=ALERT, service=service, metric="errors", limit=limit, summary="error rate", severity=severity,
                hold=5, description=("A revision was rolled out moments before its requests began to fail.",),
            ),
        ),
    )  # fmt: skip
