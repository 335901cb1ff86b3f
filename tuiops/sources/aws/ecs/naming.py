"""Short names for what ECS names by ARN."""

from __future__ import annotations

from tuiops.core.text import EMPTY, SafeText, join, safe

_DIGEST = 12
"""Digits kept of a digest: enough to tell images apart."""


def revision(task_definition: str) -> SafeText:
    """`api:7` of `arn:aws:ecs:…:task-definition/api:7`."""
    return safe(task_definition.rpartition("/")[2])


def number(task_definition: str) -> int:
    """7 of `api:7`; 0 of what has no number."""
    text = task_definition.rpartition(":")[2]
    return int(text) if text.isascii() and text.isdigit() else 0


def last_part(arn: str) -> SafeText:
    """What comes after an ARN's last slash."""
    return safe(arn.rpartition("/")[2])


def image(names: tuple[tuple[str, str], ...]) -> SafeText:
    """Images with their digests, where known: `repo/api:v2@sha256:1f2e3d4c5b6a`."""
    return join(", ", (_one(name, digest) for name, digest in names[:3] if name)) if names else EMPTY


def _one(name: str, digest: str) -> SafeText:
    base, _, own = name.partition("@")
    kind, _, digits = (digest or own).partition(":")
    return safe(f"{base}@{kind}:{digits[:_DIGEST]}" if digits else base)


def principal(arn: str) -> SafeText:
    """`deploy/alice` of `arn:aws:sts::…:assumed-role/deploy/alice`, `alice` of `arn:aws:iam::…:user/alice`."""
    resource = arn.rpartition(":")[2]
    kind, _, name = resource.partition("/")
    return safe(name if kind in {"assumed-role", "user", "role", "federated-user"} else resource)
