"""Commands worth running: no shell, no secret in sight, none of the ways that are known to do harm.

The rules about gcloud, npm and redis-cli are those mistakes of operations manuals that did the most harm.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from tuiops.config.values import Secret
from tuiops.runbooks.format.checks.walk import Finding, all_steps, doings
from tuiops.runbooks.format.model import CommandAction, CommandCheck, EnumParameter, GateAction, TextParameter
from tuiops.runbooks.format.parameters import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.model import AnyParameter, Runbook

_SHELLS = frozenset({"ash", "bash", "cmd", "csh", "dash", "fish", "ksh", "powershell", "pwsh", "sh", "tcsh", "zsh"})
_WRAPPERS = frozenset({
    "chroot", "doas", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo", "time", "timeout", "watch",
    "xargs",
})  # fmt: skip
"""Programs that run what their words name."""
_INTERPRETERS = re.compile(
    r"(?:awk|gawk|lua|mawk|mongosh|mysql|node|osascript|perl|php|psql|python[0-9.]*|ruby|sqlite3)"
)
_TAKES_CODE = re.compile(r"-[A-Za-z]*[cerE]|--(?:command|eval|execute)")
_COMMAND_LINE = re.compile(r"-[a-z]*c[a-z]*|/c")
_SECRET_OPTION = re.compile(r"--(?:[a-z-]*-)?(?:password|passwd|token|api-key)(?:=.*)?", re.DOTALL)


def findings(runbook: Runbook) -> Iterator[Finding]:
    for at in all_steps(runbook):
        for doing, path in doings(at):
            commands = [(doing, path)]
            if isinstance(doing, GateAction):
                commands = [(doing.check, (*path, "check"))]
            for command, key in commands:
                if isinstance(command, CommandAction | CommandCheck):
                    yield from _command(command.argv, (*key, "argv"), runbook)
                if isinstance(command, CommandAction):
                    yield from _one_stream(command, key)


class _Vetoed(NamedTuple):
    """A way to write a command that is known to do harm."""

    program: str
    words: tuple[str, ...]
    """Words that it has in this order, beginning with the first."""
    option: str
    """An option that it has as well; empty: any of them."""
    problem: str
    remedy: str


_VETOED = (
    _Vetoed("gcloud", (), "--quiet", "takes back gcloud's own question", "leave it out; this console asks"),
    _Vetoed("gcloud", (), "-q", "takes back gcloud's own question", "leave it out; this console asks"),
    _Vetoed(
        "gcloud", (), "--set-env-vars", "deletes every variable that it does not name", "write --update-env-vars"
    ),
    _Vetoed(
        "gcloud", (), "--clear-env-vars", "deletes every variable", "write --remove-env-vars with the names"
    ),
    _Vetoed(
        "gcloud", ("secrets", "versions", "access"), "", "prints a secret",
        "let what needs it read it, or give it as a secret",
    ),
    _Vetoed(
        "gcloud", ("sql", "instances", "clone"), "--destination-region", "is no option of this command",
        "restore a backup in the other region, or promote a replica",
    ),
    _Vetoed("npm", ("audit", "fix"), "--force", "changes what runs, unreviewed", "go through the pipeline"),
    _Vetoed("redis-cli", (), "FLUSHALL", "deletes everything", "restart what holds the connections"),
    _Vetoed("redis-cli", (), "FLUSHDB", "deletes everything", "restart what holds the connections"),
)  # fmt: skip

_NEEDED = (
    ("gcloud", (), "--project", "would act on whichever project gcloud is set to"),
    ("gcloud", ("sql", "backups", "restore"), "--restore-instance", "does not say into which instance"),
    ("gcloud", ("sql", "backups", "restore"), "--backup-instance", "does not say of which instance"),
)
"""Options that a command must have: the program, its first words, the option, and what is wrong without it."""


def _command(argv: Sequence[str], path: KeyPath, runbook: Runbook) -> Iterator[Finding]:
    yield from _program(argv, path)
    yield from _vetoed(argv, path)
    yield from _lacking(argv, path)
    yield from _code(argv, path, runbook)
    for position, word in enumerate(argv):
        if _SECRET_OPTION.fullmatch(word):
            remedy = "hand it over on stdin"
            yield Finding(_key(path, position), "would show a secret to every user of the machine", remedy)
    if _name(argv) == "gcloud":
        yield from _images(argv, path, runbook)
        yield from _secret_versions(argv, path, runbook)


def _one_stream(command: CommandAction, path: KeyPath) -> Iterator[Finding]:
    """What may hold a secret is kept on no bastion's disk, and what comes as one stream has errors in it as well."""
    secret = command.stdin is not None or any(isinstance(one, Secret) for one in command.environment.values())
    if command.via and command.capture and secret:
        remedy = "take the values in a step without secrets, or run it on this machine"
        yield Finding((*path, "capture"), "cannot be had from a command with secrets on a bastion", remedy)


def _key(path: KeyPath, position: int) -> KeyPath:
    return (*path[:-1], f"{path[-1]}[{position}]")


def _name(argv: Sequence[str]) -> str:
    return PurePath(argv[0]).name


def _begins(argv: Sequence[str], words: tuple[str, ...]) -> bool:
    """Whether a command has these words in front of all others; options do not count."""
    return tuple(word for word in argv[1:] if not word.startswith("-"))[: len(words)] == words


def _program(argv: Sequence[str], path: KeyPath) -> Iterator[Finding]:
    first = _key(path, 0)
    if "{" in argv[0]:
        yield Finding(first, "has a placeholder, so that any program could be run", "write the program out")
    if _name(argv) in _SHELLS and any(_COMMAND_LINE.fullmatch(word) for word in argv[1:]):
        yield Finding(first, "is a shell with a command line", "write the command itself, word by word")
    if _name(argv) == "ssh":
        yield Finding(first, "hands its words to a shell elsewhere", 'write the command, and via = "BASTION"')

    if _name(argv) in _WRAPPERS:
        for position, word in enumerate(argv[1:], 1):
            if word.startswith("-") or "=" in word or (word.replace(".", "").isalnum() and word[0].isdigit()):
                continue
            if "{" in word:
                remedy = "write the program out"
                yield Finding(_key(path, position), f"stands where {_name(argv)} takes a program", remedy)
            break


def _code(argv: Sequence[str], path: KeyPath, runbook: Runbook) -> Iterator[Finding]:
    """A value within a program's text would become a part of it: only whole texts that were vetted are chosen."""
    if _INTERPRETERS.fullmatch(_name(argv)) is None:
        return
    whole = {f"{{{name}}}" for name, one in runbook.parameters.items() if isinstance(one, EnumParameter)}
    before = ""
    for position, word in enumerate(argv[1:], 1):
        option, equals, value = word.partition("=")
        code = value if equals and _TAKES_CODE.fullmatch(option) else word
        text = code is not word or _TAKES_CODE.fullmatch(before) is not None or _name(argv).endswith("awk")
        if text and "{" in code and code not in whole:
            remedy = "hand the value over beside it, or choose the whole text with an enum"
            yield Finding(_key(path, position), "puts a value into a program's text", remedy)
        before = word


def _vetoed(argv: Sequence[str], path: KeyPath) -> Iterator[Finding]:
    for veto in _VETOED:
        if _name(argv) == veto.program and _begins(argv, veto.words):
            for position, word in enumerate(argv):
                named = word.partition("=")[0] if word.startswith("-") else word.upper()
                if veto.option == named or (not veto.option and position == len(veto.words)):
                    yield Finding(_key(path, position), f"{word.partition('=')[0]} {veto.problem}", veto.remedy)


def _lacking(argv: Sequence[str], path: KeyPath) -> Iterator[Finding]:
    for program, words, option, problem in _NEEDED:
        has = any(word.partition("=")[0] == option for word in argv)
        if _name(argv) == program and _begins(argv, words) and not has:
            yield Finding(path, problem, f"add {option}=…")


def _images(argv: Sequence[str], path: KeyPath, runbook: Runbook) -> Iterator[Finding]:
    """An image is named by its digest: a tag may be another image by the time that it is deployed."""
    for position, word in enumerate(argv):
        option, equals, image = word.partition("=")
        if option == "--image":
            image = image if equals else (*argv, "")[position + 1]
            sure = "@sha256:" in image or any(
                f"{{{name}}}" in image and isinstance(one, TextParameter) and "@sha256:" in one.pattern
                for name, one in runbook.parameters.items()
            )
            if not sure:
                yield Finding(
                    _key(path, position),
                    "names an image that may be another one by then",
                    "name it by its digest: let the parameter's pattern have @sha256:[0-9a-f]{64}",
                )


def _secret_versions(argv: Sequence[str], path: KeyPath, runbook: Runbook) -> Iterator[Finding]:
    """A version is a number: `latest` is another one as soon as somebody adds one."""
    if tuple(argv[1:3]) != ("secrets", "versions") or not {"disable", "destroy", "enable"} & set(argv[3:4]):
        return
    for position, word in enumerate(argv[4:], 4):
        loose = word == "latest" or any(
            word == f"{{{name}}}" and _may_be(one, "latest") for name, one in runbook.parameters.items()
        )
        if loose:
            key = _key(path, position)
            yield Finding(key, "may be latest, which is another version by then", "give the version's number")


def _may_be(parameter: AnyParameter, value: str) -> bool:
    match parameter:
        case TextParameter(pattern=pattern):
            return matches(pattern, value)
        case EnumParameter(options=options):
            return value in options
        case _:
            return False
