"""``POST /v1/decisions``: a decision with its reasons and guarantees, durable before it is answered."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from litestar import asgi
from litestar.types import Receive, Scope, Send

from fraud_core.model.decide import ExpectedLoss, Reason, Verdict, Vote
from fraud_core.model.policy import Bands, bands
from serve.access import Caller
from serve.asgi import encode, reply, reply_problem
from serve.bodies import Headers
from serve.champion import Champion
from serve.service import Service
from serve.store import decisions, new_id, now_us
from serve.wire import InvalidTransaction, Problem, explain
from serve.writer import StoreDown

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
KEY_CHARACTERS = frozenset(range(0x21, 0x7F)) - {0x22, 0x5C}
LONGEST_KEY = 128
RETRY = ((b"retry-after", b"1"),)
# What the documentation says of a time; the check itself is by value.
YEARS = "^(19[7-9][0-9]|2[01][0-9]{2})-"
Instant = Annotated[datetime, msgspec.Meta(tz=True, extra_json_schema={"pattern": YEARS})]
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class DecisionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One payment to decide on; `policy` names the policy version that the caller relies on."""

    transaction_id: Name
    occurred_at: Instant
    features: msgspec.Raw
    policy: Name | None = None


class Guarantees(msgspec.Struct, frozen=True):
    """What can be said about a decision beyond the score.

    Attributes
    ----------
    certified_vote
        What the parts of the certificate vote, and how many flipped labels of the training data that vote withstands.
    drift
        State of the traffic against the training data; ``unknown`` until enough of it was seen.
    features
        ``in the request``: they are as fresh as the caller made them.
    """

    certified_vote: Vote
    drift: str
    features: Literal["in the request"] = "in the request"


class DecisionAnswer(msgspec.Struct, frozen=True):
    """A decision, all that led to it, and how to find it again."""

    decision_id: str
    transaction_id: str
    decided_at: datetime
    decision: Literal["approve", "review", "block", "abstain"]
    fraud_probability: float
    expected_loss_eur: ExpectedLoss
    reasons: tuple[Reason, ...]
    thresholds: Bands
    policy_version: str
    model_version: str
    lineage_id: str
    guarantees: Guarantees


class Asked(msgspec.Struct, frozen=True):
    """A request that was read."""

    request: DecisionRequest
    values: np.ndarray
    amount_eur: float


decode_request = msgspec.json.Decoder(DecisionRequest).decode


def read_decision(body: bytes | msgspec.Raw, champion: Champion) -> Asked:
    """Read one decision request.

    Raises
    ------
    InvalidTransaction
        Naming the field; 409 when the caller relies on a policy that is not served.
    """
    try:
        request = decode_request(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidTransaction(explain(error, bytes(body))) from error
    features = bytes(request.features)
    # Names have no quotes in them, so every quote outside the features belongs to a key or to one of these values.
    if bytes(body).count(b'"') - features.count(b'"') != 10 + (4 if request.policy else 0):
        detail = "a field was sent more than once, or policy is null; send each once"
        raise InvalidTransaction(Problem("Not a decision request", 400, "duplicate_field", detail))
    if not EARLIEST <= request.occurred_at < LATEST:
        detail = "occurred_at: expected a time from 1970 to 2199"
        raise InvalidTransaction(Problem("Not a decision request", 400, "invalid_field", detail, "occurred_at"))
    if request.policy not in (None, champion.bundle.policy_version):
        detail = "policy: this version is not served; GET /v1/policy names the one that is"
        raise InvalidTransaction(Problem("Another policy", 409, "policy_not_served", detail, "policy"))
    return Asked(request, *champion.reader.read(features))


def idempotency_key(headers: Headers) -> str | None:
    """The Idempotency-Key of a request, or None.

    Raises
    ------
    InvalidTransaction
        When it is empty, too long or holds other than printable ASCII.
    """
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not KEY_CHARACTERS.issuperset(key):
        detail = f"Idempotency-Key: expected 1 to {LONGEST_KEY} printable ASCII characters without spaces and quotes"
        raise InvalidTransaction(Problem("Not a key", 400, "invalid_idempotency_key", detail))
    return key.decode("ascii")


class DecisionMaker:
    """Decides, records, and answers with the earlier answer when a key is used again."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def decide(self, body: bytes | msgspec.Raw, caller: Caller, key: str | None, span: Any = None) -> bytes:
        """The answer to one request as JSON; it is durable when this returns.

        Raises
        ------
        InvalidTransaction
            When the request is none, or its key stands for another request.
        StoreDown
            When it could not be made durable.
        """
        service, champion = self._service, self._service.champion
        asked = read_decision(body, champion)
        started = perf_counter_ns()
        verdict = champion.decider.decide(asked.values, asked.amount_eur)
        vote = champion.decider.vote(asked.values)
        service.count_inference(span, perf_counter_ns() - started)
        decided_us = now_us()
        answer = self._answer(asked, verdict, vote, champion, decided_us)
        content, digest = encode(answer), hashlib.sha256(bytes(body)).hexdigest()
        row = _row(asked, answer, body=body, content=content, digest=digest, caller=caller, key=key, at_us=decided_us)
        earlier = await service.writer.write(decisions, row)
        if earlier is None:
            service.counters.event(f"decision_{verdict.decision}")
            service.after_answer(asked.values, asked.amount_eur, verdict.fraud_probability, champion)
            return content
        if earlier.payload_sha256 != digest:
            detail = "Idempotency-Key: it was used for another request; use a new key for each request"
            raise InvalidTransaction(Problem("Key used before", 409, "idempotency_conflict", detail))
        service.counters.event("decision_replayed")
        return earlier.answer.encode()

    def _answer(
        self, asked: Asked, verdict: Verdict, vote: Vote, champion: Champion, decided_us: int
    ) -> DecisionAnswer:
        bundle = champion.bundle
        return DecisionAnswer(
            decision_id=new_id(decided_us),
            transaction_id=asked.request.transaction_id,
            decided_at=datetime.fromtimestamp(decided_us / 1e6, UTC),
            decision=verdict.decision,
            fraud_probability=verdict.fraud_probability,
            expected_loss_eur=verdict.expected_loss_eur,
            reasons=verdict.reasons,
            thresholds=bands(bundle.policy.actions, asked.amount_eur, bundle.policy.threshold),
            policy_version=bundle.policy_version,
            model_version=bundle.version,
            lineage_id=champion.lineage_id,
            guarantees=Guarantees(vote, self._service.drift_state()),
        )


def _row(
    asked: Asked, answer: DecisionAnswer, *, body, content: bytes, digest: str, caller: Caller, key: str | None,
    at_us: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "decision_id": answer.decision_id, "owner": caller.name, "idempotency_key": key, "payload_sha256": digest,
        "transaction_id": answer.transaction_id, "occurred_at_us": int(asked.request.occurred_at.timestamp() * 1e6),
        "decided_at_us": at_us, "decision": answer.decision, "fraud_probability": answer.fraud_probability,
        "amount_eur": asked.amount_eur, "model_version": answer.model_version,
        "policy_version": answer.policy_version, "lineage_id": answer.lineage_id,
        "request": bytes(body).decode(), "answer": content.decode(),
    }  # fmt: skip


STORE_DOWN = Problem(
    "Store not reachable", 503, "store_unavailable", "the decision could not be recorded; send it again with its key"
)


def decision_route(service: Service, list_decisions: Callable[[Scope, Send], Awaitable[None]]):
    """The route of single decisions; a GET of the same path lists them."""
    maker, limit = DecisionMaker(service), service.settings.max_body_bytes

    @asgi("/v1/decisions", copy_scope=False)
    async def decide(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await list_decisions(scope, send)
            return
        headers = scope["found_headers"]
        try:
            key = idempotency_key(headers)
            body = await service.bodies.read_json(headers, receive, limit)
            content = await maker.decide(body, scope["caller"], key, scope["span"])
        except InvalidTransaction as error:
            await reply_problem(send, error.problem)
        except StoreDown:
            service.counters.event("store_unavailable")
            await reply_problem(send, STORE_DOWN, RETRY)
        else:
            await reply(send, 200, content)

    return decide


class BatchItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request of a batch, with the key that makes it safe to send again."""

    request: msgspec.Raw
    idempotency_key: Name | None = None


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests that are decided one by one, in order."""

    items: list[BatchItem]


decode_batch = msgspec.json.Decoder(BatchRequest).decode


def batch_route(service: Service):
    """The route of batches: a status for each item, never all or nothing."""
    maker, settings = DecisionMaker(service), service.settings

    async def item(found: BatchItem, caller: Caller) -> bytes:
        try:
            content = await maker.decide(found.request, caller, found.idempotency_key)
        except InvalidTransaction as error:
            return b'{"status":%d,"problem":%s}' % (error.problem.status, encode(error.problem))
        except StoreDown:
            service.counters.event("store_unavailable")
            return b'{"status":503,"problem":%s}' % encode(STORE_DOWN)
        return b'{"status":200,"decision":%s}' % content

    @asgi("/v1/decisions:batch", copy_scope=False)
    async def decide_batch(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await service.bodies.read_json(scope["found_headers"], receive, settings.max_batch_bytes)
            batch = _read_batch(body, settings.max_batch)
        except InvalidTransaction as error:
            await reply_problem(send, error.problem)
            return
        answers = await asyncio.gather(*[item(found, scope["caller"]) for found in batch])
        await reply(send, 200, b'{"items":[' + b",".join(answers) + b"]}")

    return decide_batch


def _read_batch(body: bytes, most: int) -> list[BatchItem]:
    try:
        items = decode_batch(body).items
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidTransaction(explain(error, body)) from error
    if not 1 <= len(items) <= most:
        detail = f"items: expected 1 to {most} requests"
        raise InvalidTransaction(Problem("Not a batch", 400, "invalid_field", detail, "items"))
    return items
