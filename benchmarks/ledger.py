"""The ledger beside what keeps it: a durable intent beside a bare append, and the proof of a million entries.

The bare append is that of a file with its fsync, and on a real PostgreSQL that of one INSERT with its COMMIT.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psycopg

from benchmarks.table import Row, median, quantile, show
from tests.servers.packages import MissingServer, locate
from tests.servers.postgresql import Postgresql
from tuiops.config.model import LedgerConfig
from tuiops.config.values import Secret
from tuiops.core.access import Principal, Role
from tuiops.core.record import Entry, StepIntended
from tuiops.core.text import lit
from tuiops.ledger.holders import this_process
from tuiops.ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.ledger.sql import SqlLedger

INTENTS = 1_000
ENTRIES = 1_000_000
BATCH = 5_000
FOLDER = os.environ.get("TUIOPS_BENCH_FOLDER")
"""A folder on the disk to measure; that of temporary files when left out."""

_KIM = Principal(person=lit("kim"), account=lit("local:kim"), session="s-1", role=Role.OPERATOR)
_CALL = lit("gcloud run services update-traffic api --region asia-northeast1 --to-revisions api-00042-abc=100")


def _intent(number: int) -> Entry:
    now = datetime.now(UTC)
    event = StepIntended(step=f"roll[{number}].shift", execution=f"01J9Z.shift.{number}", at=now, call=_CALL)
    return Entry(at=now, by=_KIM, event=event, run=f"01J9Z{number // 20}")


async def _intents(ledger: SqlLedger, append: Callable[[bytes], object]) -> tuple[list[float], list[float]]:
    """Seconds of each intent, and of each bare append of as many bytes; one after the other, so that both see the
    same disk at the same time."""
    holder = this_process(lit("kim"), "s-1")
    fence = await ledger.acquire("shop/api", holder, run="r", purpose=lit("bench"), seconds=3_600)
    await ledger.append([_intent(0)], fences=[fence])
    ours, bare = [], []
    for number in range(INTENTS):
        entry = _intent(number)
        begun = time.perf_counter()
        await ledger.append([entry], fences=[fence])
        ours.append(time.perf_counter() - begun)
        line = msgspec.json.encode(entry) + b"\n"
        begun = time.perf_counter()
        append(line)
        bare.append(time.perf_counter() - begun)
    return ours, bare


def _beside(ours: list[float], bare: list[float], peer: str, most: float | None) -> list[Row]:
    """`most`: how many times as long as its peer an intent may take; None where there is no such bar."""
    rows = []
    for what, own, other in (
        ("durable intent, median", median(ours), median(bare)),
        ("95 % of them", quantile(ours, 0.95), quantile(bare, 0.95)),
    ):
        ratio = own / other
        met, bar = (None, "") if most is None else (ratio <= most, f"≤ {most:g} ×")
        rows.append(Row(what, f"{own * 1000:.2f} ms", f"{other * 1000:.2f} ms, {peer}", f"{ratio:.1f} ×", bar, met))
    return rows


async def _in_a_file(folder: Path) -> list[Row]:
    ledger = open_ledger(LedgerConfig(path=str(folder / "ledger.db")))
    descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def append(line: bytes) -> None:
        os.write(descriptor, line)
        os.fsync(descriptor)

    try:
        ours, bare = await _intents(ledger, append)
    finally:
        os.close(descriptor)
    return [*_beside(ours, bare, "bare fsync", 3), await _proof(ledger, folder / "ledger.db")]


async def _proof(ledger: SqlLedger, file: Path) -> Row:
    while (last := await ledger.last()) < ENTRIES:
        await ledger.append([_intent(number) for number in range(last, min(last + BATCH, ENTRIES))])
    begun, cpu = time.perf_counter(), time.process_time()
    verdict = await ledger.verify()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    await ledger.close()
    floor, size = _read(file)
    whole = verdict.entries == ENTRIES and not verdict.faults
    return Row(
        f"verify of {ENTRIES:,} entries", f"{took:.1f} s, {cpu:.1f} s of CPU",
        f"{floor:.2f} s, reading its {size / 1e6:.0f} MB", f"{took / floor:.0f} ×", "≤ 30 s",
        whole and took <= 30,
    )  # fmt: skip


def _read(file: Path) -> tuple[float, int]:
    """Seconds that it takes to read a file, and its bytes."""
    begun = time.perf_counter()
    with file.open("rb") as content:
        while content.read(1 << 20):
            pass
    return time.perf_counter() - begun, file.stat().st_size


async def _on_a_server(server: Postgresql, folder: Path) -> list[Row]:
    os.environ["TUIOPS_BENCH_LEDGER"] = server.schema()
    ledger = open_ledger(LedgerConfig(url=Secret(env="TUIOPS_BENCH_LEDGER"), anchors=str(folder / "anchors")))
    with psycopg.connect(server.schema(), autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (line bytea)")
        ours, bare = await _intents(ledger, lambda line: connection.execute("INSERT INTO bare VALUES (%s)", [line]))
    await ledger.close()
    return _beside(ours, bare, "bare INSERT and COMMIT", None)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        show("The ledger, in SQLite", asyncio.run(_in_a_file(Path(folder))))
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        try:
            server = Postgresql(locate("postgresql"), Path(folder))
        except MissingServer as error:
            print(f"\nThe ledger, in PostgreSQL: not measured: {error}")
            return
        server.start()
        try:
            show("The ledger, in PostgreSQL", asyncio.run(_on_a_server(server, Path(folder))))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
