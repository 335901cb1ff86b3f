"""What `x` offers: by alert, service and system, with what the row fills in, what cannot be chosen last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from tuiops.config.model import Config
from tuiops.config.resources import CloudRunResource, EcsResource, SecretResource
from tuiops.config.systems import Service, System
from tuiops.core.access import Danger
from tuiops.core.runs import RunState, RunView
from tuiops.core.subject import Subject
from tuiops.core.text import EMPTY, lit, safe
from tuiops.runbooks.desk import offers
from tuiops.runbooks.format.model import (
    EachAction,
    ListedParameter,
    ManualAction,
    NotifyAction,
    Offer,
    PlainStep,
    Runbook,
    Step,
    TextParameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG = Config(
    systems={
        "shop": System(
            services={"api": Service(), "web": Service()},
            resources={
                "api-tasks": EcsResource(source="aws", service="api", name="api", cluster="prod"),
                "api-key": SecretResource(source="gcp", service="api", name="key"),
                "web": CloudRunResource(source="gcp", service="web", name="web"),
                "web-two": CloudRunResource(source="gcp", service="web", name="web2"),
            },
        )
    }
)


def book(name: str = "mend", *, title: str = "Mend {service}", target: str = "{service}", **changes: object) -> Runbook:
    made = Runbook(
        version=1, id=name, title=title, target=target, systems=("shop",),
        parameters={"service": TextParameter(pattern="[a-z]+")},
        offer=Offer(fills={"service": "service"}),
        steps=(Step(id="do", title="Do", danger="C", do=ManualAction(instructions="Do it")),),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def row(service: str = "api", *, alert: str = "", **changes: object) -> Subject:
    made = Subject(system=lit("shop"), service=safe(service), alert=safe(alert and "id"), alert_name=safe(alert))
    return msgspec.structs.replace(made, **changes)


def names(books: list[Runbook], *subjects: Subject) -> list[str]:
    return [found.id for found in offers.fitting(books, subjects)]


def test_what_names_the_alert_comes_before_what_names_the_service_before_the_rest() -> None:
    books = [
        book("any"),
        book("service", offer=Offer(services=("a*",))),
        book("alert", offer=Offer(alerts=("High*",))),
        book("both", offer=Offer(alerts=("High*",), services=("api",))),
    ]
    assert names(books, row(alert="HighErrorRate")) == ["both", "alert", "service", "any"]


def test_what_is_for_other_alerts_services_or_systems_is_not_offered() -> None:
    books = [
        book("other-alert", offer=Offer(alerts=("Disk*",))),
        book("other-service", offer=Offer(services=("web",))),
        book("other-system", systems=("cafe",)),
    ]
    assert names(books, row(alert="HighErrorRate")) == []


def test_a_service_without_an_alert_is_offered_what_is_for_its_alerts_too() -> None:
    assert names([book("alert", offer=Offer(alerts=("High*",)))], row()) == ["alert"]


def test_rows_together_are_offered_only_what_fits_all_of_them() -> None:
    books = [book("api", offer=Offer(services=("api",))), book("both")]
    assert names(books, row("api"), row("web")) == ["both"]
    assert names(books) == []


def test_a_whole_system_is_offered_what_any_of_its_services_is() -> None:
    assert names([book("api", offer=Offer(services=("api",)))], row("")) == ["api"]


@pytest.mark.parametrize(
    ("what", "parameter", "subjects", "found"),
    [
        ("service", TextParameter(pattern=".*"), (row(),), ("api",)),
        ("service", TextParameter(pattern=".*"), (row(""),), None),
        ("revision", TextParameter(pattern=".*"), (row(old=lit("r1"), new=lit("r2")),), ("r2",)),
        ("previous", TextParameter(pattern=".*"), (row(old=lit("r1"), new=lit("r2")),), ("r1",)),
        ("revision", TextParameter(pattern=".*"), (row(),), None),
        ("resource", ListedParameter(of="resources", kind="ecs"), (row(),), ("api-tasks",)),
        ("resource", ListedParameter(of="resources", kind="cloud_run"), (row("web"),), None),
        ("resource", ListedParameter(of="resources"), (row(),), None),
        ("services", ListedParameter(of="services", many=True), (row("web"), row("api")), ("web", "api")),
        ("services", ListedParameter(of="resources", kind="ecs", many=True), (row(),), ("api-tasks",)),
        ("service", TextParameter(pattern=".*"), (row("web"), row("api")), None),
    ],
)
def test_the_row_fills_in_what_it_tells_alone(
    what: str, parameter: TextParameter | ListedParameter, subjects: tuple[Subject, ...], found: tuple[str, ...] | None
) -> None:
    fills: Mapping[str, str] = {"it": what}
    made = book(parameters={"it": parameter}, offer=msgspec.convert({"fills": fills}, Offer))
    expected = () if found is None else (("it", found),)
    assert offers.filled(made, CONFIG, subjects) == expected


def test_several_services_are_for_runbooks_that_take_several() -> None:
    one = book()
    many = book(parameters={"service": ListedParameter(of="services", many=True)})
    assert offers.several(one, (row("api"), row("web"))) == "is for one service at a time; 2 are marked"
    assert offers.several(many, (row("api"), row("web"))) == EMPTY
    assert offers.several(one, (row("api"), row("api", alert="A"))) == EMPTY


def test_rows_of_several_systems_are_not_acted_on_together() -> None:
    assert "cafe, shop" in offers.of_several_systems((row(), row(system=lit("cafe"))))
    assert offers.of_several_systems((row(), row("web"))) == EMPTY


def holder(**changes: object) -> RunView:
    made = RunView(
        id="r1", number=41, runbook=lit("mend"), title=lit("Mend api"), system=lit("shop"), environment=lit("p"),
        production=True, target=lit("api"), danger=Danger.CHANGES, state=RunState.HOLDING, by=lit("alex"),
        account=lit("ssh:alex"), requested=datetime(2026, 3, 1, tzinfo=UTC), plan_digest="0" * 64,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def test_a_run_that_has_the_target_is_named() -> None:
    fills = (("service", ("api",)),)
    assert offers.held(book(), fills, "shop", [holder()]) == "run #41 of alex has api: gate holding"
    free = (
        holder(state=RunState.SUCCEEDED), holder(state=RunState.AWAITING_APPROVAL), holder(target=lit("web")),
        holder(system=lit("cafe")),
    )  # fmt: skip
    assert offers.held(book(), fills, "shop", free) == EMPTY
    assert offers.held(book(), (), "shop", [holder()]) == EMPTY, "what is not known yet is held by nobody"


def test_a_run_whose_end_is_unknown_still_has_its_target() -> None:
    fills = (("service", ("api",)),)
    assert "unknown" in offers.held(book(), fills, "shop", [holder(state=RunState.UNKNOWN, held_by=EMPTY)])


def test_the_title_has_what_the_row_fills_in_and_names_what_is_open() -> None:
    made = book(title="Move {service} to {where}")
    assert offers.title(made, (("service", ("api",)),)) == "Move api to where"


def test_the_danger_is_that_of_the_worst_step_within_loops_too() -> None:
    safe_one = Step(id="say", title="Say", do=NotifyAction(message="Hello"))
    inner = PlainStep(id="in", title="In", danger="X", do=ManualAction(instructions="Drop it"))
    loop = Step(id="loop", title="Loop", do=EachAction(over="service", variable="one", steps=(inner,)))
    assert offers.danger_of(book(steps=(safe_one,))) is Danger.SAFE
    assert offers.danger_of(book()) is Danger.CHANGES
    assert offers.danger_of(book(steps=(safe_one, loop))) is Danger.DESTROYS
