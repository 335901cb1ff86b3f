"""Requests to Google's APIs: signed, bounded, paged, within their quotas."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tuiops.core.text import safe
from tuiops.errors import RateLimited
from tuiops.sources.gcp.errors import explain
from tuiops.sources.http import Endpoint, Request, decode
from tuiops.sources.paging import Cursor, Listing
from tuiops.sources.quota import Quotas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tuiops.config.clouds import GcpConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.auth import GoogleAuth
    from tuiops.sources.http import HttpClient, HttpConnector, Method, Params

_T = TypeVar("_T")
_Item = TypeVar("_Item")

HOSTS: Mapping[str, str] = {
    "run": "https://run.googleapis.com",
    "monitoring": "https://monitoring.googleapis.com",
    "logging": "https://logging.googleapis.com",
    "sqladmin": "https://sqladmin.googleapis.com",
    "redis": "https://redis.googleapis.com",
    "secretmanager": "https://secretmanager.googleapis.com",
    "firebasehosting": "https://firebasehosting.googleapis.com",
}
"""By API, as `endpoints` and `quotas` of the configuration name them."""

QUOTAS: Mapping[str, float] = {
    "run": 600,  # of 3,000 reads a minute, project and region (cloud.google.com/run/quotas)
    "monitoring": 600,  # of 6,000 time series queries a minute and project (cloud.google.com/monitoring/quotas)
    "logging": 50,  # of 60 entries.list a minute and project (cloud.google.com/logging/quotas)
    "sqladmin": 90,  # of 180 a minute and user, the least that it has been (cloud.google.com/sql/docs/quotas)
    "redis": 300,  # of 3,000 a minute and project (cloud.google.com/memorystore/docs/redis/quotas)
    "secretmanager": 300,  # of 600 reads a minute and project (cloud.google.com/secret-manager/quotas)
    "firebasehosting": 60,  # undocumented
}
"""Requests a minute that are asked for at most: other users of the project need their share."""

PAGE = 100
"""Items asked for at once: the page that most of these APIs allow at most, or give when not asked."""

_MOST_PAGES = 500


class Page(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One page of a listing."""

    next_page_token: str = ""
    unreachable: tuple[str, ...] = ()
    """Regions that did not answer; what is in them is missing here."""


_Page = TypeVar("_Page", bound=Page)


class GoogleClient:
    """What everything that asks one source shares. All of it raises errors.SourceError and nothing else.

    An `api` is a key of `HOSTS`; a path begins with the API's version, such as `v2/projects/…`.
    """

    def __init__(self, config: GcpConfig, auth: GoogleAuth, connector: HttpConnector, clock: Clock) -> None:
        self.project = config.project
        self.quotas = Quotas(QUOTAS, config.quotas, clock)
        self._config = config
        self._auth = auth
        self._connector = connector
        self._clients: dict[str, HttpClient] = {}

    @property
    def requests(self) -> int:
        """Requests sent so far, of all APIs."""
        return sum(client.requests for client in self._clients.values())

    async def log_in(self) -> None:
        """Make sure that there are credentials, where nothing is asked with them."""
        await self._auth.sign(Request("GET", "", {}, None))

    async def authorization(self) -> Mapping[str, str]:
        """What requests are signed with, for those that are not sent from here."""
        return await self._auth.sign(Request("POST", "", {}, None))

    @property
    def bastion(self) -> str | None:
        """Name of the bastion that requests go through."""
        return self._config.via

    def address(self, api: str) -> str | None:
        """The address that the configuration gives an API; None when it is Google's own."""
        return self._config.endpoints.get(api)

    async def get(self, kind: type[_T], api: str, path: str, params: Params = ()) -> _T:
        """The answer to a GET."""
        return await self._read(kind, api, "GET", path, params, None)

    async def post(self, kind: type[_T], api: str, path: str, body: object, params: Params = ()) -> _T:
        """The answer to a question that is too long for an address. It changes nothing, and may be asked twice."""
        return await self._read(kind, api, "POST", path, params, msgspec.json.encode(body))

    async def pages(
        self,
        kind: type[_Page],
        api: str,
        path: str,
        params: Params = (),
        *,
        items: Callable[[_Page], Sequence[_Item]],
        most: int | None = None,
    ) -> Listing[_Item]:
        """All pages, up to `most` items, `max_items` when left out. Fails as a whole when one page fails."""
        most = self._config.max_items if most is None else most
        found: list[_Item] = []
        unreachable: dict[str, None] = {}
        cursor = Cursor(safe(api), _MOST_PAGES)
        while cursor.reads_on and len(found) <= most:
            asked = (*params, ("pageToken", cursor.token)) if cursor.token else params
            page = await self.get(kind, api, path, asked)
            found.extend(items(page))
            unreachable.update(dict.fromkeys(page.unreachable))
            cursor.turn(page.next_page_token)
        return Listing(
            items=tuple(found[:most]),
            truncated=cursor.more or len(found) > most,
            unreachable=tuple(safe(place) for place in unreachable),
        )

    async def send(
        self, kind: type[_T], api: str, method: Method, path: str, body: object = None, params: Params = ()
    ) -> _T:
        """The answer to a request that changes something. It is carried out at most once."""
        content = None if body is None else msgspec.json.encode(body)
        return await self._read(kind, api, method, path, params, content, repeatable=False)

    async def close(self) -> None:
        """Close all connections. The client can be used again."""
        for client in self._clients.values():
            await client.close()
        await self._auth.close()

    async def _read(
        self,
        kind: type[_T],
        api: str,
        method: Method,
        path: str,
        params: Params,
        body: bytes | None,
        *,
        repeatable: bool = True,
    ) -> _T:
        client = self._client(api)
        quota = self.quotas.of(api)
        await quota.take(float(self._config.timeout))
        headers = None if body is None else {"content-type": "application/json"}
        try:
            answer = await client.send(
                method, f"/{path}", params=params, body=body, headers=headers, repeatable=repeatable
            )
        except RateLimited as error:
            quota.refused(error.retry_after)
            raise
        return decode(answer.body, kind, client.server)

    def _client(self, api: str) -> HttpClient:
        if api not in self._clients:
            config = self._config
            url = config.endpoints.get(api, HOSTS[api])
            endpoint = Endpoint(url, float(config.timeout), config.max_response, config.via)
            told: Any = partial(explain, api=api, project=config.project)
            self._clients[api] = self._connector.open(endpoint, self._auth, told)
        return self._clients[api]
