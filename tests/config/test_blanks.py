"""Blanks: reported once, by what belongs there, wherever they stand, and before anything else about their key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuiops.config.blanks import wanted
from tuiops.config.load import load
from tuiops.errors import Blank, ConfigError, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.config.model import Config

SHOP = """
[sources.gcp]
type = "gcp"
project = "shop-production"
[systems.shop.services.api]
[systems.shop.probes.health]
kind = "http"
service = "api"
url = "https://shop.example/health"
"""


def error_of(folder: Path, text: str, **reviews: object) -> ConfigError:
    file = folder / "tuiops.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ={}, **reviews)  # type: ignore[arg-type] # only reviews are passed on
    return caught.value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("FILL IN: the project", "the project"),
        ("FILL IN:the project", "the project"),
        ("FILL IN: two\n  lines", "two lines"),
        ("FILL IN:", "a value"),
        ("FILL IN", "a value"),
        ("FILL IN: " + "x" * 1000, "x" * 200),
        ("FILL INTO it", None),
        ("the words FILL IN: x", None),
        ("", None),
        (7, None),
    ],
)
def test_what_a_blank_is(value: object, said: str | None) -> None:
    assert wanted(value) == said


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('project = "shop-production"', "sources.gcp.project"),
        ('type = "gcp"', "sources.gcp.type"),
        ('url = "https://shop.example/health"', "systems.shop.probes.health.url"),
        ('service = "api"', "systems.shop.probes.health.service"),
        ('kind = "http"', "systems.shop.probes.health.kind"),
    ],
)
def test_a_blank_is_the_only_fault_of_its_key(tmp_path: Path, line: str, key: str) -> None:
    name = line.partition(" ")[0]
    found = error_of(tmp_path, SHOP.replace(line, f'{name} = "FILL IN: something"'))
    assert found.faults == (Blank(str(tmp_path / "tuiops.toml"), key, "is blank", "fill in something"),)
    assert found.mistakes == ()
    assert found.blanks == found.faults


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('interval = "FILL IN: a duration"', "systems.shop.probes.health.interval"),
        ('degraded = "FILL IN: a limit"', "systems.shop.probes.health.degraded"),
        ('method = "FILL IN: a choice"', "systems.shop.probes.health.method"),
        ('expect_status = ["2xx", "FILL IN: a status"]', "systems.shop.probes.health.expect_status[1]"),
        ('bearer = { env = "FILL IN: a variable" }', "systems.shop.probes.health.bearer.env"),
        ('bearer = "FILL IN: a secret"', "systems.shop.probes.health.bearer"),
        ('[systems.shop.services.web]\nlinks = { a = "FILL IN: an address" }', "systems.shop.services.web.links.a"),
        ('[systems.shop.probes.tcp]\nkind = "tcp"\nservice = "api"\nhost = "h"\nport = "FILL IN: a port"',
         "systems.shop.probes.tcp.port"),
    ],
)  # fmt: skip
def test_a_blank_may_stand_for_any_value(tmp_path: Path, lines: str, key: str) -> None:
    assert [fault.key for fault in error_of(tmp_path, SHOP + lines).blanks] == [key]


def test_mistakes_are_found_beside_blanks_and_only_what_is_given_is_reviewed(tmp_path: Path) -> None:
    def review(config: Config) -> list[Fault]:
        return [Fault("", "systems.shop", "was reviewed")] if "gcp" not in config.sources else []

    blank = SHOP.replace("shop-production", "FILL IN: the project")
    found = error_of(tmp_path, blank, reviews=[review])
    assert [fault.problem for fault in found.mistakes] == ["was reviewed"]
    assert [fault.key for fault in found.blanks] == ["sources.gcp.project"]

    wrong = error_of(tmp_path, blank + 'method = "PUT"\n')
    assert [fault.key for fault in wrong.mistakes] == ["systems.shop.probes.health.method"]
    assert [fault.key for fault in wrong.blanks] == ["sources.gcp.project"]


def test_what_names_a_table_with_a_blank_is_not_blamed(tmp_path: Path) -> None:
    text = SHOP.replace("shop-production", "FILL IN: the project") + (
        '[systems.shop.resources.api]\nkind = "cloud_run"\nsource = "gcp"\nservice = "api"\nname = "api"\n'
    )
    assert [fault.key for fault in error_of(tmp_path, text).faults] == ["sources.gcp.project"]


def test_an_environment_variable_may_fill_a_blank(tmp_path: Path) -> None:
    file = tmp_path / "tuiops.toml"
    file.write_text('environment = "FILL IN: its name"\n[environments.production]\n', encoding="utf-8")
    assert load(file, environ={"TUIOPS_ENVIRONMENT": "production"}).config.environment == "production"
