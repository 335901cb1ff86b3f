"""AWS credentials and the signatures made with them (Signature Version 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sources.aws.identity import Identity
from tuiops.sources.look_up import Keep, LookUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.credentials import AwsCredentials
    from tuiops.core.clock import Clock
    from tuiops.sources.aws.identity import Keys
    from tuiops.sources.http import Request

LOOK_AGAIN = 60.0
"""Seconds that keys are used without asking for them again; botocore renews them 15 min before their end."""


class AwsAuth:
    """Keeps the keys that requests are signed with."""

    def __init__(self, config: AwsCredentials, region: str, clock: Clock, identity: Identity | None = None) -> None:
        self._profile = config.profile
        self._identity = identity or Identity(config, region)
        late = ("AWS credentials were not found", "a credential_process or SSO")
        self._keys = LookUp("aws-auth", clock, self._identity.keys, lambda _: Keep(LOOK_AGAIN, LOOK_AGAIN), late)

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
        return await self._keys.get()

    async def renew(self, refused: Keys) -> bool:
        """Look for keys again after these were refused; whether others came out that are worth a try."""
        if self._keys.drop(lambda keys: keys == refused):
            await self._keys.run(self._identity.forget)
        return await self.keys() != refused

    async def close(self) -> None:
        """Forget the keys and let the thread end. It can be used again."""
        self._keys.close()


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
