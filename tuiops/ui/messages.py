"""Every message that the console's own parts send each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tuiops.config.model import Display
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.core.text import SafeText
    from tuiops.ui.keymap import Keymap


class SnapshotChanged(Message):
    """The bridge has a later snapshot; those between it and the last one are never seen."""

    def __init__(self, snapshot: Snapshot, merged: int) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.merged = merged
        """Snapshots that this one stands for, itself included."""


class SettingsChanged(Message):
    """The configuration on disk asks for another look or other keys."""

    def __init__(self, display: Display, keymap: Keymap) -> None:
        super().__init__()
        self.display = display
        self.keymap = keymap


class OpenService(Message):
    """Somebody wants the detail of a service."""

    def __init__(self, system: SafeText, service: SafeText) -> None:
        super().__init__()
        self.system = system
        self.service = service


class OpenAlert(Message):
    """Somebody wants the detail of an alert."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self.identity = identity


class OpenRollout(Message):
    """Somebody wants the detail of a rollout."""

    def __init__(self, identity: SafeText) -> None:
        super().__init__()
        self.identity = identity


class OpenRun(Message):
    """Somebody wants to see a run."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self.identity = identity


class ActOn(Message):
    """Somebody wants to do something about rows, which are named here for good: where they stand may change."""

    def __init__(self, subjects: tuple[Subject, ...]) -> None:
        super().__init__()
        self.subjects = subjects


class OpenLogs(Message):
    """Somebody wants the log lines of a system, or of one of its services."""

    def __init__(self, system: SafeText, service: SafeText) -> None:
        super().__init__()
        self.system = system
        self.service = service
        """Empty: every service of the system."""


class OpenChanges(Message):
    """Somebody wants to know what changed; empty names do not narrow it."""

    def __init__(self, system: SafeText, service: SafeText) -> None:
        super().__init__()
        self.system = system
        self.service = service


class OpenLinks(Message):
    """Somebody wants the pages that belong to the selection."""

    def __init__(self, links: tuple[tuple[SafeText, SafeText], ...]) -> None:
        super().__init__()
        self.links = links


class CopyText(Message):
    """Somebody wants the selection on the clipboard."""

    def __init__(self, text: SafeText) -> None:
        super().__init__()
        self.text = text
