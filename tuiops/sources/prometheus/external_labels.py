"""The labels that a Prometheus adds to the alerts that it sends, from the configuration that it reports."""

from __future__ import annotations

import re

import msgspec

from tuiops.errors import BadAnswer

_SECTION = re.compile(r"^global:\n((?:[ \t].*\n|\n)*)", re.MULTILINE)
_LABELS = re.compile(r"^  external_labels:\n((?:    .*\n|\n)*)", re.MULTILINE)
_LINE = re.compile(r"""    (["']?)([a-zA-Z_][a-zA-Z0-9_]*)\1: ?(.*)""", re.ASCII)


def external_labels(yaml: str) -> dict[str, str]:
    """Read `global.external_labels` of `/api/v1/status/config`, whose layout is fixed: Prometheus writes it anew.

    BadAnswer when a line is not as expected: it is better to say so than to have alerts twice on screen.
    """
    section = _SECTION.search(yaml + "\n")
    labels = _LABELS.search(section[1]) if section else None
    found: dict[str, str] = {}
    for line in labels[1].splitlines() if labels else ():
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadAnswer("its external_labels cannot be read; set external_labels of the source")
        found[match[2]] = _scalar(match[3])
    return found


def _scalar(text: str) -> str:
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        try:
            return msgspec.json.decode(text.encode(), type=str)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise BadAnswer("its external_labels cannot be read; set external_labels of the source") from None
    if text[:1] in set("|>&*!{["):
        raise BadAnswer("its external_labels cannot be read; set external_labels of the source")
    return text
