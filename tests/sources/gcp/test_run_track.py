"""What holds for the rollouts of a Cloud Run service, whatever Google says about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.rollouts import Phase
from tuiops.core.text import lit
from tuiops.sources.gcp.run.track import Track
from tuiops.sources.gcp.run.view import client_of, image_of
from tuiops.sources.gcp.run.wire import Revision, Service

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
NAMES = ("chat-1", "chat-2", "chat-3", "chat\x1b[2J")
STATES = ("CONDITION_SUCCEEDED", "CONDITION_FAILED", "CONDITION_RECONCILING", "CONDITION_NEW", "")

times = st.integers(-3600, 7200).map(lambda seconds: (START + timedelta(seconds=seconds)).isoformat())
conditions = st.builds(
    lambda state, at, reason: {"type": "Ready", "state": state, "lastTransitionTime": at, "revisionReason": reason},
    st.sampled_from(STATES),
    times,
    st.sampled_from(("", "RETIRED", "HEALTH_CHECK_CONTAINER_ERROR")),
)
targets = st.lists(
    st.builds(
        lambda revision, percent, kind, tag: {"revision": revision, "percent": percent, "type": kind, "tag": tag},
        st.sampled_from((*NAMES, "")),
        st.integers(0, 100),
        st.sampled_from(("TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "X")),
        st.sampled_from(("", "green")),
    ),
    max_size=3,
)
services = st.builds(
    lambda **fields: {"name": "services/chat", **fields},
    generation=st.integers(0, 5),
    updateTime=times,
    latestCreatedRevision=st.sampled_from((*NAMES, "")),
    latestReadyRevision=st.sampled_from((*NAMES, "")),
    traffic=targets,
    trafficStatuses=targets,
    terminalCondition=conditions,
    reconciling=st.booleans(),
)
revisions = st.lists(
    st.builds(
        lambda name, at, ready: {"name": name, "createTime": at, "conditions": [ready]},
        st.sampled_from(NAMES),
        times,
        conditions,
    ),
    max_size=4,
)
looks = st.lists(st.tuples(services, revisions, st.integers(1, 90_000)), min_size=1, max_size=6)


def track() -> Track:
    return Track(lit("shop"), lit("chat"), lit("chat"), lit("gcp/rollouts"))


def watched(seen: Sequence[tuple[dict[str, Any], list[dict[str, Any]], int]]) -> tuple[Track, datetime]:
    found, at = track(), START
    for service, known, seconds in seen:
        at += timedelta(seconds=seconds)
        found.observe(msgspec.convert(service, Service), msgspec.convert(known, tuple[Revision, ...]), at)
    return found, at


@given(looks)
def test_whatever_comes_the_rollouts_are_sound(
    seen: list[tuple[dict[str, Any], list[dict[str, Any]], int]],
) -> None:
    found, at = watched(seen)

    rollouts = found.rollouts()

    assert sum(rollout.live for rollout in rollouts) <= 1
    assert found.moving(at) <= any(rollout.live for rollout in rollouts)
    for rollout in rollouts:
        assert rollout.new
        assert rollout.ended is None or rollout.ended >= rollout.started
        assert all(text.isprintable() for text in (rollout.new, rollout.old, rollout.message, rollout.id))
        ends = [step.ended for step in rollout.steps[:-1]]
        assert None not in ends
        for before, after in zip(rollout.steps, rollout.steps[1:], strict=False):
            assert before.started is not None
            assert after.started is not None
            assert before.started <= after.started
        assert all(step.ended is None or step.started is None or step.ended >= step.started for step in rollout.steps)
        assert not rollout.phase.ended or all(step.phase is not Phase.RUNNING for step in rollout.steps)


@given(looks)
def test_looking_again_at_the_same_changes_nothing(
    seen: list[tuple[dict[str, Any], list[dict[str, Any]], int]],
) -> None:
    found, at = watched(seen)
    before = [msgspec.structs.replace(rollout, steps=()) for rollout in found.rollouts()]
    service, known, _ = seen[-1]

    found.observe(msgspec.convert(service, Service), msgspec.convert(known, tuple[Revision, ...]), at)

    assert [msgspec.structs.replace(rollout, steps=()) for rollout in found.rollouts()] == before


def service(**fields: Any) -> Service:
    return msgspec.convert({"name": "services/chat", **fields}, Service)


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        ({"client": "gcloud", "clientVersion": "528.0.0"}, "gcloud 528.0.0"),
        ({"client": "cloud-console"}, "Cloud Console"),
        ({"client": "gcloud", "labels": {"managed-by": "github-actions"}}, "github-actions"),
        ({"labels": {"goog-terraform-provisioned": "true"}}, "Terraform"),
        ({"client": "own tool"}, "own tool"),
        ({}, ""),
    ],
)
def test_clients_are_told_by_what_they_leave(fields: dict[str, Any], client: str) -> None:
    assert client_of(service(**fields)) == client


def test_an_image_is_that_of_the_container_that_serves() -> None:
    revision = {
        "name": "chat-1",
        "containers": [{"name": "side", "image": "side:1"}, {"name": "main", "image": "main:1", "ports": [{}]}],
        "containerStatuses": [{"name": "main", "imageDigest": "main@sha256:1"}],
    }

    assert image_of(msgspec.convert(revision, Revision)) == "main@sha256:1"
    assert image_of(msgspec.convert({"name": "x", "containers": [{"image": "only:1"}]}, Revision)) == "only:1"
    assert not image_of(None)
    assert not image_of(Revision(name="x"))
