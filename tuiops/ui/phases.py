"""The signs and colours of rollouts, the same wherever they are drawn: colour says how it ended or what is amiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.health import State
from tuiops.core.rollouts import GateResult, Origin, Phase
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import countdown, span
from tuiops.ui.format import cut, width_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style

    from tuiops.core.rollouts import Rollout, Step
    from tuiops.ui.glyphs import Glyphs
    from tuiops.ui.theme import Palette

GATE_STATES: Mapping[GateResult, State] = {
    GateResult.PASS: State.OK, GateResult.FAIL: State.DOWN, GateResult.INCONCLUSIVE: State.UNKNOWN,
    GateResult.ERROR: State.DEGRADED,
}  # fmt: skip
"""A gate that could not be asked is trouble, but not the rollout's."""


_SEPARATORS = frozenset("-:./_@")


def phase_style(phase: Phase, palette: Palette) -> Style:
    """What is under way is plain: only how something ended has a colour."""
    return {
        Phase.SUCCEEDED: palette.state[State.OK], Phase.FAILED: palette.state[State.DOWN],
        Phase.ROLLED_BACK: palette.state[State.DEGRADED], Phase.UNKNOWN: palette.state[State.UNKNOWN],
        Phase.WAITING: palette.muted, Phase.RUNNING: palette.text, Phase.SUPERSEDED: palette.muted,
    }[phase]  # fmt: skip


def phase_glyph(phase: Phase, glyphs: Glyphs) -> SafeText:
    """One column for a phase."""
    return {
        Phase.SUCCEEDED: glyphs.done, Phase.RUNNING: glyphs.running, Phase.WAITING: glyphs.waiting,
        Phase.FAILED: glyphs.failed, Phase.ROLLED_BACK: glyphs.undone, Phase.UNKNOWN: glyphs.unknown,
        Phase.SUPERSEDED: glyphs.arrow,
    }[phase]  # fmt: skip


def change(rollout: Rollout, width: int, glyphs: Glyphs) -> SafeText:
    """`phase1-00041 → phase1-00042`; where room is short, without what both names begin with, then with both cut."""
    old, new = rollout.old or lit("?"), rollout.new or lit("?")
    whole = fmt("{} {} {}", old, glyphs.arrow, new)
    if width_of(whole) <= width:
        return whole
    shared = _shared(old, new)
    old, new = SafeText(old[shared:]), SafeText(new[shared:])
    room = max(1, (width - 3) // 2)
    spare = max(0, room - width_of(old)) + (width - 3) % 2
    return fmt("{} {} {}", _cut(old, room, glyphs), glyphs.arrow, _cut(new, room + spare, glyphs))


def _cut(name: SafeText, width: int, glyphs: Glyphs) -> SafeText:
    """A name in at most `width` columns; what is cut does not end in a separator of what is gone."""
    short = cut(name, width, glyphs.cut)
    if short == name:
        return name
    return fmt("{}{}", SafeText(short.removesuffix(glyphs.cut).rstrip("".join(_SEPARATORS))), glyphs.cut)


def _shared(old: SafeText, new: SafeText) -> int:
    """Characters that both names begin with, up to a separator that more follows in either."""
    length = 0
    for place, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            break
        if one in _SEPARATORS and place + 1 < min(len(old), len(new)):
            length = place + 1
    return length


def percent(share: float) -> SafeText:
    """A share of traffic; whole percents, as vendors take them."""
    return SafeText(f"{share * 100:.0f}%")


def traffic(rollout: Rollout, glyphs: Glyphs) -> SafeText:
    """The new revision's share: `10%`, or `10→7%` while what is set has not come true.

    Where traffic is not shared out, the instances that have been replaced: `1/4`. Empty when nobody tells.
    """
    meant, real = rollout.share_set, rollout.share_actual
    if meant is not None and real is not None and rollout.lags:
        return fmt("{}{}{}", SafeText(f"{meant * 100:.0f}"), glyphs.arrow, percent(real))
    share = real if real is not None else meant
    side = rollout.new_side
    if share is None and side is not None and side.running is not None and side.desired is not None:
        return fmt("{}/{}", side.running, side.desired)
    return EMPTY if share is None else percent(share)


def who(rollout: Rollout) -> SafeText:
    """`CI, gcloud`: who started it and with what, as far as that is known."""
    if rollout.by and rollout.client and rollout.client != rollout.by:
        return fmt("{}, {}", rollout.by, rollout.client)
    return rollout.by or rollout.client


def origin(rollout: Rollout) -> SafeText:
    """Whose it is, in a sentence."""
    if rollout.origin is Origin.OURS:
        return lit("ours: a run of this console")
    return lit("observed: not started by this console")


def lasted(seconds: float) -> SafeText:
    """A duration to the second below an hour: `16:20`, `0:00`, `1h05`."""
    return countdown(seconds) if seconds >= 1 else lit("0:00")


def timer(step: Step, left: float | None) -> SafeText:
    """`3:12 of 5:00 left` for a timed step that runs; `over by 1m` when its time is up."""
    if left is None or step.ends is None:
        return EMPTY
    if left <= 0:
        return fmt("over by {}", span(-left))
    if step.started is None or step.ends <= step.started:
        return fmt("{} left", countdown(left))
    return fmt("{} of {} left", countdown(left), countdown((step.ends - step.started).total_seconds()))
