"""AWS credentials and the signatures made with them (Signature Version 4)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tuiops.errors import SourceError, TimedOut
from tuiops.sources.aws.identity import Identity
from tuiops.sources.daemon import DaemonWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tuiops.config.credentials import AwsCredentials
    from tuiops.core.clock import Clock
    from tuiops.sources.aws.identity import Keys
    from tuiops.sources.http import Request

LOOK_AGAIN = 60.0
"""Seconds that keys are used without asking for them again; botocore renews them 15 min before their end."""

AGAIN = 5.0
"""Seconds that a failure to find keys stands: what asks together is not told together to try again."""

PATIENCE = 9.0
"""Seconds to find keys; a program that hands out credentials may hang for ever."""


class AwsAuth:
    """Keeps the keys that requests are signed with. One look-up at a time, in a thread that nobody waits for."""

    def __init__(self, config: AwsCredentials, region: str, clock: Clock, identity: Identity | None = None) -> None:
        self._clock = clock
        self._profile = config.profile
        self._identity = identity or Identity(config, region)
        self._worker = DaemonWorker("aws-auth")
        self._keys: Keys | None = None
        self._look_at = 0.0
        self._failed: tuple[SourceError, float] | None = None
        self._looking: asyncio.Task[Keys] | None = None

    def __repr__(self) -> str:
        return "<AwsAuth>"

    @property
    def profile(self) -> str | None:
        """The profile that the configuration names."""
        return self._profile

    @property
    def remedy(self) -> str:
        """What to do when keys are refused."""
        return self._identity.remedy

    async def keys(self) -> Keys:
        """Keys that are valid. AccessDenied, `logged out: …`, when there are none to be had."""
        now = self._clock.monotonic()
        if self._keys is not None and now < self._look_at:
            return self._keys
        if self._failed is not None and now < self._failed[1]:
            raise self._failed[0]
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up(), name="aws-auth")
            self._looking.add_done_callback(self._looked_up)
        async with _patience():
            # Whoever asked may run out of time; the answer still serves the next one.
            return await asyncio.shield(self._looking)

    async def renew(self, refused: Keys) -> bool:
        """Look for keys again after these were refused; whether others came out that are worth a try."""
        if self._keys == refused:
            self._keys = None
            # In the thread of the look-ups, and so after one that hangs.
            async with _patience():
                await self._worker.run(self._identity.forget)
        return await self.keys() != refused

    async def close(self) -> None:
        """Forget the keys and let the thread end. It can be used again."""
        # A look-up under way is not cancelled: it would take those with it who wait for its answer.
        self._looking = None
        self._keys = None
        self._worker.close()

    async def _look_up(self) -> Keys:
        return await self._worker.run(self._identity.keys)

    def _looked_up(self, task: asyncio.Task[Keys]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._looking is not task or task.cancelled():
            return
        self._looking = None
        now = self._clock.monotonic()
        if error is None:
            self._keys, self._failed, self._look_at = task.result(), None, now + LOOK_AGAIN
        elif isinstance(error, SourceError):
            self._failed = (error, now + AGAIN)


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """Everything inside is done within PATIENCE, or TimedOut is raised."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise TimedOut(
            f"AWS credentials were not found within {PATIENCE:g}s; does a credential_process or SSO hang?"
        ) from None


class AwsSigner:
    """Signs the requests to one API in one region."""

    def __init__(self, auth: AwsAuth, service: str, region: str) -> None:
        """`service` and `region` as signatures name them."""
        self._auth = auth
        self._service = service
        self._region = region

    @property
    def given(self) -> bool:
        return True

    async def sign(self, request: Request) -> Mapping[str, str]:
        """The headers of a signature. AccessDenied, `logged out: …`, when there are no keys."""
        return signature(await self._auth.keys(), request, self._service, self._region)

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Never: AWS refuses keys with 400 and 403 and a code, which the client reads."""
        del refused
        return False


def signature(keys: Keys, request: Request, service: str, region: str) -> dict[str, str]:
    """The headers that sign a request as of this moment."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signed = AWSRequest(method=request.method, url=request.url, headers=dict(request.headers), data=request.body)
    SigV4Auth(Credentials(*keys), service, region).add_auth(signed)
    return {name: value for name, value in signed.headers.items() if name not in request.headers}
