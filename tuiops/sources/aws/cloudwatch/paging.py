"""Answers of CloudWatch that come in pages and hold more than one list each."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tuiops.core.text import fmt, safe
from tuiops.sources.paging import Cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.cloudwatch.wire import Paged

_Page = TypeVar("_Page", bound="Paged")


async def pages(
    client: AwsClient, operation: str, params: Mapping[str, object], kind: type[_Page], most: int
) -> tuple[list[_Page], bool]:
    """Up to `most` pages, and whether there were more. Fails as a whole when one page fails."""
    found: list[_Page] = []
    cursor = Cursor(fmt("cloudwatch {}", safe(operation)), most)
    while cursor.reads_on:
        asked = {**params, "NextToken": cursor.token} if cursor.token else params
        page = await client.call("cloudwatch", operation, asked, kind=kind)
        found.append(page)
        cursor.turn(page.next_token)
    return found, cursor.more
