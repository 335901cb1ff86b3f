"""The release of tokyo's chat, carried out on the fake of Google: who serves at every moment, and who in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.playing import Play
from tests.examples.sample_values import VALUES
from tests.runbooks.playing import failed
from tuiops.core.rollouts import Phase
from tuiops.core.runs import RunState
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.google.fixtures import GoogleStage

CHAT = "tokyo-ai-chat-service"
NEW = f"{CHAT}-r20260501-1"
RELEASE = VALUES["tokyo-blue-green"]


class Release(Play):
    """The chat, whose traffic floats with the latest revision, as a pipeline leaves it."""

    def __init__(self, google: GoogleStage, folder: Path) -> None:
        super().__init__(google, folder, "tokyo")
        self.run.deploy(CHAT, "chat:1")
        google.clock.advance(60)
        self.old = self.run.deploy(CHAT, "chat:2")
        google.clock.advance(60)
        self.seen: list[dict[str, int]] = []
        """How traffic was shared, one after the other."""

    async def begin(self) -> None:
        await super().begin()
        self.world.rolls = (("chat", Phase.SUCCEEDED),)
        self.world.levels = {("chat", "errors"): (Unit.RATIO, 0.0)}
        self.world.meanwhile = self._look

    @property
    def shares(self) -> dict[str, int]:
        return self.traffic(CHAT)[CHAT]

    @property
    def tags(self) -> dict[str, str]:
        """Revisions by their tags."""
        return {one["tag"]: one["revision"] for one in self.run.service(CHAT)["traffic"] if "tag" in one}

    def _look(self) -> None:
        if not self.seen or self.seen[-1] != self.shares:
            self.seen.append(self.shares)


@pytest.fixture
async def tokyo(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Release]:
    play = Release(google, tmp_path)
    await play.begin()
    yield play
    await play.close()


async def test_a_release_is_a_tenth_and_then_everything(tokyo: Release) -> None:
    began = tokyo.stage.google.clock.now()
    view = tokyo.view(await tokyo.played("tokyo-blue-green", attested=True, **RELEASE))

    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    assert tokyo.seen == [{tokyo.old: 100}, {tokyo.old: 90, NEW: 10}, {NEW: 100}]
    assert [url.partition("---")[0] for url in tokyo.answers.asked] == ["https://blue"]
    assert {f'revision_name="{NEW}"' in promql for _, promql in tokyo.world.queried} == {True}
    # Five minutes for a tenth, two in which it did well, a quarter of an hour for everybody.
    assert (tokyo.stage.google.clock.now() - began).total_seconds() >= (5 + 2 + 15) * 60


async def test_the_next_release_knows_the_one_before(tokyo: Release) -> None:
    await tokyo.played("tokyo-blue-green", attested=True, **RELEASE)
    tokyo.world.good = 0.5
    run = await tokyo.played("tokyo-blue-green", attested=True, **{**RELEASE, "suffix": ("r20260502-1",)})
    assert tokyo.shares == {NEW: 90, f"{CHAT}-r20260502-1": 10}

    assert (await tokyo.undone(run)).state is RunState.UNDONE
    assert (tokyo.shares, tokyo.tags) == ({NEW: 100}, {})


@pytest.mark.parametrize(
    ("level", "told", "step"),
    [
        ("good", 0.9, "good"),
        ("good", None, "good"),
        ("requests", None, "enough"),
        ("requests", 99.0, "enough"),
    ],
)
async def test_a_tenth_that_is_not_known_to_do_well_goes_no_further_and_back(
    tokyo: Release, level: str, told: float | None, step: str
) -> None:
    setattr(tokyo.world, level, told)
    run = await tokyo.played("tokyo-blue-green", attested=True, **RELEASE)
    assert (tokyo.view(run).state, failed(tokyo.view(run))) == (RunState.FAILED, [step])
    assert tokyo.shares == {tokyo.old: 90, NEW: 10}

    view = await tokyo.undone(run)
    assert view.state is RunState.UNDONE
    assert view.reason.startswith(f"left as it is: Pin the chat to {tokyo.old} (cannot be undone: floating, the chat")
    assert (tokyo.shares, tokyo.tags) == ({tokyo.old: 100}, {})
    assert {NEW: 100} not in tokyo.seen


async def test_what_does_badly_for_everybody_goes_back_to_the_old_revision(tokyo: Release) -> None:
    def fails_for_everybody() -> None:
        tokyo._look()
        if tokyo.shares == {NEW: 100}:
            tokyo.world.levels = {("chat", "errors"): (Unit.RATIO, 0.06)}

    tokyo.world.meanwhile = fails_for_everybody
    run = await tokyo.played("tokyo-blue-green", attested=True, **RELEASE)
    assert (tokyo.view(run).state, failed(tokyo.view(run))) == (RunState.FAILED, ["watch"])
    assert tokyo.shares == {NEW: 100}

    assert (await tokyo.undone(run)).state is RunState.UNDONE
    assert (tokyo.shares, tokyo.tags) == ({tokyo.old: 100}, {})


async def test_what_does_not_answer_under_its_tag_is_never_given_any_traffic(tokyo: Release) -> None:
    tokyo.answers.down = "blue---"
    run = await tokyo.played("tokyo-blue-green", attested=True, **RELEASE)
    assert (tokyo.view(run).state, failed(tokyo.view(run))) == (RunState.FAILED, ["blue_well"])
    assert tokyo.tags == {"blue": NEW}

    assert (await tokyo.undone(run)).state is RunState.UNDONE
    assert (tokyo.seen, tokyo.tags) == ([{tokyo.old: 100}], {})
