"""From a configured probe to a source. Only the module of the kind that is asked for is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from tuiops.config.systems import DnsProbe, HttpProbe, RedisProbe, TcpProbe, TlsProbe
from tuiops.core.text import safe
from tuiops.sources.probe.source import ProbeSource

if TYPE_CHECKING:
    from tuiops.config.systems import AnyProbe
    from tuiops.core.clock import Clock
    from tuiops.sources.probe.base import Knock, Opener


def make_probe(
    system_id: str, probe_id: str, config: AnyProbe, *, clock: Clock, opener: Opener | None = None
) -> ProbeSource:
    """The source of one probe. `opener` is the way there when the configuration names a bastion.

    ValueError when a limit cannot be read.
    """
    kind = type(config).__struct_config__.tag
    knock = _knock(config, clock, opener)
    return ProbeSource(system_id, probe_id, config, knock, kind=safe(str(kind)), clock=clock)


def _knock(config: AnyProbe, clock: Clock, opener: Opener | None) -> Knock:
    match config:
        case HttpProbe():
            from tuiops.sources.probe.http import HttpKnock

            return HttpKnock(config, clock=clock, opener=opener)
        case TcpProbe():
            from tuiops.sources.probe.tcp import TcpKnock

            return TcpKnock(config, clock=clock, opener=opener)
        case TlsProbe():
            from tuiops.sources.probe.tls import TlsKnock

            return TlsKnock(config, clock=clock)
        case RedisProbe():
            from tuiops.sources.probe.redis import RedisKnock

            return RedisKnock(config, clock=clock, opener=opener)
        case DnsProbe():
            from tuiops.sources.probe.dns import DnsKnock

            return DnsKnock(config, clock=clock)
        case _:
            assert_never(config)
