"""Logs of a cloud, of two stores and of a file in one log book, through everything between the configuration and it."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.google.logging import LoggingApi
from tests.sources.logs.loki import Loki
from tests.waiting import PATIENCE, eventually
from tuiops import wiring
from tuiops.config.load import load
from tuiops.core.logformat import parse
from tuiops.hub import tail
from tuiops.sources.stored_logs import nanoseconds, rfc3339

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.google.fixtures import GoogleStage
    from tests.servers.fixtures import Servers
    from tests.servers.osmem import Osmem
    from tuiops.hub.hub import Hub
    from tuiops.hub.logbook import LogBook


def lines(book: LogBook) -> list[str]:
    """What every line says, as the console reads it, in the book's order."""
    found = (book.line(seq) for seq in range(book.first, book.end))
    return [parse(line.raw, line.stream.format, line.at).message for line in found if line and line.raw]


def watched(osmem: Osmem, loki: Loki, file: Path) -> str:
    """The configuration of a stream of each kind."""
    return f"""
    [sources.es]
    type = "elasticsearch"
    url = "{osmem.url}"
    [sources.loki]
    type = "loki"
    url = "{loki.url}"
    [systems.shop.services.api]
    [systems.shop.logs.cloud]
    kind = "cloud_logging"
    source = "gcp"
    interval = "1s"
    [systems.shop.logs.index]
    kind = "elasticsearch"
    source = "es"
    index = "app-*"
    interval = "1s"
    [systems.shop.logs.loki]
    kind = "loki"
    source = "loki"
    query = '{{app="api"}}'
    interval = "1s"
    [systems.shop.logs.file]
    kind = "file"
    paths = ["{file}"]
    """


@contextlib.asynccontextmanager
async def running(google: GoogleStage, path: Path) -> AsyncIterator[Hub]:
    """The hub that a configuration asks for."""
    hub = await wiring.hub(wiring.Subject(loaded=load(path, environ={})), google.clock)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def test_three_stores_and_a_file_tell_one_story(
    google: GoogleStage, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine may take longer than people would be made to wait.
    monkeypatch.setattr(tail, "_GATHERING_STORES", PATIENCE)
    monkeypatch.setattr(tail, "HOLD", PATIENCE)
    api = google.teach(LoggingApi(google.clock))
    osmem = servers.osmem()
    now = google.clock.now()

    def at(seconds: float) -> str:
        return rfc3339(nanoseconds(now + timedelta(seconds=seconds)))

    file = tmp_path / "app.log"
    file.write_text(f"{at(-39)[:26]}Z INFO file one\n{at(-19)[:26]}Z INFO file two\n", encoding="utf-8")
    api.write(at(-40), textPayload="cloud one")
    api.write(at(-20), textPayload="cloud two")
    osmem.index(
        "app-1", [{"@timestamp": at(-30), "message": "index one"}, {"@timestamp": at(-10), "message": "index two"}]
    )
    async with Loki() as loki:
        loki.push(nanoseconds(now) - 35 * 10**9, "loki one")
        loki.push(nanoseconds(now) - 5 * 10**9, "loki two")
        google.config(watched(osmem, loki, file))
        async with running(google, tmp_path / "tuiops.toml") as hub:
            book = hub.logs
            await eventually(lambda: len(lines(book)) >= 8, "what has been written")
            assert lines(book) == [
                "cloud one", "file one", "loki one", "index one", "cloud two", "file two", "index two", "loki two",
            ]  # fmt: skip
            api.write(at(-50), textPayload="cloud late")
            loki.push(nanoseconds(now) - 10**9, "loki three")
            await eventually(lambda: len(lines(book)) >= 10, "what is written meanwhile")
        assert sorted(lines(book)[8:]) == ["cloud late", "loki three"]
        late = [line for seq in range(8, 10) if (line := book.line(seq)) is not None and line.late]
        assert [line.stream.name for line in late] == ["shop/cloud"]
        assert {(stream.opened, stream.error) for stream in book.statuses()} == {(True, "")}
