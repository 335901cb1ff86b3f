"""Amazon Managed Service for Prometheus: Prometheus' own API, with AWS' signatures and AWS' errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.config.sources import aws_region
from tuiops.sources.aws.auth import AwsAuth, AwsSigner
from tuiops.sources.aws.errors import Refused, explain

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.config.credentials import AwsCredentials
    from tuiops.core.clock import Clock
    from tuiops.core.text import SafeText
    from tuiops.errors import SourceError
    from tuiops.sources.http import HttpConnector
    from tuiops.sources.http_errors import Refusal

SERVICE = "aps"
"""As signatures name it."""


class _Body(msgspec.Struct):
    message: str = ""


_DECODER = msgspec.json.Decoder(_Body)


class AmazonManaged:
    """Who asks one of them."""

    def __init__(self, url: str, credentials: AwsCredentials, clock: Clock) -> None:
        """`url` names a region; the configuration has been checked for that."""
        self._region = aws_region(url) or ""
        self._auth = AwsAuth(credentials, self._region, clock)

    def signing(self, connector: HttpConnector) -> HttpConnector:
        """What connects as this one."""
        return connector.signing(AwsSigner(self._auth, SERVICE, self._region), self._explained)

    async def close(self) -> None:
        """Forget the keys."""
        await self._auth.close()

    def _explained(self, refusal: Refusal, server: SafeText, now: datetime) -> SourceError | None:
        """Our error for an answer in AWS' form; None for Prometheus' own refusals."""
        code = refusal.headers.get("x-amzn-errortype", "").partition(":")[0]
        try:
            message = _DECODER.decode(refusal.body).message
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            message = ""
        refused = Refused(SERVICE, code, message, refusal.status, refusal.headers)
        return explain(refused, server, now, self._auth.remedy)
