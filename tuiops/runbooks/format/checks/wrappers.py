"""Programs that run what their words name, such as sudo and `docker exec`: which words the program within is."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASSIGNMENT = re.compile(r"([^-=][^=]*)=(.*)", re.DOTALL)


class _Wrapper(NamedTuple):
    """How the words of such a program are read."""

    letters: str = ""
    """Short options that have a value."""
    longs: tuple[str, ...] = ()
    """Long ones that may have it as a word of its own."""
    operands: int = 0
    """Words of its own between its options and the program."""
    assigns: bool = False
    """Whether words such as `A=b` may stand before the program."""
    verbs: frozenset[str] = frozenset()
    """Only behind one of these; empty: always."""


_EXEC = frozenset({"exec", "run"})
_CONTAINER = _Wrapper(
    "aceghlmpuvw",
    (
        "--add-host", "--cap-add", "--cpus", "--entrypoint", "--env", "--env-file", "--hostname", "--label", "--memory",
        "--mount", "--name", "--network", "--publish", "--user", "--volume", "--workdir",
    ),
    operands=1,
    verbs=_EXEC | {"create"},
)  # fmt: skip
_CLUSTER = _Wrapper(
    "cfn",
    ("--container", "--context", "--filename", "--image", "--kubeconfig", "--namespace", "--target"),
    operands=1,
    verbs=_EXEC | {"debug"},
)  # fmt: skip
_PLAIN = _Wrapper()
_COMPOSED = _Wrapper("efuwp", ("--env", "--file", "--user", "--workdir"), operands=1, verbs=_EXEC)

_WRAPPERS = {
    "busybox": _PLAIN,
    "bundle": _Wrapper(verbs=frozenset({"exec"})),
    "chroot": _Wrapper(longs=("--groups", "--userspec"), operands=1),
    "chrt": _Wrapper("DPT", operands=1),
    "command": _PLAIN,
    "doas": _Wrapper("Cu"),
    "docker": _CONTAINER,
    "docker-compose": _COMPOSED,
    "env": _Wrapper("Cu", ("--chdir", "--unset"), assigns=True),
    "exec": _Wrapper("a"),
    "flock": _Wrapper("Ew", ("--conflict-exit-code", "--timeout", "--wait"), operands=1),
    "gosu": _Wrapper(operands=1),
    "ionice": _Wrapper("cn", ("--class", "--classdata")),
    "kubectl": _CLUSTER,
    "nerdctl": _CONTAINER,
    "nice": _Wrapper("n", ("--adjustment",)),
    "nohup": _PLAIN,
    "npx": _Wrapper("p", ("--package",)),
    "nsenter": _Wrapper("GSt", ("--setgid", "--setuid", "--target")),
    "oc": _CLUSTER,
    "pkexec": _Wrapper(longs=("--user",)),
    "podman": _CONTAINER,
    "poetry": _Wrapper(verbs=frozenset({"run"})),
    "prlimit": _PLAIN,
    "runuser": _Wrapper("Ggsuw", ("--group", "--shell", "--supp-group", "--user", "--whitelist-environment")),
    "setpriv": _Wrapper(longs=("--groups", "--regid", "--reuid")),
    "setsid": _PLAIN,
    "stdbuf": _Wrapper("eio", ("--error", "--input", "--output")),
    "strace": _Wrapper("EeopPsu"),
    "su-exec": _Wrapper(operands=1),
    "sudo": _Wrapper(
        "CDghpRrTtUu",
        (
            "--chdir", "--chroot", "--close-from", "--command-timeout", "--group", "--host", "--other-user", "--prompt",
            "--role", "--type", "--user",
        ),
        assigns=True,
    ),
    "systemd-run": _Wrapper(
        "EHMPptu",
        ("--description", "--gid", "--host", "--machine", "--nice", "--property", "--setenv", "--slice", "--uid",
         "--unit", "--working-directory"),
    ),
    "taskset": _Wrapper(operands=1),
    "time": _Wrapper("fo", ("--format", "--output")),
    "timeout": _Wrapper("ks", ("--kill-after", "--signal"), operands=1),
    "toybox": _PLAIN,
    "unshare": _Wrapper("GRSw", ("--root", "--setgid", "--setuid", "--wd")),
    "uv": _Wrapper(verbs=frozenset({"run"})),
    "watch": _Wrapper("n", ("--interval",)),
    "xargs": _Wrapper("EILPadns", ("--arg-file", "--delimiter", "--max-args", "--max-procs")),
}  # fmt: skip


class Inner(NamedTuple):
    """A program that a command runs, by the position of its word."""

    position: int
    outer: str
    """What runs it; empty for the command's own first word."""
    assignments: tuple[int, ...] = ()
    """Positions of the variables that are set for it."""


def name_of(word: str) -> str:
    """A program by its name, without its folder."""
    return PurePath(word).name


def is_wrapper(word: str) -> bool:
    return name_of(word) in _WRAPPERS


def programs(argv: Sequence[str]) -> Iterator[Inner]:
    """The program of a command, then the one that it runs, and so on; the last word of one may be missing."""
    found: Inner | None = Inner(0, "")
    while found is not None and found.position < len(argv):
        yield found
        found = _inner(argv, found.position)


def _inner(argv: Sequence[str], start: int) -> Inner | None:
    outer = name_of(argv[start])
    wrapper = _WRAPPERS.get(outer)
    if wrapper is None:
        return None
    at = start + 1
    if wrapper.verbs:
        verbs = [position for position in range(at, len(argv)) if argv[position] in wrapper.verbs]
        if not verbs:
            return None
        at = verbs[0] + 1
        if wrapper is _CLUSTER and "--" in argv[at:]:
            # What stands behind it is the program, whatever was before.
            return Inner(argv.index("--", at) + 1, outer)
    operands, assignments, options = wrapper.operands, [], True
    while at < len(argv):
        word = argv[at]
        if options and word == "--":
            options = False
        elif options and word.startswith("-") and len(word) > 1:
            at += _has_value_behind(word, wrapper)
        elif wrapper.assigns and ASSIGNMENT.fullmatch(word):
            assignments.append(at)
        elif operands:
            operands -= 1
        else:
            return Inner(at, outer, tuple(assignments))
        at += 1
    return None


def _has_value_behind(option: str, wrapper: _Wrapper) -> bool:
    """Whether the next word is this option's value."""
    if option.startswith("--"):
        return option in wrapper.longs
    first = next((at for at, letter in enumerate(option[1:], 1) if letter in wrapper.letters), 0)
    return first == len(option) - 1
