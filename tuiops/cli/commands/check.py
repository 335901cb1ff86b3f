"""`tuiops check`: every mistake and every blank of a configuration and its runbooks, with file, key and remedy."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tuiops.cli import faults, reviews, settings
from tuiops.cli.exits import Exit
from tuiops.cli.output import Output, Tone
from tuiops.config import paths
from tuiops.config.advice import missing_secrets, query_faults, unreadable_queries
from tuiops.config.load import load
from tuiops.core.text import EMPTY, LINE, fmt, lit, safe
from tuiops.errors import ConfigError
from tuiops.runbooks.format.load import faults_beside, library

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from tuiops.errors import Fault


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    if arguments.file is not None:
        arguments.config = arguments.file
    file = settings.config_file(arguments) or paths.config_file()
    try:
        loaded = load(
            file,
            options=settings.options(arguments),
            reviews=(*reviews.ALWAYS, *reviews.DRAWING),
            inspections=(query_faults,),
            advice=(missing_secrets,),
        )
    except ConfigError as error:
        _warn(error.warnings, out)
        return _wrong((*error.faults, *faults_beside(file)))
    books = library(loaded)
    if books.faults:
        return _wrong(books.faults)
    config = loaded.config
    _warn(loaded.warnings, out)
    unread = unreadable_queries(config)
    if unread:
        out.line((lit("warning  "), Tone.BAD), unread)
    counts = fmt("systems: {}  sources: {}  files: {}", len(config.systems), len(config.sources), len(loaded.files))
    more = fmt("  runbooks: {}", len(books.runbooks)) if books.runbooks else EMPTY
    out.line((lit("ok  "), Tone.GOOD), safe(str(file), LINE), lit("  "), counts, more)
    return Exit.OK


def _wrong(found: Sequence[Fault]) -> Exit:
    faults.tell(ConfigError(found), Output(sys.stderr, os.environ), whole=True)
    return Exit.CONFIG


def _warn(warnings: Iterable[Fault], out: Output) -> None:
    for fault in warnings:
        out.line((lit("warning  "), Tone.BAD), safe(str(fault), LINE))
