"""Commands that would be somebody else to a cloud than the abilities of the same system are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tuiops.config.clouds import AwsConfig, GcpConfig
from tuiops.config.credentials import AwsCredentials, GoogleCredentials
from tuiops.config.identity import says_who
from tuiops.runbooks.format.checks.walk import Finding, all_steps, doings
from tuiops.runbooks.format.checks.wrappers import name_of, programs
from tuiops.runbooks.format.model import CommandAction, CommandCheck, GateAction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tuiops.config.model import Config
    from tuiops.runbooks.format.model import Runbook


class _Cloud(NamedTuple):
    """How a command says who it is."""

    name: str
    options: tuple[str, ...]
    """The first one is what is recommended."""


_AWS = _Cloud("aws", ("--profile",))
_GOOGLE = _Cloud(
    "google",
    ("--impersonate-service-account", "--account", "--configuration", "--access-token-file"),
)
_CLOUDS = {"aws": _AWS, "gcloud": _GOOGLE}


def findings(runbook: Runbook, config: Config) -> Iterator[Finding]:
    """Local commands that do not say who they are, where the configuration names somebody for the abilities."""
    named = {cloud: found for cloud in (_AWS, _GOOGLE) if (found := dict.fromkeys(_somebody(runbook, config, cloud)))}
    for at in all_steps(runbook):
        for doing, path in doings(at):
            command, key = (doing.check, (*path, "check")) if isinstance(doing, GateAction) else (doing, path)
            if not isinstance(command, CommandAction | CommandCheck) or command.via:
                continue
            variables = command.environment if isinstance(command, CommandAction) else {}
            for cloud in dict.fromkeys(_asked(command.argv)):
                if cloud in named and not _says(cloud, command.argv, variables):
                    who = " or ".join(named[cloud])
                    remedy = f"give it {cloud.options[0]}, or a variable in environment that says the same"
                    yield Finding((*key, "argv"), f"would not be {who}, as abilities are there", remedy)


def _somebody(runbook: Runbook, config: Config, cloud: _Cloud) -> Iterator[str]:
    """Whom the credentials of the systems' resources name, beside whoever the console is anyway."""
    systems = [config.systems[name] for name in runbook.systems if name in config.systems]
    for source in dict.fromkeys(one.source for system in systems for one in system.resources.values()):
        asked = config.sources.get(source)
        name = asked.credentials if isinstance(asked, AwsConfig | GcpConfig) else None
        match config.credentials.get(name or ""):
            case AwsCredentials(profile=profile, role=role) if cloud is _AWS and (profile or role):
                yield f"{'role' if role else 'profile'} {role or profile} of credentials.{name}"
            case GoogleCredentials(impersonate=account) if cloud is _GOOGLE and account:
                yield f"{account} of credentials.{name}"
            case _:
                pass


def _asked(argv: Sequence[str]) -> Iterator[_Cloud]:
    """The clouds whose programs a command runs."""
    for one in programs(argv):
        if cloud := _CLOUDS.get(name_of(argv[one.position])):
            yield cloud


def _says(cloud: _Cloud, argv: Sequence[str], variables: Iterable[str]) -> bool:
    words = {word.partition("=")[0] for word in argv}
    return any(option in words for option in cloud.options) or any(
        says_who(name, cloud.name) for name in (*variables, *words)
    )
