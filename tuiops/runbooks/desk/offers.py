"""What can be done about rows: the runbooks that fit, with what the rows themselves fill in, best first."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tuiops.core.access import Danger, worst
from tuiops.core.runs import RunState
from tuiops.core.text import ANNOTATION, EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.desk.desk import Offered
from tuiops.runbooks.format.facts import kind_of
from tuiops.runbooks.format.model import EachAction, ListedParameter
from tuiops.runbooks.format.template import Place as Where
from tuiops.runbooks.format.template import TemplateError, filled_text, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tuiops.config.model import Config
    from tuiops.core.runs import RunView
    from tuiops.core.subject import Subject
    from tuiops.runbooks.format.model import AnyParameter, Runbook

    Fills = tuple[tuple[str, tuple[str, ...]], ...]


def danger_of(runbook: Runbook) -> Danger:
    """The greatest danger of its steps."""
    return worst(_dangers(runbook))


def _dangers(runbook: Runbook) -> Iterator[Danger]:
    for step in runbook.steps:
        yield Danger(step.danger or Danger.SAFE.value)
        if isinstance(step.do, EachAction):
            yield from (Danger(inner.danger or Danger.SAFE.value) for inner in step.do.steps)


def fitting(runbooks: Iterable[Runbook], subjects: tuple[Subject, ...]) -> tuple[Runbook, ...]:
    """The runbooks that are offered for all of the subjects: those that name the alert first, then the service."""
    found: list[tuple[int, str, Runbook]] = []
    for runbook in runbooks:
        ranks = [rank for subject in subjects if (rank := _rank(runbook, subject)) is not None]
        if ranks and len(ranks) == len(subjects):
            found.append((max(ranks), runbook.id, runbook))
    return tuple(runbook for _, _, runbook in sorted(found, key=lambda one: one[:2]))


def _rank(runbook: Runbook, subject: Subject) -> int | None:
    """How closely a runbook is meant for a row, 0 the closest; None when it is not offered for it."""
    if subject.system not in runbook.systems:
        return None
    offer = runbook.offer
    if subject.service and not _matches(offer.services, subject.service):
        return None
    named = bool(subject.service) and "*" not in offer.services
    if subject.alert_name and offer.alerts:
        return (0 if named else 1) if _matches(offer.alerts, subject.alert_name) else None
    return 2 if named else 3


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def filled(runbook: Runbook, config: Config, subjects: tuple[Subject, ...]) -> Fills:
    """The parameters that the rows fill in, as the runbook says; what they leave open is asked for."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for name, what in runbook.offer.fills.items():
        parameter = runbook.parameters.get(name)
        if parameter is None:
            continue
        values = tuple(dict.fromkeys(value for one in subjects for value in _values(one, what, parameter, config)))
        if values and (parameter.many or len(values) == 1):
            found.append((name, values))
    return tuple(found)


def _values(subject: Subject, what: str, parameter: AnyParameter, config: Config) -> tuple[str, ...]:
    match what:
        case "revision":
            return (subject.new,) if subject.new else ()
        case "previous":
            return (subject.old,) if subject.old else ()
        case "resource":
            return _resources(subject, parameter, config)
        case _ if isinstance(parameter, ListedParameter) and parameter.of == "resources":
            return _resources(subject, parameter, config)
        case _:
            return (subject.service,) if subject.service else ()


def _resources(subject: Subject, parameter: AnyParameter, config: Config) -> tuple[str, ...]:
    """The resource of a row's service, when there is one of the parameter's kind and no other."""
    system = config.systems.get(subject.system)
    kind = parameter.kind if isinstance(parameter, ListedParameter) else ""
    found = [
        name
        for name, resource in (system.resources.items() if system is not None else ())
        if resource.service == subject.service and kind in {"", kind_of(resource)}
    ]
    return (found[0],) if len(found) == 1 else ()


def several(runbook: Runbook, subjects: tuple[Subject, ...]) -> SafeText:
    """Why a runbook cannot be run for all of the rows at once; empty when it can."""
    services = {subject.service for subject in subjects}
    takes_many = any(parameter.many for name, parameter in runbook.parameters.items() if name in runbook.offer.fills)
    if len(services) <= 1 or takes_many:
        return EMPTY
    return fmt("is for one service at a time; {} are marked", len(services))


def held(runbook: Runbook, fills: Fills, system: str, runs: Iterable[RunView]) -> SafeText:
    """Who has the target, as far as it is known before anything is planned; empty when nobody has."""
    try:
        target = filled_text(runbook.target, _words(fills))
    except (Refused, TemplateError):
        return EMPTY
    begun = (run for run in runs if run.live and run.state is not RunState.AWAITING_APPROVAL)
    holder = next((run for run in begun if run.system == system and run.target == target), None)
    if holder is None:
        return EMPTY
    return fmt("run #{} of {} has {}: {}", holder.number, holder.by, target, holder.state.word)


def title(runbook: Runbook, fills: Fills) -> SafeText:
    """The title, with what the row fills in; what is still open is called by its name."""
    try:
        open_ones = {name: name for name in names(runbook.title, Where.TEXT)}
        return filled_text(runbook.title, {**open_ones, **_words(fills)})
    except (Refused, TemplateError):
        return safe(runbook.title)


def _words(fills: Fills) -> Mapping[str, str]:
    return {name: ", ".join(values) for name, values in fills}


def described(runbook: Runbook) -> SafeText:
    """The description as one paragraph."""
    return safe(" ".join(runbook.description.split()), ANNOTATION)


def of_several_systems(subjects: tuple[Subject, ...]) -> SafeText:
    """What keeps rows of several systems from being acted on together; empty when nothing does."""
    systems = sorted({subject.system for subject in subjects})
    if len(systems) <= 1:
        return EMPTY
    return fmt("the marked rows are of several systems: {}", join(", ", systems))


NOT_OF_A_SYSTEM = lit("the row is of no configured system")


def offered(runbook: Runbook, fills: Fills, system: str, reason: SafeText, *, second: bool,
            typical: tuple[float, int] | None) -> Offered:  # fmt: skip
    """A line of the menu."""
    return Offered(
        runbook=runbook.id,
        system=system,
        title=title(runbook, fills),
        danger=danger_of(runbook),
        description=described(runbook),
        source=safe(runbook.source),
        reason=reason,
        second=second,
        typical=typical,
        fills=fills,
    )
