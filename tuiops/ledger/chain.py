"""The form of entries in a ledger: the bytes that count, the digests that chain them, and the way back to values.

The body of an entry is its JSON, written once and never again: its digest covers these very bytes.

    digest = SHA-256(digest of the entry before, 64 hexadecimal digits, followed by the body in UTF-8)

The other columns repeat parts of the body, so that a database can look for them; `verify` compares.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar, get_args

import msgspec

from tuiops.core.access import Principal, Role
from tuiops.core.record import AnyEvent, Entry, Sealed, Unknown
from tuiops.core.text import safe
from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BYTES = 8 * 1024 * 1024
"""Of the largest body that is recorded."""

LONGEST_NAME = 600
"""Characters of a name: PostgreSQL indexes some 2,700 bytes."""

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Entry)
_KNOWN = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyEvent) if kind is not Unknown)
_ESCAPE = re.compile(r"\\[bfnrtu]")
"""What JSON writes for characters that no terminal may get."""

_COMMON = re.compile(
    "[ -~\u00a1-\u02ff\u2010-\u2027\u2030-\u205e\u2100-\u2bff"
    "\u3001-\u3029\u3030-\u303f\u3041-\u3096\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]*"
)
"""Scripts without marks that pile up: Latin, symbols, Chinese, Japanese, Korean."""

_NOT_JSON = "holds something that is not JSON in UTF-8"

_AnyValue = TypeVar("_AnyValue")


class Row(NamedTuple):
    """An entry as the database holds it."""

    number: int
    at: str
    """RFC 3339, UTC."""
    run: str
    event: str
    person: str
    body: str
    previous: str
    digest: str


class _By(msgspec.Struct, gc=False):
    person: str
    account: str = ""
    session: str = ""


class _Event(msgspec.Struct, gc=False):
    event: str
    execution: str = ""


class Parts(msgspec.Struct, gc=False):
    """What the columns repeat of a body."""

    at: str
    by: _By
    event: _Event
    run: str = ""


_parts = msgspec.json.Decoder(Parts)
_Time = Annotated[datetime, msgspec.Meta(tz=True)]


def parts(body: str) -> Parts:
    """Raises msgspec.MsgspecError when the body is not one."""
    return _parts.decode(body)


def digest(previous: str, body: str) -> str:
    """The digest of an entry, in hexadecimal."""
    return hashlib.sha256((previous + body).encode()).hexdigest()


def is_digest(own: str, previous: str, body: str) -> bool:
    """Whether a digest is the right one. A hand may have put there what is no text at all."""
    try:
        return digest(previous, body) == own
    except (TypeError, UnicodeError):
        return False


def seal(entries: Sequence[Entry], number: int, previous: str) -> tuple[list[Row], list[Sealed]]:
    """The entries as they follow entry `number` with digest `previous`. LedgerError for what cannot be recorded."""
    rows: list[Row] = []
    sealed: list[Sealed] = []
    for given in entries:
        if isinstance(given.event, Unknown):
            raise LedgerError("what this version cannot read cannot be recorded by it")
        entry, body, known = _recorded(given)
        identity(known.run)
        number += 1
        own = digest(previous, body)
        rows.append(Row(number, known.at, known.run, known.event.event, known.by.person, body, previous, own))
        sealed.append(Sealed(number=number, entry=entry, digest=own))
        previous = own
    return rows, sealed


def _recorded(entry: Entry) -> tuple[Entry, str, Parts]:
    """The entry as it is recorded: without NUL and lone surrogates, which databases refuse or break on."""
    try:
        encoded = _encoder.encode(entry)
        if not _shows_safely(encoded.decode("utf-8")):
            # A plan keeps its very bytes, escapes and all.
            entry = made_safe(entry)
            encoded = _encoder.encode(entry)
    except UnicodeEncodeError:
        entry = made_safe(entry)
        encoded = _encoder.encode(entry)
    except UnicodeDecodeError as error:
        raise LedgerError(f"an entry {_NOT_JSON}: {error}") from error
    if len(encoded) > MOST_BYTES:
        raise LedgerError(f"an entry of {len(encoded):,} bytes is too long to be recorded; the limit is {MOST_BYTES:,}")
    try:
        body = encoded.decode("utf-8")
        return entry, body, parts(body)
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise LedgerError(f"an entry {_NOT_JSON}: {error}") from error


def _shows_safely(body: str) -> bool:
    """Whether no text in a body can hold anything that a terminal must not get."""
    if _ESCAPE.search(body):
        return False
    # Most bodies are decided by a regular expression; `safe` looks at each character that is not ASCII.
    return (body.isprintable() and _COMMON.fullmatch(body) is not None) or safe(body, len(body)) == body


def unseal(row: Row) -> Sealed:
    """The entry of a row, its texts safe to show. LedgerError when it is not what was recorded."""
    if not is_digest(row.digest, row.previous, row.body):
        raise LedgerError(
            f"entry {row.number} is not what was recorded: somebody has changed it"
            " → `tuiops ledger verify` says what else; restore a backup, or begin another ledger"
        )
    try:
        entry = _decoder.decode(row.body)
    except (msgspec.MsgspecError, UnicodeError):
        entry = _unread(row)
    if not _shows_safely(row.body):
        entry = made_safe(entry)
    return Sealed(number=row.number, entry=entry, digest=row.digest)


def fits(body: str, name: str) -> bool:
    """Whether a body whose event is called `name` can be read, unless another version alone knows such events."""
    if name not in _KNOWN:
        return True
    try:
        _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        return False
    return True


def _unread(row: Row) -> Entry:
    """An entry that this version cannot read; others that follow it must be read all the same.

    Nobody gets a role by it. LedgerError when it is no entry of any version.
    """
    try:
        known = parts(row.body)
        at = msgspec.convert(known.at, _Time)
    except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise LedgerError(
            f"entry {row.number} cannot be understood: {safe(str(error))} → `tuiops ledger verify` says what else"
        ) from error
    by = Principal(
        person=safe(known.by.person), account=safe(known.by.account), session=known.by.session, role=Role.VIEWER
    )
    return Entry(at=at, by=by, event=Unknown(name=safe(known.event.event, LONGEST_NAME)), run=known.run)


def made_safe(value: _AnyValue) -> _AnyValue:
    """The same value with every text in it safe to show; JSON that is kept as it is stays as it is."""
    found: Any = _made_safe(value)
    return found  # type: ignore[no-any-return]  # the walk keeps every type


def _made_safe(value: object) -> object:
    if type(value) is str:
        return storable(value)
    if isinstance(value, msgspec.Struct):
        return type(value)(**{name: _made_safe(getattr(value, name)) for name in value.__struct_fields__})
    if isinstance(value, tuple):
        return tuple(_made_safe(item) for item in value)
    if isinstance(value, dict):
        return {_made_safe(key): _made_safe(item) for key, item in value.items()}
    return value


def identity(text: str) -> str:
    """A name of a run, an execution or a lock, as databases take it into an index. LedgerError when it is too long."""
    found = storable(text)
    if len(found) > LONGEST_NAME:
        raise LedgerError(f"{found[:40]}… has {len(found):,} characters; a name has {LONGEST_NAME} at most")
    return found


def storable(text: str) -> str:
    """A text that every database takes: what is safe to show is that, too. Nothing is cut."""
    return safe(text, len(text))
