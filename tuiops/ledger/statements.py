"""Every statement that a ledger makes, for any database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, false, insert, literal_column, select, true, update

from tuiops.ledger.schema import claims, counters, entries, locks

if TYPE_CHECKING:
    from sqlalchemy import BindParameter

_number: BindParameter[int] = bindparam("of_number")
_run: BindParameter[str] = bindparam("of_run")
_key: BindParameter[str] = bindparam("of_key")
_token: BindParameter[int] = bindparam("of_token")

LAST = select(entries.c.number, entries.c.digest).order_by(entries.c.number.desc()).limit(1)
DIGEST = select(entries.c.digest).where(entries.c.number == _number)
ADD = insert(entries)

_page = select(entries).where(entries.c.number > bindparam("after")).order_by(entries.c.number).limit(bindparam("most"))
PAGE = _page.where(entries.c.number <= bindparam("until"))
RUN_PAGE = PAGE.where(entries.c.run == _run, entries.c.run != "")
REQUESTS = _page.where(entries.c.event == "run.requested")

CLAIMED = select(claims.c.number).where(claims.c.execution == bindparam("of_execution"))
CLAIM = insert(claims)
_claims = select(claims.c.number, claims.c.execution)
CLAIMS = _claims.where(claims.c.number > bindparam("after"), claims.c.number <= bindparam("until"))
STRAY_CLAIMS = _claims.where(
    claims.c.number > _number, ~select(entries.c.number).where(entries.c.number == claims.c.number).exists()
)

COUNT = update(counters).where(counters.c.name == "run").values(value=counters.c.value + bindparam("more"))
COUNTED = select(counters.c.value).where(counters.c.name == "run")

_kept = (locks.c.held == true(), locks.c.expires > literal_column("0"))
"""Neither given back nor parked."""
TOKEN = select(locks.c.token).where(locks.c.key == _key, *_kept)
LOCK = select(locks).where(locks.c.key == _key)
LOCKS = select(locks).where(locks.c.held == true()).order_by(locks.c.key)
FIRST_LOCK = insert(locks)
NEXT_LOCK = update(locks).where(locks.c.key == _key)
RENEW = update(locks).where(locks.c.key == _key, locks.c.token == _token, *_kept).values(expires=bindparam("until"))
RELEASE = update(locks).where(locks.c.key == _key, locks.c.token == _token).values(held=false())
