"""The one place where the errors of AWS' APIs become ours.

The JSON protocols answer `{"__type": "namespace#Code", "message": …}`, the query protocol
`<ErrorResponse><Error><Code>…`; older services share codes, newer ones have their own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.text import SafeText, safe
from tuiops.core.units import span
from tuiops.errors import (
    AccessDenied,
    Conflict,
    NotFound,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)
from tuiops.sources.http_errors import retry_after, server_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MISSING = "AWS needs botocore, which is not installed; pip install 'tuiops[aws]'"

PAUSE = 10.0
"""Seconds to wait after a throttled request. AWS names no time; its buckets fill again every second."""

_MESSAGE = 300
_SKEW = 240.0
"""Seconds between the clocks from which on a refused signature is put down to them; AWS allows 300."""

THROTTLED = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "TransactionInProgressException", "LimitExceeded",
})  # fmt: skip
"""What botocore's own retries take for throttling, and the older name of one of them."""

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_UNKNOWN = frozenset({
    "AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "UnrecognizedClientException",
})  # fmt: skip
_SIGNATURE = frozenset({
    "IncompleteSignature", "IncompleteSignatureException", "InvalidSignatureException", "RequestExpired",
    "RequestInTheFuture", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
})  # fmt: skip
_TIMED = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_DENIED = frozenset({
    "AccessDenied", "AccessDeniedException", "ForbiddenException", "NotAuthorized", "OptInRequired",
    "UnauthorizedException", "UnauthorizedOperation",
})  # fmt: skip
_CONFLICT = frozenset({
    "ConflictException", "ConcurrentModificationException", "ConcurrentUpdateException", "InvalidDBInstanceState",
    "InvalidDBInstanceStateFault", "ResourceInUseException", "ServiceNotActiveException", "UpdateInProgressException",
})  # fmt: skip
_PRESENT = re.compile(r"AlreadyExists(Fault|Exception)?$")
_OVER = "SessionTimeoutException"
_ABSENT = re.compile(r"(NotFound|NotFoundFault|NotFoundException|NotFoundError)$")
_CUT = re.compile(r"RequestTimeout(Exception)?$")
_PERMISSION = re.compile(r"User: (\S{1,300}) is not authorized to perform: ([\w-]{1,64}:\w{1,64})")


class Refused(NamedTuple):
    """What AWS says when it refuses."""

    api: str
    """The service, as botocore names it."""
    code: str
    message: str
    status: int
    headers: Mapping[str, str]


class KeysRefused(AccessDenied):
    """Keys that have expired or are unknown: others may have been put in their place meanwhile."""


class Exists(QueryRefused):
    """What was to be made is there already, or something else of its name."""


class SessionOver(Unreachable):
    """A live tail has reached its three hours; another one may be opened at once."""


def explain(refused: Refused, server: SafeText, now: datetime, remedy: str) -> SourceError | None:
    """Our error; None where HTTP's status says more. `remedy`: how to log in again."""
    code, said = refused.code, safe(refused.message.strip().rstrip("."), _MESSAGE)
    name = safe(refused.api)
    wait = retry_after(refused.headers.get("retry-after", ""), now)
    if code in THROTTLED or refused.status == 429:
        return RateLimited(f"{name} limit ({safe(code)}): {said}", retry_after=PAUSE if wait is None else wait)
    if code in _EXPIRED | _UNKNOWN | _SIGNATURE:
        return _keys(refused, said, now, remedy)
    if code in _DENIED:
        return _denied(refused, said)
    if not code:
        return None
    if refused.status >= 500:
        return Unreachable(f"{name} at {server} failed ({refused.status}, {safe(code)}): {said}")
    return _kind(code)(f"{name}: {said or 'refused'} ({safe(code)})")


def _kind(code: str) -> type[SourceError]:
    """What a refusal is whose code says nothing of keys, permissions or limits."""
    if code == _OVER:
        return SessionOver
    if _ABSENT.search(code):
        return NotFound
    if _CUT.match(code):
        # AWS stopped waiting: whether it was carried out is not known.
        return TimedOut
    if _PRESENT.search(code):
        return Exists
    return Conflict if code in _CONFLICT else QueryRefused


def _keys(refused: Refused, said: SafeText, now: datetime, remedy: str) -> SourceError:
    if refused.code in _EXPIRED:
        return KeysRefused(f"logged out: the AWS credentials have expired; {remedy}")
    if refused.code in _UNKNOWN:
        return KeysRefused(f"logged out: AWS does not know the credentials ({safe(refused.code)}: {said}); {remedy}")
    return _signature(refused, said, now, remedy)


def _signature(refused: Refused, said: SafeText, now: datetime, remedy: str) -> SourceError:
    """A signature is refused for the time that it was made at, or for the key that it was made with."""
    told = server_time(refused.headers)
    gap = None if told is None else now.timestamp() - told
    late = refused.code in _TIMED or said.startswith(("Signature expired", "Signature not yet current"))
    if gap is not None and abs(gap) >= _SKEW:
        how = f"{span(abs(gap))} {'ahead of' if gap > 0 else 'behind'} AWS'"
        return AccessDenied(f"this machine's clock is {how}, which allows 5m: set it (timedatectl)")
    if late:
        return AccessDenied(f"this machine's clock differs from AWS' by more than 5m: set it (timedatectl): {said}")
    return KeysRefused(f"logged out: the AWS secret key does not belong to the access key ({said}); {remedy}")


def _denied(refused: Refused, said: SafeText) -> SourceError:
    found = _PERMISSION.search(refused.message)
    if found is None:
        return AccessDenied(f"{safe(refused.api)} forbids this ({safe(refused.code)}): {said}")
    who, action = safe(found[1]), safe(found[2])
    return AccessDenied(f"the permission {action} is missing for {who}")
