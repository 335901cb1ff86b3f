"""What a person has selected, by its identity and not by its place on screen."""

from __future__ import annotations

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The row that `x` was pressed on, as it was at that moment."""

    system: SafeText
    service: SafeText = EMPTY
    alert: SafeText = EMPTY
    """Identity of an alert."""
    alert_name: SafeText = EMPTY
    rollout: SafeText = EMPTY
    """Identity of a rollout."""
    old: SafeText = EMPTY
    """The revision that a rollout comes from."""
    new: SafeText = EMPTY
    """The revision that a rollout goes to."""

    @property
    def name(self) -> SafeText:
        """What it is called on screen: `pricealert/api`."""
        return fmt("{}/{}", self.system, self.service) if self.service else self.system
