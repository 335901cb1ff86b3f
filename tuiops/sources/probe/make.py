"""From a configured probe to a source. Only the module of the kind that is asked for is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from tuiops.config.systems import DnsProbe, HttpProbe, RedisProbe, TcpProbe, TlsProbe
from tuiops.core.text import safe
from tuiops.sources.probe.source import ProbeSource

if TYPE_CHECKING:
    from tuiops.config.systems import AnyProbe
    from tuiops.core.clock import Clock
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.probe.base import Knock


def make_probe(
    system_id: str, probe_id: str, config: AnyProbe, *, clock: Clock, bastion: Bastion | None = None
) -> ProbeSource:
    """The source of one probe. `bastion` is the one that `via` names.

    ValueError when a limit cannot be read.
    """
    kind = type(config).__struct_config__.tag
    knock = _knock(config, clock, bastion)
    return ProbeSource(system_id, probe_id, config, knock, kind=safe(str(kind)), clock=clock)


def _knock(config: AnyProbe, clock: Clock, bastion: Bastion | None) -> Knock:
    match config:
        case HttpProbe():
            from tuiops.sources.probe.http import HttpKnock

            return HttpKnock(config, clock=clock, bastion=bastion)
        case TcpProbe():
            from tuiops.sources.probe.tcp import TcpKnock

            return TcpKnock(config, clock=clock, bastion=bastion)
        case TlsProbe():
            from tuiops.sources.probe.tls import TlsKnock

            return TlsKnock(config, clock=clock)
        case RedisProbe():
            from tuiops.sources.probe.redis import RedisKnock

            return RedisKnock(config, clock=clock, bastion=bastion)
        case DnsProbe():
            from tuiops.sources.probe.dns import DnsKnock

            return DnsKnock(config, clock=clock)
        case _:
            assert_never(config)
