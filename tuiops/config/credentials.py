"""Who asks the clouds. Each is a table `[credentials.NAME]` with a `type`; several sources may share one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tuiops.config.values import PrivateFile, Url


class _Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """A table whose unknown keys are mistakes."""


class GoogleCredentials(_Credentials, frozen=True, kw_only=True, tag="google"):
    """Google credentials: the application-default ones of this machine, or those of a file."""

    file: Annotated[
        PrivateFile | None,
        Meta(
            description="Service account key, authorized user or external account (workload identity) as JSON; "
            "the application-default credentials when left out."
        ),
    ] = None
    impersonate: Annotated[
        Annotated[str, Meta(pattern=r"^[a-z0-9.-]+@[a-z0-9.-]+\.gserviceaccount\.com$")] | None,
        Meta(
            description="Service account to act as, by e-mail address.",
        ),
    ] = None
    quota_project: Annotated[
        str | None, Meta(description="Project whose quotas the requests count against; the one asked when left out.")
    ] = None


class AwsCredentials(_Credentials, frozen=True, kw_only=True, tag="aws"):
    """AWS credentials, found as the AWS command line finds them: environment, profile, SSO, container, instance."""

    profile: Annotated[str | None, Meta(description="Profile of the user's AWS configuration.")] = None
    role: Annotated[
        Annotated[str, Meta(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$")] | None,
        Meta(description="ARN of a role to assume."),
    ] = None
    external_id: Annotated[str | None, Meta(description="External ID that the role asks for.")] = None
    sts_endpoint: Annotated[
        Url | None, Meta(description="Address of STS, where roles are assumed; the region's when left out.")
    ] = None


AnyCredentials = GoogleCredentials | AwsCredentials
