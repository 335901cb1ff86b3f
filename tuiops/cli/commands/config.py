"""`tuiops config`: the settings in force, and what there is to know about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.cli import settings
from tuiops.cli.exits import Exit
from tuiops.config import paths
from tuiops.config.schema import text as schema_text
from tuiops.config.schema import written
from tuiops.config.sources import HttpSourceConfig
from tuiops.core.text import LINE, lit, safe

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    match arguments.what:
        case "paths":
            _paths(arguments, out)
        case "schema":
            out.verbatim(schema_text())
        case "runbook-schema":
            from tuiops.runbooks.format.schema import text as runbook_schema_text

            out.verbatim(runbook_schema_text())
        case "example":
            out.verbatim(paths.example_config().read_text(encoding="utf-8"))
        case _:
            out.document(_plain(settings.read(arguments).config))
    return Exit.OK


def _paths(arguments: argparse.Namespace, out: Output) -> None:
    file = settings.config_file(arguments)
    rows = (
        (lit("configuration"), file or paths.config_file(), (file or paths.config_file()).exists()),
        (lit("themes"), paths.user_themes(), paths.user_themes().exists()),
        (lit("state"), paths.state_dir(), paths.state_dir().exists()),
        (lit("cache"), paths.cache_dir(), paths.cache_dir().exists()),
        (lit("shipped files"), paths.share_dir(), paths.share_dir().exists()),
    )
    for name, path, exists in rows:
        out.line(safe(f"{name:<15}"), safe(str(path), LINE), lit("") if exists else lit("  (does not exist)"))


def _plain(value: object) -> Any:
    """The settings as JSON, texts made safe, in the way that a file writes them."""
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__
        fields = {field.encode_name: _plain(getattr(value, field.name)) for field in msgspec.structs.fields(value)}
        if isinstance(value, HttpSourceConfig):
            fields["headers"] = {safe(name): "***" for name in value.headers}
        return ({tag.tag_field: tag.tag} if tag.tag_field else {}) | fields
    if isinstance(value, dict):
        return {safe(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    found = written(value)
    return safe(found, LINE) if isinstance(found, str) else found
