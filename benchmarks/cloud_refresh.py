"""Measures refreshes of both clouds in a process of its own, and prints what it found as JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from tuiops.config.load import load
from tuiops.core.clock import SystemClock
from tuiops.sources.assembled import AssembledSource
from tuiops.sources.http import HttpClient
from tuiops.wiring import plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from tuiops.sources.http import Answer, Request
    from tuiops.sources.http_connections import Connections
    from tuiops.sources.http_errors import Refusal

PAST = 12
"""Refreshes until the past of all services is known: it is read a few services at a time."""

ROUNDS = 9
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


class Sent(NamedTuple):
    """A request as it went out, and the body that came back."""

    request: Request
    headers: Mapping[str, str]
    body: bytes


class Recorder:
    """Keeps what the sources send and receive while it is on."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.on = False
        real = HttpClient._send  # noqa: SLF001 - where both what is sent and its signature are at hand

        async def send(
            client: HttpClient, connections: Connections, request: Request, shown: Mapping[str, str]
        ) -> Answer | Refusal:
            answer = await real(client, connections, request, shown)
            if self.on:
                self.sent.append(Sent(request, {**request.headers, **shown}, answer.body))
            return answer

        HttpClient._send = send  # type: ignore[method-assign,assignment] # noqa: SLF001 - a look at what goes by


async def _refresh(sources: Sequence[AssembledSource]) -> tuple[int, int]:
    """Readings and requests of one refresh."""
    updates = await asyncio.gather(*(source.read_health() for source in sources))
    rollouts = await asyncio.gather(*(source.read_rollouts() for source in sources))
    readings = [reading for update in updates for reading in update.readings]
    requests = sum(update.requests for update in updates) + sum(update.requests for update in rollouts)
    unknown = [reading for reading in readings if reading.unknown]
    assert not unknown, unknown[0]
    return len(readings), requests


async def _send_bare(client: httpx.AsyncClient, sent: Sequence[Sent]) -> float:
    """Seconds of CPU in which nothing but httpx sends the same requests, by connections that are there, and decodes."""

    async def one(was: Sent) -> None:
        request = was.request
        again = client.build_request(request.method, request.url, headers=was.headers, content=request.body)
        (await client.send(again)).json()

    begun = time.process_time()
    await asyncio.gather(*(one(was) for was in sent))
    return time.process_time() - begun


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
    recorder = Recorder()
    recorder.on = True
    await asyncio.sleep(APART)
    readings, requests = await _refresh(sources)
    recorder.on = False
    gc.collect()
    memory = process.memory_info().rss - before
    cpu, took, decoding, bare = await _side_by_side(sources, recorder.sent)
    for source in sources:
        await source.close()
    return Measured(
        readings=readings,
        first_requests=first,
        requests=requests,
        cpu=cpu,
        took=took,
        bytes=sum(len(was.body) for was in recorder.sent),
        decoding=decoding,
        bare=bare,
        memory=memory,
    )


async def _side_by_side(sources: Sequence[AssembledSource], sent: Sequence[Sent]) -> tuple[float, float, float, float]:
    """Seconds of CPU and of time of a refresh, and of CPU to decode and to send and decode the same without it.

    All three are measured in every round, so that a noisy neighbour disturbs them alike.
    """
    import httpx

    cpu, took, decoding, bare = [], [], [], []
    async with httpx.AsyncClient(trust_env=False) as client:
        await _send_bare(client, sent)
        for _ in range(ROUNDS):
            await asyncio.sleep(APART)
            begun, clock = time.process_time(), time.perf_counter()
            await _refresh(sources)
            cpu.append(time.process_time() - begun)
            took.append(time.perf_counter() - clock)
            decoding.append(_decode([was.body for was in sent]))
            bare.append(await _send_bare(client, sent))
    return _middle(cpu), _middle(took), _middle(decoding), _middle(bare)


def _decode(bodies: Sequence[bytes]) -> float:
    begun = time.process_time()
    for body in bodies:
        json.loads(body)
    return time.process_time() - begun


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(measure(Path(sys.argv[1]))))))
