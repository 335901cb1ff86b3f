"""Who asks Google: credentials found where Google's own tools find them, and the access tokens they yield.

All of it blocks. google-auth reads, signs and parses; it is imported when the first token is wanted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.units import span
from tuiops.errors import AccessDenied, SourceError, Unreachable
from tuiops.sources.gcp.token_transport import TokenTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.credentials import GoogleCredentials

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The one scope that all of Google Cloud's APIs accept; what is allowed is up to IAM."""

MISSING = "Google Cloud needs google-auth, which is not installed → pip install 'tuiops[gcp]'"

_METADATA = "http://169.254.169.254/"
_METADATA_SECONDS = 1.5
_SKEW = 60.0
"""Seconds between two clocks from which on they may be why a signature is refused."""
_MESSAGE = 300
_LOGIN = lit("run `gcloud auth application-default login`")


class Token(NamedTuple):
    """An access token. Its text is a secret."""

    text: str
    lifetime: float
    """Seconds that it is valid from now on."""
    quota_project: str | None
    """Project that the credentials themselves name for quotas."""
    person: bool
    """Whether it speaks for a person, whose requests count against no project by themselves."""

    def __repr__(self) -> str:
        return "<Token>"


class Identity:
    """The credentials of one configuration. One thread at a time."""

    def __init__(self, config: GoogleCredentials, transport: TokenTransport | None = None) -> None:
        self._config = config
        self._transport = transport or TokenTransport()
        self._found: Any = None
        self._person = False
        self._remedy: SafeText = _LOGIN

    def token(self) -> Token:
        """A fresh token. AccessDenied when there are no credentials or they are refused, Unreachable when Google is."""
        try:
            from google.auth import exceptions
        except ImportError:
            raise SourceError(MISSING) from None
        try:
            if self._found is None:
                self._found = self._acting(self._find())
            self._found.refresh(self._transport)
        except exceptions.TransportError as error:
            raise Unreachable(f"Google's token server cannot be reached: {_said(error)}") from None
        except exceptions.GoogleAuthError as error:
            if error.retryable:
                raise Unreachable(f"Google's token server fails: {_said(error)}") from None
            # What a person mends is read again: the file may have been replaced by then.
            self._found = None
            raise self._logged_out(_said(error)) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            # google-auth trusts the fields of credential files.
            self._found = None
            raise self._logged_out(fmt("the credentials cannot be used ({})", safe(type(error).__name__))) from None
        return self._token()

    def _token(self) -> Token:
        text = self._found.token
        if not isinstance(text, str) or not (text.isascii() and text.isprintable() and " " not in text):
            raise self._logged_out(lit("the token server sent what is no token"))
        return Token(text, _lifetime(self._found.expiry), self._found.quota_project_id, self._person)

    def _find(self) -> Any:
        """The configured file's, then the application-default ones: variable, gcloud's file, metadata server."""
        path = self._config.file
        if path is not None:
            self._remedy = fmt("check credentials.file {}", safe(path))
            return self._load(Path(path).expanduser())
        named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if named:
            self._remedy = fmt("check GOOGLE_APPLICATION_CREDENTIALS {}", safe(named))
            return self._load(Path(named))
        self._remedy = _LOGIN
        folder = os.environ.get("CLOUDSDK_CONFIG")
        usual = (
            Path(folder) if folder else Path.home() / ".config" / "gcloud"
        ) / "application_default_credentials.json"
        if usual.is_file():
            return self._load(usual)
        if self._on_google():
            return self._machine()
        raise self._logged_out(lit("no application-default credentials on this machine"))

    def _load(self, path: Path) -> Any:
        try:
            info = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except OSError as error:
            why = safe(error.strerror or "cannot be read").lower()
            raise self._logged_out(fmt("the credentials cannot be read: {}", safe(why))) from None
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            raise self._logged_out(lit("the credentials are not JSON")) from None
        self._person = info.get("type") in {"authorized_user", "external_account_authorized_user"}
        if self._person and self._config.file is None:
            self._remedy = _LOGIN
        return _made(info)

    def _acting(self, found: Any) -> Any:
        """The credentials of the account that is impersonated, if one is."""
        if self._config.impersonate is None:
            return found
        from google.auth import impersonated_credentials

        self._person = False
        self._remedy = fmt("it needs roles/iam.serviceAccountTokenCreator on {}", safe(self._config.impersonate))
        return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call] # google-auth is typed in part
            source_credentials=found, target_principal=self._config.impersonate, target_scopes=[SCOPE]
        )

    def _on_google(self) -> bool:
        """Whether this machine is Google's own, or pretends to be by GCE_METADATA_HOST."""
        from google.auth.exceptions import TransportError

        host = os.environ.get("GCE_METADATA_HOST")
        try:
            url = f"http://{host}/" if host else _METADATA
            answer = self._transport(url, headers={"metadata-flavor": "Google"}, timeout=_METADATA_SECONDS)
        except TransportError:
            return False
        return answer.headers.get("metadata-flavor") == "Google"

    def _machine(self) -> Any:
        try:
            from google.auth import compute_engine
        except ImportError:
            # google-auth asks the metadata server through requests, which it does not depend on.
            raise SourceError(MISSING) from None
        self._remedy = lit("give this machine a service account with the scope cloud-platform")
        return compute_engine.Credentials(scopes=[SCOPE])  # type: ignore[no-untyped-call] # typed in part

    def _logged_out(self, why: SafeText) -> AccessDenied:
        skew = self._transport.skew
        if abs(skew) > _SKEW and ("JWT" in why or "time" in why):
            side = lit("ahead of") if skew > 0 else lit("behind")
            return AccessDenied(f"logged out: this machine's clock is {span(abs(skew))} {side} Google's; set it: {why}")
        return AccessDenied(f"logged out: {why}; {self._remedy}")


def _made(info: Mapping[str, Any]) -> Any:
    """The credentials that a file describes. Loaded by type: google-auth's own choice of type is deprecated."""
    kind = info.get("type")
    match kind:
        case "service_account":
            from google.oauth2 import service_account

            return service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call] # typed in part
        case "authorized_user":
            from google.oauth2 import credentials

            return credentials.Credentials.from_authorized_user_info(info)  # type: ignore[no-untyped-call] # typed in part
        case "external_account":
            return _external(info)
        case "external_account_authorized_user":
            from google.auth import external_account_authorized_user

            return external_account_authorized_user.Credentials.from_info(info)  # type: ignore[no-untyped-call] # typed in part
        case "impersonated_service_account":
            from google.auth import impersonated_credentials

            return impersonated_credentials.Credentials.from_impersonated_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call] # typed in part
        case _:
            raise AccessDenied(f"logged out: the credentials are of an unknown type: {safe(str(kind))}")


def _external(info: Mapping[str, Any]) -> Any:
    """Workload identity: who this is was proven to somebody else, whom Google trusts."""
    origin = info.get("credential_source")
    origin = origin if isinstance(origin, dict) else {}
    if str(origin.get("environment_id", "")).startswith("aws"):
        from google.auth import aws

        return aws.Credentials.from_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call] # typed in part
    if "executable" in origin:
        from google.auth import pluggable

        return pluggable.Credentials.from_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call] # typed in part
    from google.auth import identity_pool

    return identity_pool.Credentials.from_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call] # typed in part


def _lifetime(expiry: Any) -> float:
    """Seconds until a moment that google-auth gives as naive UTC, by the clock that it was computed with."""
    from datetime import UTC, datetime

    if not isinstance(expiry, datetime):
        return 0.0
    return max(0.0, (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())


def _said(error: Exception) -> SafeText:
    """The error's own words, without the answer that they came with: that may hold more than is fit to show."""
    first = error.args[0] if error.args else type(error).__name__
    return safe(str(first).strip().rstrip("."), _MESSAGE)
