"""The application: what one worker is made of, and its life from start to stop."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import SwaggerRenderPlugin

from serve.api.decisions import batch_route, decision_route
from serve.api.endpoints import ENDPOINTS
from serve.api.mlflow_invocations import invocation_routes
from serve.api.open_inference import inference_routes
from serve.api.openapi import openapi_document
from serve.api.operations import about_routes, health_routes, label_route, record_routes
from serve.api.predict import predict_route
from serve.api.records import decision_list
from serve.auth.api_keys import Access, KeyAccess, OpenAccess, read_keys
from serve.http.bounded_protocol import BoundedProtocol, HeadLimits
from serve.http.gateway import Admission, Gateway, Routes
from serve.http.problems import HANDLERS
from serve.http.rate_limit import RateLimit
from serve.runtime.lifeline import end_with_master
from serve.runtime.service import Service
from serve.settings import Settings, read_settings
from serve.telemetry.counters import Counters
from serve.telemetry.spans import Telemetry

# The files of the documentation page; nothing else of their package is served.
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


def create_app(
    settings: Settings | None = None,
    telemetry: Callable[[Counters], Telemetry | None] | None = None,
) -> Litestar:
    """The service for the bundle that the settings name.

    Parameters
    ----------
    settings
        From the environment unless given.
    telemetry
        Makes the telemetry from the counters; by OTLP when the settings name an endpoint, unless
        given.

    Raises
    ------
    ParameterError
        When the keys that the settings name cannot be used.
    BundleError
        At start, when there is no bundle, it was altered, or is not signed as demanded.
    """
    settings = settings or read_settings()
    routes = Routes({endpoint.route: endpoint.scope for endpoint in ENDPOINTS})
    counters = Counters(settings.state_dir / "workers", routes.labels)
    service = Service(settings, counters)
    service.telemetry = (telemetry or _otlp(settings))(counters)

    predict, decide = predict_route(service), decision_route(service, decision_list(service))
    app = Litestar(
        route_handlers=[
            predict,
            decide,
            batch_route(service),
            label_route(service),
            *record_routes(service),
            *about_routes(service),
            *health_routes(service),
            *inference_routes(service),
            *invocation_routes(service),
            *_documentation(service),
            *_assets(),
        ],
        lifespan=[_lifespan(service)],
        exception_handlers=HANDLERS,
        openapi_config=None,
        state=State({"service": service}),
        request_max_body_size=settings.max_body_bytes,
    )
    limit = RateLimit(settings.requests_per_second / settings.workers)
    # Outside the router, so that unknown paths and refused methods are counted and guarded too.
    app.asgi_handler = Gateway(
        app.asgi_handler,
        Admission(routes, open_access(settings), limit),
        counters,
        service.telemetry,
        direct={"POST /predict": predict.fn, "POST /v1/decisions": decide.fn},
    )
    return app


def _lifespan(service: Service) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """From the start of the service to its end."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        end_with_master()
        await service.start()
        champion = service.champion
        print(
            f"model {champion.bundle.version} loaded and verified, lineage {champion.lineage_id}, "
            f"scores by {champion.scored_by}",
            flush=True,
        )
        yield
        await service.stop()

    return lifespan


def connections(settings: Settings) -> partial[BoundedProtocol]:
    """What uvicorn makes for each connection: one whose heads are bounded as the settings say."""
    limits = HeadLimits(
        uri_bytes=settings.max_uri_bytes,
        n_headers=settings.max_headers,
        head_bytes=settings.max_head_bytes,
        head_seconds=settings.head_seconds,
    )
    return partial(BoundedProtocol, limits=limits)


def open_access(settings: Settings) -> Access:
    """Who may call, by the settings.

    Raises
    ------
    ParameterError
        When the keys cannot be used.
    """
    if settings.access == "open":
        return OpenAccess()
    if settings.access == "tokens":
        from serve.auth.jwt import TokenAccess

        return TokenAccess(settings.jwks_url, settings.jwt_audience, settings.jwt_issuer)
    return KeyAccess(read_keys(settings.keys, "FRAUD_KEYS_FILE"))


def _otlp(settings: Settings) -> Callable[[Counters], Telemetry | None]:
    if not settings.otlp_endpoint:
        return lambda counters: None
    from serve.telemetry.otlp import otlp_telemetry

    return lambda counters: otlp_telemetry(counters, trace_ratio=settings.trace_ratio)


def _documentation(service: Service) -> list:
    page = SwaggerRenderPlugin(
        js_url="/assets/swagger-ui-bundle.js",
        css_url="/assets/swagger-ui.css",
        standalone_preset_js_url="/assets/swagger-ui-standalone-preset.js",
        path="/",
        favicon='<link rel="icon" href="/assets/favicon-32x32.png">',
    )

    @get("/docs", media_type=MediaType.HTML, sync_to_thread=False)
    def docs(request: Request) -> bytes:
        return page.render(request, openapi_document(service.champion.bundle.contract))

    @get("/docs/openapi.json", sync_to_thread=False)
    def document() -> dict:
        return openapi_document(service.champion.bundle.contract)

    return [docs, document]


def _assets() -> list:
    """A route for each file of the documentation page,
    from the installed package: the page needs no network.
    """
    from swagger_ui_bundle import swagger_ui_path

    def route(name: str, media_type: str) -> HTTPRouteHandler:
        content = Path(swagger_ui_path).joinpath(name).read_bytes()

        @get(f"/assets/{name}", sync_to_thread=False)
        def asset() -> Response[bytes]:
            return Response(content, media_type=media_type)

        return asset

    return [route(name, media_type) for name, media_type in ASSETS.items()]
