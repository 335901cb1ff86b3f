"""A Google to look at: `python -m tests.google FOLDER` serves a shop whose service `chat` is rolled out over and over.

It writes `FOLDER/tuiops.toml` for the console. Somebody with gcloud deploys a candidate, gives it 10, 50 and 100
percent of the traffic, and every third time takes it back at 50; every fourth one never becomes ready.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.google.fixtures import GoogleSite
from tests.google.run import RunApi
from tuiops.core.clock import SystemClock

_SYSTEMS = """
[systems.shop]
label = "Shop"
[systems.shop.services]
chat = {}
web = {}
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
expect = { max_instances = 20 }
[systems.shop.resources.web]
kind = "cloud_run"
source = "gcp"
service = "web"
name = "web"
expect = { pinned = false }
"""


async def _release(run: RunApi, number: int, pause: float) -> None:
    stable = run.service("chat")["trafficStatuses"][0]["revision"]
    run.failure = "The user-provided container failed to start and listen on the port 8080." if number % 4 == 3 else ""
    new = run.deploy("chat", f"shop/chat:{number}", traffic=False, tag=f"v{number}", by="kim@shop.example")
    await asyncio.sleep(pause)
    if run.failure:
        return
    for share in (10, 50, 100):
        run.share("chat", {new: share, stable: 100 - share} if share < 100 else {new: 100})
        await asyncio.sleep(pause)
        if share == 50 and number % 3 == 2:
            run.share("chat", {stable: 100})
            await asyncio.sleep(pause)
            return


async def _serve(folder: Path, pause: float) -> None:
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        google = GoogleSite(folder, stack, clock)
        await stack.enter_async_context(google)
        run = google.teach(RunApi(clock))
        run.build, run.shift = pause / 3, pause / 6
        for name in ("chat", "web"):
            run.deploy(name, f"shop/{name}:1")
        google.config(_SYSTEMS, 'interval = "5s"\nrollout_interval = "1s"\nalerts = false')
        await asyncio.sleep(pause)
        number = 2
        while True:
            await _release(run, number, pause)
            number += 1
            await asyncio.sleep(pause)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.google")
    parser.add_argument("folder", type=Path, help="where tuiops.toml and the key of a service account are written")
    parser.add_argument("--pause", type=float, default=15.0, help="seconds between steps")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(given.folder, given.pause))


if __name__ == "__main__":
    main()
