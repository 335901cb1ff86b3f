"""Both clouds on loopback with many services: the fake of Google in a process of its own, and MiniStack."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.google.fixtures import PROJECT, REGION, GoogleSite
from tests.google.run import RunApi
from tests.servers.ministack import KEYS, Ministack
from tests.servers.ministack import REGION as AWS_REGION
from tests.sources.aws.account import CLUSTER, SERVICES, Ecs
from tests.waiting import eventually_answers
from tuiops.core.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOGLE = 200
"""Cloud Run services."""

AMAZON = 100
"""ECS services, each with one task."""

_STEADY = 120.0
"""Seconds that MiniStack may take to start all tasks."""


async def _serve_google(folder: Path) -> None:
    """Serve until the standard input ends."""
    async with AsyncExitStack() as stack:
        site = GoogleSite(folder, stack, SystemClock())
        run = site.teach(RunApi(SystemClock()))
        run.build = run.shift = 0.0
        for number in range(GOOGLE):
            run.deploy(f"run-{number:03}", f"{REGION}-docker.pkg.dev/{PROJECT}/shop/run:{number}")
        await stack.enter_async_context(site)
        print(json.dumps({"key": str(site.key_file()), "endpoints": site.endpoints}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _deploy_amazon(url: str) -> None:
    """Services whose tasks all run."""
    ecs = Ecs(url)
    definition = await ecs.define("task", "v1")
    for number in range(AMAZON):
        await ecs.create(f"ecs-{number:03}", definition, desired=1)
    names = [f"ecs-{number:03}" for number in range(AMAZON)]

    async def steady() -> bool:
        found = [
            await ecs.call("DescribeServices", cluster=CLUSTER, services=names[first : first + 10])
            for first in range(0, AMAZON, 10)
        ]
        return all(one["runningCount"] == 1 for page in found for one in page["services"])

    await eventually_answers(steady, "the tasks of every service", _STEADY)
    await ecs.close()


@contextlib.contextmanager
def clouds() -> Iterator[Path]:
    """The folder of three configurations: `clouds.toml` of services in both clouds, `none.toml` of the same services
    without clouds, and `added.toml`, which is `none.toml` with both clouds added."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        os.environ.update(KEYS)
        os.environ.update({"AWS_CONFIG_FILE": f"{name}/none", "AWS_SHARED_CREDENTIALS_FILE": f"{name}/none"})
        (folder / "ministack").mkdir()
        amazon = Ministack(folder / "ministack")
        stack.callback(amazon.stop)
        amazon.start()
        asyncio.run(_deploy_amazon(amazon.url))
        command = [sys.executable, "-m", "benchmarks.cloud_servers", name]
        google = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(google.kill)
        assert google.stdout is not None
        said = json.loads(google.stdout.readline())
        (folder / "clouds.toml").write_text(
            _sources(said["key"], said["endpoints"], amazon.url) + _systems("", GOOGLE), encoding="utf-8"
        )
        (folder / "none.toml").write_text(_without(), encoding="utf-8")
        added = _without() + _sources(said["key"], said["endpoints"], amazon.url) + _systems("added", 5)
        (folder / "added.toml").write_text(added, encoding="utf-8")
        yield folder


def _sources(key: str, google: dict[str, str], amazon: str) -> str:
    """Rounds follow each other faster than polls would: quotas are out of the way."""
    gcp = "\n".join(f'{name} = "{url}"' for name, url in google.items())
    aws = "\n".join(f'{name} = "{amazon}"' for name in SERVICES)
    return f"""
[credentials.console]
type = "google"
file = "{key}"
[sources.gcp]
type = "gcp"
project = "{PROJECT}"
region = "{REGION}"
credentials = "console"
alerts = false
quotas = {{ run = 100_000 }}
[sources.gcp.endpoints]
{gcp}
[sources.aws]
type = "aws"
region = "{AWS_REGION}"
alerts = false
quotas = {{ ecs = 100_000 }}
[sources.aws.endpoints]
{aws}
"""


def _systems(prefix: str, most: int) -> str:
    """Systems whose services run on up to so many resources of each cloud."""
    lines: list[str] = []
    for kind, source, count, extra in (
        ("run", "gcp", GOOGLE, 'kind = "cloud_run"'),
        ("ecs", "aws", AMAZON, f'kind = "ecs"\ncluster = "{CLUSTER}"'),
    ):
        system = f"{prefix}{source}"
        for number in range(min(count, most)):
            name = f"{kind}-{number:03}"
            lines.append(f"[systems.{system}.services.{name}]\n[systems.{system}.resources.{name}]\n{extra}")
            lines.append(f'source = "{source}"\nservice = "{name}"\nname = "{name}"')
    return "\n".join(lines)


def _without() -> str:
    lines = ['[sources.prom]\ntype = "prometheus"\nurl = "http://127.0.0.1:9"']
    for kind, system, count in (("run", "gcp", GOOGLE), ("ecs", "aws", AMAZON)):
        lines.append(f'[systems.{system}.indicators.state]\nkind = "gauge"\nsource = "prom"\nheading = "STATE"')
        lines.append('query = "state"')
        lines += [f"[systems.{system}.services.{kind}-{number:03}]" for number in range(count)]
    return "\n".join(lines)


if __name__ == "__main__":
    asyncio.run(_serve_google(Path(sys.argv[1])))
