"""Commands worth running: no shell, no secret in sight, none of the ways that are known to do harm.

The rules about gcloud, npm and redis-cli are those mistakes of operations manuals that did the most harm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tuiops.config.values import Secret
from tuiops.runbooks.format.checks.plain_secrets import is_plain_secret
from tuiops.runbooks.format.checks.walk import Finding, all_steps, doings
from tuiops.runbooks.format.checks.wrappers import ASSIGNMENT, is_wrapper, name_of, programs
from tuiops.runbooks.format.model import CommandAction, CommandCheck, EnumParameter, GateAction, TextParameter
from tuiops.runbooks.format.parameters import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuiops.config.tree import KeyPath
    from tuiops.runbooks.format.checks.wrappers import Inner
    from tuiops.runbooks.format.model import AnyParameter, Runbook

_SHELLS = frozenset({"ash", "bash", "cmd", "csh", "dash", "fish", "ksh", "powershell", "pwsh", "sh", "tcsh", "zsh"})
_INTERPRETERS = re.compile(
    r"(?:awk|deno|gawk|gsed|julia|lua|mawk|mongo|mongosh|mysql|node|osascript|perl|php|psql|python[0-9.]*|Rscript|ruby|sed"
    r"|sqlite3|tclsh)"
)
_FIRST_IS_CODE = re.compile(r"(?:.*awk|g?sed)")
"""Interpreters whose text stands as a word of its own."""
_TAKES_FILES = re.compile(r"(?:deno|julia|lua|node|osascript|perl|php|python[0-9.]*|Rscript|ruby|tclsh)")
"""Interpreters whose first word is a program."""
_TAKES_CODE = re.compile(r"-[A-Za-z]*[cerE]|--(?:command|eval|execute|print)")
_GLUED_CODE = re.compile(r"-[ceE][^-].*", re.DOTALL)
"""Such an option with its text in the same word."""
_COMMAND_LINE = re.compile(r"-[A-Za-z]*c[A-Za-z]*|-(?:Command|EncodedCommand|enc|ec|e)|/[cCkK]")
_SHELL_OPTIONS = {
    "doas": re.compile(r"-[nL]*s"),
    "env": re.compile(r"-[0iv]*S.*|--split-string(?:=.*)?", re.DOTALL),
    "flock": re.compile(r"-c|--command(?:=.*)?", re.DOTALL),
    "runuser": re.compile(r"-[flmP]*[cl]|--(?:session-)?command(?:=.*)?|--login", re.DOTALL),
    "script": re.compile(r"-[aefq]*c.*|--command(?:=.*)?", re.DOTALL),
    "su": re.compile(r"-[flmpP]*c.*|--(?:session-)?command(?:=.*)?", re.DOTALL),
    "sudo": re.compile(r"-[ABbEHKkNnPSV]*[is]|--(?:login|shell)"),
}
"""Options with which such a program hands a command line to a shell."""
_HANDS_ON = frozenset({"autossh", "parallel", "pdsh", "rsh", "ssh", "sshpass"})
_SECRET_OPTION = re.compile(r"--(?:[a-z-]*-)?(?:password|passwd|token|api-key)(?:=.*)?", re.DOTALL)


def findings(runbook: Runbook) -> Iterator[Finding]:
    for at in all_steps(runbook):
        for doing, path in doings(at):
            commands = [(doing, path)]
            if isinstance(doing, GateAction):
                commands = [(doing.check, (*path, "check"))]
            for command, key in commands:
                if isinstance(command, CommandAction | CommandCheck):
                    yield from dict.fromkeys(_command(command.argv, (*key, "argv"), runbook))
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
    _Vetoed(
        "gcloud", ("compute", "ssh"), "", "hands its words to a shell elsewhere",
        'write the command, and via = "BASTION"',
    ),
    _Vetoed("npm", ("audit", "fix"), "--force", "changes what runs, unreviewed", "go through the pipeline"),
    _Vetoed("redis-cli", (), "FLUSHALL", "deletes everything", "restart what holds the connections"),
    _Vetoed("redis-cli", (), "FLUSHDB", "deletes everything", "restart what holds the connections"),
)  # fmt: skip

_VETOED_PROGRAMS = frozenset(veto.program for veto in _VETOED)

_NEEDED = (
    ("gcloud", (), "--project", "would act on whichever project gcloud is set to"),
    ("gcloud", ("sql", "backups", "restore"), "--restore-instance", "does not say into which instance"),
    ("gcloud", ("sql", "backups", "restore"), "--backup-instance", "does not say of which instance"),
)
"""Options that a command must have: the program, its first words, the option, and what is wrong without it."""


def _command(argv: Sequence[str], path: KeyPath, runbook: Runbook) -> Iterator[Finding]:
    inner = tuple(programs(argv))
    for one in inner:
        yield from _named(argv, one, path)
        yield from _judged(_Part(argv, one.position, path), runbook)
    for position in _hidden(argv):
        part = _Part(argv, position, path)
        yield from _shell(part)
        yield from _code(part, runbook, sure=False)
        yield from _vetoed(part)
    for position, word in enumerate(argv):
        if _SECRET_OPTION.fullmatch(word):
            remedy = "hand it over on stdin"
            yield Finding(_key(path, position), "would show a secret to every user of the machine", remedy)


class _Part(NamedTuple):
    """A program within a command."""

    whole: Sequence[str]
    start: int
    path: KeyPath

    @property
    def argv(self) -> Sequence[str]:
        """The program's words alone."""
        return self.whole[self.start :]

    @property
    def name(self) -> str:
        return name_of(self.whole[self.start].rpartition("=")[2])

    def key(self, position: int) -> KeyPath:
        """The key of one of its words."""
        return _key(self.path, self.start + position)


def _judged(part: _Part, runbook: Runbook) -> Iterator[Finding]:
    """What is wrong with one program and its words."""
    yield from _shell(part)
    yield from _vetoed(part)
    yield from _lacking(part)
    yield from _code(part, runbook)
    if part.name == "gcloud":
        yield from _images(part, runbook)
        yield from _secret_versions(part, runbook)


def _hidden(argv: Sequence[str]) -> Iterator[int]:
    """Words that may well be programs, too, where this cannot tell which word the program is.

    Of commands that run others, every word that names one; of others, what has the look of `sh -c`.
    """
    for position, word in enumerate(argv[1:], 1):
        name = name_of(word.rpartition("=")[2])
        known = name in _SHELLS or _INTERPRETERS.fullmatch(name) is not None
        behind = argv[position + 1] if position + 1 < len(argv) else ""
        code = _COMMAND_LINE.fullmatch(behind) or _TAKES_CODE.fullmatch(behind)
        if (known and (code or is_wrapper(argv[0]))) or (name in _VETOED_PROGRAMS and is_wrapper(argv[0])):
            yield position


def _one_stream(command: CommandAction, path: KeyPath) -> Iterator[Finding]:
    """What may hold a secret is kept on no bastion's disk, and what comes as one stream has errors in it as well."""
    secret = command.stdin is not None or any(isinstance(one, Secret) for one in command.environment.values())
    if command.via and command.capture and secret:
        remedy = "take the values in a step without secrets, or run it on this machine"
        yield Finding((*path, "capture"), "cannot be had from a command with secrets on a bastion", remedy)


def _key(path: KeyPath, position: int) -> KeyPath:
    return (*path[:-1], f"{path[-1]}[{position}]")


def _words(argv: Sequence[str]) -> list[tuple[int, str]]:
    """What of a command is no option, with its position."""
    return [(position, word) for position, word in enumerate(argv) if position and not word.startswith("-")]


def _last_of(argv: Sequence[str], words: tuple[str, ...]) -> int | None:
    """Where the last of these words is, when a command has them one behind the other; options do not count."""
    if not words:
        return 0
    found = _words(argv)
    for at in range(len(found)):
        if tuple(word for _, word in found[at : at + len(words)]) == words:
            return found[at + len(words) - 1][0]
    return None


def _named(argv: Sequence[str], one: Inner, path: KeyPath) -> Iterator[Finding]:
    """A program is written out, and so are the names of the variables that are set for it."""
    word = argv[one.position]
    if "{" in word:
        bare = "has a placeholder, so that any program could be run"
        problem = f"stands where {one.outer} takes a program" if one.outer else bare
        yield Finding(_key(path, one.position), problem, "write the program out")
    for position in one.assignments:
        found = ASSIGNMENT.fullmatch(argv[position])
        if found is not None and "{" in found[1]:
            yield Finding(_key(path, position), "has a placeholder in a variable's name", "write the name out")
        elif found is not None and is_plain_secret(found[1], found[2]):
            remedy = "let the step's own environment have it, as a secret"
            yield Finding(_key(path, position), "would show a secret to every user of the machine", remedy)


def _shell(part: _Part) -> Iterator[Finding]:
    name, argv = part.name, part.argv
    remedy = "write the command itself, word by word"
    if name in _SHELLS and any(_COMMAND_LINE.fullmatch(word) for word in argv[1:]):
        yield Finding(part.key(0), "is a shell with a command line", remedy)
    if name in _HANDS_ON:
        yield Finding(part.key(0), "hands its words to a shell elsewhere", 'write the command, and via = "BASTION"')
    if name == "watch" and any("{" in word for word in argv):
        yield Finding(part.key(0), "hands its words to a shell", remedy)
    if name in _SHELL_OPTIONS:
        # Options behind the program within are that program's own.
        inner = len(argv) if name == "runuser" else next((one.position for one in [*programs(argv)][1:2]), len(argv))
        for position, word in enumerate(argv[1:inner], 1):
            if _SHELL_OPTIONS[name].fullmatch(word):
                yield Finding(part.key(position), "hands a command line to a shell", remedy)


def _code(part: _Part, runbook: Runbook, *, sure: bool = True) -> Iterator[Finding]:
    """A value within a program's text would become a part of it: only whole texts that were vetted are chosen.

    `sure`: whether the word is known to be a program, and no other word that is called like one.
    """
    name, argv = part.name, part.argv
    script = name in _SHELLS or _TAKES_FILES.fullmatch(name) is not None
    if _INTERPRETERS.fullmatch(name) is None and not script:
        return
    whole = {f"{{{name}}}" for name, one in runbook.parameters.items() if isinstance(one, EnumParameter)}
    operand = next((at for at, _ in _words(argv)), 0) if sure else 0
    before = ""
    for position, word in enumerate(argv[1:], 1):
        option, _, value = word.partition("=")
        text = value if word.startswith("-") and _TAKES_CODE.fullmatch(option) else word
        if "{" in text and text not in whole:
            if _is_code(name, before, word, position, operand):
                remedy = "hand the value over beside it, or choose the whole text with an enum"
                yield Finding(part.key(position), "puts a value into a program's text", remedy)
            elif script and position == operand and word.startswith("{"):
                yield Finding(part.key(position), f"stands where {name} takes a program", "write the program out")
        before = word


def _is_code(name: str, before: str, word: str, position: int, operand: int) -> bool:
    """Whether a word of an interpreter is a text that it carries out, or has one. `operand`: 0 when not known."""
    if name in _SHELLS:
        # That it has a command line at all is said of the shell.
        return False
    option, equals, _ = word.partition("=")
    if (name, before) == ("node", "-p"):
        return True
    if _TAKES_CODE.fullmatch(before) or (equals and _TAKES_CODE.fullmatch(option)) or _GLUED_CODE.fullmatch(word):
        return True
    if word.startswith("-") or not operand:
        return False
    return bool(_FIRST_IS_CODE.fullmatch(name)) or (name == "sqlite3" and position > operand)


def _vetoed(part: _Part) -> Iterator[Finding]:
    for veto in _VETOED:
        last = _last_of(part.argv, veto.words) if part.name == veto.program else None
        if last is None:
            continue
        for position, word in enumerate(part.argv):
            named = word.partition("=")[0] if word.startswith("-") else word.upper()
            if veto.option == named or (not veto.option and position == last):
                yield Finding(part.key(position), f"{word.partition('=')[0]} {veto.problem}", veto.remedy)


def _lacking(part: _Part) -> Iterator[Finding]:
    for program, words, option, problem in _NEEDED:
        has = any(word.partition("=")[0] == option for word in part.argv)
        if part.name == program and _last_of(part.argv, words) is not None and not has:
            yield Finding(part.path, problem, f"add {option}=…")


def _images(part: _Part, runbook: Runbook) -> Iterator[Finding]:
    """An image is named by its digest: a tag may be another image by the time that it is deployed."""
    argv = part.argv
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
                    part.key(position),
                    "names an image that may be another one by then",
                    "name it by its digest: let the parameter's pattern have @sha256:[0-9a-f]{64}",
                )


def _secret_versions(part: _Part, runbook: Runbook) -> Iterator[Finding]:
    """A version is a number: `latest` is another one as soon as somebody adds one."""
    verbs = (_last_of(part.argv, ("secrets", "versions", verb)) for verb in ("disable", "destroy", "enable"))
    for verb in (found for found in verbs if found is not None):
        for position, word in enumerate(part.argv[verb + 1 :], verb + 1):
            loose = word == "latest" or any(
                word == f"{{{name}}}" and _may_be(one, "latest") for name, one in runbook.parameters.items()
            )
            if loose:
                key = part.key(position)
                yield Finding(key, "may be latest, which is another version by then", "give the version's number")


def _may_be(parameter: AnyParameter, value: str) -> bool:
    match parameter:
        case TextParameter(pattern=pattern):
            return matches(pattern, value)
        case EnumParameter(options=options):
            return value in options
        case _:
            return False
