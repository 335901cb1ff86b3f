"""Who a command is to the clouds: whatever of the console's environment decides that for its own calls.

A run must not act as two accounts: a call that the console makes and the `aws`, `gcloud` or `kubectl` of the next step
look for credentials in the same variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WHO: Final = {
    "aws": (
        "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_*",
    ),
    "google": (
        "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_ACCOUNT", "CLOUDSDK_AUTH_*",
    ),
    "kubernetes": ("KUBECONFIG",),
}  # fmt: skip
"""By cloud: who asks. A step that sets one of them gets none of the console's: they would be parts of two accounts."""

WHERE: Final = (
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_SDK_LOAD_CONFIG",
    "AWS_CA_BUNDLE", "AWS_EC2_METADATA_*", "AWS_ENDPOINT_URL*", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_STS_REGIONAL_ENDPOINTS", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "CLOUDSDK_*",
    "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_EXTERNAL_ACCOUNT_*", "GCE_METADATA_*",
)  # fmt: skip
"""Which account, region or server is asked, and where credentials are looked for."""

_SECRET: Final = re.compile(r"(?:.*_)?(?:SECRET|TOKEN|PASSWORD)(?:_.*)?")
_NAMES_A_FILE: Final = re.compile(r".*_(?:FILE|URI|URL|HOST)")


def passed_on(surroundings: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The variables of this program that choose an identity, as far as a command does not set its `own`."""
    given = {name: value for name, value in surroundings.items() if _is_one_of(name, WHERE)}
    for names in WHO.values():
        if any(_is_one_of(name, names) for name in own):
            given = {name: value for name, value in given.items() if not _is_one_of(name, names)}
        else:
            given |= {name: value for name, value in surroundings.items() if _is_one_of(name, names)}
    return {name: value for name, value in given.items() if name not in own}


def says_who(name: str, cloud: str) -> bool:
    """Whether a variable says who asks a cloud."""
    return _is_one_of(name, WHO[cloud])


def secrets_of(given: Mapping[str, str]) -> frozenset[str]:
    """The values among such variables that nobody must see."""
    return frozenset(value for name, value in given.items() if value and _is_secret(name))


def _is_secret(name: str) -> bool:
    return _SECRET.fullmatch(name) is not None and _NAMES_A_FILE.fullmatch(name) is None


def _is_one_of(name: str, names: tuple[str, ...]) -> bool:
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in names)
