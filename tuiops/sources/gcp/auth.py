"""Google credentials as a signature: a token that is kept, renewed before it expires, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sources.gcp.identity import Identity
from tuiops.sources.look_up import Keep, LookUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.credentials import GoogleCredentials
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.identity import Token
    from tuiops.sources.http import Request

EARLY = 225.0
"""Seconds before its end from which on a token is renewed; Google's metadata server hands out new ones 4 min early."""

LAST = 10.0
"""Seconds before its end from which on a token is not used any more: a request takes its time, and clocks differ."""


class GoogleAuth:
    """Signs requests with an access token."""

    def __init__(
        self, config: GoogleCredentials, clock: Clock, project: str | None = None, identity: Identity | None = None
    ) -> None:
        """`project`: whose quota a person's requests count against, unless the credentials name another."""
        self._project = project
        self._own_project = config.quota_project
        found = identity or Identity(config)
        late = ("no Google token came", "the token server or an executable")
        self._tokens = LookUp("google-auth", clock, found.token, _keep, late)

    def __repr__(self) -> str:
        return "<GoogleAuth>"

    @property
    def given(self) -> bool:
        return True

    async def sign(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - a token is the same for every request
        """The headers of a request. AccessDenied, `logged out: …`, when there is no token to be had."""
        return self._headers(await self._tokens.get())

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Drop a token that was refused and get another one; whether that is worth a try."""
        self._tokens.drop(lambda token: self._headers(token) == refused)
        return self._headers(await self._tokens.get()) != refused

    async def close(self) -> None:
        """Forget the token and let the thread end. It can be used again."""
        self._tokens.close()

    def _headers(self, token: Token) -> Mapping[str, str]:
        headers = {"authorization": f"Bearer {token.text}"}
        project = self._own_project or token.quota_project or (self._project if token.person else None)
        return {**headers, "x-goog-user-project": project} if project else headers


def _keep(token: Token) -> Keep:
    """Short-lived tokens of workload identity are used for half their life at least before another one is asked for."""
    return Keep(renew=max(token.lifetime - EARLY, token.lifetime / 2), ends=token.lifetime - LAST)
