"""Commands that run other commands: every rule counts for what is within, however it is wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import found, step
from tuiops.runbooks.format.checks.wrappers import programs

if TYPE_CHECKING:
    from pathlib import Path

WORD = "[parameters.x]\ntype = 'text'\npattern = '[a-z]+'\n"
SHELL = "is a shell with a command line"
HANDED = "hands a command line to a shell"
CODE = "puts a value into a program's text"
SHOWN = "would show a secret to every user of the machine"


def command(argv: tuple[str, ...]) -> str:
    words = ", ".join(f'"""{word}"""' for word in argv)
    return f'{{ kind = "command", argv = [{words}] }}'


def problems(folder: Path, argv: tuple[str, ...]) -> list[tuple[str, str]]:
    """What is wrong with a command, and with which of its words."""
    head = WORD if any("{x}" in word for word in argv) else ""
    text = head + step("a", command(argv), danger='"C"')
    return [(key.removeprefix("steps[0].do.argv"), problem) for key, problem in found(folder, text)]


@pytest.mark.parametrize(
    ("argv", "at", "problem"),
    [
        (("env", "sh", "-c", "kill {x}"), 1, SHELL),
        (("/usr/bin/env", "-i", "-u", "HOME", "A=b", "/bin/sh", "-c", "id"), 5, SHELL),
        (("env", "-S", "sh -c id"), 1, HANDED),
        (("sudo", "bash", "-c", "systemctl restart {x}"), 1, SHELL),
        (("sudo", "-u", "root", "-n", "--", "bash", "-c", "id"), 5, SHELL),
        (("sudo", "-uroot", "bash", "-lc", "id"), 2, SHELL),
        (("sudo", "-i", "id"), 1, HANDED),
        (("sudo", "-nEs", "id"), 1, HANDED),
        (("doas", "-s", "id"), 1, HANDED),
        (("nohup", "sh", "-c", "kill {x}"), 1, SHELL),
        (("busybox", "sh", "-c", "id"), 1, SHELL),
        (("timeout", "-k", "1", "5", "sh", "-c", "id | xargs kill"), 4, SHELL),
        (("nice", "-n", "5", "ionice", "-c", "3", "setsid", "sh", "-c", "id"), 7, SHELL),
        (("flock", "/tmp/x", "sh", "-c", "id"), 2, SHELL),
        (("flock", "/tmp/x", "-c", "id"), 2, HANDED),
        (("chroot", "/srv", "sh", "-c", "id"), 2, SHELL),
        (("xargs", "-I", "%", "sh", "-c", "kill %"), 3, SHELL),
        (("kubectl", "exec", "pod", "--", "sh", "-c", "kill {x}"), 4, SHELL),
        (("kubectl", "-n", "shop", "exec", "-it", "pod", "-c", "app", "--", "sh", "-c", "id"), 9, SHELL),
        (("kubectl", "exec", "pod", "sh", "-c", "id"), 3, SHELL),
        (("docker", "exec", "-u", "root", "c", "sh", "-c", "kill {x}"), 5, SHELL),
        (("docker", "compose", "exec", "c", "sh", "-c", "id"), 4, SHELL),
        (("docker", "run", "--rm", "--entrypoint=sh", "image", "-c", "id"), 3, SHELL),
        (("podman", "run", "--rm", "image", "bash", "-c", "id"), 4, SHELL),
        (("systemd-run", "--unit=x", "sh", "-c", "id"), 2, SHELL),
        (("find", "/srv", "-exec", "sh", "-c", "id", ";"), 3, SHELL),
        (("su", "-", "postgres", "-c", "id"), 3, HANDED),
        (("su", "-lc", "id"), 1, HANDED),
        (("runuser", "-l", "app", "-c", "id"), 3, HANDED),
        (("script", "-qc", "id", "/dev/null"), 1, HANDED),
        (("bash", "-Cc", "id"), 0, SHELL),
        (("sh", "-e", "-C", "-c", "id"), 0, SHELL),
        (("pwsh", "-Command", "id"), 0, SHELL),
        (("env", "python3", "-c", "print('{x}')"), 3, CODE),
        (("sudo", "-u", "postgres", "psql", "-c", "drop table {x}"), 5, CODE),
        (("kubectl", "exec", "pod", "--", "psql", "-Atc", "drop table {x}"), 6, CODE),
        (("docker", "exec", "c", "mysql", "--execute=drop {x}"), 4, CODE),
        (("strace", "-f", "perl", "-e", "{x}"), 4, CODE),
        (("some-wrapper", "python3", "-c", "print('{x}')"), 3, CODE),
        (("psql", "-cdrop table {x}"), 1, CODE),
        (("sqlite3", "shop.db", "drop table {x}"), 2, CODE),
        (("sed", "s/a/{x}/", "file"), 1, CODE),
        (("node", "-p", "{x}"), 2, CODE),
        (("sudo", "gcloud", "sql", "instances", "delete", "a", "--quiet", "--project=p"), 6, "--quiet takes back"),
        (
            ("env", "A=b", "gcloud", "secrets", "versions", "access", "1", "--secret=k", "--project=p"),
            5,
            "access prints a secret",
        ),
        (("gcloud", "--project", "p", "secrets", "versions", "access", "1"), 5, "access prints a secret"),
        (("gcloud", "compute", "ssh", "vm", "--project=p", "--command", "id"), 2, "hands its words to a shell"),
        (("sudo", "redis-cli", "FLUSHALL"), 2, "FLUSHALL deletes everything"),
        (("kubectl", "exec", "redis", "--", "redis-cli", "flushdb"), 5, "flushdb deletes everything"),
        (("docker", "exec", "--new-option", "v", "c", "redis-cli", "FLUSHALL"), 6, "FLUSHALL deletes everything"),
        (("sudo", "ssh", "host", "id"), 1, "hands its words to a shell elsewhere"),
        (("watch", "ls", "{x}"), 0, "hands its words to a shell"),
        (("sudo", "-u", "root", "{x}"), 3, "stands where sudo takes a program"),
        (("doas", "{x}"), 1, "stands where doas takes a program"),
        (("sudo", "--new-option", "{x}"), 2, "stands where sudo takes a program"),
        (("nohup", "nice", "{x}"), 2, "stands where nice takes a program"),
        (("docker", "exec", "c", "{x}"), 3, "stands where docker takes a program"),
        (("kubectl", "exec", "{x}", "--", "{x}"), 4, "stands where kubectl takes a program"),
        (("env", "{x}=b", "tool"), 1, "has a placeholder in a variable's name"),
        (("env", "PGPASSWORD=hunter2", "psql"), 1, SHOWN),
        (("sudo", "TOKEN={x}", "tool"), 1, SHOWN),
        (("bash", "{x}"), 1, "stands where bash takes a program"),
        (("sudo", "python3", "-u", "{x}", "check"), 3, "stands where python3 takes a program"),
    ],
)
def test_what_is_wrapped_is_refused_all_the_same(tmp_path: Path, argv: tuple[str, ...], at: int, problem: str) -> None:
    assert [(key, said) for key, said in problems(tmp_path, argv) if key == f"[{at}]" and problem in said]


@pytest.mark.parametrize(
    "argv",
    [
        ("sudo", "-u", "{x}", "systemctl", "restart", "api"),
        ("sudo", "-n", "systemctl", "restart", "mysql", "{x}"),
        ("sudo", "systemctl", "restart", "ssh"),
        ("sudo", "apt-get", "install", "python3", "{x}"),
        ("timeout", "{x}", "systemctl", "restart", "api"),
        ("env", "A={x}", "TOKEN_FILE=/run/x", "tool", "{x}"),
        ("kubectl", "exec", "{x}", "--", "ls", "{x}"),
        ("kubectl", "rollout", "restart", "deployment/{x}"),
        ("kubectl", "-n", "{x}", "exec", "-c", "{x}", "pod", "--", "python3", "check.py", "{x}"),
        ("docker", "exec", "-u", "app", "{x}", "pg_isready", "-h", "{x}"),
        ("docker", "restart", "{x}"),
        ("bash", "/opt/check.sh", "{x}"),
        ("psql", "-h", "{x}", "-p", "{x}", "-d", "shop", "-f", "report.sql"),
        ("sqlite3", "{x}.db", ".tables"),
        ("nice", "-n", "{x}", "tar", "-cf", "{x}.tar", "."),
        ("xargs", "-n", "1", "echo"),
        ("sudo",),
        ("docker",),
        ("kubectl", "exec", "pod", "--"),
    ],
)
def test_what_may_be_written(tmp_path: Path, argv: tuple[str, ...]) -> None:
    assert problems(tmp_path, argv) == []


def test_the_programs_of_a_command() -> None:
    argv = ("env", "-C", "/srv", "A=b", "sudo", "-nu", "app", "timeout", "-s", "INT", "5", "tool", "sudo", "x")
    assert [(one.position, one.outer) for one in programs(argv)] == [(0, ""), (4, "env"), (7, "sudo"), (11, "timeout")]
