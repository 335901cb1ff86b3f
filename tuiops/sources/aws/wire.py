"""How AWS' APIs are written and read, from botocore's models of them. Loading a model blocks; all else is quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from tuiops.core.text import SafeText, safe
from tuiops.errors import BadAnswer, QueryRefused, SourceError
from tuiops.sources.aws.errors import MISSING, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROTOCOLS = ("json", "query")
"""In the order of preference; each service in use speaks one of them."""


class Written(NamedTuple):
    """A request as its API wants it."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    host_prefix: str
    """Goes before the host, such as `streaming-`; empty for most operations."""


class Wire:
    """One API in one region."""

    def __init__(self, service: str, model: Any, paginators: Mapping[str, Any], endpoint: Any, region: str) -> None:
        """`model`: botocore's ServiceModel; `endpoint`: what its rules resolve to."""
        from botocore.parsers import create_parser
        from botocore.serialize import create_serializer

        self.service = service
        self.url: str = endpoint.url
        scheme: Mapping[str, str] = next(iter(endpoint.properties.get("authSchemes", ())), {})
        self.signing_name: str = scheme.get("signingName", model.signing_name)
        self.signing_region: str = scheme.get("signingRegion", region)
        protocols = model.metadata.get("protocols", (model.protocol,))
        self.protocol = next(found for found in _PROTOCOLS if found in protocols)
        self._model = model
        self._paginators = paginators
        self._serializer = create_serializer(self.protocol)
        self._parser = create_parser(self.protocol)

    def write(self, operation: str, params: Mapping[str, object]) -> Written:
        """The request for an operation. QueryRefused when the parameters are not what its model allows."""
        from botocore.exceptions import BotoCoreError
        from botocore.model import OperationNotFoundError

        try:
            model = self._model.operation_model(operation)
        except OperationNotFoundError:
            name = f"{safe(self.service)} {safe(operation)}"
            raise QueryRefused(f"{name} is not known to the botocore that is installed; upgrade it") from None
        try:
            found = self._serializer.serialize_to_request(dict(params), model)
        except BotoCoreError as error:
            raise QueryRefused(f"{safe(self.service)} {safe(operation)}: {safe(str(error), 300)}") from None
        body = found["body"]
        content = body if isinstance(body, bytes) else urlencode(body).encode()
        return Written(found["url_path"], dict(found["headers"]), content, found.get("host_prefix", ""))

    def read(self, operation: str, body: bytes, server: SafeText) -> dict[str, Any]:
        """The answer as botocore parses it. BadAnswer when it is none."""
        shape = self._model.operation_model(operation).output_shape
        if shape is None:
            return {}
        try:
            if self.protocol == "json":
                # What is no JSON would be taken for an empty answer.
                msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            parsed: dict[str, Any] = self._parser.parse({"status_code": 200, "headers": {}, "body": body}, shape)
        except Exception as error:  # noqa: BLE001 - what has another shape than the model fails in many ways
            why = safe(f"{type(error).__name__}: {error}", 200)
            raise BadAnswer(
                f"{server} sent what is no answer to {safe(operation)} ({why}); does the address lead to AWS?"
            ) from None
        parsed.pop("ResponseMetadata", None)
        return parsed

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> Refused:
        """What an answer that is not 2xx says; without a code when it does not come from AWS."""
        code = message = ""
        if body and not body.lstrip()[:5].lower().startswith((b"<html", b"<!doc")):
            try:
                parsed = self._parser.parse({"status_code": status, "headers": dict(headers), "body": body}, None)
                code, message = str(parsed["Error"].get("Code") or ""), str(parsed["Error"].get("Message") or "")
            except Exception:  # noqa: BLE001 - an error in no known form: HTTP's status has to do
                code = ""
        code = headers.get("x-amzn-errortype", "").split(":", 1)[0] or code
        return Refused(self.service, "" if code.isdigit() else code, message, status, headers)

    def tokens(self, operation: str) -> tuple[str, str]:
        """Names of the parameter and of the member that a listing's pages are linked by."""
        pages = self._paginators[operation]
        return str(pages["input_token"]), str(pages["output_token"])

    def events(self, operation: str) -> Events:
        """Reads the stream of events that the answer to an operation is."""
        shape = self._model.operation_model(operation).output_shape
        name = shape.event_stream_name
        return Events(self, self._parser._event_stream_parser, shape.members[name])  # noqa: SLF001 - not to be had otherwise


class Events:
    """Cuts a stream of bytes into events (vnd.amazon.eventstream)."""

    def __init__(self, wire: Wire, parser: Any, shape: Any) -> None:
        from botocore.eventstream import EventStreamBuffer

        self._wire = wire
        self._parser = parser
        self._shape = shape
        self._buffer = EventStreamBuffer()

    def feed(self, block: bytes, server: SafeText) -> Iterator[tuple[str, dict[str, Any]] | Refused]:
        """Names and contents of the events that are whole by now; what the server refuses with, if it does.

        BadAnswer when the stream is broken.
        """
        from botocore.eventstream import ParserError

        self._buffer.add_data(block)
        try:
            for message in self._buffer:
                found = message.to_response_dict()
                kind = found["headers"].get(":event-type", "")
                if kind == "initial-response":
                    continue
                parsed = self._parser.parse(found, self._shape)
                if "Error" in parsed:
                    error = parsed["Error"]
                    yield Refused(self._wire.service, str(error["Code"]), str(error["Message"]), 400, {})
                elif parsed:
                    yield str(kind), parsed.get(kind, {})
        except (ParserError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise BadAnswer(f"{server} broke its stream of events: {safe(type(error).__name__)}") from None


class Wires:
    """Loads the APIs of one region."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._loader: Any = None
        self._partitions: Any = None

    def load(self, service: str) -> Wire:
        """Blocks for some 30 ms, longer the first time. SourceError when botocore is not there."""
        try:
            from botocore.endpoint_provider import EndpointProvider
            from botocore.loaders import Loader
            from botocore.model import ServiceModel
        except ImportError:
            raise SourceError(MISSING) from None

        if self._loader is None:
            self._loader = Loader()
            self._partitions = self._loader.load_data("partitions")
        # The loader caches what it loads: a model is kept by its owner alone.
        loader = Loader()
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        paginators = loader.load_service_model(service, "paginators-1")["pagination"]
        endpoint = EndpointProvider(rules, self._partitions).resolve_endpoint(
            Region=self._region, UseFIPS=False, UseDualStack=False
        )
        return Wire(service, model, paginators, endpoint, self._region)
