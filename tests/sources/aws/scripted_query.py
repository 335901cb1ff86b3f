"""The same as `Scripted` for services that speak the query protocol: forms in, XML out.

Requests are read and answers written by Moto's parsers and serializers, from botocore's models; botocore's validator
checks both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.validate import ParamValidator
from moto.core.model import ServiceModel
from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer

from tests.sources.aws.scripted import Answer, Refuses

if TYPE_CHECKING:
    from tests.sources.hostile import Request


class ScriptedQuery:
    """Answers to the operations of one service; the handler of a `Hostile` server."""

    def __init__(self, service: str, **answers: Answer) -> None:
        self._model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        self.answers: dict[str, Answer] = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(name == operation for name, _ in self.asked)

    async def __call__(self, request: Request) -> None:
        form = dict(parse_qsl(request.body, keep_blank_values=True))
        operation = form.pop("Action")
        form.pop("Version")
        model = cast("Any", self._model.operation_model(operation))
        params = QueryParser(model).parse({"values": form, "query_params": form, "headers": {}, "body": b""})  # type: ignore[typeddict-item, typeddict-unknown-key] # Moto's parsers have loose types
        self._check(params, model.input_shape, f"request of {operation}")
        self.asked.append((operation, params))
        answer = self.answers.get(operation, {})
        try:
            found = answer(params) if callable(answer) else answer
        except Refuses as refusal:
            said = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
            body = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error></ErrorResponse>".encode()
            await request.answer(body, f"{refusal.status} so")
            return
        self._check(found, model.output_shape, f"answer to {operation}")
        written = QuerySerializer(model).serialize(found)["body"]
        await request.answer(written.encode() if isinstance(written, str) else written)

    @staticmethod
    def _check(value: object, shape: object, what: str) -> None:
        if shape is not None:
            report = ParamValidator().validate(value, shape)
            assert not report.has_errors(), f"{what}: {report.generate_report()}"
