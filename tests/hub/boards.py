"""A board of the shop, and the polls that tell it something."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.hub.fakes import START, reading, shop
from tuiops.core.snapshot import Environment, Feed, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.core.updates import HealthUpdate, Update
from tuiops.hub.board import Board
from tuiops.hub.poller import Result


def board(*services: str) -> Board:
    """Of one system, with a source whose health is asked for."""
    made = Board(Environment(lit("test")), (shop(*services),))
    made.expect(Feed(Topic.HEALTH, SourceStatus(name=lit("prom"), kind=lit("x"), interval=10.0)))
    return made


def health(board: Board, *readings: tuple[str, float | None], after: float = 0.0) -> None:
    """What the source answers, so many seconds after the start."""
    at = START + timedelta(seconds=after)
    update = HealthUpdate(at=at, readings=tuple(reading(name, value, at) for name, value in readings))
    apply(board, update, "prom", Topic.HEALTH, after)


def apply(board: Board, update: Update | None, feed: str, topic: Topic, after: float = 0.0) -> None:
    """The end of a poll; None when it failed."""
    at = START + timedelta(seconds=after)
    known = board.feed(feed)
    status = known.status if known else SourceStatus(name=lit(feed), kind=lit("x"), interval=10.0)
    if update is None:
        status = msgspec.structs.replace(status, tried=at, failing=status.failing + 1, word=lit("unreachable"))
    else:
        status = msgspec.structs.replace(status, answered=at, tried=at, failing=0, word=lit(""))
    board.apply(Result(topic=topic, status=status, update=update), at)
