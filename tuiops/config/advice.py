"""What `tuiops check` looks at beyond `load`: queries that no server would take, secrets that are not there.

Neither keeps the console from starting: a source that cannot answer says so in its own panes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiops.config.blanks import wanted
from tuiops.config.systems import GaugeIndicator, LatencyIndicator, PromqlIndicator, RatioIndicator
from tuiops.config.tree import dotted
from tuiops.config.values import Secret
from tuiops.config.walk import structs
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, safe
from tuiops.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.model import Config
    from tuiops.config.tree import KeyPath

_BY_KIND: Mapping[str, tuple[tuple[str, bool], ...]] = {
    str(kind.__struct_config__.tag): keys
    for kind, keys in (
        (RatioIndicator, (("total", True), ("bad", True), ("good", True))),
        (LatencyIndicator, (("histogram", True),)),
        (GaugeIndicator, (("query", False),)),
    )
}
"""The queries of each kind of indicator, and whether only a selector will do."""
_SELECTOR = 'write a metric with matchers, such as http_requests_total{job="api"}'
_QUERY = "try it in the server's own page"


def query_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Queries and selectors that are not PromQL; none where nothing can read them. `file` is left empty."""
    for path, query, selects in _queries(values):
        try:
            import promql_parser
        except ImportError:
            return  # `unreadable_queries` says so

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
    if any(isinstance(value, PromqlIndicator) for value, _ in structs(config)):
        try:
            import promql_parser  # noqa: F401 - whether it can be had
        except ImportError as error:
            return fmt("queries not checked: {}", safe(str(error), LINE))
    return EMPTY


def _queries(values: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str, bool]]:
    """Key, text, and whether only a selector will do: of every indicator, whatever else may be wrong with it."""
    for system, about in _tables(values.get("systems")):
        for name, indicator in _tables(about.get("indicators")):
            for key, selects in _BY_KIND.get(str(indicator.get("kind")), ()):
                query = indicator.get(key)
                if isinstance(query, str) and wanted(query) is None:
                    yield ("systems", system, "indicators", name, key), query, selects


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield from ((key, inner) for key, inner in value.items() if isinstance(inner, dict))


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
