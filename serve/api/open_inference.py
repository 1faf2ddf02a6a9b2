"""The Open Inference Protocol, version 2, over JSON: an
input for each feature, as KServe and Triton clients send.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from fraud_core import __version__
from serve.api.batch_scoring import by_row, score_rows
from serve.http.asgi import sent_headers
from serve.http.problems import PROBLEM, answer
from serve.http.request_body import Headers
from serve.http.transaction import InvalidTransaction, Problem, decode_body
from serve.runtime.service import Service
from serve.scoring.champion import Champion

MODEL = "champion"
BINARY = b"inference-header-content-length"
NO_MODEL = Problem(
    "Not found", 404, "not_found", f"there is one model here, {MODEL}, in the version that serves"
)
Datatype = Literal[
    "FP64", "FP32", "FP16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"
]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feature of all rows; the shape is [rows] or [rows, 1]."""

    name: str
    shape: list[int]
    datatype: Datatype
    data: list[Any]
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An output that is asked for; answers are always JSON."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows to score."""

    inputs: list[Input]
    outputs: list[Wanted] = []
    id: str = ""
    parameters: dict[str, Any] = {}


class Output(msgspec.Struct, frozen=True):
    """One output of all rows."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class InferAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Scores in the order of the rows."""

    model_name: str
    model_version: str
    outputs: list[Output]
    id: str = ""


class TensorInfo(msgspec.Struct, frozen=True):
    """An input or output of the model."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(msgspec.Struct, frozen=True):
    """What the model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]


class ServerMetadata(msgspec.Struct, frozen=True):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


decode_request = msgspec.json.Decoder(InferRequest).decode
OUTPUTS = (TensorInfo("fraud_probability", "FP64", [-1]), TensorInfo("prediction", "INT64", [-1]))


def infer(service: Service, body: bytes) -> InferAnswer:
    """Score the rows of a request.

    Raises
    ------
    InvalidTransaction
        Naming the input.
    """
    request = decode_body(decode_request, body)
    known = [output.name for output in OUTPUTS]
    for wanted in request.outputs:
        if wanted.name not in known:
            raise _refused(f"outputs: expected among {', '.join(known)}", "outputs")
    champion = service.champion
    probability = score_rows(service, by_row(_columns(request.inputs)), champion)
    prediction = probability >= champion.bundle.policy.threshold
    values = {
        "fraud_probability": probability.tolist(),
        "prediction": prediction.astype(int).tolist(),
    }
    names = [wanted.name for wanted in request.outputs] or known
    outputs = [
        Output(o.name, o.datatype, [len(probability)], values[o.name])
        for o in OUTPUTS
        if o.name in names
    ]
    return InferAnswer(MODEL, champion.bundle.version, outputs, request.id)


def _columns(inputs: Sequence[Input]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for sent in inputs:
        if sent.name in columns:
            raise _refused("an input was sent more than once", sent.name[:64])
        rows = [
            value[0] if isinstance(value, list) and len(value) == 1 else value
            for value in sent.data
        ]
        if sent.shape not in ([len(rows)], [len(rows), 1]):
            raise _refused("expected the shape [rows] or [rows, 1] of its data", sent.name[:64])
        columns[sent.name] = rows
    return columns


def _refused(detail: str, field: str) -> InvalidTransaction:
    shown = "".join(c if c.isprintable() else "?" for c in field)
    return InvalidTransaction(
        Problem("Not an inference request", 400, "invalid_field", f"{shown}: {detail}", shown)
    )


def metadata(champion: Champion) -> ModelMetadata:
    """What the model that serves takes and gives."""
    inputs = [TensorInfo(name, "FP64", [-1]) for name in champion.bundle.contract.model_features]
    return ModelMetadata(MODEL, [champion.bundle.version], "fraud-research", inputs, list(OUTPUTS))


def is_served(service: Service, name: str, version: str | None = None) -> bool:
    """Whether a name, and a version where one is given, is that of the model that serves."""
    return name == MODEL and version in (None, service.champion.bundle.version)


def answer_error(problem: Problem) -> Response:
    """A problem that also has the member `error`, which clients of this protocol look for."""
    content = msgspec.to_builtins(problem) | {"error": problem.detail}
    return Response(content, status_code=problem.status, media_type=PROBLEM)


def inference_routes(service: Service) -> list[HTTPRouteHandler]:
    """``/v2``: metadata, health and inference."""
    return [_infer_route(service), *_metadata_routes(service), *_health_routes(service)]


def _infer_route(service: Service) -> HTTPRouteHandler:
    """The scores of some rows."""

    @post(
        ["/v2/models/{name:str}/infer", "/v2/models/{name:str}/versions/{version:str}/infer"],
        status_code=200,
        include_in_schema=False,
    )
    async def infer_route(
        request: Request, name: FromPath[str], version: FromPath[str | None] = None
    ) -> Response:
        # Triton's client says nothing of the kind of its body, which is JSON when it is not binary
        headers: Headers = {b"content-type": b"application/json"} | sent_headers(request)
        try:
            if not is_served(service, name, version):
                raise InvalidTransaction(NO_MODEL)
            if BINARY in headers:
                detail = "tensors are taken as JSON; send them with binary_data=False"
                raise InvalidTransaction(
                    Problem("Binary tensors", 415, "unsupported_media_type", detail)
                )
            body = await service.bodies.read_json(
                headers, request.receive, service.settings.max_batch_bytes
            )
            return Response(infer(service, body))
        except InvalidTransaction as error:
            return answer_error(error.problem)

    return infer_route


def _metadata_routes(service: Service) -> list[HTTPRouteHandler]:
    """This server, and the model that serves."""

    @get("/v2", sync_to_thread=False, include_in_schema=False)
    def server() -> ServerMetadata:
        return ServerMetadata("fraud-research", __version__, [])

    @get(
        ["/v2/models/{name:str}", "/v2/models/{name:str}/versions/{version:str}"],
        sync_to_thread=False,
        include_in_schema=False,
    )
    def model(name: FromPath[str], version: FromPath[str | None] = None) -> Response:
        return (
            Response(metadata(service.champion))
            if is_served(service, name, version)
            else answer(NO_MODEL)
        )

    return [server, model]


def _health_routes(service: Service) -> list[HTTPRouteHandler]:
    """Whether the process runs, and whether the model scores as it did when it was loaded."""

    @get(
        ["/v2/models/{name:str}/ready", "/v2/models/{name:str}/versions/{version:str}/ready"],
        sync_to_thread=False,
        include_in_schema=False,
    )
    def model_ready(name: FromPath[str], version: FromPath[str | None] = None) -> Response:
        ready = is_served(service, name, version) and service.champion.passes_self_test()
        return Response({"name": MODEL, "ready": True}) if ready else answer(NO_MODEL)

    @get("/v2/health/live", sync_to_thread=False, include_in_schema=False)
    def live() -> dict[str, bool]:
        return {"live": True}

    @get("/v2/health/ready", sync_to_thread=False, include_in_schema=False)
    def ready() -> Response:
        passed = service.champion.passes_self_test()
        return Response({"ready": passed}, status_code=200 if passed else 503)

    return [model_ready, live, ready]
