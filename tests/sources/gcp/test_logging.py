"""Cloud Logging against the fake of Google, whose requests and answers are held to Google's own documents."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.google.logging import LoggingApi, parsed
from tests.sources.logs.stores import before_failing, chunks, messages, polled
from tuiops.config.logs import CloudLog
from tuiops.config.values import Duration
from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, BadAnswer, RateLimited
from tuiops.sources.gcp.logging import CloudLogSource, filter_of, instant, quoted, record_of
from tuiops.sources.stored_logs import nanoseconds, rfc3339

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.updates import LogChunk

PROJECT = "shop-production"


def stamp(google: GoogleStage, seconds: float) -> str:
    return rfc3339(nanoseconds(google.clock.now() + timedelta(seconds=seconds)))


def stream(google: GoogleStage, **settings: Any) -> CloudLogSource:
    wanted: dict[str, Any] = {"history": Duration(900), "interval": Duration(5), "lateness": Duration(60)}
    log = CloudLog(source="gcp", **(wanted | settings))
    client = google.client(google.config(""))
    return CloudLogSource(lit("shop/chat"), lit("shop"), lit("chat"), log, client, google.clock)


@pytest.fixture
def api(google: GoogleStage) -> LoggingApi:
    return google.teach(LoggingApi(google.clock))


async def test_entries_of_every_payload_are_read_like_other_lines(google: GoogleStage, api: LoggingApi) -> None:
    api.write(stamp(google, -5), textPayload="ERROR: card refused", severity="DEFAULT")
    api.write(stamp(google, -4), jsonPayload={"message": "paid", "user_id": "u1"}, severity="NOTICE")
    api.write(
        stamp(google, -3),
        severity="WARNING",
        httpRequest={"requestMethod": "GET", "requestUrl": "https://shop.example/a", "status": 404, "latency": "0.1s"},
    )
    api.write(
        stamp(google, -2),
        severity="NOTICE",
        protoPayload={
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "methodName": "google.cloud.run.v2.Services.UpdateService",
            "resourceName": "projects/p/services/chat",
            "authenticationInfo": {"principalEmail": "kim@shop.example"},
            "status": {"code": 7, "message": "denied"},
        },
    )
    api.write(stamp(google, -1), textPayload="new severity", severity="INFO", futureField=1)
    api.entries[-1].pop("futureField")
    text, json, request, audit, plain = await polled(stream(google, mask=("user_id",)))
    assert (text.level, text.message, text.service) == (Level.ERROR, "ERROR: card refused", "chat")
    assert (json.level, json.message) == (Level.INFO, "paid")
    assert ("jsonPayload.user_id", "***") in json.fields
    assert ("resource.labels.revision_name", "chat-00007-abc") in json.fields
    assert (request.level, request.message) == (Level.WARNING, "GET https://shop.example/a 404")
    assert ("httpRequest.latency", "0.1s") in request.fields
    assert audit.message == (
        "google.cloud.run.v2.Services.UpdateService projects/p/services/chat by kim@shop.example failed: denied"
    )
    assert plain.message == "new severity"
    assert plain.at == google.clock.now() - timedelta(seconds=1)


async def test_only_what_the_parts_ask_for_is_read(google: GoogleStage, api: LoggingApi) -> None:
    api.write(stamp(google, -3), textPayload="wanted Card", severity="ERROR")
    api.write(stamp(google, -3), textPayload="mild card", severity="INFO")
    api.write(stamp(google, -3), textPayload="elsewhere card", severity="ERROR", resource={"type": "gce_instance"})
    api.write(stamp(google, -3), "other", textPayload="other card", severity="ERROR")
    api.write(stamp(google, -3), textPayload="no such word", severity="ERROR")
    source = stream(
        google,
        resource="cloud_run_revision",
        labels={"service_name": "chat"},
        names=("run.googleapis.com/stdout", f"projects/{PROJECT}/logs/whole"),
        severity="WARNING",
        text="card",
    )
    assert await messages(source) == ["wanted Card"]


async def test_the_past_is_read_newest_first_and_what_follows_oldest_first(
    google: GoogleStage, api: LoggingApi
) -> None:
    for number in range(2_300):
        api.write(stamp(google, -800 + number * 0.1), textPayload=f"m{number:04}")
    source = stream(google)
    (chunk,) = await chunks(source)
    assert len(chunk.times) == 2_000
    assert list(chunk.times) == sorted(chunk.times)
    assert chunk.note == "only the newest 2,000 records of the last 15m are read"
    google.clock.advance(5)
    later = [f"n{number:04}" for number in range(1_200)]
    for number, text in enumerate(later):
        api.write(stamp(google, -4 + number * 0.001), textPayload=text)
    api.write(stamp(google, -30), textPayload="late")
    assert await messages(source) == ["late", *later]
    assert await messages(source) == []


async def test_entries_of_one_instant_are_told_apart_by_their_insert_id(google: GoogleStage, api: LoggingApi) -> None:
    source = stream(google)
    await messages(source)
    at = stamp(google, 0)
    api.write(at, textPayload="same")
    api.write(at, textPayload="same")
    assert await messages(source) == ["same", "same"]
    assert await messages(source) == []


async def test_a_refusal_in_the_middle_of_a_burst_costs_nothing(google: GoogleStage, api: LoggingApi) -> None:
    source = stream(google)
    await messages(source)
    google.clock.advance(5)
    texts = [f"m{number:04}" for number in range(2_500)]
    for number, text in enumerate(texts):
        api.write(stamp(google, -4 + number * 0.001), textPayload=text)
    api.limit = len(google.asked("entries.list")) + 2
    found: list[LogChunk] = []
    with pytest.raises(RateLimited, match="logging limit"):
        await before_failing(source, found)
    seen = [msgspec.json.decode(line)["textPayload"] for chunk in found for line in chunk.data.splitlines()]
    assert seen == texts[:2_000]
    api.limit = 1_000
    google.clock.advance(30)
    assert await messages(source) == texts[2_000:]


async def test_what_google_refuses_is_an_error_and_not_silence(google: GoogleStage, api: LoggingApi) -> None:
    google.fault("logging", status=403, reason="SERVICE_DISABLED")
    with pytest.raises(AccessDenied, match="logging is not enabled"):
        await messages(stream(google))


async def test_entries_that_are_none_are_named(google: GoogleStage, api: LoggingApi) -> None:
    google.fault("logging", raw=b'{"entries": [{"timestamp": "yesterday"}]}')
    with pytest.raises(BadAnswer, match="a time that is none: yesterday"):
        await messages(stream(google))
    with pytest.raises(BadAnswer, match="another shape"):
        record_of(b"[]")


def test_an_entry_is_the_same_however_its_time_is_spelt() -> None:
    spelt = ("2026-05-01T12:00:00.52Z", "2026-05-01T12:00:00.520Z", "2026-05-01T21:00:00.520000000+09:00")

    found = [record_of(msgspec.json.encode({"timestamp": one, "insertId": "a", "logName": "l"})) for one in spelt]

    assert len({(one.at, one.id) for one in found}) == 1


async def test_a_page_that_names_itself_ends_the_reading(google: GoogleStage, api: LoggingApi) -> None:
    source = stream(google)
    await messages(source)
    google.fault("logging", raw=b'{"entries": [], "nextPageToken": "same"}')
    with pytest.raises(BadAnswer, match="names a page twice"):
        await messages(source)


@given(
    st.dictionaries(st.text(max_size=9), st.text(max_size=20), max_size=3),
    st.lists(st.text(min_size=1, max_size=20), max_size=2).map(tuple),
    st.text(max_size=30) | st.none(),
)
def test_no_value_breaks_out_of_its_quotes(labels: dict[str, str], names: tuple[str, ...], text: str | None) -> None:
    config = CloudLog(source="gcp", labels=labels, names=names, text=text, severity="ERROR", resource="r")
    wanted = filter_of(config, PROJECT)
    entry = {
        "severity": "ERROR",
        "logName": "projects/shop-production/logs/none",
        "resource": {"type": "r", "labels": dict(labels)},
        "textPayload": text or "",
    }
    # The fake refuses everything that is not a list of restrictions; a value that got out would be refused or hold.
    parsed(wanted)(entry)
    assert _outside(wanted) == _outside(filter_of(_harmless(config), PROJECT))


def _outside(text: str) -> str:
    """A filter with what is within quotes left out, read one character after the other as a scanner does."""
    out, within, escaped = [], False, False
    for char in text:
        if within:
            within, escaped = (char != '"' or escaped), (char == "\\" and not escaped)
        else:
            out.append(char)
            within = char == '"'
    assert not within
    return "".join(out)


def _harmless(config: CloudLog) -> CloudLog:
    return msgspec.structs.replace(
        config,
        labels={f"k{number}": "v" for number in range(len(config.labels))},
        names=tuple("n" for _ in config.names),
        text=None if config.text is None else "t",
    )


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_what_is_quoted_means_the_text_itself(text: str) -> None:
    meets = parsed(f"textPayload={quoted(text)}")
    assert meets({"textPayload": text})
    assert not meets({"textPayload": text + "x"})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1970-01-01T09:00:01.25+09:00", 1_250_000_000),
        ("1970-13-01T00:00:01Z", None),
        ("", None),
    ],
)
def test_times_keep_their_nanoseconds(text: str, at: int | None) -> None:
    assert instant(text) == at
