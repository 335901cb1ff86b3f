"""Answers of CloudWatch that come in pages and hold more than one list each."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tuiops.core.text import safe
from tuiops.errors import BadAnswer

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
    token, seen = "", set[str]()
    while len(found) < most:
        asked = {**params, "NextToken": token} if token else params
        page = await client.call("cloudwatch", operation, asked, kind=kind)
        found.append(page)
        token = page.next_token
        if not token:
            return found, False
        if token in seen:
            raise BadAnswer(f"cloudwatch names a page of {safe(operation)} twice as the next one")
        seen.add(token)
    return found, True
