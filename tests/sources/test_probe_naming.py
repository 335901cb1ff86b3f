from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.config.systems import TcpProbe, TlsProbe
from tuiops.core.clock import SystemClock
from tuiops.core.health import Comparison
from tuiops.core.text import lit
from tuiops.core.units import Unit
from tuiops.sources.base import ReadsHealth
from tuiops.sources.probe.make import make_probe
from tuiops.sources.probe.naming import probe_indicator, probe_name

_IDENTIFIERS = st.text("ab/%:", min_size=1, max_size=6)


def test_a_probe_is_named_after_its_system_and_itself() -> None:
    assert probe_name("pricealert", "api-health") == "probe:pricealert/api-health"


@given(first=st.tuples(_IDENTIFIERS, _IDENTIFIERS), second=st.tuples(_IDENTIFIERS, _IDENTIFIERS))
def test_two_probes_never_share_a_name(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert (probe_name(*first) == probe_name(*second)) == (first == second)


def test_names_are_safe() -> None:
    assert probe_name("a\x1b]0;x\x07", "b\n").isprintable()


def test_a_certificate_has_limits_of_life_left() -> None:
    indicator = probe_indicator("shop", "cert", TlsProbe(service="web", host="h"), lit("feed"))
    assert indicator.unit is Unit.SECONDS
    assert indicator.degraded is not None
    assert indicator.degraded.comparison is Comparison.BELOW
    assert indicator.degraded.value == 21 * 86400
    assert indicator.down is not None
    assert indicator.down.value == 2 * 86400


def test_a_slow_answer_is_degraded_and_never_down() -> None:
    config = TcpProbe(service="web", host="h", port=1, degraded="> 500ms")
    indicator = probe_indicator("shop", "tcp", config, lit("feed"))
    assert indicator.degraded is not None
    assert indicator.degraded.value == 0.5
    assert indicator.down is None


def test_a_limit_without_a_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="unit"):
        probe_indicator("shop", "tcp", TcpProbe(service="web", host="h", port=1, degraded="> 5"), lit("feed"))


def test_the_source_reads_what_the_configuration_declares() -> None:
    config = TcpProbe(service="web", host="h", port=1)
    source = make_probe("shop", "tcp", config, clock=SystemClock())
    assert isinstance(source, ReadsHealth)
    assert source.name == probe_name("shop", "tcp")
    assert source.indicator == probe_indicator("shop", "tcp", config, source.name)
    assert source.kind == "tcp probe"
    assert source.timeout > config.timeout
