"""What can be done to ECS services: restart, roll back, scale.

ECS knows no idempotency tokens for these, and takes no condition with a write. What keeps an action from happening
twice is its fingerprint, which every one of them changes. It is read just before the write: what somebody else does
between the two is not noticed, and theirs or ours is the one that stays.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import NotFound, QueryRefused
from tuiops.sources.abilities import LOST, Fact, Prepared, Progress, Receipt, StateChanged, Target, Wish
from tuiops.sources.aws.ecs import wire
from tuiops.sources.aws.ecs.naming import number, revision
from tuiops.sources.aws.ecs.reader import DIMENSION, Place, place_of
from tuiops.sources.parts import body_of, call_of

if TYPE_CHECKING:
    from tuiops.config.resources import EcsResource
    from tuiops.sources.abilities import Told
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.ecs.reader import EcsReader
    from tuiops.sources.aws.ecs.wire import ScalableTarget, Service
    from tuiops.sources.parts import Watched

_RUNNING, _DESIRED = lit("running tasks"), lit("desired tasks")
_ECS, _SCALING = "ecs", "application-autoscaling"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and how its effect is found again."""

    api: str
    operation: str
    params: dict[str, str | int | bool]
    cluster: str
    service: str
    known: tuple[str, ...]
    """Deployments that there were before."""
    expects: str = ""
    """Task definition of the deployment that it begins; empty when it begins none."""
    least: int | None = None
    most: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.cluster, self.service)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A service, and what scales it, at one moment."""

    service: wire.Service
    target: wire.ScalableTarget | None
    scaled: bool
    """Whether how many tasks there are counts: the bounds of what scales it, or the desired count without that."""

    @property
    def counted(self) -> bool:
        """Whether the desired count is what an action is to change; else autoscaling may move it at any moment."""
        return self.scaled and self.target is None

    @property
    def fingerprint(self) -> str:
        service, target = self.service, self.target
        parts: list[object] = [
            service.status,
            service.task_definition,
            service.desired_count if self.counted else None,
            sorted((one.id, one.status, one.rollout_state) for one in service.deployments),
            [target.min_capacity, target.max_capacity] if self.scaled and target is not None else self.scaled,
        ]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    def facts(self) -> tuple[Fact, ...]:
        """The same for a person."""
        service, target = self.service, self.target
        primary = service.primary
        found = [
            Fact(lit("task definition"), revision(service.task_definition)),
            Fact(_DESIRED, fmt("{}", service.desired_count)),
            Fact(_RUNNING, fmt("{}", service.running_count)),
            Fact(lit("deployment"), safe(primary.rollout_state if primary is not None else "none", 40)),
        ]
        if self.scaled:
            bounds = fmt("{} to {}", target.min_capacity, target.max_capacity) if target else lit("none")
            found.append(Fact(lit("scaling bounds"), bounds))
        return tuple(found)


class EcsActions:
    """Prepares, performs and looks up."""

    name = lit("ECS")

    def __init__(self, resources: tuple[Watched[EcsResource], ...], reader: EcsReader, client: AwsClient) -> None:
        self._watched = {(resource.system_id, resource.id): resource for resource in resources}
        self._ask = reader
        self._client = client

    def has(self, target: Target) -> bool:
        """Whether it is an ECS service."""
        return (target.system, target.resource) in self._watched

    def able(self, target: Target) -> object | None:
        """Itself, where it is."""
        return self if self.has(target) else None

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """Task definitions as `family:revision`, the newest first."""
        if of not in {"serving", "previous", "revisions"}:
            raise QueryRefused(f"an ECS service has no {of.replace('_', ' ')}")
        place = self._place(target)
        service = await self._ask.service(place)
        serving = service.serving
        if of == "serving":
            return (revision(serving),) if serving else ()
        definitions = await self._ask.family(_family(serving))
        if of == "revisions":
            return tuple(revision(arn) for arn in definitions)
        older = [arn for arn in definitions if number(arn) < number(serving)]
        deployed = await self._ask.deployed(place)
        return tuple(revision(arn) for arn in [*(arn for arn in deployed if arn in older), *older][:1])

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        """A new deployment of the same task definition: every task is replaced by a fresh one."""
        place = self._place(target)
        seen = await self._seen(place, scaled=False)
        call = self._update(place, seen, {"forceNewDeployment": True}, expects=seen.service.task_definition)
        after = (
            Fact(lit("task definition"), revision(seen.service.task_definition)),
            Fact(lit("deployment"), lit("a new one, of the same task definition")),
        )
        undo = lit("there is nothing to put back: the tasks are of the same task definition as before")
        return self._prepared(target, lit("restart"), call, seen, after, token, (undo, None))

    async def prepare_rollback(self, target: Target, revision_name: str, token: str) -> Prepared:
        """Deploy an earlier task definition, by `family:revision` or ARN. QueryRefused when that cannot be."""
        place = self._place(target)
        seen = await self._seen(place, scaled=False)
        found = await self._ask.defined(revision_name)
        now = seen.service.task_definition
        if now and _family(found.task_definition_arn) != _family(now):
            raise QueryRefused(
                f"{revision(found.task_definition_arn)} is of another family than {revision(now)}, which "
                f"{safe(place.service)} has: that is no way back"
            )
        if found.task_definition_arn == now:
            raise QueryRefused(f"{safe(place.service)} has {revision(now)} already")
        if found.status and found.status != "ACTIVE":
            raise QueryRefused(f"{revision(found.task_definition_arn)} is {safe(found.status)}: ECS does not deploy it")
        arn = found.task_definition_arn
        call = self._update(place, seen, {"taskDefinition": arn}, expects=arn)
        after = (
            Fact(lit("task definition"), revision(arn)),
            Fact(lit("deployment"), lit("a new one, of that task definition")),
        )
        undo = fmt("deploy {} again", revision(now)), Wish("roll_back", {"revision": revision(now)})
        return self._prepared(target, lit("roll back"), call, seen, after, token, undo)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        """Set the desired count, or where it is scaled, its bounds."""
        place = self._place(target)
        if not 0 <= least <= most:
            raise QueryRefused(f"{least} to {most} are no bounds")
        seen = await self._seen(place, scaled=True)
        if seen.target is not None:
            params: dict[str, str | int | bool] = {
                "ServiceNamespace": _ECS,
                "ResourceId": place.resource_id,
                "ScalableDimension": DIMENSION,
                "MinCapacity": least,
                "MaxCapacity": most,
            }
            call = self._call(place, seen, _SCALING, "RegisterScalableTarget", params, least=least, most=most)
            after = (Fact(lit("scaling bounds"), fmt("{} to {}", least, most)),)
            undo = fmt("set them to {} to {} again", seen.target.min_capacity, seen.target.max_capacity)
            before = (seen.target.min_capacity, seen.target.max_capacity)
        elif least == most:
            params = {"cluster": place.cluster, "service": place.service, "desiredCount": least}
            call = self._call(place, seen, _ECS, "UpdateService", params, least=least, most=most)
            after = (Fact(_DESIRED, fmt("{}", least)),)
            undo = fmt("set {} tasks again", seen.service.desired_count)
            before = (seen.service.desired_count, seen.service.desired_count)
        else:
            raise QueryRefused(f"nothing scales {safe(place.service)}: give one number instead of {least} to {most}")
        reversal = Wish("scale", {"least": str(before[0]), "most": str(before[1])})
        return self._prepared(target, lit("scale"), call, seen, after, token, (undo, reversal))

    async def perform(self, prepared: Prepared) -> Receipt:
        """Send it, unless something has changed since. A lost answer leaves UNKNOWN, never a second attempt."""
        call = msgspec.json.decode(body_of(prepared.call), type=Call)
        seen = await self._seen(call.place, scaled=call.least is not None)
        if seen.fingerprint != prepared.seen:
            raise StateChanged(seen.facts())
        self._ask.forget()
        operation = ""
        try:
            if call.expects:
                kind = wire.ServiceAnswer
                answer = await self._client.call(call.api, call.operation, call.params, kind=kind)
                operation = _begun(answer.service, call)
            else:
                await self._client.call(call.api, call.operation, call.params)
        except LOST as error:
            return Receipt(prepared=prepared, progress=Progress.UNKNOWN, text=safe(str(error), 300))
        finally:
            self._ask.forget()
        return Receipt(prepared=prepared, progress=Progress.RUNNING, operation=operation)

    async def look_up(self, receipt: Receipt) -> Receipt:
        """By the deployment that it began; by the state itself where it begins none."""
        call = msgspec.json.decode(body_of(receipt.prepared.call), type=Call)
        seen = await self._seen(call.place, scaled=call.least is not None)
        if call.expects:
            operation = receipt.operation or _begun(seen.service, call)
            progress, text = _deployed(seen.service, operation)
        else:
            operation = ""
            progress, text = _scaled(seen, call, receipt.progress)
        return Receipt(prepared=receipt.prepared, progress=progress, operation=operation, facts=seen.facts(), text=text)

    def _place(self, target: Target) -> Place:
        found = self._watched.get((target.system, target.resource))
        if found is None:
            raise NotFound(f"{safe(target.system)} has no ECS service {safe(target.resource)}")
        return place_of(found)

    async def _seen(self, place: Place, *, scaled: bool) -> Seen:
        service = await self._ask.service(place)
        if service.status != "ACTIVE":
            raise QueryRefused(f"{safe(place.service)} is {safe(service.status or 'in no known state')}")
        target: ScalableTarget | None = (await self._ask.scaled([place]))[place] if scaled else None
        return Seen(service=service, target=target, scaled=scaled)

    def _update(self, place: Place, seen: Seen, change: dict[str, str | int | bool], *, expects: str) -> Call:
        kind = seen.service.deployment_controller.type
        if kind != "ECS":
            raise QueryRefused(f"{safe(place.service)} is deployed by {safe(kind)}, not by ECS: do it there")
        params = {"cluster": place.cluster, "service": place.service, **change}
        return self._call(place, seen, _ECS, "UpdateService", params, expects=expects)

    def _call(
        self,
        place: Place,
        seen: Seen,
        api: str,
        operation: str,
        params: dict[str, str | int | bool],
        *,
        expects: str = "",
        least: int | None = None,
        most: int | None = None,
    ) -> Call:
        return Call(
            api=api,
            operation=operation,
            params=params,
            cluster=place.cluster,
            service=place.service,
            known=tuple(one.id for one in seen.service.deployments),
            expects=expects,
            least=least,
            most=most,
        )

    def _prepared(
        self,
        target: Target,
        verb: SafeText,
        call: Call,
        seen: Seen,
        after: tuple[Fact, ...],
        token: str,
        undo: tuple[SafeText, Wish | None],
    ) -> Prepared:
        """`undo`: how it is undone, in a sentence and as a wish."""
        passing = {_RUNNING} if seen.counted else {_RUNNING, _DESIRED}
        return Prepared(
            target=target,
            verb=verb,
            argv=(*command(call.api, call.operation, call.params), *self._client.options),
            # These change from moment to moment: a plan that is made twice must be the same.
            before=tuple(fact for fact in seen.facts() if fact.what not in passing),
            after=after,
            seen=seen.fingerprint,
            token=token,
            call=call_of(self, msgspec.json.encode(call)),
            undo=undo[0],
            reversal=undo[1],
        )


def _family(arn: str) -> str:
    """Name of the family of a task definition."""
    return revision(arn).rpartition(":")[0]


def command(api: str, operation: str, params: dict[str, str | int | bool]) -> tuple[SafeText, ...]:
    """The call as the AWS command line writes it: `aws ecs update-service --cluster …`."""
    words = [lit("aws"), safe(api), _dashed(operation)]
    for name, value in params.items():
        words.append(fmt("--{}", _dashed(name)))
        if value is not True:
            words.append(safe(str(value)))
    return tuple(words)


def _dashed(name: str) -> SafeText:
    """`force-new-deployment` of `forceNewDeployment`."""
    return safe("".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-"))


def _begun(service: Service, call: Call) -> str:
    """The deployment that a call began: the only one of its task definition that was not there before.

    Empty when there is none, and when there are several: somebody else began one of them.
    """
    fresh = [one for one in service.deployments if one.id not in call.known and one.task_definition == call.expects]
    return fresh[0].id if len(fresh) == 1 else ""


def _deployed(service: Service, operation: str) -> tuple[Progress, SafeText]:
    if not operation:
        return Progress.UNKNOWN, lit("no deployment is certain to be the one that this began")
    found = next((one for one in service.deployments if one.id == operation), None)
    if found is None:
        # One that completed is listed no longer, too, when another one has replaced it.
        return Progress.UNKNOWN, lit("ECS lists its deployment no longer: another one took its place")
    text = safe(found.rollout_state_reason, 200)
    match found.rollout_state:
        case "COMPLETED":
            return Progress.DONE, text
        case "FAILED":
            return Progress.FAILED, text
        case _ if found.status != "PRIMARY":
            return Progress.FAILED, lit("another deployment took its place")
        case _:
            return Progress.RUNNING, text


def _scaled(seen: Seen, call: Call, before: Progress) -> tuple[Progress, SafeText]:
    waiting = Progress.UNKNOWN if before is Progress.UNKNOWN else Progress.RUNNING
    if call.api == _SCALING:
        target = seen.target
        done = target is not None and (target.min_capacity, target.max_capacity) == (call.least, call.most)
        return (Progress.DONE if done else waiting), EMPTY
    service = seen.service
    if service.desired_count != call.most:
        return waiting, fmt("{} tasks are wanted", service.desired_count)
    done = service.running_count == service.desired_count
    return (Progress.DONE if done else Progress.RUNNING), fmt("{} tasks run", service.running_count)
