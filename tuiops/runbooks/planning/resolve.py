"""From a runbook and values to a plan: pure, so that the same runbook, values and state give the same bytes.

What has to be read for it is told first (`wanted`), and what abilities would do is put in afterwards (`with_calls`).
"""

from __future__ import annotations

import hashlib
import re
import shlex
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.access import Danger, worst
from tuiops.core.record import Said
from tuiops.core.runs import StepKind
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.format.facts import WORDS
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    EachAction,
    GateAction,
    HttpAction,
    ManualAction,
    NotifyAction,
    WaitAction,
)
from tuiops.runbooks.format.parameters import word_objection
from tuiops.runbooks.format.template import Place, TemplateError, filled_in, mapped, names, part_filled, shown
from tuiops.runbooks.planning.plan import Call, Plan, PlannedStep
from tuiops.runbooks.planning.wording import LONGEST, call_text, check_text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeVar

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.load import Kept
    from tuiops.runbooks.format.model import AnyUndo, PlainAction, PlainStep, Runbook, Step
    from tuiops.sources.abilities import Fact, Prepared

    _Struct = TypeVar("_Struct", bound=msgspec.Struct)

    Values = Mapping[str, tuple[str, ...]]
    """By parameter, as `parameters.checked` returns them."""

_KEYABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_LONGEST_KEY = 200
_LISTS = frozenset({"shares", "policies"})
"""Arguments of abilities that are lists themselves: a value in them is one item."""

_KINDS = {
    CommandAction: StepKind.COMMAND,
    ApiAction: StepKind.API,
    HttpAction: StepKind.API,
    GateAction: StepKind.GATE,
    WaitAction: StepKind.WAIT,
    ManualAction: StepKind.MANUAL,
    NotifyAction: StepKind.NOTIFY,
}


class Wanted(NamedTuple):
    """Something to be read: what, and of which resource."""

    of: str
    resource: str


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan stands on."""

    at: datetime
    system: str
    environment: str
    production: bool
    read: dict[Wanted, str] = {}
    """What was read of all that is wanted."""
    alert: SafeText = EMPTY
    """Identity of the alert that it is begun from."""
    drill: bool = False


def wanted(runbook: Runbook, values: Values) -> tuple[Wanted, ...]:
    """All that has to be read for a plan, each once."""
    found: dict[Wanted, None] = {}
    for scope in _scopes(runbook, values):
        for read in runbook.reads.values():
            resource = _resource(read.resource, scope)
            if resource is not None:
                found[Wanted(read.of, resource)] = None
    return tuple(found)


def plan(kept: Kept, values: Values, ground: Ground) -> Plan:
    """Every step with every value in its place. Refused when something read is missing or rules it out."""
    runbook = kept.runbook
    head = _Expansion(runbook, values, ground, {})
    steps = tuple(_steps(runbook, values, ground))
    target = head.text(runbook.target)
    touches = _touches(runbook, values, head)
    return Plan(
        runbook=safe(runbook.id),
        file_digest=kept.digest,
        title=head.text(runbook.title),
        at=ground.at,
        system=safe(ground.system),
        environment=safe(ground.environment),
        production=ground.production,
        target=target,
        locks=_locks(runbook, ground, target, touches, steps),
        touches=touches,
        parameters=dict(values),
        steps=steps,
        danger=worst(step.danger for step in steps),
        blast_radius=head.text(runbook.blast_radius),
        alert=ground.alert,
        drill=ground.drill,
    )


def preparable(made: Plan) -> tuple[PlannedStep, ...]:
    """The steps whose calls an ability can tell now: nothing in them is open, nothing earlier makes what they need."""
    return tuple(
        step for step in made.steps if isinstance(step.do, ApiAction) and not step.do.late and not _open(step.do)
    )


def with_calls(made: Plan, calls: Mapping[str, Call]) -> Plan:
    """The plan with what abilities say that they would do, by the keys of its steps."""
    steps = (msgspec.structs.replace(step, call=calls[step.key]) if step.key in calls else step for step in made.steps)
    return msgspec.structs.replace(made, steps=tuple(steps))


def call_of(prepared: Prepared) -> Call:
    """What an ability prepared, as a card shows it."""
    return Call(
        text=_shown_whole(whole(shlex.join(prepared.argv)), lit("its call")),
        before=_said(prepared.before),
        after=_said(prepared.after),
        seen=prepared.seen,
    )


def _said(facts: tuple[Fact, ...]) -> tuple[Said, ...]:
    return tuple(Said(fact.what, fact.value) for fact in facts)


def _scopes(runbook: Runbook, values: Values) -> Iterator[dict[str, str]]:
    """Words by name: those of the whole runbook, then those of every value of every `each`."""
    whole = {name: values[name][0] for name, one in runbook.parameters.items() if not one.many}
    yield whole
    for step in runbook.steps:
        if isinstance(step.do, EachAction):
            for value in values[step.do.over]:
                yield {**whole, step.do.variable: value}


def _resource(text: str, words: Mapping[str, str]) -> str | None:
    """What is read from; None where that is not known, because it is of an `each`."""
    if not words.keys() >= set(names(text, Place.NAME)):
        return None
    return filled_in(text, Place.NAME, words)


def _steps(runbook: Runbook, values: Values, ground: Ground) -> Iterator[PlannedStep]:
    whole = _Expansion(runbook, values, ground, {})
    for step in runbook.steps:
        if not isinstance(step.do, EachAction):
            yield whole.step(step, step.do, step.id, {})
            continue
        over = values[step.do.over]
        for value in reversed(over) if step.do.reverse else over:
            if _KEYABLE.fullmatch(value) is None:
                raise Refused(f"{safe(repr(value), 80)} cannot be gone over: letters, digits and . _ - only")
            one = _Expansion(runbook, values, ground, {step.do.variable: value})
            keys = {inner.id: f"{step.id}[{value}].{inner.id}" for inner in step.do.steps}
            for inner in step.do.steps:
                planned = one.step(inner, inner.do, keys[inner.id], keys)
                yield msgspec.structs.replace(planned, when={**step.when, **planned.when})


class _Expansion:
    """Puts values into texts: those of a whole runbook, or of one value of an `each`."""

    def __init__(self, runbook: Runbook, values: Values, ground: Ground, variables: Mapping[str, str]) -> None:
        self._words = {name: values[name][0] for name, one in runbook.parameters.items() if not one.many}
        self._words |= variables
        self._words |= _read(runbook, ground, self._words)
        self._lists = {name: ", ".join(values[name]) for name, one in runbook.parameters.items() if one.many}

    def text(self, text: str) -> SafeText:
        """Sentences with their values, in one line."""
        found = filled_in(text, Place.TEXT, {**self._lists, **self._words})
        return _shown_whole(whole(" ".join(found.split())), fmt("“{}”", safe(text, 60)))

    def name(self, text: str) -> str:
        return filled_in(text, Place.NAME, self._words)

    def step(self, step: Step | PlainStep, do: PlainAction, key: str, keys: Mapping[str, str]) -> PlannedStep:
        """One step. `keys` are those of the steps around it, by their ids."""
        filled = self._filled(do, keys)
        undo = self._filled(step.undo, keys) if isinstance(step.undo, msgspec.Struct) else None
        confirm = self._filled(step.confirm, keys) if step.confirm is not None else None
        if confirm is not None:
            _shown_whole(check_text(shown(confirm)), fmt("what confirms {}", safe(key)))
        return PlannedStep(
            key=key,
            kind=_KINDS[type(do)],
            title=self.text(step.title),
            danger=Danger(step.danger or "S"),
            do=filled,
            call=Call(text=_shown_whole(call_text(shown(filled)), fmt("the call of {}", safe(key)))),
            sec=step.sec,
            timeout=float(step.timeout),
            when={keys.get(name, name): end for name, end in step.when.items()},
            goes_on=step.on_failure == "continue",
            confirm=confirm,
            undo=undo,
            undo_before=step.undo == "before",
            undo_text=_shown_whole(_undo_text(step, undo), fmt("the undo of {}", safe(key))),
        )

    def _filled(self, do: _Struct, keys: Mapping[str, str]) -> _Struct:
        def write(path: KeyPath, place: Place, text: str) -> str:
            words = self._words if place is not Place.TEXT else {**self._lists, **self._words}
            named = names(text, place)
            if path[0] == "arguments" and path[-1] in _LISTS:
                for name in named:
                    if set(words.get(name, "")) & set(",="):
                        raise Refused(f"{safe(words[name], 80)} cannot be one item of a list: it has , or =")
            return part_filled(text, place, words, {name: _renamed(name, keys) for name in named})

        try:
            return mapped(do, write)
        except TemplateError as error:
            raise Refused(str(error)) from None


def _renamed(name: str, keys: Mapping[str, str]) -> str:
    """`{step.name}` by the key of the step in the plan."""
    step, dot, rest = name.partition(".")
    return f"{keys.get(step, step)}{dot}{rest}"


def _read(runbook: Runbook, ground: Ground, words: Mapping[str, str]) -> dict[str, str]:
    """What was read, by name, as far as it is of these words."""
    found: dict[str, str] = {}
    for name, read in runbook.reads.items():
        resource = _resource(read.resource, words)
        if resource is None:
            continue
        value = ground.read.get(Wanted(read.of, resource), "")
        problem = word_objection(value) if value else lit("is not told")
        if problem:
            raise Refused(f"not planned: the {WORDS.get(read.of, read.of)} of {safe(resource)} {problem}")
        found[name] = value
    for name, read in runbook.reads.items():
        if name in found:
            _compare(name, read.other_than, {**words, **found}, same=False)
            _compare(name, read.same_as, {**words, **found}, same=True)
    return found


def _compare(name: str, other: str | None, known: Mapping[str, str], *, same: bool) -> None:
    if other is not None and other in known and (known[name] == known[other]) is not same:
        relation = "must be the same as" if same else "must be another one than"
        raise Refused(
            f"not planned: {safe(name)} ({safe(known[name])}) {relation} {safe(other)} ({safe(known[other])})"
        )


def _open(do: ApiAction) -> bool:
    """Whether something in it is captured by an earlier step."""
    texts = (do.resource, *do.arguments.values())
    return any(names(text, Place.WORD) for text in texts)


def _touches(runbook: Runbook, values: Values, head: _Expansion) -> tuple[str, ...]:
    """Resources that the runbook says that it changes, beside those of its `api` steps."""
    touched: set[str] = set()
    for text in runbook.touches:
        alone = text[1:-1] if text.startswith("{") and text.endswith("}") else ""
        touched |= set(values[alone]) if alone in values else {head.name(text)}
    return tuple(sorted(touched))


def _locks(
    runbook: Runbook, ground: Ground, target: str, touches: tuple[str, ...], steps: tuple[PlannedStep, ...]
) -> tuple[str, ...]:
    """One for the runbook with its target, and one for every resource that is changed, whichever runbook does it."""
    acts = (do for step in steps for do in (step.do, step.undo) if isinstance(do, ApiAction))
    touched = {*touches, *(do.resource for do in acts)}
    whole = f"{runbook.id}:{ground.system}/{_short(target)}"
    return tuple(sorted({whole, *(f"change:{ground.system}/{resource}" for resource in touched)}))


def _short(target: str) -> str:
    """A target as a part of a lock's key: a long one, such as a list, by its beginning and its digest."""
    if len(target) <= _LONGEST_KEY:
        return target
    return f"{target[: _LONGEST_KEY - 18]}… {hashlib.sha256(target.encode()).hexdigest()[:16]}"


def _shown_whole(text: SafeText, what: SafeText) -> SafeText:
    """The text itself. Refused when it is too long to be shown: nobody could confirm the rest of it."""
    if len(text) > LONGEST:
        raise Refused(fmt("not planned: {} has {} characters, and {} can be shown", what, len(text), LONGEST))
    return text


def _undo_text(step: Step | PlainStep, undo: AnyUndo | None) -> SafeText:
    if undo is not None:
        return call_text(shown(undo))
    if step.undo == "before":
        return lit("put back what was there before")
    return fmt("cannot be undone: {}", whole(step.undo_reason)) if step.undo == "none" else EMPTY
