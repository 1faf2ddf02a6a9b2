"""The application: routes, errors, documentation, and the model's life from start to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema

from fraud_core import __version__
from serve.body import read_body
from serve.model import Model, load_model
from serve.problems import HANDLERS, problem_entries
from serve.settings import Settings, read_settings
from serve.telemetry import Telemetry, otlp_telemetry
from serve.wire import Prediction, transaction_schema

# The files of the documentation page; nothing else of their package is served.
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


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
        responses=problem_entries(400, 408, 413, 415),
    )
    async def predict(request: Request, state: State) -> Prediction:
        """Score one transaction; an invalid one is refused with the field named, never filled in."""
        model: Model = state.model
        features = model.reader.features(await read_body(request))
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
        model = load_model(settings.model_dir, telemetry.timed_inference if telemetry else None)
        operation.schema = _schema(transaction_schema(model.bundle.contract))
        app.state.model = model
        print(f"model {model.version} loaded and verified", flush=True)
        yield
        if telemetry:
            await asyncio.to_thread(telemetry.shutdown)

    app = Litestar(
        route_handlers=[_predict_route(operation), live, ready, *_assets()],
        lifespan=[lifespan],
        exception_handlers=HANDLERS,
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
