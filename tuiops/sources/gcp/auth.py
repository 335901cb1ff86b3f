"""Google credentials: found, impersonated, renewed; never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.credentials import GoogleCredentials
    from tuiops.core.clock import Clock
    from tuiops.sources.http import Request


class GoogleAuth:
    """Signs requests with an access token."""

    def __init__(self, config: GoogleCredentials, clock: Clock) -> None:
        self._config = config
        self._clock = clock

    @property
    def given(self) -> bool:
        return True

    async def sign(self, request: Request) -> Mapping[str, str]:
        raise NotImplementedError

    async def renew(self, refused: Mapping[str, str]) -> bool:
        raise NotImplementedError
