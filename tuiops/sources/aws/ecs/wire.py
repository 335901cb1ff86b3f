"""The members of ECS' and Application Auto Scaling's answers that are used, by the names of their APIs.

Counts are of tasks. States are texts: a word that is not known must break nothing.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class _Camel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """ECS begins its names with a small letter."""


class Breaker(_Camel, frozen=True, kw_only=True):
    """What stops a deployment whose tasks fail."""

    enable: bool = False
    rollback: bool = False


class Canary(_Camel, frozen=True, kw_only=True):
    canary_percent: float = 0.0
    canary_bake_time_in_minutes: int = 0


class Linear(_Camel, frozen=True, kw_only=True):
    step_percent: float = 0.0
    step_bake_time_in_minutes: int = 0


class DeploymentConfiguration(_Camel, frozen=True, kw_only=True):
    deployment_circuit_breaker: Breaker = Breaker()
    maximum_percent: int | None = None
    minimum_healthy_percent: int | None = None
    strategy: str = "ROLLING"
    bake_time_in_minutes: int | None = None
    canary_configuration: Canary | None = None
    linear_configuration: Linear | None = None


class Controller(_Camel, frozen=True, kw_only=True):
    type: str = "ECS"


class Deployment(_Camel, frozen=True, kw_only=True):
    """One deployment of a service, for as long as it has tasks."""

    id: str
    status: str = ""
    """PRIMARY, ACTIVE or INACTIVE."""
    task_definition: str = ""
    desired_count: int = 0
    pending_count: int = 0
    running_count: int = 0
    failed_tasks: int = 0
    """Tasks that failed one after the other."""
    created_at: datetime
    updated_at: datetime | None = None
    rollout_state: str = ""
    """COMPLETED, FAILED or IN_PROGRESS; empty where something else than ECS deploys."""
    rollout_state_reason: str = ""


class Scale(_Camel, frozen=True, kw_only=True):
    value: float | None = None
    """Percent of the service's desired count."""


class TaskSet(_Camel, frozen=True, kw_only=True):
    """What CodeDeploy or another controller deploys."""

    id: str
    status: str = ""
    """PRIMARY, ACTIVE or DRAINING."""
    task_definition: str = ""
    started_by: str = ""
    external_id: str = ""
    computed_desired_count: int = 0
    pending_count: int = 0
    running_count: int = 0
    created_at: datetime
    updated_at: datetime | None = None
    scale: Scale = Scale()
    stability_status: str = ""


class Event(_Camel, frozen=True, kw_only=True):
    created_at: datetime
    message: str = ""


class Service(_Camel, frozen=True, kw_only=True):
    """One service as DescribeServices tells."""

    service_arn: str
    service_name: str
    cluster_arn: str = ""
    status: str = ""
    desired_count: int = 0
    running_count: int = 0
    pending_count: int = 0
    task_definition: str = ""
    scheduling_strategy: str = "REPLICA"
    deployment_controller: Controller = Controller()
    deployment_configuration: DeploymentConfiguration = DeploymentConfiguration()
    deployments: tuple[Deployment, ...] = ()
    task_sets: tuple[TaskSet, ...] = ()
    events: tuple[Event, ...] = ()
    """Newest first."""
    current_service_deployment: str | None = None

    @property
    def primary(self) -> Deployment | None:
        return next((found for found in self.deployments if found.status == "PRIMARY"), None)

    @property
    def serving(self) -> str:
        """ARN of the task definition that most tasks run; the one that is wanted where none runs."""
        most = max(self.deployments, key=lambda one: (one.running_count, one.status == "PRIMARY"), default=None)
        return most.task_definition if most is not None and most.running_count else self.task_definition


class Failure(_Camel, frozen=True, kw_only=True):
    arn: str = ""
    reason: str = ""


class ServicesAnswer(_Camel, frozen=True, kw_only=True):
    services: tuple[Service, ...] = ()
    failures: tuple[Failure, ...] = ()


class ServiceAnswer(_Camel, frozen=True, kw_only=True):
    """What UpdateService answers."""

    service: Service


class Container(_Camel, frozen=True, kw_only=True):
    name: str = ""
    image: str = ""
    exit_code: int | None = None
    reason: str = ""


class Task(_Camel, frozen=True, kw_only=True):
    task_definition_arn: str = ""
    stopped_at: datetime | None = None
    stopped_reason: str = ""
    stop_code: str = ""
    started_by: str = ""
    """Its deployment, where ECS started it."""
    containers: tuple[Container, ...] = ()


class TasksAnswer(_Camel, frozen=True, kw_only=True):
    tasks: tuple[Task, ...] = ()


class TaskDefinition(_Camel, frozen=True, kw_only=True):
    task_definition_arn: str
    container_definitions: tuple[Container, ...] = ()
    status: str = ""
    registered_at: datetime | None = None
    registered_by: str = ""


class TaskDefinitionAnswer(_Camel, frozen=True, kw_only=True):
    task_definition: TaskDefinition


class ServiceDeploymentBrief(_Camel, frozen=True, kw_only=True):
    service_deployment_arn: str


class ServiceDeploymentsListed(_Camel, frozen=True, kw_only=True):
    service_deployments: tuple[ServiceDeploymentBrief, ...] = ()


class RevisionSummary(_Camel, frozen=True, kw_only=True):
    """A service revision's part in a service deployment."""

    arn: str = ""
    requested_task_count: int | None = None
    running_task_count: int | None = None
    pending_task_count: int | None = None
    requested_production_traffic_weight: float | None = None
    """Percent."""


class BreakerState(_Camel, frozen=True, kw_only=True):
    status: str = ""
    failure_count: int = 0
    threshold: int = 0


class AlarmsState(_Camel, frozen=True, kw_only=True):
    status: str = ""
    alarm_names: tuple[str, ...] = ()
    triggered_alarm_names: tuple[str, ...] = ()


class Rollback(_Camel, frozen=True, kw_only=True):
    reason: str = ""
    started_at: datetime | None = None
    service_revision_arn: str = ""


class Hook(_Camel, frozen=True, kw_only=True):
    status: str = ""
    expires_at: datetime | None = None


class ServiceDeployment(_Camel, frozen=True, kw_only=True):
    """One deployment of a service by ECS' own account of it, kept for 90 days."""

    service_deployment_arn: str
    service_arn: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    updated_at: datetime | None = None
    source_service_revisions: tuple[RevisionSummary, ...] = ()
    target_service_revision: RevisionSummary = RevisionSummary()
    status: str = ""
    status_reason: str = ""
    lifecycle_stage: str = ""
    lifecycle_hook_details: tuple[Hook, ...] = ()
    deployment_configuration: DeploymentConfiguration = DeploymentConfiguration()
    rollback: Rollback | None = None
    deployment_circuit_breaker: BreakerState | None = None
    alarms: AlarmsState | None = None


class ServiceDeploymentsAnswer(_Camel, frozen=True, kw_only=True):
    service_deployments: tuple[ServiceDeployment, ...] = ()


class RevisionImage(_Camel, frozen=True, kw_only=True):
    image: str = ""
    image_digest: str = ""


class ServiceRevision(_Camel, frozen=True, kw_only=True):
    """What a deployment deploys. It never changes."""

    service_revision_arn: str
    task_definition: str = ""
    container_images: tuple[RevisionImage, ...] = ()


class ServiceRevisionsAnswer(_Camel, frozen=True, kw_only=True):
    service_revisions: tuple[ServiceRevision, ...] = ()


class ScalableTarget(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The bounds between which Application Auto Scaling sets a desired count."""

    resource_id: str
    min_capacity: int = 0
    max_capacity: int = 0
