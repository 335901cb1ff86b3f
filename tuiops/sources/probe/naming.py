"""What a configured probe is called and how its answers are judged, known before it has ever knocked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.systems import TlsProbe
from tuiops.core.health import Indicator, Limit
from tuiops.core.text import SafeText, fmt, safe
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from tuiops.config.systems import ProbeConfig


def probe_name(system_id: str, probe_id: str) -> SafeText:
    """The source and feed of a probe: `probe:pricealert/api-health`.

    A slash within the system's identifier is escaped, so that two probes never share a name.
    """
    return fmt("probe:{}/{}", safe(system_id.replace("%", "%25").replace("/", "%2F")), safe(probe_id))


def probe_indicator(system_id: str, probe_id: str, config: ProbeConfig, feed_name: SafeText) -> Indicator:
    """What the probe measures of its service: seconds until an answer, or of life left in a certificate.

    Its identifier is `probe:` and the probe's, so that a probe and an indicator may have the same name.
    ValueError says what is wrong with a limit.
    """
    down = config.down if isinstance(config, TlsProbe) else None
    return Indicator(
        system=safe(system_id),
        id=fmt("probe:{}", safe(probe_id)),
        heading=safe(config.heading),
        unit=Unit.SECONDS,
        source=feed_name,
        degraded=None if config.degraded is None else Limit.parse(config.degraded, Unit.SECONDS),
        down=None if down is None else Limit.parse(down, Unit.SECONDS),
    )
