from __future__ import annotations

from datetime import UTC, datetime

from tuiops.config.sources import SimulationConfig
from tuiops.core.clock import FakeClock
from tuiops.core.rollouts import Phase
from tuiops.errors import SourceError
from tuiops.sim.simulation import build_simulation
from tuiops.sources.base import ReadsRollouts


async def test_a_rollout_keeps_its_identifier_and_shares_it_with_no_other() -> None:
    clock = FakeClock(datetime(2026, 5, 4, tzinfo=UTC))
    sources = [s for s in build_simulation(SimulationConfig(), clock).sources() if isinstance(s, ReadsRollouts)]
    begun: dict[str, datetime] = {}
    ended: set[str] = set()
    for _ in range(12 * 20):
        clock.advance(300)
        for source in sources:
            try:
                found = (await source.read_rollouts()).rollouts
            except SourceError:
                continue
            assert len({rollout.id for rollout in found}) == len(found)
            for rollout in found:
                assert begun.setdefault(rollout.id, rollout.started) == rollout.started
                assert not (rollout.phase is Phase.RUNNING and rollout.id in ended)
                ended |= {rollout.id} if rollout.phase.ended else set()
    assert len(ended) > 10
