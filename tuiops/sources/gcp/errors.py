"""The one place where the errors of Google's APIs become ours.

Google answers `{"error": {"code", "status", "message", "details", "errors"}}` (AIP-193). The status is one of
google.rpc.Code; a detail of type ErrorInfo has a reason, one of type RetryInfo a delay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import SafeText, safe
from tuiops.errors import (
    AccessDenied,
    BadAnswer,
    Conflict,
    NotFound,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)
from tuiops.sources.http_errors import MAX_RETRY_AFTER, retry_after, server_time

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.sources.http_errors import Refusal

_MESSAGE = 300
_SKEW = 60.0
_LOGIN = "run `gcloud auth application-default login`, or check [credentials]"
_RATES = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "quotaExceeded"}
"""Reasons of older APIs, Cloud SQL's among them, which refuse for too many requests with 403."""


class _Reason(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    code: int = 0
    status: str = ""
    message: str = ""
    details: list[dict[str, Any]] = []
    errors: list[_Reason] = []

    def reason(self) -> str:
        """The machine's word for what is wrong."""
        for detail in self.details:
            if isinstance(reason := detail.get("reason"), str):
                return reason
        return self.errors[0].reason if self.errors else ""

    def delay(self) -> float | None:
        """Seconds to wait that a RetryInfo names."""
        for detail in self.details:
            found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)s", str(detail.get("retryDelay", "")), re.ASCII)
            if found is not None:
                return min(float(found[1]), MAX_RETRY_AFTER)
        return None


class _Body(msgspec.Struct):
    error: _Error


_DECODER = msgspec.json.Decoder(_Body)


def explain(refusal: Refusal, server: SafeText, now: datetime, *, api: str, project: str) -> SourceError | None:
    """Our error for an answer of a Google API; None when it is not in Google's form."""
    try:
        error = _DECODER.decode(refusal.body).error
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return None
    said = safe(error.message.strip().rstrip("."), _MESSAGE)
    name = safe(api)
    if refusal.status == 429 or error.status == "RESOURCE_EXHAUSTED" or error.reason() in _RATES:
        wait = retry_after(refusal.headers.get("retry-after", ""), now)
        return RateLimited(f"{name} limit: {said}", retry_after=error.delay() if wait is None else wait)
    if refusal.status == 401:
        return AccessDenied(f"logged out: {name} refused the credentials: {said}{_clock(refusal, now)}; {_LOGIN}")
    if refusal.status == 403:
        return _forbidden(error, name, said, safe(project))
    kind = _BY_STATUS.get(error.status) or _BY_CODE.get(refusal.status) or _class_of(refusal.status)
    wait = retry_after(refusal.headers.get("retry-after", ""), now)
    return kind(f"{name} at {server}: {said or safe(error.status)} ({refusal.status})", retry_after=wait)


_BY_STATUS: dict[str, type[SourceError]] = {
    "NOT_FOUND": NotFound,
    "ABORTED": Conflict,
    "ALREADY_EXISTS": Conflict,
    "FAILED_PRECONDITION": QueryRefused,
    "INVALID_ARGUMENT": QueryRefused,
    "OUT_OF_RANGE": QueryRefused,
    "UNIMPLEMENTED": QueryRefused,
    "DEADLINE_EXCEEDED": TimedOut,
    "CANCELLED": TimedOut,
    "UNAVAILABLE": Unreachable,
    "INTERNAL": Unreachable,
    "UNKNOWN": Unreachable,
}

_BY_CODE: dict[int, type[SourceError]] = {
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    499: TimedOut,
    504: TimedOut,
}
"""For older APIs, Cloud SQL's among them, whose errors have no status. What was cut (408, 499) may have happened."""


def _class_of(status: int) -> type[SourceError]:
    if 400 <= status < 500:
        return QueryRefused
    return Unreachable if status >= 500 else BadAnswer


def _forbidden(error: _Error, name: SafeText, said: SafeText, project: SafeText) -> SourceError:
    match error.reason():
        case "SERVICE_DISABLED" | "accessNotConfigured":
            remedy = f"run `gcloud services enable {name}.googleapis.com --project={project}`"
            return AccessDenied(f"{name} is not enabled in project {project}; {remedy}: {said}")
        case "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
            return AccessDenied(f"the credentials lack the scope cloud-platform for {name}: {said}; {_LOGIN}")
        case "USER_PROJECT_DENIED":
            return AccessDenied(
                f"{name} may not count against this quota project; grant roles/serviceusage.serviceUsageConsumer "
                f"or set credentials.quota_project: {said}"
            )
        case "BILLING_DISABLED":
            return AccessDenied(f"billing is off in project {project}: {said}")
        case _:
            return AccessDenied(f"{name} forbids this (403): {said}")


def _clock(refusal: Refusal, now: datetime) -> str:
    told = server_time(refusal.headers)
    if told is None or abs(now.timestamp() - told) < _SKEW:
        return ""
    return " (this machine's clock differs from Google's; set it)"
