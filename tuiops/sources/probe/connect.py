"""Connecting, and saying in a few words why that did not work and whose fault it is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import socket
import ssl
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import QueryRefused, Unreachable
from tuiops.sources.probe.base import ProbeFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tuiops.errors import TuiopsError
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.probe.base import Reader, Writer

_NEXT_ADDRESS = 0.25
"""Seconds before the next address of a name is tried beside the first (RFC 8305)."""
_TLS_GOODBYE = 0.5
"""Seconds that a peer has to take part in ending TLS."""
_ERRNO = re.compile(r"\[Errno (-?\d+)\]")

_OURS = frozenset({
    errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM,
    errno.ENETDOWN, errno.ENETUNREACH,
})  # fmt: skip
"""What this machine lacks: routes, descriptors, permission."""
_NO_SUCH_NAME = frozenset(
    number for name in ("EAI_NONAME", "EAI_NODATA") if (number := getattr(socket, name, None)) is not None
)
_WORDS: dict[int, SafeText] = {
    errno.ECONNREFUSED: lit("refused"),
    errno.ECONNRESET: lit("connection reset by"),
    errno.EPIPE: lit("connection reset by"),
    errno.ECONNABORTED: lit("connection aborted by"),
    errno.ETIMEDOUT: lit("no answer from"),
    errno.EHOSTUNREACH: lit("no route to"),
    errno.EHOSTDOWN: lit("host is down:"),
}

EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, of any certificate in the chain."""
_VERDICTS: dict[int, SafeText] = {
    9: lit("is not valid yet"),
    EXPIRED: lit("has expired"),
    18: lit("is self-signed"),
    19: lit("comes from an authority that is not trusted"),
    20: lit("comes from an authority that is not trusted"),
    21: lit("comes from an authority that is not trusted"),
    23: lit("is revoked"),
    62: lit("is for another name"),
    64: lit("is for another address"),
}
"""OpenSSL's X509_V_ERR_… (x509_vfy.h)."""


def place(host: str, port: int) -> SafeText:
    """`10.0.0.5:443`, `[::1]:443`."""
    return fmt("[{}]:{}" if ":" in host else "{}:{}", safe(host), port)


@contextlib.asynccontextmanager
async def connection(
    host: str, port: int, bastion: Bastion | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Reader, Writer]]:
    """A connection that is closed in the end; its OSErrors, inside the block too, come out as `blame` has it.

    TLS only without a bastion.
    """
    where = place(host, port)
    try:
        with through(bastion, where):
            reader, writer = await _open(host, port, bastion, tls)
            try:
                yield reader, writer
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except OSError as error:
        raise blame(error, where) from error


@contextlib.contextmanager
def through(bastion: Bastion | None, where: SafeText) -> Iterator[None]:
    """Tells a bastion that could not reach the target from one that is gone itself."""
    if bastion is None:
        yield
        return
    import asyncssh

    from tuiops.sources.bastion import TargetUnreachable

    try:
        yield
    except TargetUnreachable as error:
        raise ProbeFailed(safe(str(error))) from error
    except asyncssh.Error as error:
        raise Unreachable(f"bastion {bastion.name} was lost on the way to {where}: {safe(str(error))}") from error


async def _open(host: str, port: int, bastion: Bastion | None, tls: ssl.SSLContext | None) -> tuple[Reader, Writer]:
    if bastion is not None:
        return await bastion.open_connection(host, port)
    if tls is None:
        return await asyncio.open_connection(host, port, happy_eyeballs_delay=_NEXT_ADDRESS)
    return await asyncio.open_connection(
        host, port, ssl=tls, ssl_shutdown_timeout=_TLS_GOODBYE, happy_eyeballs_delay=_NEXT_ADDRESS
    )


def blame(error: BaseException, where: SafeText) -> TuiopsError:
    """What a failed connection says, as ProbeFailed about the target or as SourceError about ourselves."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return ProbeFailed(tls_problem(cause, where))
    numbers: set[int] = set()
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            if cause.errno in _NO_SUCH_NAME:
                return ProbeFailed(fmt("no such name: {}", where))
            return Unreachable(f"cannot look up {where}: {cause.strerror}")
        if isinstance(cause, OSError):
            # Several addresses of one name fail as one OSError whose number is in its text only.
            found = (cause.errno,) if cause.errno else map(int, _ERRNO.findall(str(cause)))
            numbers.update(found)
    theirs = numbers - _OURS
    if numbers and not theirs:
        return Unreachable(f"{where}: {safe(str(error))}")
    for number, words in _WORDS.items():
        if number in theirs:
            return ProbeFailed(fmt("{} {}", words, where))
    return ProbeFailed(fmt("{}: {}", where, safe(str(error) or type(error).__name__)))


def verifying_context(ca: str | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities, or those in the file `ca`. Reads files: run it in a thread."""
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise QueryRefused(f"cannot read certificate authorities from {ca}: {error}") from error


def tls_problem(error: ssl.SSLError, where: SafeText) -> SafeText:
    """Why TLS failed, in words of what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return fmt("certificate of {} {}", where, _VERDICTS.get(error.verify_code, lit("is not trusted")))
    if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
        return fmt("{} does not speak TLS", where)
    return fmt("TLS with {} failed: {}", where, safe((error.reason or str(error)).lower().replace("_", " ")))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and the members of groups among them."""
    todo: list[BaseException] = [error]
    while todo:
        found = todo.pop()
        yield found
        if isinstance(found, BaseExceptionGroup):
            todo.extend(found.exceptions)
        # httpcore raises its errors anew `from None`: what caused them is their context only.
        cause = found.__cause__ or found.__context__
        if cause is not None:
            todo.append(cause)
