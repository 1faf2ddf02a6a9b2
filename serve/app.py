"""The application: routes, errors, documentation, and the model's life from start to stop."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.static_files import create_static_files_router

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


def _predict_route(operation: type[Operation]):
    @post(
        "/predict",
        status_code=200,
        operation_class=operation,
        tags=["decisions"],
        summary="Score one payment",
        responses={
            400: ResponseSpec(
                Problem, description="The body is not a transaction; the field is named", media_type=PROBLEM
            ),
            413: ResponseSpec(Problem, description="The body is too large", media_type=PROBLEM),
        },
    )
    async def predict(request: Request, state: State) -> Prediction:
        """Score one transaction; an invalid one is refused with the field named, never filled in."""
        model: Model = state.model
        features = model.reader.features(await request.body())
        probability = float(model.score(features)[0])
        threshold = model.bundle.policy.threshold
        return Prediction(probability, int(probability >= threshold), threshold, model.bundle.version)

    return predict


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
        yield
        if telemetry:
            telemetry.shutdown()

    app = Litestar(
        route_handlers=[_predict_route(operation), live, ready, _assets()],
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


def _assets():
    """The files of the documentation page, from the installed package: the page needs no network."""
    from swagger_ui_bundle import swagger_ui_path

    return create_static_files_router(path="/assets", directories=[Path(str(swagger_ui_path))], include_in_schema=False)


def _answer(problem: Problem) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=PROBLEM)


def _invalid(request: Request, error: InvalidTransaction) -> Response[Problem]:
    return _answer(error.problem)


def _http_error(request: Request, error: HTTPException) -> Response[Problem]:
    codes = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
    title = {404: "Not found", 405: "Method not allowed", 413: "Body too large"}.get(
        error.status_code, "Request refused"
    )
    detail = f"{title}; the endpoints are listed at /docs"
    return _answer(Problem(title, error.status_code, codes.get(error.status_code, "refused"), detail))


def _server_error(request: Request, error: Exception) -> Response[Problem]:
    request.logger.error("unexpected error on %s %s", request.method, request.url.path, exc_info=error)
    return _answer(Problem("Server error", 500, "server_error", "the request could not be answered; it was logged"))
