"""A secret in every encoding that programs print it in."""

from __future__ import annotations

import base64
import html
import json
import shlex
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

from tuiops.runbooks.execution.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST: Final = 6
"""Bytes of the shortest piece of an encoding that is looked for: shorter ones occur by chance."""
_URL_SAFE: Final = ("", "/", "!*'()~", "/:?@&=+$,;!*'()~#")
"""What quote functions in use leave as it is."""


def forms(secret: str) -> set[bytes]:
    """A secret as bytes, as it is and in the encodings that programs print."""
    raw = secret.encode("utf-8", "surrogateescape")
    found = {raw}
    if len(raw) < 2:
        return found
    texts = {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        html.escape(secret),
        html.escape(secret, quote=False),
        shlex.quote(secret).strip("'"),
        secret.replace("'", "'\\''"),
        repr(secret)[1:-1],
        quote_plus(raw),
    }
    texts |= {quote(raw, safe=safe) for safe in _URL_SAFE}
    texts |= {_lower_escapes(text) for text in texts if "%" in text}
    found |= {text.encode("utf-8", "surrogateescape") for text in texts}
    for form in (raw.hex(), raw.hex().upper(), raw.hex(":"), raw.hex(" ")):
        if len(raw) * 2 >= _SHORTEST:
            found.add(form.encode())
    for encoded in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            whole = encoded(b"\0" * shift + raw)[(0, 2, 3)[shift] :]
            bare = whole.rstrip(b"=")
            # The last character of an incomplete group also has bits of what follows.
            inner = bare[:-1] if len(whole) != len(bare) else bare
            found |= {form for form in (whole, bare, inner) if len(form) >= _SHORTEST}
    return found


def _lower_escapes(text: str) -> str:
    """`%2F` as `%2f`, which is as right."""
    pieces = text.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])


def all_forms(secrets: Iterable[str]) -> set[bytes]:
    """The forms of several secrets."""
    return {form for secret in secrets if secret for form in forms(secret)}


def redacted(text: bytes, secrets: Iterable[str]) -> bytes:
    """A whole text without its secrets."""
    redactor = Redactor(all_forms(secrets))
    return redactor.feed(text) + redactor.finish()
