"""Errors as Google's APIs answer them (AIP-193)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GoogleError(Exception):
    """An API refuses. The status is the usual one of its code unless another is named."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: str = "",
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or _STATUS[code]
        self.reason = reason
        self.headers = headers or {}

    @property
    def line(self) -> str:
        """Code and phrase."""
        return f"{self.code} {HTTPStatus(self.code).phrase}"

    def body(self) -> bytes:
        error: dict[str, object] = {"code": self.code, "message": str(self), "status": self.status}
        if self.reason:
            info = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": self.reason,
                "domain": "googleapis.com",
            }
            error["details"] = [info]
        return json.dumps({"error": error}).encode()
