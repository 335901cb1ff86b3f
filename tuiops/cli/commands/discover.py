"""`tuiops discover`: what could be watched, as TOML to paste, from what is really there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tuiops import wiring
from tuiops.cli import loop
from tuiops.cli.exits import Exit
from tuiops.config.check import check
from tuiops.config.clouds import AwsConfig, GcpConfig
from tuiops.config.convert import convert
from tuiops.config.credentials import AwsCredentials, GoogleCredentials
from tuiops.config.proposal import Names, lines
from tuiops.config.sources import PrometheusConfig
from tuiops.config.tree import Tree
from tuiops.core.text import LINE, SafeText, fmt, lit, safe
from tuiops.errors import TimedOut, UsageError

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output
    from tuiops.config.model import Config
    from tuiops.config.proposal import Proposal

_LONGEST = 20_000
"""Characters of a line: a query is the longest thing in a configuration."""

_ASKED = {
    "gcp": ("google", {"--project": "project", "--region": "region"}, {"--credentials": "file"}),
    "aws": ("aws", {"--region": "region"}, {"--profile": "profile"}),
    "prometheus": ("prometheus", {"--url": "url"}, {}),
}
"""By what is asked: the identifier of the source, and which option is which setting of it and of its credentials."""

_NEEDED = {"gcp": "--project", "aws": "--region", "prometheus": "--url"}


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    what = arguments.what
    if _given(arguments, _NEEDED[what]) is None:
        raise UsageError(f"discover {what} needs {_NEEDED[what]}")
    known = {*_ASKED[what][1], *_ASKED[what][2], *({"--bearer-env"} if what == "prometheus" else ())}
    for option in ("--project", "--region", "--credentials", "--profile", "--url", "--bearer-env"):
        if option not in known and _given(arguments, option) is not None:
            raise UsageError(f"discover {what} has no {option}")
    return loop.run(_look(arguments, out, _config(arguments)))


async def _look(arguments: argparse.Namespace, out: Output, config: Config) -> Exit:
    try:
        async with asyncio.timeout(arguments.timeout):
            proposal = await _proposal(arguments, config)
    except TimeoutError:
        raise TimedOut(f"nothing was found within {arguments.timeout:g} s; give more with --timeout") from None
    if arguments.output == "json":
        out.document(_document(proposal))
    else:
        for line in lines(proposal, _head(arguments.what, proposal)):
            out.line(safe(line, _LONGEST))
    return Exit.UNKNOWN if proposal.warnings or not proposal.entries else Exit.OK


async def _proposal(arguments: argparse.Namespace, config: Config) -> Proposal:
    system = Names().of(arguments.system or arguments.project or arguments.region or "found")
    source = config.sources[_ASKED[arguments.what][0]]
    credentials = config.credentials.get(_ASKED[arguments.what][0])
    match source:
        case GcpConfig():
            google = credentials if isinstance(credentials, GoogleCredentials) else GoogleCredentials()
            return await wiring.look_at_google(source, google, system)
        case AwsConfig():
            amazon = credentials if isinstance(credentials, AwsCredentials) else AwsCredentials()
            return await wiring.look_at_amazon(source, amazon, system)
        case PrometheusConfig():
            from tuiops.sources.prometheus.discover import look_at

            return await look_at(source.url, arguments.bearer_env or "", system)
        case _:
            raise AssertionError(f"nothing looks at a {type(source).__name__}")


def _config(arguments: argparse.Namespace) -> Config:
    """The source that is to be asked, checked as a file would be. UsageError names the option that is wrong."""
    name, settings, credentials = _ASKED[arguments.what]
    tree = Tree("the command line")
    tree.override(("sources", name, "type"), arguments.what, "the command line")
    if credentials:
        tree.override(("credentials", name, "type"), name, "the command line")
        tree.override(("sources", name, "credentials"), name, "the command line")
        tree.override(("sources", name, "timeout"), "30s", "the command line")
    for table, options in (("sources", settings), ("credentials", credentials)):
        for option, key in options.items():
            value = _given(arguments, option)
            if value is not None:
                tree.override((table, name, key), value, option)
    config = convert(tree)
    check(config, tree)
    if tree.faults:
        fault = tree.faults[0]
        raise UsageError(f"{fault.file}: {fault.problem}" + (f"; {fault.remedy}" if fault.remedy else ""))
    return config


def _given(arguments: argparse.Namespace, option: str) -> str | None:
    value: str | None = getattr(arguments, option.removeprefix("--").replace("-", "_"))
    return value


def _head(what: str, proposal: Proposal) -> tuple[SafeText, ...]:
    if not proposal.entries:
        return (fmt("`tuiops discover {}` found nothing to watch.", safe(what)),)
    return (
        fmt("Proposed by `tuiops discover {}` from what is there.", safe(what)),
        lit(
            "Take out what nobody would be called for; limits are guesses. `tuiops check` reads it as the console does."
        ),
    )


def _document(proposal: Proposal) -> dict[str, Any]:
    entries = [
        {"table": [safe(part, LINE) for part in entry.table], "values": _plain(entry.values), "why": entry.why}
        for entry in proposal.entries
    ]
    return {"schema": 1, "kind": "proposal", "entries": entries, "warnings": list(proposal.warnings)}


def _plain(value: object) -> Any:
    """A value with its texts made safe."""
    if isinstance(value, dict):
        return {safe(str(key), LINE): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return safe(value, _LONGEST) if isinstance(value, str) else value
