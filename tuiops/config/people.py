"""From the configuration to who somebody is and what the rules are. Default deny: what nothing allows is refused."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from tuiops.core.access import Danger, Principal, Role, Rule
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe

if TYPE_CHECKING:
    from tuiops.config.model import Config, Permission


def local_account() -> SafeText:
    """The account that this process runs under, as the system knows it: variables of the environment prove nothing."""
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        return fmt("local:{}", user)
    return fmt("local:{}", safe(name))


def principal(config: Config, account: SafeText, session: str, address: SafeText = EMPTY) -> Principal:
    """Who sits at an account that was proven. Nobody's account is a viewer's; without people, the local one acts."""
    for name, person in config.people.items():
        if account in person.accounts:
            return Principal(
                person=safe(name), account=account, session=session, role=Role(person.role), address=address
            )
    if not _says_nothing(config):
        # By the whole account: its bare name may be that of somebody who is listed.
        return Principal(person=account, account=account, session=session, address=address)
    kind, _, name = account.partition(":")
    role = Role.OPERATOR if kind == "local" else Role.VIEWER
    return Principal(person=safe(name), account=account, session=session, role=role, address=address)


def rules(config: Config) -> tuple[Rule, ...]:
    """What is allowed, and only that."""
    if not _says_nothing(config):
        return tuple(_rule(number, one) for number, one in enumerate(config.permissions))
    places = {config.environment, *(system.environment for system in config.systems.values() if system.environment)}
    harmless = frozenset(name for name, one in config.environments.items() if not one.production)
    # An environment that nothing is said of may be production: looking does no harm, all else waits for a word.
    unsaid = (_unsaid(name) for name in sorted(places - config.environments.keys()))
    if not harmless:
        return tuple(unsaid)
    where = lit("what the local user may do where it is not production")
    return (Rule(environments=harmless, danger=Danger.DESTROYS, place=where), *unsaid)


def _unsaid(environment: str) -> Rule:
    where = fmt("what the local user may do before `[environments.{}]` says `production = false`", safe(environment))
    return Rule(environments=frozenset({environment}), danger=Danger.SAFE, place=where)


def _says_nothing(config: Config) -> bool:
    return not config.people and not config.permissions


def _rule(number: int, permission: Permission) -> Rule:
    return Rule(
        people=frozenset(permission.people),
        role=Role(permission.role),
        systems=frozenset(permission.systems),
        environments=frozenset(permission.environments),
        danger=Danger(permission.danger),
        second=Danger(permission.second) if permission.second is not None else None,
        place=fmt("permissions[{}]", number),
    )
