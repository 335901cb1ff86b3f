"""Planning in a world: what cannot be read, and that the plan shows whole what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import CONFIG
from tests.runbooks.worlds import SmallWorld
from tests.runbooks.written import HEAD
from tuiops.config.load import load
from tuiops.errors import Refused, Unreachable
from tuiops.runbooks.format.load import library
from tuiops.runbooks.planning.planner import Planner

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Told

TOLD = '\n[[steps]]\nid = "told"\ntitle = "Told"\ndo = {{ kind = "notify", message = "{}" }}\n'


class DeadWorld(SmallWorld):
    """One whose sources do not answer."""

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        raise Unreachable("cloud: connection refused")


def planner(folder: Path, steps: str, world: SmallWorld | None = None, config: str = "") -> Planner:
    """A planner with the runbook `restart`, in a world with this configuration."""
    file = folder / "config.toml"
    file.write_text(CONFIG + config, encoding="utf-8")
    (folder / "runbooks").mkdir(exist_ok=True)
    (folder / "runbooks" / "restart.toml").write_text(HEAD + steps, encoding="utf-8")
    loaded = load(file, environ={})
    world = world or SmallWorld()
    world.configured = loaded.config
    known = library(loaded)
    assert not known.faults, known.faults
    return Planner(lambda: known, world)


class TestWhatCannotBeRead:
    async def test_a_read_is_named_with_its_resource(self, tmp_path: Path) -> None:
        reads = '[reads.now]\nof = "serving"\nresource = "api"\n'
        made = planner(tmp_path, reads + TOLD.format("{now}"), DeadWorld())
        with pytest.raises(Refused) as refused:
            await made.plan("restart", "shop", {})
        assert str(refused.value) == (
            "not planned: the serving revision of api cannot be read: cloud: connection refused"
        )

    async def test_a_list_is_named_with_its_parameter(self, tmp_path: Path) -> None:
        listed = '[parameters.to]\ntype = "listed"\nof = "revisions"\nresource = "api"\n'
        made = planner(tmp_path, listed + TOLD.format("{to}"), DeadWorld())
        with pytest.raises(Refused) as refused:
            await made.plan("restart", "shop", {"to": ("v1",)})
        assert str(refused.value) == "not planned: the revisions for to cannot be listed: cloud: connection refused"
