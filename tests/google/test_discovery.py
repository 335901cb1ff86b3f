"""The checks that hold the fake to Google's documents find what does not conform."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.google.discovery import Document, document
from tests.google.run import RunApi
from tests.servers.http import request

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tests.google.server import Call

RUN = document("run", "v2")
PLACE = "/v2/projects/p/locations/l/services"


def asked(verb: str, path: str, query: list[tuple[str, str]], body: object = None, of: Document = RUN) -> list[str]:
    found = of.match(verb, path)
    assert found is not None
    return of.check_request(found.method, query, body)


def answered(body: object) -> list[str]:
    found = RUN.match("GET", PLACE)
    assert found is not None
    return RUN.check_response(found.method, body)


@pytest.mark.parametrize(
    ("verb", "path", "method"),
    [
        ("GET", PLACE, "run.projects.locations.services.list"),
        ("PATCH", f"{PLACE}/chat", "run.projects.locations.services.patch"),
        ("GET", f"{PLACE}/chat/revisions", "run.projects.locations.services.revisions.list"),
        ("GET", f"{PLACE}/chat:getIamPolicy", "run.projects.locations.services.getIamPolicy"),
        ("GET", "/v2/projects/p/locations/l/operations/o", "run.projects.locations.operations.get"),
    ],
)
def test_methods_are_found_by_verb_and_path(verb: str, path: str, method: str) -> None:
    found = RUN.match(verb, path)

    assert found is not None
    assert found.method.id == method


@pytest.mark.parametrize(
    ("verb", "path"), [("PUT", f"{PLACE}/chat"), ("GET", "/v2/projects/p/services"), ("GET", f"{PLACE}/a/b/c")]
)
def test_what_is_no_method_is_not_found(verb: str, path: str) -> None:
    assert RUN.match(verb, path) is None


def test_variables_are_decoded() -> None:
    found = RUN.match("GET", f"{PLACE}/a%20b")

    assert found is not None
    assert found.variables == ("p", "l", "a b")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ([("pageSize", "ten")], "pageSize"),
        ([("size", "1")], "no query parameter 'size'"),
        ([("pageSize", "1"), ("pageSize", "2")], "is given twice"),
        ([("showDeleted", "yes")], "showDeleted"),
        ([("parent", "x")], "no query parameter 'parent'"),
    ],
)
def test_parameters_that_do_not_conform_are_found(query: list[tuple[str, str]], problem: str) -> None:
    assert asked("GET", PLACE, [("pageSize", "10"), ("showDeleted", "true")]) == []
    assert problem in " ".join(asked("GET", PLACE, query))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"trafic": []}, "no field 'trafic'"),
        ({"traffic": {}}, "is no array"),
        ({"traffic": [{"percent": "10"}]}, "is no integer"),
        ({"traffic": [{"percent": True}]}, "is no integer"),
        ({"traffic": [{"type": "LATEST"}]}, "'LATEST' is no"),
        ({"latestReadyRevision": "x"}, "is for output only"),
        ({"template": {"timeout": "soon"}}, "google-duration"),
        ([], "is no object"),
    ],
)
def test_bodies_that_do_not_conform_are_found(body: object, problem: str) -> None:
    assert asked("PATCH", f"{PLACE}/chat", [("updateMask", "traffic")], {"traffic": [{"percent": 10}]}) == []
    assert problem in " ".join(asked("PATCH", f"{PLACE}/chat", [], body))


def test_masks_name_fields() -> None:
    assert asked("PATCH", f"{PLACE}/chat", [("updateMask", "template.scaling.minInstanceCount,labels.x")], {}) == []
    assert asked("PATCH", f"{PLACE}/chat", [("updateMask", "template.scale")], {}) == [
        "updateMask: no field 'template.scale'"
    ]


def test_a_body_where_none_belongs_is_found() -> None:
    assert asked("GET", PLACE, [], {"a": 1}) == ["a body where none is expected"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"services": [{"generation": 7}]}, "is no string"),
        ({"services": [{"generation": "seven"}]}, "int64"),
        ({"services": [{"createTime": "yesterday"}]}, "google-datetime"),
        ({"services": [{"mood": 1}]}, "no field 'mood'"),
        ({"services": None}, "is no array"),
    ],
)
def test_answers_that_do_not_conform_are_found(answer: object, problem: str) -> None:
    assert answered({"services": [{"generation": "7", "createTime": "2026-05-01T12:00:00.5Z"}]}) == []
    assert problem in " ".join(answered(answer))


class Wrong(RunApi):
    """An API whose answer no document knows."""

    @property
    def handlers(self) -> dict[str, Any]:
        return {"projects.locations.services.list": self._wrong}

    @staticmethod
    def _wrong(call: Call) -> object:
        return {"services": [{"mood": call.parameter("pageSize")}]}


async def test_the_fake_keeps_what_does_not_conform(google: GoogleStage) -> None:
    google.teach(Wrong(google.clock))
    headers = {"authorization": f"Bearer {google.tokens.issue()}"}

    def ask(path: str, verb: str = "GET") -> tuple[int, Any]:
        status, body = request(f"{google.url}/run{path}", method=verb, headers=headers)
        return status, json.loads(body)

    statuses = [
        (await asyncio.to_thread(ask, path, verb))[0]
        for verb, path in (("GET", "/v2/nothing"), ("GET", f"{PLACE}?size=1"), ("GET", f"{PLACE}/chat"), ("GET", PLACE))
    ]

    assert statuses == [404, 400, 501, 200]
    assert [text.partition(":")[0] for text in google.violations] == [
        "run",
        "run.projects.locations.services.list",
        "nobody taught the fake run.projects.locations.services.get",
        "the fake's answer to run.projects.locations.services.list",
    ]
    google.violations.clear()
