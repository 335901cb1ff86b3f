"""How a service stands, from what ECS tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sources.aws.scripted import at
from tuiops.sources.aws.ecs.health import failing, standing, stop_reason
from tuiops.sources.aws.ecs.naming import image, principal, revision
from tuiops.sources.aws.ecs.wire import Container, Controller, Deployment, DeploymentConfiguration, Event, Service, Task

WELL, DEGRADED, DOWN = 0.0, 1.0, 2.0
NOW = at(0)


def service(running: int = 2, *, desired: int = 2, pending: int = 0, **more: Any) -> Service:
    return Service(
        service_arn="arn",
        service_name="api",
        status=more.pop("status", "ACTIVE"),
        desired_count=desired,
        running_count=running,
        pending_count=pending,
        **more,
    )


def primary(state: str, **more: Any) -> tuple[Deployment, ...]:
    return (Deployment(id="d", status="PRIMARY", created_at=at(-5), rollout_state=state, **more),)


def event(message: str, minute: float = -1) -> tuple[Event, ...]:
    return (Event(created_at=at(minute), message=message),)


def stopped(reason: str = "Essential container in task exited", minute: float = -1, **more: Any) -> Task:
    return Task(stopped_at=at(minute), stopped_reason=reason, **more)


HALF = DeploymentConfiguration(minimum_healthy_percent=50)
PLACE = "(service api) was unable to place a task because no container instance met all of its requirements."
PLACED = "was unable to place a task because no container instance met all of its requirements."


@pytest.mark.parametrize(
    ("found", "task", "value", "note"),
    [
        (service(), None, WELL, "2/2 running"),
        (service(0, desired=0), None, WELL, "no tasks are wanted"),
        (service(0), None, DOWN, "0/2 running"),
        (service(0), stopped(), DOWN, "0/2 running: Essential container in task exited"),
        (service(0), stopped(minute=-60), DOWN, "0/2 running"),
        (service(1), None, DEGRADED, "1/2 running"),
        (service(1, deployments=primary("IN_PROGRESS"), deployment_configuration=HALF), None, WELL, "1/2 running"),
        (service(1, deployments=primary("IN_PROGRESS")), None, DEGRADED, "1/2 running"),
        (service(status="DRAINING"), None, DOWN, "the service is being deleted"),
        (service(status="INACTIVE"), None, DOWN, "the service was deleted"),
        (
            service(deployments=primary("FAILED", rollout_state_reason="tasks failed to start")),
            None,
            DEGRADED,
            "deployment failed: tasks failed to start",
        ),
        (
            service(deployments=primary("IN_PROGRESS", failed_tasks=2)),
            stopped(containers=(Container(name="app", exit_code=137),)),
            DEGRADED,
            "2 tasks failed: Essential container in task exited (app: exit 137)",
        ),
        (service(events=event(PLACE)), None, DEGRADED, f"2/2 running: {PLACED}"),
        (service(events=event(PLACE, minute=-20)), None, WELL, "2/2 running"),
        (
            service(events=(*event("(service api) has reached a steady state."), *event(PLACE, -2))),
            None,
            WELL,
            "2/2 running",
        ),
    ],
)
def test_a_state_has_a_reason(found: Service, task: Task | None, value: float, note: str) -> None:
    assert standing(found, NOW, task) == (value, note)


def test_a_task_that_was_stopped_on_purpose_is_no_reason() -> None:
    assert stop_reason(stopped("Scaling activity initiated by deployment", stop_code="ServiceSchedulerInitiated")) == ""
    assert (
        stop_reason(stopped("x", containers=(Container(name="app", reason="OutOfMemory"),))) == "x (app: OutOfMemory)"
    )


def test_only_services_in_trouble_are_looked_into() -> None:
    assert not failing(service(), NOW)
    assert not failing(service(1, pending=1), NOW)
    assert failing(service(1), NOW)
    assert failing(service(deployments=primary("FAILED")), NOW)
    old = Deployment(id="o", status="ACTIVE", created_at=at(-90), updated_at=at(-80), rollout_state="FAILED")
    assert not failing(service(deployments=(*primary("COMPLETED"), old)), NOW)


def test_a_daemon_or_foreign_controller_is_judged_by_its_counts() -> None:
    assert standing(service(deployment_controller=Controller(type="EXTERNAL")), NOW, None).value == WELL


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sts::1:assumed-role/deploy/alice", "deploy/alice"),
        ("arn:aws:iam::1:user/bob", "bob"),
        ("arn:aws:iam::1:root", "root"),
        ("nonsense", "nonsense"),
    ],
)
def test_people_are_named_shortly(arn: str, name: str) -> None:
    assert principal(arn) == name


def test_images_carry_their_digest() -> None:
    digest = "sha256:" + "1f" * 32
    assert image((("repo/api:v2", digest),)) == "repo/api:v2@sha256:1f1f1f1f1f1f"
    assert image(((f"repo/api@{digest}", ""), ("side:1", ""))) == "repo/api@sha256:1f1f1f1f1f1f, side:1"
    assert image(()) == ""
    assert revision("arn:aws:ecs:us-east-1:1:task-definition/api:7") == "api:7"
