"""``POST /predict``: one transaction in, its probability out, and what it was compared with."""

from time import perf_counter_ns

import msgspec
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Send

from fraud_core.bundle.decider import Reason
from serve.http.asgi import RequestScope, encode, reply, reply_problem
from serve.http.transaction import InvalidTransaction
from serve.runtime.service import Service

WITH_REASONS = b"reasons=true"


class Prediction(msgspec.Struct, frozen=True):
    """The answer of /predict; with ``?reasons=true`` it carries the reasons too."""

    fraud_probability: float
    prediction: int
    threshold: float
    model_version: str
    reasons: tuple[Reason, ...] | msgspec.UnsetType = msgspec.UNSET


def predict_route(service: Service) -> ASGIRouteHandler:
    """The route; it is plain ASGI because a typed one costs as much again as the whole answer."""
    limit = service.settings.max_body_bytes

    @asgi("/predict", copy_scope=False)
    async def predict(scope: RequestScope, receive: Receive, send: Send) -> None:
        try:
            body = await service.bodies.read_json(scope["headers_by_name"], receive, limit)
            champion = service.champion
            values, amount_eur = champion.reader.read(body)
        except InvalidTransaction as error:
            await reply_problem(send, error.problem)
            return
        bundle, started = champion.bundle, perf_counter_ns()
        threshold = bundle.policy.threshold
        if scope["query_string"] == WITH_REASONS:
            verdict = champion.decider.decide(values, amount_eur)
            probability = verdict.fraud_probability
            reasons = verdict.reasons
        else:
            probability = champion.scorer.probability(values)
            reasons = msgspec.UNSET
        prediction = Prediction(
            probability, int(probability >= threshold), threshold, bundle.version, reasons
        )
        service.count_inference(scope["span"], perf_counter_ns() - started)
        await reply(send, 200, encode(prediction))
        service.after_answer(values, amount_eur, probability, champion)

    return predict
