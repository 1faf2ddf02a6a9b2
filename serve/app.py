"""The application: routes, errors, documentation, and the model's life from start to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema

from fraud_core import __version__
from fraud_core.model.bundle import Bundle, load_bundle
from serve.settings import Settings, read_settings
from serve.telemetry import Telemetry, otlp_telemetry
from serve.wire import (
    InvalidTransaction,
    Prediction,
    Problem,
    TransactionReader,
    transaction_reader,
    transaction_schema,
)

PROBLEM = "application/problem+json"
BODY_TIMEOUT_SECONDS = 10
# The files of the documentation page; nothing else of their package is served.
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
METHODS = {"/predict": "OPTIONS, POST"}


@dataclass(frozen=True)
class Model:
    """The loaded champion as the handlers use it."""

    bundle: Bundle
    reader: TransactionReader
    score: Callable


@dataclass
class PredictOperation(Operation):
    """The OpenAPI entry of /predict; its body is described by the contract of the loaded model."""

    schema = None

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=type(self).schema)},
            description="One transaction. Every field is required; an unknown one is refused.",
            required=True,
        )


@get("/health/live", sync_to_thread=False, tags=["health"], summary="Does the process run?")
def live() -> dict[str, str]:
    """Whether the process runs; the model is not touched."""
    return {"status": "live"}


@get("/health/ready", sync_to_thread=False, tags=["health"], summary="Is the model loaded?")
def ready(state: State) -> dict[str, str]:
    """Whether the model is loaded and verified, and which one it is."""
    return {"status": "ready", "model_version": state.model.bundle.version}


def _problem_entry(description: str) -> ResponseSpec:
    return ResponseSpec(Problem, description=description, media_type=PROBLEM, generate_examples=False)


def _predict_route(operation: type[Operation]):
    @post(
        "/predict",
        status_code=200,
        operation_class=operation,
        tags=["decisions"],
        summary="Score one payment",
        responses={
            400: _problem_entry("The body is not a transaction; the field is named"),
            408: _problem_entry("The body took too long"),
            413: _problem_entry("The body is too large"),
            415: _problem_entry("The body is not said to be JSON"),
        },
    )
    async def predict(request: Request, state: State) -> Prediction:
        """Score one transaction; an invalid one is refused with the field named, never filled in."""
        model: Model = state.model
        features = model.reader.features(await read_body(request))
        probability = float(model.score(features)[0])
        threshold = model.bundle.policy.threshold
        return Prediction(probability, int(probability >= threshold), threshold, model.bundle.version)

    return predict


async def read_body(request: Request) -> bytes:
    """The body of a JSON request that arrives in time.

    Raises
    ------
    InvalidTransaction
        With 415 when it is not said to be plain JSON, with 408 when it takes longer than ten seconds.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        detail = "send Content-Type: application/json, without Content-Encoding"
        raise InvalidTransaction(Problem("Unsupported media type", 415, "unsupported_media_type", detail))
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.body()
    except TimeoutError as error:
        detail = f"the body did not arrive within {BODY_TIMEOUT_SECONDS} seconds"
        raise InvalidTransaction(Problem("Request timeout", 408, "body_too_slow", detail)) from error


def create_app(settings: Settings | None = None, telemetry: Telemetry | None = None) -> Litestar:
    """The service for the bundle that the settings name.

    Parameters
    ----------
    settings
        From the environment unless given.
    telemetry
        Exports by OTLP when the settings name an endpoint, unless given.

    Raises
    ------
    BundleError
        At start, when there is no bundle or it was altered.
    """
    settings = settings or read_settings()
    if telemetry is None and settings.otlp_endpoint:
        telemetry = otlp_telemetry()
    operation = type("PredictOperation", (PredictOperation,), {"schema": Schema(description="see the loaded model")})

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bundle = load_bundle(settings.model_dir)
        operation.schema = _schema(transaction_schema(bundle.contract))
        score = telemetry.timed_inference(bundle.probability) if telemetry else bundle.probability
        app.state.model = Model(bundle, transaction_reader(bundle.contract), score)
        print(f"model {bundle.version} loaded and verified", flush=True)
        yield
        if telemetry:
            await asyncio.to_thread(telemetry.shutdown)

    app = Litestar(
        route_handlers=[_predict_route(operation), live, ready, *_assets()],
        lifespan=[lifespan],
        exception_handlers={InvalidTransaction: _invalid, HTTPException: _http_error, Exception: _server_error},
        openapi_config=_documentation(),
        request_max_body_size=settings.max_body_bytes,
    )
    if telemetry:
        # Outside the router, so that unknown paths and refused methods are counted too.
        app.asgi_handler = telemetry.middleware(app.asgi_handler)
    return app


def _schema(found: dict) -> Schema:
    properties = {name: Schema(**entry) for name, entry in found["properties"].items()}
    return Schema(
        type=found["type"], properties=properties, required=found["required"], additional_properties=False,
        examples=[found["example"]],
    )  # fmt: skip


def _documentation() -> OpenAPIConfig:
    page = SwaggerRenderPlugin(
        js_url="/assets/swagger-ui-bundle.js",
        css_url="/assets/swagger-ui.css",
        standalone_preset_js_url="/assets/swagger-ui-standalone-preset.js",
        path="/",
        favicon='<link rel="icon" href="/assets/favicon-32x32.png">',
    )
    return OpenAPIConfig(
        title="Fraud decisions", version=__version__, path="/docs", render_plugins=[page, JsonRenderPlugin()]
    )


def _assets() -> list:
    """A route for each file of the documentation page, from the installed package: the page needs no network."""
    from swagger_ui_bundle import swagger_ui_path

    def route(name: str, media_type: str):
        content = swagger_ui_path.joinpath(name).read_bytes()

        @get(f"/assets/{name}", sync_to_thread=False, include_in_schema=False)
        def asset() -> Response[bytes]:
            return Response(content, media_type=media_type)

        return asset

    return [route(name, media_type) for name, media_type in ASSETS.items()]


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=headers)


def _invalid(request: Request, error: InvalidTransaction) -> Response[Problem]:
    return _answer(error.problem)


def _http_error(request: Request, error: HTTPException) -> Response[Problem]:
    if error.status_code >= 500:
        return _server_error(request, error)
    code, title = {
        404: ("not_found", "Not found"),
        405: ("method_not_allowed", "Method not allowed"),
        413: ("body_too_large", "Body too large"),
    }.get(error.status_code, ("refused", "Request refused"))
    headers = {"Allow": METHODS.get(request.url.path.rstrip("/"), "GET, OPTIONS")} if error.status_code == 405 else None
    return _answer(Problem(title, error.status_code, code, f"{title}; the endpoints are listed at /docs"), headers)


def _server_error(request: Request, error: Exception) -> Response[Problem]:
    request.logger.error("unexpected error on %s %r", request.method, request.url.path, exc_info=error)
    return _answer(Problem("Server error", 500, "server_error", "the request could not be answered; it was logged"))
