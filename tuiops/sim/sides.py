"""Who serves while a simulated release is under way: shares of traffic, as set and as they are, and instances."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import TYPE_CHECKING

from tuiops.core.rollouts import Side
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe

if TYPE_CHECKING:
    from tuiops.sim.model import ReleaseModel


def shares(release: ReleaseModel, start: float, ends: tuple[float, ...], t: float) -> tuple[float, float]:
    """The new revision's share of traffic, 0–1, as it is set and as it is: traffic follows evenly during the lag."""
    meant, real, begins = 0.0, 0.0, start
    for step, end in zip(release.steps, ends, strict=True):
        if t < begins:
            break
        if step.weight is not None:
            meant = step.weight
            # A step that replaces instances takes its own time for it.
            pace = max(1.0, end - begins if release.in_place else release.lag)
            real += (meant - real) * min(1.0, (min(t, end) - begins) / pace)
        begins = end
    return meant, real


def sides(release: ReleaseModel, new: SafeText, old: SafeText, share: tuple[float, float]) -> tuple[Side, ...]:
    """Both revisions, the new one first; `share` is the new one's, as set and as it is."""
    meant, real = share
    fresh = _count(release, real)
    wanted = release.instances if release.in_place else _count(release, meant)
    return (
        _side(release, new, (meant, real), (wanted, fresh), tag=lit("canary") if 0 < meant < 1 else EMPTY),
        _side(release, old, (1.0 - meant, 1.0 - real), _rest(release, real, fresh)),
    )


def _side(
    release: ReleaseModel,
    revision: SafeText,
    share: tuple[float, float],
    instances: tuple[int, int],
    *,
    tag: SafeText = EMPTY,
) -> Side:
    desired, running = instances
    shared = not release.in_place
    known = release.instances > 0
    return Side(
        revision=revision,
        image=_image(release, revision),
        set=share[0] if shared else None,
        actual=share[1] if shared else None,
        tag=tag if shared else EMPTY,
        desired=desired if known else None,
        running=running if known else None,
        pending=max(0, desired - running) if known else None,
        failed=0 if known else None,
    )


def _count(release: ReleaseModel, share: float) -> int:
    """Instances that a share of traffic keeps busy."""
    return math.floor(release.instances * share) if release.in_place else math.ceil(release.instances * share)


def _rest(release: ReleaseModel, real: float, fresh: int) -> tuple[int, int]:
    """Instances of the old revision, desired and running: none stops before its traffic has gone."""
    if release.in_place:
        return 0, max(0, release.instances - fresh)
    kept = math.ceil(release.instances * (1.0 - real))
    return kept, kept


def _image(release: ReleaseModel, revision: SafeText) -> SafeText:
    if not release.image:
        return EMPTY
    digest = sha256(f"{release.image} {revision}".encode()).hexdigest()
    return fmt("{}@sha256:{}", safe(release.image), safe(digest))
