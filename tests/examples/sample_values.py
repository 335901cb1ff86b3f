"""Values that every runbook of the examples can be planned with."""

from __future__ import annotations

DIGEST = "sha256:" + "0" * 64

VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "manga-rolling-update": {},
    "manga-rollback": {"phases": ("phase1", "phase2", "phase3")},
    "manga-restart": {"phases": ("phase4", "phase6")},
    "tokyo-blue-green": {
        "image": (f"asia-northeast1-docker.pkg.dev/tokyo-ai-chat-mvp/chat/server@{DIGEST}",),
        "suffix": ("r20260501-1",),
    },
    "tokyo-maintenance": {},
    "sagebase-pitr-clone": {"moment": ("2026-04-30T01:02:03+09:00",), "clone": ("sagebase-0430",)},
    "sagebase-pitr-switch": {"clone": ("sagebase-0430",)},
    "sagebase-rotate-password": {},
    "sagebase-retire-password": {"number": ("3",)},
    "pricealert-restore-snapshot": {"snapshot": ("rds:price-alert-2026-04-30",), "instance": ("price-alert-0430",)},
    "pricealert-rollback": {"service": ("api",)},
}
"""Somebody's choices."""
