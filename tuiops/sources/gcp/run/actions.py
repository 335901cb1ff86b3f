"""What can be done to a Cloud Run service: prepared from what is there, sent with its etag, followed by its operation.

Cloud Run knows no idempotency tokens; the etag does their work, because a change gives the service another one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import BadAnswer, Conflict, NotFound, QueryRefused
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged
from tuiops.sources.gcp.client import PAGE
from tuiops.sources.gcp.run.changes import Change, Found, Order, rescaled, restarted, shifted
from tuiops.sources.gcp.run.drift import least_instances, most_instances
from tuiops.sources.gcp.run.regions import UNPLACED
from tuiops.sources.gcp.run.state import pinned
from tuiops.sources.gcp.run.view import CONSOLE, look
from tuiops.sources.gcp.run.wire import Operation, Revisions, Service, short
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tuiops.config.resources import CloudRunResource
    from tuiops.sources.abilities import Target, Told
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.parts import Watched

PART = lit("Cloud Run")
"""Name of the part that all of this belongs to."""


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A PATCH of a service, without what is read again when it is sent."""

    path: str
    mask: str
    order: Order


class RunActions:
    """Prepares and carries out."""

    name = PART

    def __init__(
        self,
        services: Sequence[Watched[CloudRunResource]],
        place: Callable[[Watched[CloudRunResource]], str],
        client: GoogleClient,
        before: Callable[[Target, str], str],
    ) -> None:
        """`before`: the revision that served before another one, as far as it was seen; empty when it was not."""
        self._services = {(one.system_id, one.id): one for one in services}
        self._place = place
        self._client = client
        self._before = before

    def has(self, target: Target) -> bool:
        """Whether it is a Cloud Run service."""
        return (target.system, target.resource) in self._services

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Revisions, the newest first. Cloud Run keeps no account of who served before: what was seen of it counts,
        and where nothing was, the newest ready revision that is older than the serving one.
        """
        if of not in {"serving", "previous", "revisions"}:
            raise QueryRefused(f"a Cloud Run service has no {of.replace('_', ' ')}")
        view = (await self._find(target)).view
        if of == "revisions":
            return tuple(safe(name) for name in view.newest)
        if of == "serving" or view.main not in view.newest:
            return (safe(view.main),) if view.main and of == "serving" else ()
        newest = view.newest
        older = [name for name in newest[newest.index(view.main) + 1 :] if view.can_serve(name)]
        seen = self._before(target, view.main)
        return tuple(safe(name) for name in ([seen] if seen in older else older)[:1])

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        """Percents by revision, tag, or `LATEST` for whichever is the latest. QueryRefused says what is wrong."""
        found = await self._find(target)
        return self._prepared(target, found, shifted(found, percents), token, lit("shift traffic"))

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        """All traffic to one revision."""
        found = await self._find(target)
        return self._prepared(target, found, shifted(found, {revision: 100}), token, lit("roll back"))

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        """A new revision of the same images and settings; Cloud Run has no other way to restart."""
        found = await self._find(target)
        change = restarted(found, token)
        return self._prepared(target, found, change, token, lit("restart"))

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        """A new revision with other bounds on its instances."""
        found = await self._find(target)
        return self._prepared(target, found, rescaled(found, least, most), token, lit("scale"))

    async def perform(self, prepared: Prepared) -> Receipt:
        """Send it, unless the service has changed. A lost answer leaves it UNKNOWN."""
        call = _call(prepared)
        raw = await self._raw(call.path)
        service = _converted(raw)
        if fingerprint(service) != prepared.seen:
            raise StateChanged(facts(service))
        body = {"etag": service.etag, "client": CONSOLE, **call.order.body(raw)}
        params = (("updateMask", call.mask),)
        try:
            operation = await self._client.send(Operation, "run", "PATCH", call.path, body, params)
        except Conflict:
            raise StateChanged(facts(await self._service(call.path))) from None
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 500))
        return Receipt(
            prepared=prepared, progress=Progress.RUNNING, operation=operation.name, facts=facts(service), text=EMPTY
        )

    async def look_up(self, receipt: Receipt) -> Receipt:
        """How far Cloud Run has come, by the operation, and by the service where there is none."""
        call = _call(receipt.prepared)
        operation = await self._operation(receipt.operation, call)
        service = await self._service(call.path)
        now = msgspec.structs.replace(receipt, facts=facts(service))
        if operation is None:
            return self._judged(now, service)
        if not operation.done:
            text = safe(service.terminal_condition.message, 300)
            return msgspec.structs.replace(now, progress=Progress.RUNNING, text=text)
        if operation.error is not None:
            text = safe(operation.error.message or "it failed", 500)
            return msgspec.structs.replace(now, progress=Progress.FAILED, text=text)
        return msgspec.structs.replace(now, progress=Progress.DONE, text=EMPTY)

    async def _operation(self, name: str, call: _Call) -> Operation | None:
        """The operation; None when there is none, or not any more."""
        if not name:
            return None
        place = call.path.partition("/services/")[0]
        try:
            return await self._client.get(Operation, "run", f"{place}/operations/{_plain(short(name))}")
        except NotFound:
            return None

    @staticmethod
    def _judged(receipt: Receipt, service: Service) -> Receipt:
        """What the service itself tells of an action whose operation is not known."""
        wanted = set(receipt.prepared.after)
        if fingerprint(service) == receipt.prepared.seen:
            return msgspec.structs.replace(receipt, progress=Progress.UNKNOWN, text=lit("nothing has changed so far"))
        if not wanted <= set(facts(service)):
            text = lit("the service is not as expected; somebody else may have changed it")
            return msgspec.structs.replace(receipt, progress=Progress.UNKNOWN, text=text)
        progress = Progress.RUNNING if service.reconciling else Progress.DONE
        return msgspec.structs.replace(receipt, progress=progress, text=EMPTY)

    async def _find(self, target: Target) -> Found:
        resource = self._services.get((target.system, target.resource))
        if resource is None:
            raise QueryRefused(f"{safe(target.system)} has no Cloud Run resource {safe(target.resource)}")
        place = self._place(resource)
        if not place:
            raise QueryRefused(f"{safe(target.resource)} {UNPLACED}")
        path = f"v2/projects/{self._client.project}/locations/{place}/services/{resource.config.name}"
        raw = await self._raw(path)
        listing = await self._client.pages(
            Revisions, "run", f"{path}/revisions", (("pageSize", str(PAGE)),), items=lambda page: page.revisions
        )
        return Found(
            path=path, raw=raw, view=look(_converted(raw), listing.items), region=place, project=self._client.project
        )

    async def _service(self, path: str) -> Service:
        return _converted(await self._raw(path))

    async def _raw(self, path: str) -> dict[str, Any]:
        return await self._client.get(dict[str, Any], "run", path)

    def _prepared(self, target: Target, found: Found, change: Change, token: str, verb: SafeText) -> Prepared:
        service = found.view.service
        call = _Call(path=found.path, mask=",".join((*change.mask, "client")), order=change.order)
        flags = (safe(f"--region={found.region}"), safe(f"--project={found.project}"))
        return Prepared(
            target=target,
            verb=verb,
            argv=(*change.argv, *flags),
            before=facts(service),
            after=change.after,
            seen=fingerprint(service),
            token=token,
            call=call_of(self, msgspec.json.encode(call)),
            undo=change.undo,
            reversal=change.reversal,
        )


def facts(service: Service) -> tuple[Fact, ...]:
    """What an operator wants to see of a service before and after."""
    return (
        Fact(lit("traffic"), traffic(service)),
        Fact(lit("instances"), instances(least_instances(service), most_instances(service))),
        Fact(lit("latest revision"), safe(short(service.latest_created_revision))),
    )


def traffic(service: Service) -> SafeText:
    """`10% chat-00002, 90% chat-00001`, or `100% chat-00002 as the latest`."""
    seen = look(service, ())
    text = join(", ", (fmt("{}% {}", share, safe(name)) for name, share in sorted(seen.set.items())))
    return text if pinned(service) else fmt("{} as the latest", text)


def instances(least: int, most: int) -> SafeText:
    """`1 to 10`."""
    return fmt("{} to {}", least, most)


def fingerprint(service: Service) -> str:
    """Another one after every change of the service."""
    wanted = (service.etag, str(service.generation), [msgspec.structs.astuple(one) for one in service.traffic])
    return hashlib.sha256(msgspec.json.encode(wanted)).hexdigest()


def _call(prepared: Prepared) -> _Call:
    return msgspec.json.decode(body_of(prepared.call), type=_Call)


def _converted(raw: dict[str, Any]) -> Service:
    try:
        return msgspec.convert(raw, Service)
    except msgspec.ValidationError as error:
        raise BadAnswer(f"run sent data of another shape than its API's: {safe(str(error))}") from None


def _plain(name: str) -> str:
    """An operation's name as a word of a path."""
    if not name.replace("-", "").isalnum():
        raise QueryRefused("the operation has a name that none has")
    return name
