"""Which variables and headers would hold a secret in plain sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import command, found, step
from tuiops.config.values import Secret
from tuiops.runbooks.format.checks.plain_secrets import is_plain_secret

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    [
        "PGPASSWORD", "PASSWD", "APIKEY", "API_KEY", "MYSQL_PWD", "GITHUB_PAT", "DB_PASSWORD", "DB_PASS", "SSHPASS",
        "AWS_SECRET_ACCESS_KEY", "REDISCLI_AUTH", "GITHUBTOKEN", "TOKEN2", "VAULT_SECRET_ID", "AWS_CREDENTIALS",
        "SIGNING_KEY", "SECRET_KEY_BASE", "PASSPHRASE", "Authorization", "Cookie", "X-Auth-Token", "X-ApiKey",
        "Ocp-Apim-Subscription-Key",
    ],
)  # fmt: skip
def test_names_of_secrets(tmp_path: Path, name: str) -> None:
    assert is_plain_secret(name, "hunter2")
    assert not is_plain_secret(name, Secret(env="THERE"))
    assert not is_plain_secret(name, "Bearer {secret.there}")
    if "-" not in name:
        text = step("a", command("tool", environment=f"{{ {name} = 'hunter2' }}"), danger='"C"')
        assert found(tmp_path, text) == [(f"steps[0].do.environment.{name}", "would hold a secret")]


@pytest.mark.parametrize(
    "name",
    [
        "PWD", "OLDPWD", "TOKENIZERS_PARALLELISM", "MAX_TOKENS", "KEYMAP", "MONKEY", "COMPASS", "BYPASS", "PATH",
        "SECRET_NAME", "SECRET_VERSION", "TOKEN_FILE", "PGPASSFILE", "GOOGLE_APPLICATION_CREDENTIALS", "TOKEN_URL",
        "AWS_SHARED_CREDENTIALS_FILE", "AWS_ACCESS_KEY_ID", "SSH_AUTH_SOCK", "XAUTHORITY", "PATIENCE", "AUTHOR",
    ],
)  # fmt: skip
def test_names_of_nothing_secret(name: str) -> None:
    assert not is_plain_secret(name, "x")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("postgresql://app:hunter2@db/shop", True),
        ("redis://:hunter2@cache:6379", True),
        ("https://api.example/a:b@c", False),
        ("postgresql://app@db:5432/shop", False),
        ("https://api.example/?at=12:30@utc", False),
    ],
)
def test_a_password_within_an_address(value: str, plain: bool) -> None:
    assert is_plain_secret("DATABASE", value) is plain
