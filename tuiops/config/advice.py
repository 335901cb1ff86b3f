"""What `tuiops check` looks at beyond `load`: queries that no server would take, secrets that are not there.

Neither keeps the console from starting: a source that cannot answer says so in its own panes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.config.systems import GaugeIndicator, LatencyIndicator, RatioIndicator
from tuiops.config.tree import dotted
from tuiops.config.values import Secret
from tuiops.config.walk import structs
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, safe
from tuiops.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.model import Config
    from tuiops.config.tree import KeyPath

_SELECTOR = 'write a metric with matchers, such as http_requests_total{job="api"}'
_QUERY = "try it in the server's own page"


def query_faults(config: Config) -> Iterator[Fault]:
    """Queries and selectors that are not PromQL; none where nothing can read them. `file` is left empty."""
    if unreadable_queries(config):
        return
    for path, query, selects in _all_queries(config):
        import promql_parser

        problem = None
        try:
            parsed = promql_parser.parse(query)
        except ValueError as error:
            problem = f"is not PromQL: {error}"
        else:
            if selects and not isinstance(parsed, promql_parser.VectorSelector):
                problem = "is not a selector"
        if problem is not None:
            yield Fault("", dotted(path), problem, _SELECTOR if selects else _QUERY)


def unreadable_queries(config: Config) -> SafeText:
    """Why the queries of a configuration cannot be checked; empty when they can, or when there are none."""
    for _ in _all_queries(config):
        try:
            import promql_parser  # noqa: F401 - whether it can be had
        except ImportError as error:
            return fmt("queries not checked: {}", safe(str(error), LINE))
    return EMPTY


def _all_queries(config: Config) -> Iterator[tuple[KeyPath, str, bool]]:
    for value, path in structs(config):
        for name, query, selects in _queries(value):
            yield (*path, name), query, selects


def _queries(value: object) -> Iterator[tuple[str, str, bool]]:
    """Name, text, and whether only a selector will do."""
    match value:
        case RatioIndicator():
            yield "total", value.total, True
            for name, query in (("bad", value.bad), ("good", value.good)):
                if query is not None:
                    yield name, query, True
        case LatencyIndicator():
            yield "histogram", value.histogram, True
        case GaugeIndicator():
            yield "query", value.query, False


def missing_secrets(config: Config, environ: Mapping[str, str] = os.environ) -> Iterator[Fault]:
    """Secrets whose place does not exist here. `file` is left empty."""
    for value, path in structs(config):
        if isinstance(value, Secret):
            yield from _missing(value, path, environ)


def _missing(secret: Secret, path: KeyPath, environ: Mapping[str, str]) -> Iterator[Fault]:
    if secret.env is not None and not environ.get(secret.env):
        yield Fault("", dotted((*path, "env")), f"{secret.env} is not set here", "set it where tuiops runs")
    if secret.file is not None and not Path(secret.file).is_file():
        yield Fault("", dotted((*path, "file")), f"{secret.file} does not exist here", "write it, then chmod 600")
    if secret.command is not None and shutil.which(secret.command[0]) is None:
        yield Fault("", dotted((*path, "command")), f"{secret.command[0]} is not installed here", "check the command")
