"""Who may do what, where, and with whom: tables of rules against deeds."""

from __future__ import annotations

from itertools import product

import pytest

from tuiops.core.access import Danger, Deed, Place, Principal, Role, Rule, decide
from tuiops.core.text import lit

S, C, X = Danger
VIEWER, OPERATOR, APPROVER = Role
SHOP, BANK = (Place(system=lit(name), environment=lit("production"), production=True) for name in ("shop", "bank"))
STAGING = Place(system=lit("shop"), environment=lit("staging"), production=False)


def person(role: Role, name: str = "kim") -> Principal:
    return Principal(person=lit(name), account=lit(f"local:{name}"), session="s", role=role)


def rule(danger: Danger, second: Danger | None = None, role: Role = OPERATOR, **more: frozenset[str]) -> Rule:
    return Rule(danger=danger, second=second, role=role, place=lit("permissions[0]"), **more)


def only(*names: str) -> frozenset[str]:
    return frozenset(names)


def answers(rules: tuple[Rule, ...], role: Role, place: Place = SHOP, deed: Deed = Deed.RUN) -> str:
    """For S, C and X: `-` refused, `1` allowed, `2` allowed with a second person."""
    found = ""
    for danger in Danger:
        decision = decide(person(role), deed, place, danger, rules)
        found += ("2" if decision.second else "1") if decision.allowed else "-"
    return found


@pytest.mark.parametrize(("role", "deed", "place"), list(product(Role, Deed, (SHOP, BANK, STAGING))))
def test_without_a_rule_nobody_does_anything_anywhere(role: Role, deed: Deed, place: Place) -> None:
    assert answers((), role, place, deed) == "---"


@pytest.mark.parametrize(
    ("deed", "viewer", "operator", "approver"),
    [
        (Deed.RUN, "---", "111", "111"),
        (Deed.RESOLVE, "---", "111", "111"),
        (Deed.ABORT, "---", "111", "111"),
        (Deed.APPROVE, "---", "---", "111"),
    ],
)
def test_a_role_does_what_it_is_for(deed: Deed, viewer: str, operator: str, approver: str) -> None:
    found = [answers((rule(X, role=VIEWER),), role, deed=deed) for role in Role]
    assert found == [viewer, operator, approver]


@pytest.mark.parametrize(
    ("rules", "shop", "bank", "staging"),
    [
        ((rule(S),), "1--", "1--", "1--"),
        ((rule(C),), "11-", "11-", "11-"),
        ((rule(X),), "111", "111", "111"),
        ((rule(X, role=APPROVER),), "---", "---", "---"),
        ((rule(X, people=only("lee")),), "---", "---", "---"),
        ((rule(X, people=only("kim", "lee")),), "111", "111", "111"),
        ((rule(X, systems=only("shop")),), "111", "---", "111"),
        ((rule(X, environments=only("staging")),), "---", "---", "111"),
        ((rule(X, systems=only("bank"), environments=only("staging")),), "---", "---", "---"),
        # What one rule allows, no other takes away.
        ((rule(S), rule(X, environments=only("staging"))), "1--", "1--", "111"),
        ((rule(X, systems=only("bank")), rule(C)), "11-", "111", "11-"),
    ],
)
def test_the_most_permissive_rule_that_fits_says_how_far(
    rules: tuple[Rule, ...], shop: str, bank: str, staging: str
) -> None:
    assert [answers(rules, OPERATOR, place) for place in (SHOP, BANK, STAGING)] == [shop, bank, staging]
    assert [answers(rules[::-1], OPERATOR, place) for place in (SHOP, BANK, STAGING)] == [shop, bank, staging]


@pytest.mark.parametrize(
    ("rules", "operator", "approver"),
    [
        ((rule(X, X),), "112", "112"),
        ((rule(X, C),), "122", "122"),
        ((rule(X, S),), "222", "222"),
        ((rule(C, X),), "11-", "11-"),
        # A ceiling of its own does not end what a rule asks for.
        ((rule(C, C), rule(X, role=APPROVER)), "12-", "122"),
        ((rule(C, X), rule(X, role=APPROVER)), "11-", "112"),
        ((rule(S, S), rule(C), rule(X, role=APPROVER)), "22-", "222"),
        ((rule(X), rule(S, X)), "112", "112"),
        # The strictest of several.
        ((rule(X, X), rule(X, C)), "122", "122"),
        # A rule that does not speak of somebody asks nothing of them.
        ((rule(X), rule(X, C, role=APPROVER)), "111", "122"),
        ((rule(X), rule(X, C, people=only("lee"))), "111", "111"),
        ((rule(X), rule(X, C, systems=only("bank"))), "111", "111"),
        ((rule(X), rule(X, C, environments=only("staging"))), "111", "111"),
        ((rule(X), rule(C, C, systems=only("shop"), environments=only("production"))), "122", "122"),
    ],
)
def test_the_strictest_rule_that_fits_says_from_where_on_a_second_person_is_needed(
    rules: tuple[Rule, ...], operator: str, approver: str
) -> None:
    assert [answers(rules, role) for role in (OPERATOR, APPROVER)] == [operator, approver]
    assert [answers(rules[::-1], role) for role in (OPERATOR, APPROVER)] == [operator, approver]


@pytest.mark.parametrize("deed", [deed for deed in Deed if deed is not Deed.RUN])
def test_only_a_run_takes_a_second_person(deed: Deed) -> None:
    assert answers((rule(X, S),), APPROVER, deed=deed) == "111"


def test_more_danger_is_never_easier() -> None:
    """Over all pairs of rules of these kinds: who needs a second person for less needs one for more, or may not."""
    kinds = [rule(danger, second, role) for danger in Danger for second in (None, *Danger) for role in Role]
    for pair in product(kinds, repeat=2):
        for role in Role:
            found = answers(pair, role)
            assert list(found) == sorted(found, key="12-".index), (pair, role)


def test_a_refusal_says_how_far_the_rules_go() -> None:
    refused = decide(person(OPERATOR), Deed.RUN, SHOP, X, (rule(C),))
    assert refused.reason == "this destroys; permissions[0] goes no further than `changes`"
    assert decide(person(OPERATOR), Deed.RUN, SHOP, S, ()).reason == "no rule lets kim act on shop in production"
    assert decide(person(VIEWER), Deed.RUN, SHOP, S, ()).reason == "kim is viewer; this takes operator"
