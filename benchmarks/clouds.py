"""A refresh of 200 Cloud Run services: its requests, and its CPU beside decoding the same bytes alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.table import Row, median, show
from tests.google.fixtures import GoogleStage
from tests.google.run import RunApi
from tests.servers.http import request
from tuiops.sources.gcp.run.wire import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tuiops.sources.gcp.source import GcpSource

SERVICES = 200
ROUNDS = 30
_TEMPLATE: dict[str, Any] = {
    "containers": [
        {
            "image": "asia-northeast1-docker.pkg.dev/shop-production/shop/service:1",
            "resources": {"limits": {"cpu": "1000m", "memory": "512Mi"}},
            "env": [{"name": f"SETTING_{number}", "value": "x" * 30} for number in range(20)],
        }
    ]
}


class _All(msgspec.Struct):
    services: list[Service]


@contextlib.contextmanager
def _stage() -> Iterator[GoogleStage]:
    """The fake with a loop and a thread of its own, so that its work is not counted as ours."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:
        stage = GoogleStage(Path(folder), contextlib.AsyncExitStack())
        asyncio.run_coroutine_threadsafe(stage.__aenter__(), loop).result()
        run = stage.teach(RunApi(stage.clock))
        for _ in range(5):
            for number in range(SERVICES):
                run.deploy(f"s{number:03}", "", **_TEMPLATE)
            stage.clock.advance(60)
        yield stage
        asyncio.run_coroutine_threadsafe(stage.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _systems() -> str:
    return "".join(
        f"[systems.shop.services.s{number:03}]\n[systems.shop.resources.s{number:03}]\n"
        f'kind = "cloud_run"\nsource = "gcp"\nservice = "s{number:03}"\nname = "s{number:03}"\n'
        for number in range(SERVICES)
    )


async def _refresh(source: GcpSource, stage: GoogleStage) -> tuple[float, float]:
    """Seconds of CPU, and requests, of a poll of health and rollouts when nothing has changed."""
    for _ in range(SERVICES // 20 + 1):
        await source.read_rollouts()
        stage.clock.advance(30)
    took, requests = [], []
    for _ in range(ROUNDS):
        stage.clock.advance(30)
        before, begun = len(stage.calls), time.thread_time()
        await source.read_health()
        await source.read_rollouts()
        took.append(time.thread_time() - begun)
        requests.append(len(stage.calls) - before)
    await source.close()
    return median(took), median(requests)


def _bodies(stage: GoogleStage) -> list[bytes]:
    headers = {"authorization": f"Bearer {stage.tokens.issue()}"}
    found: list[bytes] = []
    token = ""
    while True:
        url = f"{stage.url}/run/v2/projects/shop-production/locations/asia-northeast1/services?pageToken={token}"
        found.append(request(url, headers=headers)[1])
        token = json.loads(found[-1]).get("nextPageToken", "")
        if not token:
            return found


def _alone(decode: Callable[[bytes], object], bodies: list[bytes]) -> float:
    took = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for body in bodies:
            decode(body)
        took.append(time.thread_time() - begun)
    return median(took)


def main() -> None:
    """Print the table."""
    with _stage() as stage:
        ours, requests = asyncio.run(_refresh(stage.source(_systems()), stage))
        bodies = _bodies(stage)
    plain = _alone(json.loads, bodies)
    typed = _alone(msgspec.json.Decoder(_All).decode, bodies)
    size = sum(map(len, bodies))
    rows = [
        Row("requests of a refresh", f"{requests:.0f}", f"{SERVICES} one by one", "", "≤ 10", requests <= 10),
        Row(
            "CPU of a refresh",
            f"{ours * 1000:.1f} ms",
            f"{plain * 1000:.1f} ms, json.loads of its {size / 1e6:.2f} MB",
            f"{ours / plain:.1f} ×",
            "≤ 2 ×",
            ours / plain <= 2,
        ),
        Row("", "", f"{typed * 1000:.1f} ms, decoded to types", f"{ours / typed:.1f} ×", "", None),
    ]
    show(f"Health and rollouts of {SERVICES} Cloud Run services", rows)


if __name__ == "__main__":
    main()
