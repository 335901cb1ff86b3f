"""TLS: how long a server's certificate is still good for."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt
from tuiops.core.units import span
from tuiops.errors import QueryRefused
from tuiops.sources.probe.base import Answer, ProbeFailed
from tuiops.sources.probe.connect import EXPIRED, connection, place, verifying_context

if TYPE_CHECKING:
    from tuiops.config.systems import TlsProbe
    from tuiops.core.clock import Clock
    from tuiops.sources.probe.base import Writer


class TlsKnock:
    """Shakes hands as a browser would; when the certificate is refused, looks at it all the same to say why."""

    def __init__(self, config: TlsProbe, *, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._context: ssl.SSLContext | None = None
        self._where = place(config.host, config.port)

    async def prepare(self) -> None:
        if self._context is None:
            self._context = await asyncio.to_thread(verifying_context, self._config.ca)

    async def __call__(self) -> Answer:
        try:
            async with connection(self._config.host, self._config.port, tls=self._context) as (_, writer):
                left = self._left(_certificate(writer))
        except ProbeFailed as failure:
            cause = failure.__cause__
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise await self._look_closer(cause, failure.reason) from failure
            raise
        return Answer(left)

    async def close(self) -> None:
        """Nothing is kept but the trusted authorities."""

    async def _look_closer(self, refusal: ssl.SSLCertVerificationError, reason: SafeText) -> ProbeFailed:
        """The same failure with the life left in the certificate, read over a connection that trusts nobody."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        async with connection(self._config.host, self._config.port, tls=context) as (_, writer):
            left = self._left(_certificate(writer))
        if refusal.verify_code == EXPIRED:
            if left < 0:
                reason = fmt("certificate of {} expired {} ago", self._where, span(-left))
            else:
                reason = fmt("a certificate in the chain of {} has expired", self._where)
        return ProbeFailed(reason, left)

    def _left(self, certificate: bytes) -> float:
        from cryptography import x509

        expires = x509.load_der_x509_certificate(certificate).not_valid_after_utc
        return (expires - self._clock.now()).total_seconds()


def _certificate(writer: Writer) -> bytes:
    """The peer's certificate in DER."""
    assert isinstance(writer, asyncio.StreamWriter)
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True)
    if certificate is None:
        raise QueryRefused("the server showed no certificate")
    return certificate
