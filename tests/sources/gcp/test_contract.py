"""Every request to Google that the code can make is made here, and held to Google's discovery documents.

The requests are found by reading the code: each call of a GoogleClient's methods. A new one fails this test until a
module of `tests/google/scenarios` makes it against the fake, which checks route, query, body and answer.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.google import scenarios
from tuiops.sources.gcp.client import GoogleClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.google.fixtures import GoogleStage

ROOT = Path(__file__).parents[3]
ASKS = ("get", "post", "pages", "send")
PLAYS = sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))

Place = tuple[str, int]
"""A file and the line on which a call begins."""


def in_code() -> Iterator[Place]:
    """Where the code asks: calls of a method of `_client` or `client` with the name of an API among its arguments."""
    folder = ROOT / "tuiops" / "sources" / "gcp"
    for path in sorted(set(folder.rglob("*.py")) - {folder / "client.py"}):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKS:
                owner = ast.unparse(node.func.value)
                if owner.rpartition(".")[2].lstrip("_") == "client":
                    yield str(path), node.lineno


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[Place]:
    """Where the code has asked since."""
    found: set[Place] = set()

    def noted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            found.add((frame.f_code.co_filename, frame.f_lineno))
            return method(*args, **named)

        return call

    for name in ASKS:
        monkeypatch.setattr(GoogleClient, name, noted(getattr(GoogleClient, name)))
    return found


async def test_every_request_of_the_code_is_made_and_checked(google: GoogleStage, asked: set[Place]) -> None:
    for name in PLAYS:
        await importlib.import_module(f"tests.google.scenarios.{name}").play(google)

    assert {f"{Path(file).relative_to(ROOT)}:{line}" for file, line in set(in_code()) - asked} == set()
    assert google.violations == []


_ASKED_BY_RUNBOOKS = {("sqladmin", "sql.users.update")}
"""What no source of ours calls, but a step of an example does."""


@pytest.mark.parametrize("name", PLAYS)
async def test_every_method_that_the_fake_knows_is_asked_for(google: GoogleStage, name: str) -> None:
    await importlib.import_module(f"tests.google.scenarios.{name}").play(google)

    known = {(api.name, method) for api in google.apis for method in api.handlers}
    # The methods of Cloud SQL go by another name than its API.
    asked = {(call.api, call.method.id.removeprefix(f"{call.api}.")) for call in google.calls}
    assert known - asked - _ASKED_BY_RUNBOOKS == set()
