"""Settings that are well-formed each and wrong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from tuiops.config.load import load
from tuiops.config.systems import Quantity
from tuiops.core.units import Unit
from tuiops.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "indicator",
    [
        'kind = "gauge"\nsource = "prom"\nquery = "up"\n',
        'kind = "cloudwatch"\nsource = "aws"\nnamespace = "AWS/ECS"\nmetric = "CPU"\n',
    ],
)
def test_an_indicator_of_numbers_is_no_state(tmp_path: Path, indicator: str) -> None:
    text = f"""
    [sources.prom]
    type = "prometheus"
    url = "http://127.0.0.1:9090"
    [sources.aws]
    type = "aws"
    region = "us-east-1"
    [systems.shop.services.api]
    [systems.shop.indicators.up]
    heading = "UP"
    unit = "state"
    down = "> 5"
    {indicator}
    """
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ={})
    (fault,) = caught.value.faults
    assert fault.key == "systems.shop.indicators.up.unit"
    assert fault.problem == "'state' is not among the choices"
    assert "ratio" in fault.remedy


def test_every_other_unit_may_be_chosen() -> None:
    assert {Unit(word) for word in get_args(Quantity)} == set(Unit) - {Unit.STATE}


def test_there_is_one_ledger(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[ledger]\npath = "ledger.db"\nurl = { env = "LEDGER_URL" }\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ={})
    (fault,) = caught.value.faults
    assert (fault.key, fault.problem) == ("ledger.url", "is given beside path")
    file.write_text('[ledger]\npath = "ledger.db"\nanchors = "~/anchors"\n', encoding="utf-8")
    config = load(file, environ={}).config.ledger
    assert config.path == str(tmp_path / "ledger.db")
    assert config.anchors is not None
    assert not config.anchors.startswith("~")
