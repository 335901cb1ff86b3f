"""Every phase of a rollout has a sign and a colour of its own kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuiops.core.rollouts import Phase
from tuiops.ui.format import width_of
from tuiops.ui.glyphs import ASCII, UNICODE, Glyphs
from tuiops.ui.phases import phase_glyph, phase_style
from tuiops.ui.theme import load

THEMES = sorted((Path(__file__).parents[2] / "themes").glob("*.toml"))


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_phase_has_a_sign_of_one_column(phase: Phase, glyphs: Glyphs) -> None:
    assert width_of(phase_glyph(phase, glyphs)) == 1


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_no_two_phases_share_a_sign(glyphs: Glyphs) -> None:
    assert len({phase_glyph(phase, glyphs) for phase in Phase}) == len(Phase)


@pytest.mark.parametrize("theme", THEMES, ids=lambda path: path.stem)
def test_what_was_superseded_does_not_look_bad(theme: Path) -> None:
    palette = load(theme).palette
    ends = {phase: phase_style(phase, palette) for phase in Phase}
    assert ends[Phase.SUPERSEDED] not in {ends[Phase.FAILED], ends[Phase.ROLLED_BACK]}
