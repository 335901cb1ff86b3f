"""The product's bastion for an OpenSSH server of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.sources import Bastion as BastionConfig
from tuiops.sources.bastion import Bastion

if TYPE_CHECKING:
    from tests.servers.sshd import Sshd


def bastion_of(sshd: Sshd, **changes: object) -> Bastion:
    """The bastion `edge`; `changes` are settings that differ."""
    settings: dict[str, object] = {
        "host": sshd.host,
        "port": sshd.port,
        "user": sshd.user,
        "known_hosts": str(sshd.known_hosts),
        "identity": str(sshd.identity),
    }
    return Bastion("edge", BastionConfig(**(settings | changes)))  # type: ignore[arg-type] # by the test
