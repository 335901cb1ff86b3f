"""Google's token servers: OAuth 2, the security token service, and impersonation."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.google.discovery import document
from tests.google.errors import GoogleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.sources.hostile import Request
    from tuiops.core.clock import Clock

OAUTH = "/oauth/token"
STS = "/sts/v1/token"
METADATA = "/computeMetadata/"
IMPERSONATION = "/iamcredentials"

_GRANTS = {
    "refresh_token": "refresh_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "assertion",
    "urn:ietf:params:oauth:grant-type:token-exchange": "subject_token",
}
"""What must come with each kind of grant."""


class Tokens:
    """Issues tokens, and knows which ones still count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._valid: dict[str, float] = {}
        """Until when, on the monotonic clock."""
        self._count = 0
        self._refusal: dict[str, str] | None = None
        self.status = 200
        """What the token servers answer; 503 makes them fail."""
        self.grants: list[Mapping[str, str]] = []
        """What tokens were asked for with."""
        self.lifetime = 3600
        self.date = ""
        """The servers' own time, as a Date header; none when empty."""

    def issue(self) -> str:
        """A token that counts for `lifetime` seconds."""
        self._count += 1
        token = f"ya29.token-{self._count}"
        self._valid[token] = self._clock.monotonic() + self.lifetime
        return token

    def revoke(self) -> None:
        """No token that was issued so far counts any more."""
        self._valid.clear()

    def refuse(self, error: str, description: str) -> None:
        """Issue no more tokens."""
        self._refusal = {"error": error, "error_description": description}

    def check(self, request: Request) -> None:
        """GoogleError when a request to an API shows no token that counts."""
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme != "Bearer" or self._valid.get(token, 0.0) < self._clock.monotonic():
            raise GoogleError(401, "Request had invalid authentication credentials.", reason="ACCESS_TOKEN_EXPIRED")

    def answer(self, path: str, request: Request) -> tuple[bytes, str, dict[str, str]]:
        """Body, status and headers of the answer to a request to one of the token servers."""
        headers = {"Date": self.date} if self.date else {}
        if path == "/" or path.startswith(METADATA):
            headers["Metadata-Flavor"] = "Google"
        return *self._answer(path, request), headers

    def _answer(self, path: str, request: Request) -> tuple[bytes, str]:
        if self.status != 200:
            return b"{}", f"{self.status} Unwell"
        if path in {OAUTH, STS}:
            return self._grant({key: found[0] for key, found in parse_qs(request.body).items()})
        if path == "/" or path.startswith(METADATA):
            return self._machine(path, request)
        if path.startswith(IMPERSONATION):
            return self._impersonate(path.removeprefix(IMPERSONATION), request)
        raise GoogleError(404, f"nothing at {path}")

    def _grant(self, form: Mapping[str, str]) -> tuple[bytes, str]:
        self.grants.append(form)
        wanted = _GRANTS.get(form.get("grant_type", ""))
        if wanted is None or not form.get(wanted):
            return _json({"error": "unsupported_grant_type"}), "400 Bad Request"
        if self._refusal is not None:
            return _json(self._refusal), "400 Bad Request"
        answer = {"access_token": self.issue(), "expires_in": self.lifetime, "token_type": "Bearer"}
        return _json(answer), "200 OK"

    def _machine(self, path: str, request: Request) -> tuple[bytes, str]:
        if request.header("metadata-flavor") != "Google":
            return b"", "403 Forbidden"
        if "/token" in path:
            self.grants.append({"grant_type": "metadata"})
            return _json({"access_token": self.issue(), "expires_in": self.lifetime, "token_type": "Bearer"}), "200 OK"
        return _json({"email": "vm@project.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}), "200 OK"

    def _impersonate(self, path: str, request: Request) -> tuple[bytes, str]:
        self.check(request)
        api = document("iamcredentials", "v1")
        found = api.match("POST", path)
        # A field that is null is one that is not given.
        body = {key: value for key, value in json.loads(request.body).items() if value is not None}
        assert found is not None
        assert api.check_request(found.method, (), body) == []
        self.grants.append({"grant_type": "impersonation", "account": found.variables[1]})
        if self._refusal is not None:
            raise GoogleError(403, self._refusal["error_description"], reason="IAM_PERMISSION_DENIED")
        answer = {"accessToken": self.issue(), "expireTime": "2099-01-01T00:00:00Z"}
        assert api.check_response(found.method, answer) == []
        return _json(answer), "200 OK"


def claims(assertion: str) -> dict[str, Any]:
    """What a service account's signed request for a token says."""
    part = assertion.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
