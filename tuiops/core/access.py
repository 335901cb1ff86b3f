"""Who may do what: people, roles, danger, and rules that allow. What no rule allows is refused."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit

if TYPE_CHECKING:
    from collections.abc import Iterable


class Danger(Enum):
    """What a step can do to the world."""

    SAFE = "S"
    CHANGES = "C"
    DESTROYS = "X"

    @property
    def rank(self) -> int:
        """Grows with the danger, from 0."""
        return _DANGERS.index(self)

    @property
    def letter(self) -> SafeText:
        """S, C or X."""
        return lit(self.value)

    @property
    def word(self) -> SafeText:
        """What the letter stands for."""
        return _DANGER_WORDS[self]


_DANGERS = tuple(Danger)
_DANGER_WORDS = {
    Danger.SAFE: lit("only reads"),
    Danger.CHANGES: lit("changes"),
    Danger.DESTROYS: lit("destroys"),
}


def worst(dangers: Iterable[Danger]) -> Danger:
    """The greatest danger of all; SAFE of none."""
    return max(dangers, key=lambda danger: danger.rank, default=Danger.SAFE)


class Role(Enum):
    """What a person is here for. Each may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"

    @property
    def rank(self) -> int:
        """Grows with what it may do, from 0."""
        return _ROLES.index(self)

    @property
    def word(self) -> SafeText:
        return lit(self.value)


_ROLES = tuple(Role)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A person at a console, as far as the console has proof of it."""

    person: SafeText
    """Who it is, the same on every account: approvals count by person."""
    account: SafeText
    """How it was proven, such as `local:kim` or `ssh:SHA256:…`."""
    session: str
    """One sitting at one console."""
    role: Role = Role.VIEWER
    address: SafeText = EMPTY
    """Where from; empty on this machine."""


class Deed(Enum):
    """What a person asks to be let do."""

    RUN = "run"
    APPROVE = "approve"
    RESOLVE = "resolve"
    """Say how an interrupted run goes on: resume, skip, undo."""
    ABORT = "abort"
    """Stop one's own or another's run: making the world stand still is open to every operator."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is to be done."""

    system: SafeText
    environment: SafeText
    production: bool


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One permission, as the configuration gives it. An empty list of systems or environments means all."""

    people: frozenset[str] = frozenset()
    """Persons it speaks of; empty: everybody of the role."""
    role: Role = Role.OPERATOR
    """The least role it speaks of."""
    systems: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    danger: Danger = Danger.CHANGES
    """The greatest danger that it allows."""
    second: Danger | None = None
    """From which danger on a second person must approve wherever the rule fits, also what another one allows."""
    place: SafeText = EMPTY
    """Where it is written, for explanations."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether, and why: `reason` is what `:why` shows."""

    allowed: bool
    reason: SafeText
    second: bool = False
    """Whether another person must approve first."""


_NEEDED = {
    Deed.RUN: Role.OPERATOR,
    Deed.APPROVE: Role.APPROVER,
    Deed.RESOLVE: Role.OPERATOR,
    Deed.ABORT: Role.OPERATOR,
}


def decide(who: Principal, deed: Deed, place: Place, danger: Danger, rules: Iterable[Rule]) -> Decision:
    """The most permissive rule that fits says how far somebody may go, the strictest one when a second is needed.

    A rule fits by person, role, system and environment. Its own ceiling does not end its `second`: what is too much for
    one person is so, too, when another rule allows it.
    """
    needed = _NEEDED[deed]
    if who.role.rank < needed.rank:
        return Decision(
            allowed=False,
            reason=fmt("{} is {}; this takes {}", who.person, who.role.word, needed.word),
        )
    fitting = [rule for rule in rules if _speaks_of(rule, who, place)]
    allowing = [rule for rule in fitting if danger.rank <= rule.danger.rank]
    if not allowing:
        return Decision(allowed=False, reason=_refusal(who, place, danger, fitting))
    second = any(rule.second is not None and danger.rank >= rule.second.rank for rule in fitting)
    return Decision(
        allowed=True,
        reason=fmt("allowed by {}", allowing[0].place or lit("a rule without a name")),
        second=second and deed is Deed.RUN,
    )


def _speaks_of(rule: Rule, who: Principal, place: Place) -> bool:
    return (
        (not rule.people or who.person in rule.people)
        and who.role.rank >= rule.role.rank
        and (not rule.systems or place.system in rule.systems)
        and (not rule.environments or place.environment in rule.environments)
    )


def _refusal(who: Principal, place: Place, danger: Danger, fitting: list[Rule]) -> SafeText:
    where = fmt("{} in {}", place.system, place.environment)
    if not fitting:
        return fmt("no rule lets {} act on {}", who.person, where)
    most = worst(rule.danger for rule in fitting)
    places = join(", ", dict.fromkeys(rule.place for rule in fitting if rule.place))
    return fmt("this {}; {} goes no further than `{}`", danger.word, places or lit("the rule that fits"), most.word)
