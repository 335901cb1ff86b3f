"""What the configuration tells of resources, and what sources can do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from tests.runbooks.shop import CONFIG
from tuiops.config.load import load
from tuiops.config.resources import AwsResource, GcpResource
from tuiops.runbooks.format.abilities import ABILITIES
from tuiops.runbooks.format.facts import ABLE, KINDS, choices, configured
from tuiops.runbooks.format.model import Ability, ListedParameter, ListedThing, ReadThing
from tuiops.sources.aws.source import AwsSource
from tuiops.sources.gcp.source import GcpSource

if TYPE_CHECKING:
    from tuiops.config.model import Config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    file = tmp_path_factory.mktemp("config") / "tuiops.toml"
    file.write_text(CONFIG, encoding="utf-8")
    return load(file, environ={}).config


@pytest.mark.parametrize(
    ("of", "resource", "value"),
    [
        ("name", "db", "shop-db"),
        ("project", "api", "shop-example"),
        ("region", "api", "asia-northeast1"),
        ("region", "web", "ap-northeast-1"),
        ("project", "web", None),
        ("name", "nothing", None),
    ],
)
def test_what_a_resource_is_called_and_where_it_is(config: Config, of: str, resource: str, value: str | None) -> None:
    assert configured(config, "shop", of, resource) == value


def test_a_system_that_is_not_there_tells_nothing(config: Config) -> None:
    assert configured(config, "ship", "name", "db") is None
    assert choices(config, "ship", ListedParameter(of="services")) == ()


def test_services_and_resources_are_chosen_from_the_configuration(config: Config) -> None:
    assert choices(config, "shop", ListedParameter(of="services")) == ("api", "db", "web")
    assert choices(config, "shop", ListedParameter(of="resources")) == ("api", "web", "db", "key", "cache")
    assert choices(config, "shop", ListedParameter(of="resources", kind="cloud_run")) == ("api",)
    assert choices(config, "shop", ListedParameter(of="revisions", resource="api")) is None


@pytest.mark.parametrize("ability", get_args(Ability))
def test_an_ability_is_one_that_the_source_of_its_resources_has(ability: Ability) -> None:
    methods = {name for name in dir(ABILITIES[ability].protocol) if name.startswith("prepare_")}
    assert methods
    kinds = ABLE.get(ability, frozenset(get_args(GcpResource)))
    if kinds & set(get_args(GcpResource)):
        assert methods <= set(dir(GcpSource))
    if kinds & set(get_args(AwsResource)):
        assert methods <= set(dir(AwsSource))


def test_everything_that_is_listed_or_read_is_of_some_resource() -> None:
    of_resources = {*get_args(ListedThing), *get_args(ReadThing)} - {
        "services",
        "resources",
        "name",
        "project",
        "region",
    }
    assert set(KINDS) == of_resources
