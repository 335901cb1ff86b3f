"""AWS credentials as the AWS command line finds them. Everything here may block: it runs in a thread of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from tuiops.core.text import safe
from tuiops.errors import AccessDenied, RateLimited, SourceError, Unreachable
from tuiops.sources.aws.errors import MISSING, THROTTLED

if TYPE_CHECKING:
    from tuiops.config.credentials import AwsCredentials

CLI_CACHE = "~/.aws/cli/cache"
"""Where the AWS command line keeps the credentials of roles that it assumed, such as those that asked for a code."""

_CONNECT = 5.0
_READ = 8.0
"""Seconds for STS and the SSO portal to take a connection and to answer."""

_SESSION = "tuiops"
"""Name of the sessions of a role, as CloudTrail shows them."""

_MESSAGE = 300


class Keys(NamedTuple):
    """What requests are signed with."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return "<Keys>"


class Identity:
    """Finds keys and renews them before they expire. One thread at a time."""

    def __init__(self, config: AwsCredentials, region: str) -> None:
        self._config = config
        self._region = region
        self._credentials: Any = None

    def keys(self) -> Keys:
        """Keys that are valid for some minutes. AccessDenied, `logged out: …`, when there are none to be had."""
        try:
            if self._credentials is None:
                self._credentials = self._find()
            frozen = self._credentials.get_frozen_credentials()
        except ImportError:
            raise SourceError(MISSING) from None
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001 - botocore's errors have no common root with those of its files
            raise self._explained(error) from None
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    def forget(self) -> None:
        """Look everywhere again at the next call: a file or a login may have been renewed meanwhile."""
        self._credentials = None

    @property
    def remedy(self) -> str:
        """What to do when keys are refused."""
        return f"run {self._command('aws sso login')}, or renew what [credentials] names"

    @property
    def profile(self) -> str:
        """The profile of the AWS configuration that is used."""
        return self._config.profile or os.environ.get("AWS_PROFILE") or "default"

    def _find(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        session = Session(profile=self._config.profile)
        session.set_config_variable("region", self._region)
        session.set_default_client_config(
            Config(connect_timeout=_CONNECT, read_timeout=_READ, retries={"total_max_attempts": 2})
        )
        assumes = session.get_component("credential_provider").get_provider("assume-role")
        assumes.cache = _CliCache()
        # botocore would ask for the code of a second factor on the terminal that the console draws on.
        assumes._prompter = self._no_prompt  # noqa: SLF001 - it has no other way in
        found = session.get_credentials()
        if found is None:
            raise AccessDenied(
                f"logged out: no AWS credentials in the environment, profile {safe(self.profile)}, container or "
                f"instance; run {self._command('aws configure')} or {self._command('aws sso login')}"
            )
        return found if self._config.role is None else self._assumed(session, found)

    def _assumed(self, session: Any, found: Any) -> Any:
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

        def client(service: str, **keys: str) -> Any:
            return session.create_client(
                service, region_name=self._region, endpoint_url=self._config.sts_endpoint, **keys
            )

        extra = {"RoleSessionName": _SESSION}
        if self._config.external_id is not None:
            extra["ExternalId"] = self._config.external_id
        fetcher = AssumeRoleCredentialFetcher(client, found, self._config.role, extra_args=extra, cache={})
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")

    def _no_prompt(self, prompt: str) -> NoReturn:
        del prompt
        raise AccessDenied(
            f"logged out: profile {safe(self.profile)} asks for a code of a second factor; "
            f"run {self._command('aws sts get-caller-identity')} and enter it there"
        )

    def _command(self, command: str) -> str:
        profile = safe(self.profile)
        return f"`{command}`" if profile == "default" else f"`{command} --profile {profile}`"

    def _explained(self, error: Exception) -> SourceError:
        from botocore import exceptions

        profile, why = safe(self.profile), safe(str(error), _MESSAGE)
        if isinstance(error, exceptions.ClientError):
            return self._refused(error.response.get("Error", {}), str(error.operation_name))
        if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
            place = safe(str(error.kwargs.get("endpoint_url", "its server")))
            return Unreachable(f"AWS credentials cannot be renewed: {place} cannot be reached")
        match error:
            case exceptions.ProfileNotFound():
                text = f"there is no AWS profile {profile}; check `profile` or ~/.aws/config"
            case exceptions.SSOError() | exceptions.TokenRetrievalError() | exceptions.NoAuthTokenError():
                text = f"the SSO session of profile {profile} has ended; run {self._command('aws sso login')}"
            case exceptions.PartialCredentialsError():
                text = f"the AWS credentials are incomplete: {why}"
            case exceptions.BotoCoreError() if type(error).__name__.startswith("Login"):
                text = f"profile {profile}: {why}; run {self._command('aws login')}"
            case exceptions.BotoCoreError() | OSError() | ValueError() | KeyError():
                text = f"AWS credentials of profile {profile} cannot be read: {why}"
            case _:
                return SourceError(f"AWS credentials: internal error: {type(error).__name__}: {why}")
        return AccessDenied(f"logged out: {text}")

    def _refused(self, said: Any, operation: str) -> SourceError:
        code, message = str(said.get("Code", "")), safe(str(said.get("Message", "")), _MESSAGE)
        if code in THROTTLED:
            return RateLimited(f"AWS credentials: {safe(operation)} was refused for its limit ({safe(code)})")
        who = safe(self._config.role or f"profile {self.profile}")
        again = self._command("aws sso login") if operation == "GetRoleCredentials" else "see its trust policy"
        return AccessDenied(f"logged out: {who}: {safe(operation)} was refused: {safe(code)}: {message}; {again}")


class _CliCache:
    """The credentials of roles that the AWS command line has assumed are read; own ones stay in memory."""

    def __init__(self) -> None:
        from botocore.utils import JSONFileCache

        self._own: dict[str, Any] = {}
        self._files = JSONFileCache(str(Path(CLI_CACHE).expanduser()))

    def __contains__(self, key: str) -> bool:
        return key in self._own or key in self._files

    def __getitem__(self, key: str) -> Any:
        return self._own[key] if key in self._own else self._files[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._own[key] = value
