"""A server that answers as a test says, in the form of AWS' APIs, and holds both sides to botocore's models.

For what no emulator does: service deployments, task sets, expired keys, throttling. What the product sends is checked
against the operation's input, what a test answers against its output, so that neither can be made up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from tests.sources.hostile import Request

Answer = Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]]


class Refuses(Exception):
    """Raised by a test's answer: the error that AWS would send."""

    def __init__(self, code: str, message: str = "", status: int = 400, **headers: str) -> None:
        super().__init__(code)
        self.code, self.message, self.status, self.headers = code, message, status, headers


class Scripted:
    """Answers to the operations of one service that speaks JSON; the handler of a `Hostile` server."""

    def __init__(self, service: str = "ecs", **answers: Answer) -> None:
        self._model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        self.answers: dict[str, Answer] = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.silent: set[str] = set()
        """Operations that are never answered."""

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(name == operation for name, _ in self.asked)

    async def __call__(self, request: Request) -> None:
        operation = request.header("x-amz-target").rpartition(".")[2]
        model = self._model.operation_model(operation)
        params = json.loads(request.body)
        self._check(params, model.input_shape, f"request of {operation}")
        self.asked.append((operation, params))
        if operation in self.silent:
            await asyncio.Event().wait()
        answer = self.answers.get(operation, {})
        try:
            found = answer(params) if callable(answer) else answer
        except Refuses as refusal:
            body = {"__type": f"com.amazonaws.{self._model.service_name}#{refusal.code}", "message": refusal.message}
            await request.answer(json.dumps(body).encode(), f"{refusal.status} so", close=False, **refusal.headers)
            return
        self._check(found, model.output_shape, f"answer to {operation}")
        await request.answer(json.dumps(found, default=_seconds).encode())

    @staticmethod
    def _check(value: object, shape: object, what: str) -> None:
        if shape is not None:
            report = ParamValidator().validate(value, shape)
            assert not report.has_errors(), f"{what}: {report.generate_report()}"


def at(minute: float) -> datetime:
    """A moment of the tests' day."""
    return datetime.fromtimestamp(datetime(2026, 5, 1, 12, 0, tzinfo=UTC).timestamp() + 60 * minute, UTC)


def _seconds(value: object) -> float:
    assert isinstance(value, datetime)
    return value.timestamp()
