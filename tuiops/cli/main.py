"""The command line: the parser, and the way from errors to exit codes. Commands are imported when they are run."""

from __future__ import annotations

import argparse
import errno
import functools
import importlib
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from tuiops import __version__
from tuiops.cli import words
from tuiops.cli.exits import Exit
from tuiops.cli.output import Output, Tone
from tuiops.cli.parsing import MixedParser, Parser
from tuiops.core.text import EMPTY, LINE, fmt, lit, safe
from tuiops.errors import ConfigError, TuiopsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT_TIMEOUT = 10.0


def parser() -> argparse.ArgumentParser:
    """Every command with every option; `docs/cli.md` describes them, and a test compares."""
    root = Parser(
        prog="tuiops",
        parents=[_common()],
        description="A terminal operations console: health, alerts, logs and rollouts, live. "
        "Without a command it opens the console; without a configuration it watches this machine.",
        epilog="Exit codes: 0 all is well, 1 degraded or P2, 2 down or P1, 3 unknown or stale; of runbooks 10 refused, "
        "11 failed, 12 aborted, 13 nobody can tell how it ended, 14 waits for somebody; "
        "64 wrong command line, 78 wrong configuration.",
    )
    root.add_argument("--version", action="version", version=f"tuiops {__version__}")
    root.add_argument("--plain", action="store_true", help="print the status as plain lines instead of drawing")
    root.set_defaults(
        command="console", output="table", system=None, watch=False, timeout=_DEFAULT_TIMEOUT, verbose=False
    )
    commands = root.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)

    _command(commands, "wallboard", "show pages that rotate, read-only")
    status = _command(commands, "status", "print everything at a glance")
    services = _command(commands, "services", "print one row for each service")
    alerts = _command(commands, "alerts", "print one row for each alert")
    rollouts = _command(commands, "rollouts", "print one row for each rollout, and what has drifted")
    for each in (status, services, alerts, rollouts):
        _headless(each)
        each.add_argument("--watch", action="store_true", help="print again at each change, until Ctrl-c")
    logs = _command(commands, "logs", "print log lines")
    _headless(logs)
    logs.add_argument("-f", "--follow", action="store_true", help="go on with lines to come, until Ctrl-c")
    logs.add_argument("-n", "--lines", type=_count, default=100, metavar="COUNT", help="lines of the past (100)")
    logs.add_argument("--service", metavar="NAME", help="only this service")
    logs.add_argument("--level", metavar="LEVEL", help="only this level and graver ones, such as warning")
    logs.add_argument("--grep", metavar="REGEX", help="only lines that match")
    check = _command(commands, "check", "print every mistake of a configuration")
    check.add_argument("file", nargs="?", metavar="FILE", help="the file; the usual one when left out")
    _discover(_command(commands, "discover", "propose what to watch, from what is there"))
    config = _command(commands, "config", "print settings, or what there is to know about them")
    config.add_argument(
        "what", nargs="?", choices=("show", "paths", "schema", "runbook-schema", "example"), default="show",
        help="show: the settings in force; paths: where files are; schema: JSON Schema of configurations; "
        "runbook-schema: that of runbooks; example: a complete file",
    )  # fmt: skip
    words.add_to(_command(commands, "runbook", "print what can be done, and do it"), _common(), _headless)
    _ledger(_command(commands, "ledger", "print what was done, or prove that the record of it is whole"))
    _command(commands, "keys", "print every action with its keys")
    _command(commands, "themes", "print the themes that there are")
    return root


def _command(commands: argparse._SubParsersAction[Parser], name: str, purpose: str) -> argparse.ArgumentParser:
    description = purpose[0].upper() + purpose[1:] + "."
    command = commands.add_parser(name, parents=[_common()], help=purpose, description=description)
    command.set_defaults(command=name)
    return command


@functools.cache
def _common() -> MixedParser:
    """Options that mean the same before and after the command's name."""
    common = MixedParser(add_help=False)
    absent = argparse.SUPPRESS
    add = common.add_argument
    add("--config", metavar="FILE", default=absent, help="configuration file (also TUIOPS_CONFIG)")
    add("--demo", action="store_true", default=absent, help="watch a simulated fleet beside this machine")
    add("--environment", metavar="NAME", default=absent, help="environment of systems that name none")
    add("--theme", metavar="NAME", default=absent, help="theme; `tuiops themes` lists them")
    add("--time-zone", metavar="ZONE", default=absent, help="zone of times on screen, such as Asia/Tokyo")
    add("--ascii", action="store_true", default=absent, help="draw with ASCII characters only")
    add("--keys", metavar="PRESET", default=absent, help="key preset: default, k9s, vim, less, plain")
    return common


def _headless(command: argparse.ArgumentParser, *, system: bool = True, timeout: str = "the first answers") -> None:
    """`timeout`: what is waited for so long; empty for what waits for nothing."""
    command.add_argument("-o", "--output", choices=("table", "json", "ndjson"), default="table", help="format (table)")
    if system:
        command.add_argument("--system", metavar="NAME", help="only this system")
    command.add_argument("-v", "--verbose", action="store_true", help="print diagnostics to standard error")
    if timeout:
        command.add_argument(
            "--timeout", type=_seconds, default=_DEFAULT_TIMEOUT, metavar="SECONDS",
            help=f"how long to wait for {timeout} ({_DEFAULT_TIMEOUT:g})",
        )  # fmt: skip


def _discover(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("what", choices=("gcp", "aws", "prometheus"), help="what to look at")
    add("--project", metavar="ID", help="Google Cloud project")
    add("--region", metavar="NAME", help="region of Cloud Run services, or of everything on AWS")
    add("--credentials", metavar="FILE", help="Google credentials; those of this machine when left out")
    add("--profile", metavar="NAME", help="profile of the AWS configuration")
    add("--url", metavar="URL", help="address of a Prometheus")
    add("--bearer-env", metavar="NAME", help="environment variable with a bearer token for it")
    add("--system", metavar="NAME", help="what the system is to be called")
    add("-o", "--output", choices=("toml", "json"), default="toml", help="format (toml)")
    add("--timeout", type=_seconds, default=60.0, metavar="SECONDS", help="how long to look (60)")


def _ledger(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "what", choices=("show", "verify", "export"),
        help="show: the last runs, or the story of one; verify: whether the record is whole; export: its entries",
    )  # fmt: skip
    add("run", nargs="?", metavar="RUN", help="number or identity of a run, to show or to export")
    add("-o", "--output", dest="format", choices=("table", "json", "ndjson"), help="format (table; of export ndjson)")


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(text)) <= 3600:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds between 0 and 3600")


def _count(text: str) -> int:
    with suppress(ValueError):
        if 0 <= (value := int(text)) <= 10_000_000:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number between 0 and 10000000")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a question mark, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    complaints = Output(sys.stderr, os.environ)
    try:
        return _told(argv, complaints)
    except Exception as error:  # noqa: BLE001 - a traceback would exit with 1, which says that something is degraded
        if isinstance(error, OSError) and error.errno == errno.EIO and _at_terminal():
            _drop_output(sys.stdout, sys.stderr)
            return Exit.HANGUP
        return _failed(error, complaints)


def _at_terminal() -> bool:
    """Whether one of the outputs is a terminal, even one that went away."""
    return any(stat.S_ISCHR(os.fstat(stream.fileno()).st_mode) for stream in (sys.stdout, sys.stderr))


def _told(argv: Sequence[str] | None, complaints: Output) -> int:
    """Run a command, and say in words what kept it from its end."""
    try:
        code = _run(argv)
    except UsageError as error:
        complaints.line((lit("tuiops: "), Tone.BAD), safe(str(error), LINE))
        return Exit.USAGE
    except ConfigError as error:
        from tuiops.cli import faults

        faults.tell(error, complaints, whole=False)
        return Exit.CONFIG
    except TuiopsError as error:
        complaints.line((lit("tuiops: "), Tone.BAD), safe(str(error), LINE))
        return Exit.UNKNOWN
    except BrokenPipeError:
        _drop_output(sys.stdout)
        return Exit.BROKEN_PIPE
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    if code == Exit.INTERRUPTED:
        # What the terminal shows as ^C keeps a line of its own.
        complaints.line(EMPTY)
    return code


def _run(argv: Sequence[str] | None) -> int:
    arguments = parser().parse_args(argv)
    arguments.demo = getattr(arguments, "demo", False)
    from tuiops.cli import logfile

    logfile.begin(verbose=arguments.verbose)
    command = importlib.import_module(f"tuiops.cli.commands.{arguments.command}")
    code = Exit(command.main(arguments, Output(sys.stdout, os.environ)))
    if code == Exit.HANGUP:
        _drop_output(sys.stdout, sys.stderr)
    sys.stdout.flush()
    return code


def _failed(error: Exception, complaints: Output) -> Exit:
    """The last resort: a fault of ours, or an output that takes nothing, such as a full disk."""
    from tuiops.cli import logfile

    logfile.record(error)
    file, kind = logfile.log_file(), type(error).__name__
    where = fmt("; diagnostics are in {}", safe(str(file), LINE)) if file.exists() else EMPTY
    _drop_output(sys.stdout)
    try:
        complaints.line((lit("tuiops: "), Tone.WORST), safe(f"failed: {kind}: {error}", LINE), where)
        complaints.flush()
    except OSError:
        _drop_output(sys.stderr)
    return Exit.SOFTWARE


def _drop_output(*streams: TextIO) -> None:
    """The interpreter flushes its streams once more at the end; it must find a place that takes what is left."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
