"""A command is to a cloud whoever the abilities of the same system are, or says who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.shop import CONFIG
from tests.runbooks.written import command, faults, found, step
from tuiops.config.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.config.model import Config

ROLE = "arn:aws:iam::123456789012:role/ops"
ACCOUNT = "ops@shop-prod.iam.gserviceaccount.com"
AWS = ("aws", "rds", "describe-db-instances")
GCLOUD = ("gcloud", "run", "services", "list", "--project=p")


def given(folder: Path, aws: str, google: str) -> Config:
    """The shop, asked with credentials of these settings."""
    text = CONFIG.replace('type = "gcp"', 'type = "gcp"\ncredentials = "g"').replace(
        'type = "aws"', 'type = "aws"\ncredentials = "a"'
    )
    file = folder / "tuiops.toml"
    named = f'\n[credentials.g]\ntype = "google"\n{google}\n[credentials.a]\ntype = "aws"\n{aws}\n'
    file.write_text(text + named, encoding="utf-8")
    return load(file, environ={}).config


def local(*argv: str, **more: str) -> str:
    return step("a", command(*argv, **more), danger='"S"')


def gate(*argv: str) -> str:
    return step("g", f'{{ kind = "gate", check = {{ by = "command", argv = {list(argv)} }} }}')


@pytest.mark.parametrize(
    ("aws", "google", "text", "who"),
    [
        ('profile = "prod"', "", local(*AWS), "profile prod of credentials.a"),
        (f'role = "{ROLE}"', "", local(*AWS), f"role {ROLE} of credentials.a"),
        ("", f'impersonate = "{ACCOUNT}"', local(*GCLOUD), f"{ACCOUNT} of credentials.g"),
        ('profile = "prod"', "", gate(*AWS), "profile prod of credentials.a"),
        ('profile = "prod"', "", local("sudo", "-E", *AWS), "profile prod of credentials.a"),
        ('profile = "prod"', "", local(*AWS, environment="{ AWS_REGION = 'x' }"), "profile prod of credentials.a"),
    ],
)
def test_a_command_that_would_be_somebody_else_is_named(
    tmp_path: Path, aws: str, google: str, text: str, who: str
) -> None:
    [fault] = faults(tmp_path, text, given(tmp_path, aws, google))
    assert fault.key.endswith(".argv")
    assert fault.problem == f"would not be {who}, as abilities are there"


@pytest.mark.parametrize(
    "text",
    [
        local(*AWS, "--profile", "prod"),
        local(*AWS, "--profile=prod"),
        local(*AWS, environment="{ AWS_PROFILE = 'prod' }"),
        local("env", "AWS_PROFILE=prod", *AWS),
        gate(*AWS, "--profile=prod"),
        local(*GCLOUD, f"--impersonate-service-account={ACCOUNT}"),
        local(*GCLOUD, environment="{ CLOUDSDK_ACTIVE_CONFIG_NAME = 'prod' }"),
        local("true"),
    ],
)
def test_one_that_says_who_it_is_is_right(tmp_path: Path, text: str) -> None:
    config = given(tmp_path, 'profile = "prod"', f'impersonate = "{ACCOUNT}"')
    assert found(tmp_path, text, config) == []


@pytest.mark.parametrize("argv", [AWS, GCLOUD])
def test_where_nobody_is_named_both_are_whoever_the_console_is(tmp_path: Path, argv: tuple[str, ...]) -> None:
    assert found(tmp_path, local(*argv), given(tmp_path, "", "")) == []


def test_on_a_bastion_a_command_is_somebody_else_anyway(tmp_path: Path) -> None:
    config = given(tmp_path, 'profile = "prod"', "")
    assert found(tmp_path, local(*AWS, via="'gate'"), config) == []
