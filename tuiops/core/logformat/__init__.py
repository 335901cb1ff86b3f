"""From the bytes of a log line to a record: JSON, logfmt, syslog, klog, access logs, Python's logging, plain text.

`parse` never raises and never looks at more than `MAX_PARSED` bytes. It is called for lines that somebody
looks at; what has to be known of every line is found by `level_of` and `classify`, which look at bytes only.
"""

from __future__ import annotations

from tuiops.core.lineformat import MAX_PARSED, LineFormat
from tuiops.core.logformat.multiline import continuations, continues, last_record, leading
from tuiops.core.logformat.reader import classify_block, level_of, parse

__all__ = [
    "MAX_PARSED", "LineFormat", "classify_block", "continuations", "continues", "last_record", "leading", "level_of",
    "parse",
]  # fmt: skip
