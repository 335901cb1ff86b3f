"""The answer to the first question, whether it is bad: environment, alerts by severity, what is due, sources, clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.strip import Strip
from textual.widget import Widget

from tuiops.core.alerts import count_active
from tuiops.core.severity import Severity
from tuiops.core.source import Freshness
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import countdown
from tuiops.ui.format import width_of
from tuiops.ui.run_signs import mentions
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.differing import refresh_where
from tuiops.ui.widgets.safe import segments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.style import Style

    from tuiops.core.alerts import Alert
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.format import Times
    from tuiops.ui.theme import Look, Palette

Part = tuple[SafeText, "Style"]
Forms = tuple[tuple[Part, ...], ...]
"""Ways to say the same, the longest first."""


_NEVER_DROPPED = 2
"""Where am I, is it bad: what gives way last of all; after it, how long do I have."""
_GAP = 2
"""Blanks between two facts."""


class Facts(NamedTuple):
    """What the header says, in its parts."""

    environment: Forms
    counts: Forms
    runs: Forms
    due: Forms
    budget: Forms
    sources: Sequence[Part]
    paused: Sequence[Part]
    clock: Sequence[Part]


class Header(Widget):
    """One line, or two where one is too short. Drawn again only when it says something else."""

    DEFAULT_CSS = "Header { dock: top; height: 1; }"
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._strips: list[Strip] = []
        self._shown: object = None
        self._counted: tuple[tuple[Alert, ...], dict[Severity, int], Alert | None] = ((), {}, None)

    def show(self, snapshot: Snapshot, now: datetime) -> None:
        shell = shell_of(self)
        width = self.size.width
        rows = self.size.height
        counts, due = self._urgent(snapshot.alerts)
        facts = Facts(
            environment_part(snapshot, shell.look.palette, read_only=shell.read_only),
            counts_part(counts, snapshot.quiet_is_proven(now), shell.look),
            mentions(snapshot.runs, now, shell.look),
            due_part(due, now, shell.look.palette),
            budget_part(snapshot, shell.times, now, shell.look.palette),
            sources_part(snapshot, now, shell.look.palette),
            paused_part(shell.behind if shell.frozen else None, shell.look.palette),
            ((shell.times.clock(shell.backend.clock.now()), shell.look.palette.muted),),
        )
        shown = (facts, width, rows, shell.look)
        if shown != self._shown:
            self._shown = shown
            before, self._strips = self._strips, header_strips(facts, width, rows, shell.look.palette)
            refresh_where(self, before, self._strips)

    def on_resize(self) -> None:
        shell = shell_of(self)
        self.show(shell.snapshot, shell.now)

    def _urgent(self, alerts: tuple[Alert, ...]) -> tuple[dict[Severity, int], Alert | None]:
        """Counts, and the firing alert that is due first; computed once for each set of alerts."""
        if self._counted[0] is not alerts or not self._counted[1]:
            due = min(
                (alert for alert in alerts if alert.active and alert.due is not None),
                key=lambda alert: (alert.due, alert.severity),
                default=None,
            )
            self._counted = (alerts, count_active(alerts), due)
        return self._counted[1], self._counted[2]

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, shell_of(self).look.palette.panel)


def environment_part(snapshot: Snapshot, palette: Palette, *, read_only: bool) -> Forms:
    """Production says so in a word as well as in a colour; `READ-ONLY` once somebody asked for it."""
    environment = snapshot.environment
    limits = ((lit(" READ-ONLY "), palette.other),) if read_only else ()
    if not environment.production:
        return (((fmt(" {} ", environment.name), palette.other), *limits),)
    short = ((lit(" PRODUCTION "), palette.production), *limits)
    if environment.name.casefold() in {"production", "prod"}:
        return (short,)
    return ((fmt(" PRODUCTION {} ", environment.name), palette.production), *limits), short


def counts_part(counts: dict[Severity, int], proven: bool, look: Look) -> Forms:  # noqa: FBT001 - one fact
    """`!! 1  ! 2  ~ 4  . 0`, or the worst of them alone; a zero that nothing proves is a grey question mark."""
    palette = look.palette
    parts: list[Part] = []
    for severity in Severity:
        count = counts.get(severity, 0)
        glyph = SafeText(severity.glyph.rstrip())
        if count:
            parts.append((fmt(" {} {} ", glyph, SafeText(f"{count:,}")), palette.severity[severity]))
        else:
            parts.append((fmt(" {} {} ", glyph, lit("0") if proven else lit("?")), palette.muted))
    worst = next((n for n, severity in enumerate(Severity) if counts.get(severity)), 0)
    return tuple(parts), (parts[worst],)


def due_part(due: Alert | None, now: datetime, palette: Palette) -> Forms:
    """What somebody must respond to first, and in what time."""
    if due is None or due.due is None:
        return ()
    seconds = (due.due - now).total_seconds()
    name = due.system or due.service or due.name
    if seconds <= 0:
        return (((fmt("{} is overdue", name), palette.severity[Severity.P1]),),)
    left = (countdown(seconds), palette.severity[Severity.P2] if seconds < 900 else palette.text)
    return (
        ((fmt("respond to {} in ", name), palette.text), left),
        ((fmt("{} due ", name), palette.text), left),
    )


def budget_part(snapshot: Snapshot, times: Times, now: datetime, palette: Palette) -> Forms:
    """The error budget of which least is left, and when it will be gone if this goes on; grey when it is old."""
    worst = snapshot.worst_budget(now)
    if worst is None:
        return ()
    share = SafeText(f"{worst.left:.0%}")
    late = snapshot.lateness(worst.source, now)
    if late:
        return (
            ((fmt("budget {} {} {}", worst.system, share, late), palette.stale),),
            ((fmt("budget {} {}", share, late), palette.stale),),
            ((fmt("budget {}", late), palette.stale),),
        )
    left = (share, palette.severity[Severity.P2] if worst.left < 0.1 else palette.text)
    named = ((fmt("budget {} ", worst.system), palette.muted), left)
    short = ((lit("budget "), palette.muted), left)
    if worst.left <= 0 or worst.gone_at is None:
        return named, short
    gone = (fmt(", gone {}", times.minute(worst.gone_at, now)), palette.muted)
    return (*named, gone), (*short, gone), named, short


def sources_part(snapshot: Snapshot, now: datetime, palette: Palette) -> tuple[Part, ...]:
    """`7/7 live`, or which is worst and how; a vendor's limit that will make data late is said before it does."""
    statuses = [feed.status for feed in snapshot.feeds.values()]
    if not statuses:
        return ((lit("starting") if snapshot.starting else lit("no sources"), palette.stale),)
    order = (Freshness.LIVE, Freshness.STALE, Freshness.DEAD, Freshness.NEVER)
    live = sum(status.freshness(now) is Freshness.LIVE for status in statuses)
    parts: list[Part] = [
        (fmt("{}/{} live", live, len(statuses)), palette.muted if live == len(statuses) else palette.stale)
    ]
    if live < len(statuses):
        worst = max(statuses, key=lambda status: order.index(status.freshness(now)))
        words = worst.describe(now) if worst.answered is not None or worst.word else lit("no data yet")
        parts.append((fmt(" · {} {}", worst.name, words), palette.stale))
    elif limits := {limited for status in statuses if (limited := status.limited(now))}:
        more = fmt(" and {} more", len(limits) - 1) if len(limits) > 1 else EMPTY
        parts.append((fmt(" · {}{}", min(limits), more), palette.stale))
    return tuple(parts)


def paused_part(behind: int | None, palette: Palette) -> tuple[Part, ...]:
    """`PAUSED +128` while the screen is frozen."""
    return () if behind is None else ((fmt(" PAUSED +{} ", behind), palette.stale),)


def header_strips(facts: Facts, width: int, rows: int, palette: Palette) -> list[Strip]:
    """The facts in one line or two. Where room is short they are said in fewer words, the last of them first.

    A run under way is never left out: it stands beside where and how bad, or first in the second line.
    """
    where = [facts.environment, facts.counts[:1]]
    if len(_shortened(where, width - 2 - _GAP)) < _NEVER_DROPPED:
        # The counts stay whole until nothing else is left to give way.
        where[1] = facts.counts
    running = [facts.runs] if facts.runs else []
    if rows == 1:
        kept = _NEVER_DROPPED + len(running)
        if running and len(_shortened([*where, *running], width - 2)) < kept:
            where[1] = facts.counts[-1:]
        left = [*where, *running, facts.due, facts.budget]
        right = [facts.paused, facts.sources, facts.clock]
        return [_line(left, right, width, palette, kept=kept, first=facts.runs)]
    return [
        _line(where, [facts.paused, facts.clock], width, palette),
        _line([*running, facts.due, facts.budget], [facts.sources], width, palette, first=facts.runs),
    ]


def _line(
    left: list[Forms],
    right: list[Sequence[Part]],
    width: int,
    palette: Palette,
    *,
    kept: int = _NEVER_DROPPED,
    first: Forms = (),
) -> Strip:
    """`kept`: groups that are not left out; `first`: the one that is said at length before others are."""
    ground = palette.panel
    groups = [forms for forms in left if forms]
    tail = _tail([group for group in right if group], groups, width - 2, ground, kept)
    head = _joined(_shortened(groups, width - _width(tail) - 2 - _GAP, first), ground)
    free = max(1, width - 2 - _width(tail) - _width(head))
    pieces = [(lit(" "), ground), *head, (SafeText(" " * free), ground), *tail]
    drawn = segments(*((text, _on(style, palette)) for text, style in pieces))
    return Strip(drawn).adjust_cell_length(width, ground)


def _tail(right: list[Sequence[Part]], left: list[Forms], width: int, ground: Style, kept: int) -> list[Part]:
    """What stands at the right end, in fewer and fewer words until it leaves the left end what it needs."""
    brief = [group[:1] for group in right]
    for needed in (kept + 1, kept):
        room = width - sum(_width(forms[-1]) + _GAP for forms in left[:needed] if forms)
        for groups in (right, *(brief[:end] for end in range(len(brief), 0, -1))):
            tail = _joined(groups, ground)
            if _width(tail) <= room:
                return tail
    return []


def _shortened(groups: list[Forms], room: int, first: Forms = ()) -> list[tuple[Part, ...]]:
    """One form of each group, such that all of them fit: as many groups as possible, then the longest forms.

    Between those, the forms of `first` and of the last group are kept long, because they have no other place.
    """
    kept = list(groups)
    while kept and sum(_width(forms[-1]) + _GAP for forms in kept) - _GAP > room:
        kept.pop()
    chosen = [forms[-1] for forms in kept]
    for position in sorted(range(len(kept)), key=lambda at: (kept[at] is not first, -at)):
        others = sum(_width(form) + _GAP for n, form in enumerate(chosen) if n != position)
        chosen[position] = next(form for form in kept[position] if _width(form) + others <= room)
    return chosen


def _width(parts: Sequence[Part]) -> int:
    return sum(width_of(text) for text, _ in parts)


def _joined(groups: Sequence[Sequence[Part]], ground: Style) -> list[Part]:
    parts: list[Part] = []
    for position, group in enumerate(groups):
        if position:
            parts.append((SafeText(" " * _GAP), ground))
        parts.extend(group)
    return parts


def _on(style: Style, palette: Palette) -> Style:
    """Text that stands on the page elsewhere stands on the header's ground here; blocks of colour stay."""
    return style + palette.panel.background_style if style.bgcolor == palette.text.bgcolor else style
