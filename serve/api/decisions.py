"""``POST /v1/decisions``: a decision with its reasons
and guarantees, durable before it is answered.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Literal

import msgspec
import numpy as np
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Send
from opentelemetry.trace import Span

from fraud_core.bundle.decider import ExpectedLoss, Reason, Verdict, Vote
from fraud_core.features.history import Event
from fraud_core.policy.actions import DecisionThresholds, decision_thresholds
from serve.api.decision_request import DecisionRequest, idempotency_key, read_request
from serve.auth.api_keys import Caller
from serve.features.entities import (
    FeatureStoreUnavailable,
    Featurised,
    Freshness,
    featurise,
    monday_seconds,
    read_entities,
)
from serve.http.asgi import RequestScope, encode, known_caller, reply, reply_problem
from serve.http.fields import Name
from serve.http.transaction import InvalidTransaction, Problem, decode_body
from serve.runtime.answers import answer_with, hindrance
from serve.runtime.service import Service
from serve.scoring.champion import Champion
from serve.store.group_commit import StoreUnavailable
from serve.store.tables import decisions, new_id, now_us

AHEAD_US = 300_000_000  # by how much the clocks of callers may be ahead


class Guarantees(msgspec.Struct, frozen=True):
    """What can be said about a decision beyond the score.

    Attributes
    ----------
    certified_vote
        What the parts of the certificate vote, and how many flipped labels of the training data
        that vote withstands.
    drift
        State of the traffic against the training data, one of `traffic_drift.WIRE_STATES`;
        ``unknown`` until enough of it was seen.
    features
        ``in the request``: they are as fresh as the caller made them; ``from the store``: as
        `freshness` says.
    """

    certified_vote: Vote
    drift: str
    features: Literal["in the request", "from the store"] = "in the request"
    freshness: Freshness | None = None


class DecisionAnswer(msgspec.Struct, frozen=True):
    """A decision, all that led to it, and how to find it again."""

    decision_id: str
    transaction_id: str
    decided_at: datetime
    decision: Literal["approve", "review", "block", "abstain"]
    fraud_probability: float
    expected_loss_eur: ExpectedLoss
    reasons: tuple[Reason, ...]
    thresholds: DecisionThresholds
    policy_version: str
    model_version: str
    lineage_id: str
    guarantees: Guarantees


@dataclass(frozen=True)
class FeaturedRequest:
    """A request with the features that it is decided by; `featurised` when they were made here."""

    request: DecisionRequest
    values: np.ndarray
    amount_eur: float
    featurised: Featurised | None = None


class DecisionMaker:
    """Decides, records, and answers with the existing answer when a key is used again."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def decide(
        self, body: bytes, caller: Caller, key: str | None, span: Span | None = None
    ) -> bytes:
        """The answer to one request as JSON; it is durable when this returns.

        Raises
        ------
        InvalidTransaction
            When the request is none, or its key stands for another request.
        StoreUnavailable
            When it could not be made durable.
        """
        service, champion = self._service, self._service.champion
        featured = await self._with_features(read_request(body, champion), champion)
        started = perf_counter_ns()
        verdict = champion.decider.decide(featured.values, featured.amount_eur)
        if featured.featurised and featured.featurised.refused:
            verdict = msgspec.structs.replace(
                verdict, decision="abstain", reasons=featured.featurised.refused
            )
        vote = champion.decider.vote(featured.values)
        service.count_inference(span, perf_counter_ns() - started)
        decided_us = now_us()
        answer = self._answer(featured, verdict, vote, champion, decided_us)
        content, digest = encode(answer), hashlib.sha256(body).hexdigest()
        sent = {
            "owner": caller.name,
            "idempotency_key": key,
            "payload_sha256": digest,
            "request": body.decode(),
        }
        row = sent | _decided(featured, answer, decided_us) | {"answer": content.decode()}
        existing = await service.writer.write(decisions, row)
        if existing is None:
            service.counters.event(f"decision_{verdict.decision}")
            service.after_answer(
                featured.values, featured.amount_eur, verdict.fraud_probability, champion
            )
            return content
        if existing.payload_sha256 != digest:
            detail = (
                "Idempotency-Key: it was used for another request; use a new key for each request"
            )
            raise InvalidTransaction(
                Problem("Key used before", 409, "idempotency_conflict", detail)
            )
        service.counters.event("decision_replayed")
        return existing.answer.encode()

    async def _with_features(self, request: DecisionRequest, champion: Champion) -> FeaturedRequest:
        """The request with its features: as sent, or made
        of what the feature store remembers of its entities.
        """
        if not request.entities:
            return FeaturedRequest(request, *champion.reader.read(bytes(request.features)))
        contract, histories = champion.bundle.contract, self._service.histories
        if contract.entities is None or histories is None:
            detail = (
                "entities: this service takes features; it has no feature store for named entities"
            )
            raise InvalidTransaction(
                Problem("No feature store", 400, "entities_not_served", detail, "entities")
            )
        if request.occurred_at.timestamp() * 1e6 > now_us() + AHEAD_US:
            # it would become the newest payment of its entities, and everything real would be too
            # old beside it
            detail = (
                "occurred_at: a payment of named entities lies in the future; correct the clock"
            )
            raise InvalidTransaction(
                Problem("From the future", 400, "invalid_field", detail, "occurred_at")
            )
        named = read_entities(bytes(request.entities))
        histories_read = await histories.read(named.customer_id, named.terminal_id)
        payment = Event(
            request.transaction_id,
            monday_seconds(request.occurred_at),
            named.customer_id,
            named.terminal_id,
            named.amount_eur,
        )
        made = featurise(payment, histories_read, contract, histories.ttl_seconds)
        return FeaturedRequest(request, made.values, named.amount_eur, made)

    def _answer(
        self,
        featured: FeaturedRequest,
        verdict: Verdict,
        vote: Vote,
        champion: Champion,
        decided_us: int,
    ) -> DecisionAnswer:
        bundle = champion.bundle
        return DecisionAnswer(
            decision_id=new_id(decided_us),
            transaction_id=featured.request.transaction_id,
            decided_at=datetime.fromtimestamp(decided_us / 1e6, UTC),
            decision=verdict.decision,
            fraud_probability=verdict.fraud_probability,
            expected_loss_eur=verdict.expected_loss_eur,
            reasons=verdict.reasons,
            thresholds=decision_thresholds(
                bundle.policy.actions, featured.amount_eur, bundle.policy.threshold
            ),
            policy_version=bundle.policy_version,
            model_version=bundle.version,
            lineage_id=champion.lineage_id,
            guarantees=_guarantees(vote, self._service.drift_state(), featured.featurised),
        )


def _guarantees(vote: Vote, drift: str, made: Featurised | None) -> Guarantees:
    return (
        Guarantees(vote, drift)
        if made is None
        else Guarantees(vote, drift, "from the store", made.freshness)
    )


def _decided(
    featured: FeaturedRequest, answer: DecisionAnswer, at_us: int
) -> dict[str, str | int | float]:
    """What is recorded of a decision beside the texts of request and answer."""
    return {
        "decision_id": answer.decision_id,
        "transaction_id": answer.transaction_id,
        "occurred_at_us": int(featured.request.occurred_at.timestamp() * 1e6),
        "decided_at_us": at_us,
        "decision": answer.decision,
        "fraud_probability": answer.fraud_probability,
        "amount_eur": featured.amount_eur,
        "model_version": answer.model_version,
        "policy_version": answer.policy_version,
        "lineage_id": answer.lineage_id,
    }


STORE_DOWN = Problem(
    "Store not reachable",
    503,
    "store_unavailable",
    "the decision could not be recorded; send it again with its key",
)


def decision_route(
    service: Service, list_decisions: Callable[[RequestScope, Send], Awaitable[None]]
) -> ASGIRouteHandler:
    """The route of single decisions; a GET of the same path lists them."""
    maker, limit = DecisionMaker(service), service.settings.max_body_bytes

    async def decided(scope: RequestScope, receive: Receive) -> bytes:
        headers = scope["headers_by_name"]
        key = idempotency_key(headers)
        body = await service.bodies.read_json(headers, receive, limit)
        return await maker.decide(body, known_caller(scope), key, scope["span"])

    @asgi("/v1/decisions", copy_scope=False)
    async def decide(scope: RequestScope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await list_decisions(scope, send)
            return
        await answer_with(decided(scope, receive), send, service, store_down=STORE_DOWN)

    return decide


class BatchItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request of a batch, with the key that makes it safe to send again."""

    request: msgspec.Raw
    idempotency_key: Name | None = None


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests that are decided one by one, in order."""

    items: list[BatchItem]


decode_batch = msgspec.json.Decoder(BatchRequest).decode


def batch_route(service: Service) -> ASGIRouteHandler:
    """The route of batches: a status for each item, never all or nothing."""
    maker, settings = DecisionMaker(service), service.settings

    async def answer(item: BatchItem, caller: Caller) -> bytes:
        try:
            content = await maker.decide(bytes(item.request), caller, item.idempotency_key)
        except InvalidTransaction as error:
            return b'{"status":%d,"problem":%s}' % (error.problem.status, encode(error.problem))
        except (StoreUnavailable, FeatureStoreUnavailable) as error:
            return b'{"status":503,"problem":%s}' % encode(hindrance(service, error, STORE_DOWN))
        return b'{"status":200,"decision":%s}' % content

    @asgi("/v1/decisions:batch", copy_scope=False)
    async def decide_batch(scope: RequestScope, receive: Receive, send: Send) -> None:
        try:
            body = await service.bodies.read_json(
                scope["headers_by_name"], receive, settings.max_batch_bytes
            )
            batch = _read_batch(body, settings.max_batch)
        except InvalidTransaction as error:
            await reply_problem(send, error.problem)
            return
        caller = known_caller(scope)
        answers = await asyncio.gather(*[answer(item, caller) for item in batch])
        await reply(send, 200, b'{"items":[' + b",".join(answers) + b"]}")

    return decide_batch


def _read_batch(body: bytes, most: int) -> list[BatchItem]:
    items = decode_body(decode_batch, body).items
    if not 1 <= len(items) <= most:
        detail = f"items: expected 1 to {most} requests"
        raise InvalidTransaction(Problem("Not a batch", 400, "invalid_field", detail, "items"))
    return items
