"""The alerts pane: what fires, by the time that is left to respond."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tuiops.core.alerts import OWNER_LABELS, Alert, AlertState, count_active, group
from tuiops.core.clock import age
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Topic, stalest
from tuiops.core.source import Freshness
from tuiops.core.subject import Subject
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import countdown, short_span, span
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import full_name, width_of
from tuiops.ui.messages import OpenAlert
from tuiops.ui.panes.base import freshness_part
from tuiops.ui.panes.table import GONE, NOTHING_SELECTED, Same, TablePane
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.safe import notify
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping
    from datetime import datetime

    from rich.style import Style
    from textual.binding import BindingType

    from tuiops.core.snapshot import Feed, Snapshot
    from tuiops.ui.filtering import Value
    from tuiops.ui.panes.base import Part
    from tuiops.ui.theme import Palette


class Grouping(Enum):
    """What alerts are gathered by."""

    NOT = ""
    SYSTEM = "system"
    SERVICE = "service"
    NAME = "name"

    @property
    def word(self) -> SafeText:
        return lit(self.value)

    @property
    def following(self) -> Grouping:
        all_of_them = list(Grouping)
        return all_of_them[(all_of_them.index(self) + 1) % len(all_of_them)]


class GroupRow(msgspec.Struct, frozen=True):
    """The heading of a group."""

    name: SafeText
    alerts: tuple[Alert, ...]
    folded: bool


AlertRow = Alert | GroupRow

_COLUMNS = (
    Column(id="sev", heading=EMPTY, width=2),
    Column(id="left", heading=lit("LEFT"), width=8, right=True, tight=True),
    Column(id="service", heading=lit("SERVICE"), width=11, grow=2, filled=True),
    Column(id="alert", heading=lit("ALERT"), width=16, grow=5),
    Column(id="state", heading=lit("STATE"), width=9, rank=3, wide=True),
    Column(id="age", heading=lit("AGE"), width=4, right=True, rank=1),
    Column(id="owner", heading=lit("OWNER"), width=8, rank=2),
)
_COLUMNS_QUIET = tuple(
    Column(id=column.id, heading=column.heading, width=column.width) if column.id == "state" else column
    for column in _COLUMNS
)
_MOST = {"service": 40, "alert": 32}
"""Columns that the names and the texts of alerts get at most before the other of the two has what it needs."""
_CALLING = frozenset({AlertState.FIRING, AlertState.PENDING})


class AlertModel:
    """How alerts look."""

    def __init__(self) -> None:
        self.live: frozenset[str] = frozenset()
        """Names of the sources whose alerts are fresh."""

    def key(self, row: AlertRow) -> Hashable:
        return ("group", row.name) if isinstance(row, GroupRow) else row.identity

    def stamp(self, row: AlertRow) -> Hashable:
        if isinstance(row, GroupRow):
            return len(row.alerts)
        return (row.state, row.severity, row.summary)

    def stale(self, row: AlertRow, drawing: Drawing) -> bool:  # noqa: ARG002 - `live` is as old as the drawing
        return not isinstance(row, GroupRow) and bool(row.sources) and self.live.isdisjoint(row.sources)

    def cells(self, row: AlertRow, drawing: Drawing) -> tuple[Cell, ...]:
        palette, glyphs = drawing.look.palette, drawing.look.glyphs
        none = Cell(EMPTY, palette.text)
        if isinstance(row, GroupRow):
            counts = count_active(row.alerts)
            text = join(
                "  ", (fmt("{} {}", severity.glyph, counts[severity]) for severity in Severity if counts[severity])
            )
            sign = glyphs.folded if row.folded else glyphs.unfolded
            worst = min((alert.severity for alert in row.alerts), default=Severity.P4)
            return (
                Cell(fmt("{} ", sign), palette.muted),
                Cell(SafeText(f"{len(row.alerts)}"), palette.muted),
                Cell(row.name or lit("(none)"), palette.bold),
                Cell(text, palette.severity[worst] if worst is not Severity.P1 else palette.bold),
                none, none, none,
            )  # fmt: skip
        style = palette.severity[row.severity]
        left = _left(row, drawing.now, glyphs.dash, style, palette)
        name = full_name(row.system, row.service, drawing.room.get("service", 0), glyphs.cut)
        firing = row.state is AlertState.FIRING
        return (
            Cell(row.severity.glyph, style if firing else palette.muted),
            left if firing else Cell(glyphs.dash, palette.muted),
            Cell(name, palette.text if firing else palette.muted),
            Cell(row.summary or row.name, palette.text if firing else palette.muted),
            Cell(row.state.word, palette.muted),
            Cell(short_span(age(drawing.now, row.started)), palette.muted),
            Cell(row.owner, palette.text) if row.owner else Cell(glyphs.dash, palette.faint),
        )


def _left(alert: Alert, now: datetime, dash: SafeText, style: Style, palette: Palette) -> Cell:
    """Time left to respond, or how late it is."""
    if alert.due is None:
        return Cell(dash, palette.muted)
    seconds = (alert.due - now).total_seconds()
    if seconds <= 0:
        return Cell(fmt("late {}", span(-seconds)) if seconds > -3600 else lit("late"), palette.severity[Severity.P1])
    return Cell(countdown(seconds), style if alert.severity is not Severity.P1 else palette.severity[Severity.P2])


class AlertsPane(TablePane[AlertRow]):
    """The queue."""

    NUMBER = 2
    NAME = lit("Alerts")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.ALERTS, Scope.TABLE, Scope.CONSOLE, Scope.GLOBAL)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.ALERTS)]
    FIELDS: ClassVar[tuple[str, ...]] = ("sev", "system", "service", "name", "alert", "state", "owner")
    SORTS: ClassVar[tuple[str, ...]] = ("severity", "age", "service")

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._model = AlertModel()
        self._with_quiet = False
        self._grouping = Grouping.NOT
        self._counted: tuple[tuple[Alert, ...], dict[AlertState, int]] = ((), {})
        self._widest = dict.fromkeys(_MOST, 0)
        """Columns of the widest name and text that there ever were: columns that shrank again would jump."""

    def model(self) -> AlertModel:
        return self._model

    def show(self, snapshot: Snapshot, now: datetime) -> None:
        live = (feed.status for feed in snapshot.on(Topic.ALERTS) if feed.status.freshness(now) is Freshness.LIVE)
        self._model.live = frozenset(name for status in live for name in (status.name, status.name.partition("/")[0]))
        super().show(snapshot, now)

    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        for alert in snapshot.alerts:
            name, text = width_of(alert.system) + 1 + width_of(alert.service), width_of(alert.summary or alert.name)
            self._widest["service"] = max(self._widest["service"], min(name, _MOST["service"]))
            self._widest["alert"] = max(self._widest["alert"], min(text, _MOST["alert"]))
        columns = tuple(
            msgspec.structs.replace(column, enough=self._widest.get(column.id, 0))
            for column in (_COLUMNS_QUIET if self._with_quiet else _COLUMNS)
        )
        # Where alerts name no owner the text of the alerts has the room.
        owned = any(name in OWNER_LABELS for alert in snapshot.alerts for name, _ in alert.labels)
        return columns if owned else columns[:-1]

    def made_of(self, snapshot: Snapshot, now: datetime) -> object:  # noqa: ARG002 - time only moves the countdowns
        return (Same(snapshot.alerts), self._with_quiet, self._grouping)

    def rows(self, snapshot: Snapshot, now: datetime) -> list[AlertRow]:  # noqa: ARG002 - order does not depend on it
        shown = [alert for alert in snapshot.alerts if self._with_quiet or alert.state in _CALLING]
        if self.filter:
            shown = [alert for alert in shown if self.filter.matches(fields(alert))]
        if self.sort:
            shown.sort(key=_SORT_KEYS[self.sort])
        by = _GROUP_KEYS.get(self._grouping)
        if by is None:
            return list(shown)
        rows: list[AlertRow] = []
        for name, members in group(shown, by).items():
            folded = (self._grouping, name) in self.folded
            rows.append(GroupRow(by(members[0]), members, folded))
            if not folded:
                rows.extend(members)
        return rows

    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        feeds = snapshot.on(Topic.ALERTS)
        worst = stalest(feeds, now)
        if worst is None:
            return (
                lit("No alert source is configured, so silence here means nothing."),
                lit('Add [sources.NAME] with type = "alertmanager" to the configuration.'),
                lit("Or set alerts = true on a source of type prometheus, gcp or aws, which then tells of its own."),
            )
        if snapshot.quiet_is_proven(now):
            return (lit("No alerts. Every alert source is live."), *_unwatched(feeds), *self._hidden(snapshot))
        if worst.freshness(now) is not Freshness.LIVE:
            return (
                fmt("No alerts are known, but {} is {}.", worst.name, worst.describe(now)),
                lit("Nothing here proves that all is well. `:sources` says more, r asks again."),
            )
        doubted = snapshot.rules_in_doubt(now)
        if doubted:
            status = doubted[0].status
            why = lit("has rules that fail") if doubted[0].rules_fail else fmt("is {}", status.describe(now))
            return (
                fmt("No alerts came, but {} {}.", status.name, why),
                lit("What it should alert of may go unnoticed. `:sources` says more."),
            )
        return (
            lit("No alerts came, but the source's answer is incomplete or its watchdog alert is missing."),
            lit("Alerting may be broken. `:sources` says more."),
        )

    def _hidden(self, snapshot: Snapshot) -> tuple[SafeText, ...]:
        return (lit("Press i to see those that are silenced or inhibited."),) if snapshot.alerts else ()

    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        palette = shell_of(self).look.palette
        counts = self._counts(snapshot.alerts)
        firing = counts.get(AlertState.FIRING, 0)
        proven = snapshot.quiet_is_proven(now)
        first = (
            (fmt("{} firing", SafeText(f"{firing:,}")), palette.bold)
            if firing
            else (lit("0 firing"), palette.muted)
            if proven
            else (lit("? firing"), palette.stale)
        )
        rest = [
            fmt("{} {}", counts[state], state.word)
            for state in (AlertState.PENDING, AlertState.SILENCED, AlertState.INHIBITED)
            if counts.get(state)
        ]
        notes: list[Part] = [first]
        if self._grouping is not Grouping.NOT:
            notes.append((fmt("by {}", self._grouping.word), palette.accent))
        notes += [(text, palette.muted) for text in rest]
        return tuple(notes), freshness_part(snapshot.on(Topic.ALERTS), now, palette)

    def _counts(self, alerts: tuple[Alert, ...]) -> Mapping[AlertState, int]:
        if self._counted[0] is not alerts:
            counts = dict.fromkeys(AlertState, 0)
            for alert in alerts:
                counts[alert.state] += 1
            self._counted = (alerts, counts)
        return self._counted[1]

    def subject(self, row: AlertRow) -> tuple[SafeText, SafeText]:
        alert = row.alerts[0] if isinstance(row, GroupRow) else row
        if isinstance(row, GroupRow) and self._grouping is Grouping.SYSTEM:
            return (alert.system, EMPTY)
        return (alert.system, alert.service)

    def acted_on(self, row: AlertRow) -> tuple[Subject, ...]:
        """An alert, or all of a group."""
        alerts = row.alerts if isinstance(row, GroupRow) else (row,)
        return tuple(subject_of(alert) for alert in alerts)

    def selection_text(self) -> SafeText:
        row = self.table.selected
        if row is None or isinstance(row, GroupRow):
            return row.name if row else EMPTY
        return join(" ", (row.severity.word, fmt("{}/{}", row.system, row.service), row.name, row.summary))

    def selection_links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        row = self.table.selected
        return row.links if isinstance(row, Alert) else ()

    def fold_key(self) -> Hashable | None:
        by = _GROUP_KEYS.get(self._grouping)
        row = self.table.selected
        if by is None or row is None:
            return None
        return (self._grouping, row.name if isinstance(row, GroupRow) else by(row))

    def action_table_detail(self) -> None:
        row = self.table.selected
        if row is None:
            notify(self.app, GONE if self.table.rows else NOTHING_SELECTED)
        elif isinstance(row, GroupRow):
            self.action_table_fold()
        else:
            self.post_message(OpenAlert(row.identity))

    def action_alerts_quiet(self) -> None:
        self._with_quiet = not self._with_quiet
        self.show_again()

    def action_alerts_group(self) -> None:
        self._grouping = self._grouping.following
        self.show_again()

    def action_alerts_fold(self) -> None:
        by = _GROUP_KEYS.get(self._grouping)
        if by is None:
            return
        every = {(self._grouping, by(alert)) for alert in shell_of(self).snapshot.alerts}
        self.folded = set() if self.folded >= every else set(every)
        self.show_again()


def subject_of(alert: Alert) -> Subject:
    """What `x` on an alert is about."""
    return Subject(system=alert.system, service=alert.service, alert=safe(alert.identity), alert_name=alert.name)


def _unwatched(feeds: Iterable[Feed]) -> tuple[SafeText, ...]:
    """A hint for alert sources whose silence is believed without a watchdog."""
    names = join(", ", [feed.status.name for feed in feeds if feed.watchdog is None])
    return (
        (fmt("No watchdog is configured for {}, so its silence is not proven to be health.", names),) if names else ()
    )


def fields(alert: Alert) -> Mapping[str, Value]:
    """What a filter sees of an alert."""
    return {
        "sev": alert.severity,
        "system": alert.system,
        "service": alert.service,
        "name": alert.name,
        "alert": alert.summary,
        "state": alert.state.word,
        "owner": alert.owner,
        **{key.casefold(): value for key, value in alert.labels if key.casefold() not in AlertsPane.FIELDS},
    }


_SORT_KEYS: Mapping[str, Callable[[Alert], tuple[float | str, ...]]] = {
    "severity": lambda alert: (float(alert.severity),),
    "age": lambda alert: (-alert.started.timestamp(),),
    "service": lambda alert: (alert.system, alert.service),
}
_GROUP_KEYS: Mapping[Grouping, Callable[[Alert], SafeText]] = {
    Grouping.SYSTEM: lambda alert: alert.system,
    Grouping.SERVICE: lambda alert: fmt("{}/{}", alert.system, alert.service),
    Grouping.NAME: lambda alert: alert.name,
}
