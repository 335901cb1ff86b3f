"""Requests side by side: one that fails or hangs takes nothing from the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from tuiops.errors import SourceError
from tuiops.sources.http_errors import deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from tuiops.core.text import SafeText

_Key = TypeVar("_Key")
_Found = TypeVar("_Found")

SHARE = 0.8
"""Of the time of a poll, what one request of a part may take: less than the part itself has, so that one that is late
does not take the others along.
"""


async def together(
    jobs: Mapping[_Key, Coroutine[Any, Any, _Found]], seconds: float, name: Callable[[_Key], SafeText]
) -> tuple[dict[_Key, _Found], dict[_Key, SourceError]]:
    """What each job found within `seconds`, and why others did not, both in the order of the jobs.

    `name` tells who is asked, for the text of an error.
    """

    async def attempt(key: _Key, job: Coroutine[Any, Any, _Found]) -> _Found | SourceError:
        try:
            async with deadline(seconds, name(key)):
                return await job
        except SourceError as error:
            return error

    async with asyncio.TaskGroup() as group:
        tasks = {key: group.create_task(attempt(key, job)) for key, job in jobs.items()}
    found: dict[_Key, _Found] = {}
    failed: dict[_Key, SourceError] = {}
    for key, task in tasks.items():
        result = task.result()
        if isinstance(result, SourceError):
            failed[key] = result
        else:
            found[key] = result
    return found, failed


def raise_if_all(found: Mapping[_Key, object], failed: Mapping[_Key, SourceError]) -> None:
    """The first failure, when there is nothing but failures."""
    if failed and not found:
        raise next(iter(failed.values()))
