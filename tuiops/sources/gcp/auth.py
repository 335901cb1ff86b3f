"""Google credentials as a signature: a token that is kept, renewed before it expires, and never shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.errors import SourceError, TimedOut
from tuiops.sources.daemon import DaemonWorker
from tuiops.sources.gcp.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.credentials import GoogleCredentials
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.identity import Token
    from tuiops.sources.http import Request

EARLY = 225.0
"""Seconds before its end from which on a token is renewed; Google's metadata server hands out new ones 4 min early."""

AGAIN = 5.0
"""Seconds that a failure to get a token stands: what asks together is not told together to try again."""

PATIENCE = 9.0
"""Seconds to get a token; a program that proves who this is, or a name server, may hang for ever."""


class GoogleAuth:
    """Signs requests with an access token. One look-up at a time, in a thread that nobody waits for in the end."""

    def __init__(
        self, config: GoogleCredentials, clock: Clock, project: str | None = None, identity: Identity | None = None
    ) -> None:
        """`project`: whose quota a person's requests count against, unless the credentials name another."""
        self._clock = clock
        self._project = project
        self._own_project = config.quota_project
        self._identity = identity or Identity(config)
        self._worker = DaemonWorker("google-auth")
        self._token: Token | None = None
        self._stale_at = 0.0
        self._failed: tuple[SourceError, float] | None = None
        self._looking: asyncio.Task[Token] | None = None

    def __repr__(self) -> str:
        return "<GoogleAuth>"

    @property
    def given(self) -> bool:
        return True

    async def sign(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - a token is the same for every request
        """The headers of a request. AccessDenied, `logged out: …`, when there is no token to be had."""
        return self._headers(await self._current())

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Drop a token that was refused and get another one; whether that is worth a try."""
        if self._token is not None and self._headers(self._token) == refused:
            self._token = None
        return self._headers(await self._current()) != refused

    async def close(self) -> None:
        """Forget the token and let the thread end. It can be used again."""
        # A look-up under way is not cancelled: it would take those with it who wait for its answer.
        self._looking = None
        self._token = None
        self._worker.close()

    async def _current(self) -> Token:
        now = self._clock.monotonic()
        if self._token is not None and now < self._stale_at:
            return self._token
        if self._failed is not None and now < self._failed[1]:
            raise self._failed[0]
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up(), name="google-auth")
            self._looking.add_done_callback(self._looked_up)
        try:
            async with asyncio.timeout(PATIENCE):
                # Whoever asked may run out of time; the answer still serves the next one.
                return await asyncio.shield(self._looking)
        except TimeoutError:
            raise TimedOut(
                f"no Google token came within {PATIENCE:g}s; does the token server or an executable hang?"
            ) from None

    async def _look_up(self) -> Token:
        return await self._worker.run(self._identity.token)

    def _looked_up(self, task: asyncio.Task[Token]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._looking is not task:
            return
        self._looking = None
        if task.cancelled():
            return
        now = self._clock.monotonic()
        if error is None:
            self._token, self._failed = task.result(), None
            # Short-lived tokens of workload identity are used for half their life at least.
            self._stale_at = now + max(self._token.lifetime - EARLY, self._token.lifetime / 2)
        elif isinstance(error, SourceError):
            self._failed = (error, now + AGAIN)

    def _headers(self, token: Token) -> Mapping[str, str]:
        headers = {"authorization": f"Bearer {token.text}"}
        project = self._own_project or token.quota_project or (self._project if token.person else None)
        return {**headers, "x-goog-user-project": project} if project else headers
