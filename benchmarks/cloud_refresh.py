"""Measures refreshes of both clouds in a process of its own, and prints what it found as JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tuiops.config.load import load
from tuiops.core.clock import SystemClock
from tuiops.sources.assembled import AssembledSource
from tuiops.wiring import plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx

PAST = 12
"""Refreshes until the past of all services is known: it is read a few services at a time."""

ROUNDS = 5
APART = 4.0
"""Seconds between rounds: what is shared by health and rollouts is kept for less."""


@dataclass(frozen=True)
class Measured:
    """What a refresh takes."""

    readings: int
    first_requests: int
    """Of the very first refresh, which also asks for the past."""
    requests: int
    cpu: float
    """Seconds, the median of several refreshes."""
    took: float
    bytes: int
    decoding: float
    """Seconds of CPU to decode the same bytes with the standard library."""
    bare: float
    """Seconds of CPU in which a bare httpx client sends the same requests and decodes the answers."""
    memory: int
    """Bytes by which the process has grown."""


class Recorder:
    """Keeps what httpx sends and receives while it is on."""

    def __init__(self) -> None:
        import httpx

        self.sent: list[tuple[httpx.Request, bytes]] = []
        self.on = False
        real = httpx.AsyncClient.send

        async def send(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
            answer = await real(client, request, **options)
            if self.on:
                body = await answer.aread()
                self.sent.append((request, body))
                # What was read must be readable again, as raw bytes.
                setattr(answer, "aiter_raw", partial(_again, body))  # noqa: B010 - a method, replaced for one look
                answer.headers.pop("content-encoding", None)
            return answer

        httpx.AsyncClient.send = send  # type: ignore[method-assign,assignment] # a look at what goes by


async def _again(body: bytes, _: int | None = None) -> AsyncIterator[bytes]:
    yield body


async def _refresh(sources: Sequence[AssembledSource]) -> tuple[int, int]:
    """Readings and requests of one refresh."""
    updates = await asyncio.gather(*(source.read_health() for source in sources))
    rollouts = await asyncio.gather(*(source.read_rollouts() for source in sources))
    readings = [reading for update in updates for reading in update.readings]
    requests = sum(update.requests for update in updates) + sum(update.requests for update in rollouts)
    unknown = [reading for reading in readings if reading.unknown]
    assert not unknown, unknown[0]
    return len(readings), requests


async def _cpu_of_bare(sent: Sequence[tuple[httpx.Request, bytes]]) -> float:
    """Seconds of CPU in which nothing but httpx sends the same requests, by connections that are there, and decodes."""
    import httpx

    async with httpx.AsyncClient(trust_env=False) as client:

        async def one(request: httpx.Request) -> None:
            again = client.build_request(request.method, request.url, headers=request.headers, content=request.content)
            (await client.send(again)).json()

        took: list[float] = []
        for _ in range(ROUNDS + 1):
            begun = time.process_time()
            await asyncio.gather(*(one(request) for request, _ in sent))
            took.append(time.process_time() - begun)
    return _middle(took[1:])


async def measure(path: Path) -> Measured:
    """Refresh a few times."""
    config = load(path, environ={}).config
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    sources = [one for one in plan(config, SystemClock()).sources if isinstance(one, AssembledSource)]
    _, first = await _refresh(sources)
    for _ in range(PAST):
        await asyncio.sleep(APART / 2)
        await _refresh(sources)
    cpu, took, requests, readings = [], [], 0, 0
    for _ in range(ROUNDS):
        await asyncio.sleep(APART)
        begun, clock = time.process_time(), time.perf_counter()
        readings, requests = await _refresh(sources)
        cpu.append(time.process_time() - begun)
        took.append(time.perf_counter() - clock)
    gc.collect()
    memory = process.memory_info().rss - before
    recorder = Recorder()
    recorder.on = True
    await asyncio.sleep(APART)
    await _refresh(sources)
    recorder.on = False
    for source in sources:
        await source.close()
    bodies = [body for _, body in recorder.sent]
    return Measured(
        readings=readings,
        first_requests=first,
        requests=requests,
        cpu=_middle(cpu),
        took=_middle(took),
        bytes=sum(map(len, bodies)),
        decoding=_middle([_decode(bodies) for _ in range(ROUNDS)]),
        bare=await _cpu_of_bare(recorder.sent),
        memory=memory,
    )


def _decode(bodies: Sequence[bytes]) -> float:
    begun = time.process_time()
    for body in bodies:
        json.loads(body)
    return time.process_time() - begun


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(measure(Path(sys.argv[1]))))))
