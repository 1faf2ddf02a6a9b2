"""The routes that need no haste: records, what serves, health and metrics."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import msgspec
from litestar import MediaType, Response, asgi, get, post
from litestar.handlers import ASGIRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.types import Receive, Send

from serve.api.explanations import explain_decision
from serve.api.records import READ_DOWN, find_decision, find_lineage, record_label
from serve.http.asgi import RequestScope, known_caller
from serve.http.problems import answer
from serve.http.transaction import Problem
from serve.runtime.answers import answer_with, hindrance
from serve.runtime.service import Service
from serve.store.group_commit import StoreUnavailable
from serve.telemetry.prometheus import CONTENT_TYPE, prometheus_text

NO_RECORD = Problem("Not found", 404, "not_found", "there is no record of this id")
FOLDER_REFUSED = "the bundle in the model folder was refused; the last verified one serves"
LABEL_DOWN = Problem(
    "Store not reachable",
    503,
    "store_unavailable",
    "the label could not be recorded; send it again",
)


def label_route(service: Service) -> ASGIRouteHandler:
    """``POST /v1/labels``."""

    async def recorded(scope: RequestScope, receive: Receive) -> bytes:
        body = await service.bodies.read_json(
            scope["headers_by_name"], receive, service.settings.max_body_bytes
        )
        return await record_label(service, body, known_caller(scope))

    @asgi("/v1/labels", copy_scope=False)
    async def label(scope: RequestScope, receive: Receive, send: Send) -> None:
        await answer_with(
            recorded(scope, receive), send, service, store_down=LABEL_DOWN, status=201
        )

    return label


def record_routes(service: Service) -> list:
    """One decision, its reasons in words, one lineage."""

    async def reply_with(search: Awaitable[bytes | None]) -> Response:
        try:
            content = await search
        except StoreUnavailable as error:
            return answer(hindrance(service, error, READ_DOWN), {"Retry-After": "1"})
        return Response(content, media_type=MediaType.JSON) if content else answer(NO_RECORD)

    @get("/v1/decisions/{decision_id:str}", include_in_schema=False)
    async def decision(decision_id: FromPath[str]) -> Response:
        return await reply_with(find_decision(service, decision_id[:64]))

    @get("/v1/decisions/{decision_id:str}/reasons", include_in_schema=False)
    async def reasons(decision_id: FromPath[str]) -> Response:
        return await reply_with(explain_decision(service, decision_id[:64]))

    @get("/v1/lineage/{lineage_id:str}", include_in_schema=False)
    async def lineage(lineage_id: FromPath[str]) -> Response:
        return await reply_with(find_lineage(service, lineage_id[:64]))

    return [decision, reasons, lineage]


def about_routes(service: Service) -> list:
    """What serves, by which policy, in which state."""

    @get("/v1/model", sync_to_thread=False, include_in_schema=False)
    def model() -> dict[str, Any]:
        champion, seen = service.champion, service.traffic.verdict
        return {
            "model_version": champion.bundle.version,
            "lineage_id": champion.lineage_id,
            "estimator": champion.bundle.origin["estimator"],
            "validation": champion.bundle.origin["validation"],
            "features": list(champion.bundle.contract.model_features),
            "drift": {
                "state": service.drift_state(),
                "rows": seen.rows,
                "drifted": list(seen.material),
            },
        }

    @get("/v1/policy", sync_to_thread=False, include_in_schema=False)
    def policy() -> dict[str, Any]:
        bundle = service.champion.bundle
        return {"policy_version": bundle.policy_version, **msgspec.to_builtins(bundle.policy)}

    @post("/v1/model:reload", status_code=200, include_in_schema=False)
    async def reload() -> dict[str, str]:
        await service.slot.refresh()
        return {
            "model_version": service.champion.bundle.version,
            "lineage_id": service.champion.lineage_id,
        }

    @get("/metrics", include_in_schema=False)
    async def metrics() -> Response[bytes]:
        content = await asyncio.to_thread(prometheus_text, service.counters, service.gauges())
        return Response(content, media_type=CONTENT_TYPE)

    return [model, policy, reload, metrics]


def health_routes(service: Service) -> list:
    """Whether the process runs, and whether it can decide."""

    @get("/health/live", sync_to_thread=False, include_in_schema=False)
    def live() -> dict[str, str]:
        return {"status": "live"}

    @get("/health/ready", include_in_schema=False)
    async def ready(without: FromQuery[str | None] = None) -> Response:
        champion = service.champion
        if not champion.passes_self_test():
            return answer(
                Problem(
                    "Not ready",
                    503,
                    "self_test_failed",
                    "the self-test row scores another probability",
                )
            )
        if without != "store":
            try:
                if not await service.prepare_store():
                    raise StoreUnavailable
                await service.writer.check()
            except StoreUnavailable:
                return answer(
                    Problem("Not ready", 503, "store_unavailable", "the store cannot be written")
                )
        state = {
            "status": "ready",
            "model_version": champion.bundle.version,
            "lineage_id": champion.lineage_id,
        }
        if service.slot.refusal:
            state["warning"] = FOLDER_REFUSED
        return Response(state, media_type=MediaType.JSON)

    return [live, ready]
