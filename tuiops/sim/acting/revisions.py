"""Acting on what has revisions: simulated services of Cloud Run and ECS, and sites of Firebase Hosting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.errors import QueryRefused
from tuiops.sim.acting.base import Hand, Meant
from tuiops.sim.changes import Order
from tuiops.sim.runs import revision_of
from tuiops.sim.serving import candidate, known_by, next_number, served_before, traffic_at
from tuiops.sources.abilities import Fact, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.sim.changes import ChangeKind
    from tuiops.sim.serving import Traffic
    from tuiops.sources.abilities import Prepared, Target, Told

_PRESENT = lit("there is nothing to put back: what serves is of the same revision as before")


class RevisionHand(Hand):
    """Lists revisions, and goes back to one."""

    async def tell(self, target: Target, of: Told) -> tuple[SafeText, ...]:
        """The newest revision waits to be deployed; the one before is the last that served before what serves."""
        self._check(target)
        system, service, t = self._target.system, self._resource.service, self._now()
        if of == "revisions":
            return tuple(safe(name) for name in known_by(self._world, system, service, t))
        if of == "serving":
            return (safe(self._traffic(t).main),)
        if of != "previous":
            raise self._has_no(of)
        before = served_before(self._world, system, service, t)
        return (safe(before),) if before else ()

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        """All traffic to one revision. QueryRefused when there is no such one, or it has all of it."""
        t = self._now()
        if set(self._traffic(t).set) == {revision}:
            raise QueryRefused(f"{safe(revision)} serves already")
        newer = self._newer(revision, t)
        meant = Meant(
            verb=lit("deploy") if newer else lit("roll back"),
            argv=self._back_argv(safe(revision)),
            after=(self._serves({revision: 1.0}),),
            order=self._order("deploy" if newer else "rollback", {revision: 1.0}, t),
            undo=fmt("{} again", self._serves(self._traffic(t).set).value),
            reversal=self._back(t),
        )
        return self._prepared(target, meant, token)

    def _back_argv(self, revision: SafeText) -> tuple[SafeText, ...]:
        raise NotImplementedError

    def _back(self, t: float) -> Wish | None:
        """What puts the traffic back as it is."""
        traffic = self._traffic(t)
        return Wish("roll_back", {"revision": traffic.main}) if len(traffic.set) == 1 else None

    def _facts(self, t: float) -> tuple[Fact, ...]:
        return (self._serves(self._traffic(t).set), self._size(self._bounds(t)))

    def _serves(self, shares: Mapping[str, float]) -> Fact:
        """What serves, in the words of its vendor."""
        return Fact(lit("traffic"), _percents(shares))

    def _size(self, bounds: tuple[int, int]) -> Fact:
        """How much of it there is."""
        return Fact(lit("instances"), fmt("{} to {}", *bounds))

    def _traffic(self, t: float) -> Traffic:
        return traffic_at(self._world, self._target.system, self._resource.service, t)

    def _bounds(self, t: float) -> tuple[int, int]:
        changes = self._world.changes.of(self._target.system, self._resource.id)
        set_to = [one.order.bounds for one in changes if one.order.bounds is not None and one.at <= t]
        return set_to[-1] if set_to else (self._resource.least, self._resource.most)

    def _newer(self, revision: str, t: float) -> bool:
        """Whether a revision was made after the one that serves."""
        known = known_by(self._world, self._target.system, self._resource.service, t)
        if revision not in known:
            raise QueryRefused(f"{safe(self._resource.name)} has no revision {safe(revision)}")
        return known.index(revision) < known.index(self._traffic(t).main)

    def _order(self, kind: ChangeKind, shares: Mapping[str, float], t: float) -> Order:
        """Traffic shared so. What has never served is made by that, and is a bad one."""
        waiting, number = candidate(self._world, self._target.system, self._resource.service, t)
        if waiting in shares:
            return Order(kind=kind, shares=shares, made=waiting, number=number, bad=True)
        return Order(kind=kind, shares=shares)

    def _bad(self, revision: str) -> bool:
        changes = self._world.changes.moving(self._target.system, self._resource.service)
        return any(one.order.bad and one.order.made == revision for one in changes)

    def _scaled(self, least: int, most: int) -> tuple[tuple[Fact, ...], Order, SafeText, Wish]:
        """What comes of other bounds, and the way back."""
        if not 0 <= least <= most or most < 1:
            raise QueryRefused(f"{least} to {most} instances cannot be")
        before = self._bounds(self._now())
        return (
            (self._size((least, most)),),
            Order(kind="scale", bounds=(least, most)),
            fmt("set {} again", self._size(before).value),
            Wish("scale", {"least": str(before[0]), "most": str(before[1])}),
        )


class CloudRunHand(RevisionHand):
    """A service of Cloud Run."""

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        """Percents by revision; they add up to 100."""
        t = self._now()
        if any(not 0 <= share <= 100 for share in percents.values()) or sum(percents.values()) != 100:
            raise QueryRefused("shares of traffic are from 0 to 100 percent, and add up to 100")
        for name in percents:
            self._newer(name, t)
        shares = {name: share / 100 for name, share in percents.items() if share}
        meant = Meant(
            verb=lit("shift traffic"),
            argv=self._update_traffic(shares),
            after=(self._serves(shares),),
            order=self._order("traffic", shares, t),
            undo=fmt("share it again as {}", _percents(self._traffic(t).set)),
            reversal=self._back(t),
        )
        return self._prepared(target, meant, token)

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        """A new revision of what serves, which gets its traffic."""
        system, service, t = self._target.system, self._resource.service, self._now()
        traffic = self._traffic(t)
        if len(traffic.set) != 1:
            raise QueryRefused(
                f"traffic is shared: {_percents(traffic.set)}; a rollout is under way, or wants to be ended"
            )
        number = next_number(self._world, system, service, t)
        made = revision_of(self._world, system, service, self._resource.revision, number)
        order = Order(
            kind="restart", shares={made: 1.0}, made=made, number=number, bad=self._bad(traffic.main), lasts=10.0,
            builds=5.0,
        )  # fmt: skip
        meant = Meant(
            verb=lit("restart"),
            argv=self._argv(lit("update"), safe(f"--update-env-vars=OPS_RESTARTED_AT={token}")),
            after=(self._serves({made: 1.0}),),
            order=order,
            undo=fmt("send all traffic back to {}", safe(traffic.main)),
            reversal=self._back(t),
        )
        return self._prepared(target, meant, token)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        """Other bounds on its instances."""
        after, order, undo, reversal = self._scaled(least, most)
        argv = self._argv(lit("update"), fmt("--min-instances={}", least), fmt("--max-instances={}", most))
        return self._prepared(target, Meant(lit("scale"), argv, after, order, undo, reversal), token)

    def _back(self, t: float) -> Wish | None:
        shares = (f"{name}={share * 100:.0f}" for name, share in sorted(self._traffic(t).set.items()))
        return Wish("shift_traffic", {"shares": ",".join(shares)})

    def _back_argv(self, revision: SafeText) -> tuple[SafeText, ...]:
        return self._update_traffic({revision: 1.0})

    def _update_traffic(self, shares: Mapping[str, float]) -> tuple[SafeText, ...]:
        pairs = join(",", (fmt("{}={}", safe(name), safe(f"{share * 100:.0f}")) for name, share in shares.items()))
        return self._argv(lit("update-traffic"), fmt("--to-revisions={}", pairs))

    def _argv(self, verb: SafeText, *flags: SafeText) -> tuple[SafeText, ...]:
        where = (safe(f"--region={self._system.region}"), safe(f"--project={self._system.project}"))
        return (lit("gcloud"), lit("run"), lit("services"), verb, safe(self._resource.name), *flags, *where)


class EcsHand(RevisionHand):
    """A service of ECS, whose revisions are task definitions."""

    def _serves(self, shares: Mapping[str, float]) -> Fact:
        return Fact(lit("task definition"), _names(shares))

    def _size(self, bounds: tuple[int, int]) -> Fact:
        return Fact(lit("desired tasks"), fmt("{}", bounds[1]))

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        """Fresh tasks of the same task definitions."""
        t = self._now()
        meant = Meant(
            verb=lit("restart"),
            argv=self._argv(lit("--force-new-deployment")),
            after=(self._serves(self._traffic(t).set),),
            order=Order(kind="restart", shares=self._traffic(t).set, lasts=12.0),
            undo=_PRESENT,
        )
        return self._prepared(target, meant, token)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        """Another number of tasks."""
        if least != most:
            raise QueryRefused(f"nothing scales {safe(self._resource.name)}: give one number, not {least} to {most}")
        after, order, undo, reversal = self._scaled(least, most)
        argv = self._argv(lit("--desired-count"), fmt("{}", most))
        return self._prepared(target, Meant(lit("scale"), argv, after, order, undo, reversal), token)

    def _back_argv(self, revision: SafeText) -> tuple[SafeText, ...]:
        return self._argv(lit("--task-definition"), revision)

    def _argv(self, *change: SafeText) -> tuple[SafeText, ...]:
        place = (lit("--cluster"), safe(self._resource.cluster), lit("--service"), safe(self._resource.name))
        words = (lit("aws"), lit("ecs"), lit("update-service"), *place, *change)
        return (*words, lit("--region"), safe(self._system.region))


class HostingHand(RevisionHand):
    """A site of Firebase Hosting: a version is live or not."""

    def _back_argv(self, revision: SafeText) -> tuple[SafeText, ...]:
        site = safe(self._resource.name)
        words = (lit("firebase"), lit("hosting:clone"), fmt("{}:@{}", site, revision), fmt("{}:live", site))
        return (*words, lit("--project"), safe(self._system.project))

    def _facts(self, t: float) -> tuple[Fact, ...]:
        return (self._serves(self._traffic(t).set),)

    def _serves(self, shares: Mapping[str, float]) -> Fact:
        return Fact(lit("live"), _names(shares))


def _names(shares: Mapping[str, float]) -> SafeText:
    """`api:118`, and `api:118, api:117` while one replaces the other."""
    return join(", ", (safe(name) for name in sorted(shares, key=lambda name: -shares[name])))


def _percents(shares: Mapping[str, float]) -> SafeText:
    """`90% chat-00001, 10% chat-00002`, the largest first."""
    parts = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    return join(", ", (fmt("{}% {}", safe(f"{share * 100:.0f}"), safe(name)) for name, share in parts))
