"""Where reality differs from what a configuration says should be."""

from __future__ import annotations

import msgspec

from tuiops.core.text import SafeText, fmt


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One property of one resource that is not as expected."""

    system: SafeText
    service: SafeText
    resource: SafeText
    """Its name in the configuration."""
    what: SafeText
    """The property, such as `max instances` or `env LOG_LEVEL`."""
    expected: SafeText
    actual: SafeText
    source: SafeText
    """The feed that saw it."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.system, self.service, self.resource, self.what)

    def text(self) -> SafeText:
        """`max instances 10, expected 20`."""
        return fmt("{} {}, expected {}", self.what, self.actual, self.expected)
