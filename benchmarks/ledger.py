"""The ledger beside the disk: a durable intent beside a bare fsync'd append, and the proof of a million entries."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.table import Row, median, quantile, show
from tuiops.config.model import LedgerConfig
from tuiops.core.access import Principal, Role
from tuiops.core.record import Entry, StepIntended
from tuiops.core.text import lit
from tuiops.ledger.holders import this_process
from tuiops.ledger.opening import open_ledger

if TYPE_CHECKING:
    from tuiops.ledger.base import Fence
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


async def _intents(ledger: SqlLedger, fence: Fence, path: Path) -> tuple[list[float], list[float]]:
    """Seconds of each intent, and of each bare append of as many bytes; one after the other, so that both see the
    same disk at the same time."""
    ours, bare = [], []
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        for number in range(INTENTS):
            entry = _intent(number)
            begun = time.perf_counter()
            await ledger.append([entry], fences=[fence])
            ours.append(time.perf_counter() - begun)
            line = msgspec.json.encode(entry) + b"\n"
            begun = time.perf_counter()
            os.write(descriptor, line)
            os.fsync(descriptor)
            bare.append(time.perf_counter() - begun)
    finally:
        os.close(descriptor)
    return ours, bare


async def _measure(folder: Path) -> list[Row]:
    ledger = open_ledger(LedgerConfig(path=str(folder / "ledger.db")))
    holder = this_process(lit("kim"), "s-1")
    fence = await ledger.acquire("shop/api", holder, run="r", purpose=lit("bench"), seconds=3_600)
    await ledger.append([_intent(0)], fences=[fence])
    ours, bare = await _intents(ledger, fence, folder / "bare")
    while (last := await ledger.last()) < ENTRIES:
        await ledger.append([_intent(number) for number in range(last, min(last + BATCH, ENTRIES))])
    begun, cpu = time.perf_counter(), time.process_time()
    verdict = await ledger.verify()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    await ledger.close()
    size = (folder / "ledger.db").stat().st_size
    begun = time.perf_counter()
    with (folder / "ledger.db").open("rb") as file:
        while file.read(1 << 20):
            pass
    floor = time.perf_counter() - begun
    ratio = median(ours) / median(bare)
    late = quantile(ours, 0.95) / quantile(bare, 0.95)
    whole = verdict.entries == ENTRIES and not verdict.faults
    return [
        Row(
            "durable intent, median", f"{median(ours) * 1000:.2f} ms", f"{median(bare) * 1000:.2f} ms, bare fsync",
            f"{ratio:.1f} ×", "≤ 3 ×", ratio <= 3,
        ),
        Row(
            "95 % of them", f"{quantile(ours, 0.95) * 1000:.2f} ms",
            f"{quantile(bare, 0.95) * 1000:.2f} ms, bare fsync", f"{late:.1f} ×", "≤ 3 ×", late <= 3,
        ),
        Row(
            f"verify of {ENTRIES:,} entries", f"{took:.1f} s, {cpu:.1f} s of CPU",
            f"{floor:.2f} s, reading its {size / 1e6:.0f} MB", f"{took / floor:.0f} ×", "≤ 30 s", whole and took <= 30,
        ),
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        show("The ledger, in SQLite", asyncio.run(_measure(Path(folder))))


if __name__ == "__main__":
    main()
