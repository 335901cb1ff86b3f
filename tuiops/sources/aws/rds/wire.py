"""The members of RDS' answers that are used, by the names of its API.

States are texts: a word that is not known must break nothing.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

_UPPER = {"db": "DB", "az": "AZ"}


def _name(field: str) -> str:
    """`db_instance_status` is `DBInstanceStatus` there."""
    return "".join(_UPPER.get(word) or word.capitalize() for word in field.split("_"))


class _Rds(msgspec.Struct, frozen=True, kw_only=True, rename=_name):
    """RDS writes some of its abbreviations in capitals."""


class StatusInfo(_Rds, frozen=True, kw_only=True):
    """How a read replica stands."""

    status_type: str = ""
    normal: bool = True
    status: str = ""
    message: str = ""


class Tag(_Rds, frozen=True, kw_only=True):
    key: str = ""
    value: str = ""


class SecurityGroup(_Rds, frozen=True, kw_only=True):
    vpc_security_group_id: str = ""


class SubnetGroup(_Rds, frozen=True, kw_only=True):
    db_subnet_group_name: str = ""


class ParameterGroup(_Rds, frozen=True, kw_only=True):
    db_parameter_group_name: str = ""


class Instance(_Rds, frozen=True, kw_only=True):
    """A database instance."""

    db_instance_identifier: str
    db_instance_status: str = ""
    db_instance_class: str = ""
    dbi_resource_id: str = ""
    """Never used again for another one, even under the same name."""
    engine: str = ""
    engine_version: str = ""
    allocated_storage: int = 0
    """GiB."""
    availability_zone: str = ""
    multi_az: bool = False
    instance_create_time: datetime | None = None
    backup_retention_period: int = 0
    """Days."""
    latest_restorable_time: datetime | None = None
    db_cluster_identifier: str = ""
    """Of Aurora and Multi-AZ clusters, whose backups are the cluster's."""
    percent_progress: str = ""
    publicly_accessible: bool = False
    status_infos: tuple[StatusInfo, ...] = ()
    vpc_security_groups: tuple[SecurityGroup, ...] = ()
    db_subnet_group: SubnetGroup = SubnetGroup()
    db_parameter_groups: tuple[ParameterGroup, ...] = ()
    tag_list: tuple[Tag, ...] = ()


class Snapshot(_Rds, frozen=True, kw_only=True):
    """A snapshot of an instance."""

    db_snapshot_identifier: str
    db_instance_identifier: str = ""
    status: str = ""
    """`creating`, `available`, `failed` and others."""
    snapshot_type: str = ""
    """`automated`, `manual` or `awsbackup`."""
    snapshot_create_time: datetime | None = None
    percent_progress: int = 0
    db_snapshot_arn: str = ""


class Event(_Rds, frozen=True, kw_only=True):
    """Something that happened to an instance."""

    source_identifier: str = ""
    message: str = ""
    event_categories: tuple[str, ...] = ()
    date: datetime | None = None
