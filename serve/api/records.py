"""Reading and adding records: decisions made, labels learnt later, lineages."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import msgspec
from litestar.types import Send
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from serve.auth.api_keys import Caller
from serve.http.asgi import RequestScope, encode
from serve.http.fields import EARLIEST, LATEST, Instant, Name
from serve.http.transaction import InvalidTransaction, Problem, decode_body
from serve.runtime.answers import answer_with
from serve.runtime.service import Service
from serve.store.group_commit import UNREACHABLE, StoreUnavailable
from serve.store.tables import audit, decisions, labels, new_id, now_us

PAGE, MOST_ON_A_PAGE = 100, 500
SINCE_1970 = 1e6
START, SHORT, LAST = "0" * 32, 16, 2**63 - 1  # a cursor before all; zeros of a number; the last one


class LabelEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody learnt about a payment.

    Attributes
    ----------
    event_id
        Chosen by the caller; an event that is sent again is recorded once.
    source
        Who says so: a reviewer, an issuer, a chargeback file.
    state
        ``reversal`` takes back what the same source said before.
    amount_eur
        Loss or refund, where it is known.
    """

    event_id: Name
    transaction_id: Name
    source: Name
    state: Literal["fraud", "legitimate", "reversal"]
    occurred_at: Instant
    decision_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] | None = None
    amount_eur: Annotated[float, msgspec.Meta(ge=0.0, le=1e12)] | None = None


class RecordedLabel(msgspec.Struct, frozen=True):
    """The answer to a label: it is durable."""

    label_id: str
    event_id: str
    recorded_at: datetime


decode_label = msgspec.json.Decoder(LabelEvent).decode


async def record_label(service: Service, body: bytes, caller: Caller) -> bytes:
    """Record one label event and return the answer as JSON.

    Raises
    ------
    InvalidTransaction
        When the event is malformed, or its id stands for another event.
    StoreUnavailable
        When it could not be made durable.
    """
    event = decode_body(decode_label, body)
    if not EARLIEST <= event.occurred_at < LATEST:
        detail = "occurred_at: expected a time from 1970 to 2199"
        raise InvalidTransaction(
            Problem("Not a label", 400, "invalid_field", detail, "occurred_at")
        )
    at_us, digest = now_us(), hashlib.sha256(encode(event)).hexdigest()
    answer = encode(
        RecordedLabel(
            new_id(at_us), event.event_id, datetime.fromtimestamp(at_us / SINCE_1970, UTC)
        )
    )
    row = {
        "label_id": msgspec.json.decode(answer)["label_id"],
        "owner": caller.name,
        "event_id": event.event_id,
        "payload_sha256": digest,
        "transaction_id": event.transaction_id,
        "decision_id": event.decision_id,
        "source": event.source,
        "state": event.state,
        "occurred_at_us": int(event.occurred_at.timestamp() * SINCE_1970),
        "recorded_at_us": at_us,
        "amount_eur": event.amount_eur,
        "answer": answer.decode(),
    }
    existing = await service.writer.write(labels, row)
    if existing is None:
        service.counters.event("label_recorded")
        return answer
    if existing.payload_sha256 != digest:
        detail = (
            "event_id: it was used for another event; labels are never changed, send a reversal"
        )
        raise InvalidTransaction(
            Problem("Event recorded before", 409, "event_conflict", detail, "event_id")
        )
    return existing.answer.encode()


async def find_decision(service: Service, decision_id: str) -> bytes | None:
    """The answer that was given with a decision, or None when there is none of this id."""
    query = select(decisions.c.answer).where(decisions.c.decision_id == decision_id)
    rows = await fetch(service, query)
    return rows[0][0].encode() if rows else None


async def find_lineage(service: Service, lineage_id: str) -> bytes | None:
    """The manifest of a model that serves or served here, as it was recorded when it was loaded."""
    if lineage_id == service.champion.lineage_id:
        return encode({"lineage_id": lineage_id, "manifest": service.champion.manifest})
    loaded = (audit.c.subject == lineage_id) & audit.c.kind.in_(("model_loaded", "model_reloaded"))
    rows = await fetch(service, select(audit.c.detail).where(loaded).limit(1))
    if not rows:
        return None
    return encode(
        {"lineage_id": lineage_id, "manifest": msgspec.json.decode(rows[0][0])["manifest"]}
    )


async def fetch(service: Service, query: Select) -> list[Any]:
    """The rows of a query.

    Raises
    ------
    StoreUnavailable
        When the store cannot be reached.
    """

    def run() -> list[Any]:
        with service.engine.connect() as connection:
            return list(connection.execute(query))

    try:
        if not await service.prepare_store():
            raise StoreUnavailable
        return await asyncio.to_thread(run)
    except UNREACHABLE as error:
        raise StoreUnavailable from error
    except SQLAlchemyError as error:
        raise StoreUnavailable from error


def decision_list(service: Service) -> Callable[[RequestScope, Send], Awaitable[None]]:
    """``GET /v1/decisions``: decisions in the order in which they
    were recorded, about that of their times, a page at a time.
    """

    async def page(query_string: bytes) -> bytes:
        query, limit, asked = _page(query_string)
        rows = await fetch(service, query)
        decisions_json = b",".join(row[1].encode() for row in rows[:limit])
        # a number is below the time that an identifier begins with, and so never one
        tail = f"{rows[:limit][-1][0]:032x}" if rows else asked or START
        cursor = encode(tail if len(rows) > limit else None)
        ends = b'],"next_cursor":' + cursor + b',"tail_cursor":' + encode(tail)
        return b'{"decisions":[' + decisions_json + ends + b"}"

    async def list_decisions(scope: RequestScope, send: Send) -> None:
        await answer_with(page(scope["query_string"]), send, service, store_down=READ_DOWN)

    return list_decisions


READ_DOWN = Problem(
    "Store not reachable", 503, "store_unavailable", "the records cannot be read now; ask again"
)


def _page(query_string: bytes) -> tuple[Select, int, str | None]:
    """The query of one page, how many decisions it holds, and the cursor
    that was sent; one more row says that there is another page.
    """
    parameters = _parameters(query_string)
    query = select(decisions.c.sequence, decisions.c.answer).order_by(decisions.c.sequence)
    # ids begin with the time of the decision
    if "from" in parameters:
        query = query.where(
            decisions.c.decision_id >= f"{_microseconds(parameters['from'], 'from'):014x}"
        )
    if "to" in parameters:
        query = query.where(
            decisions.c.decision_id < f"{_microseconds(parameters['to'], 'to'):014x}"
        )
    cursor = parameters.get("cursor")
    if cursor is not None:
        query = query.where(decisions.c.sequence > _number(cursor))
    limit = parameters.get("limit", str(PAGE))
    if not (
        limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= MOST_ON_A_PAGE
    ):
        raise _bad_query("limit", f"expected a whole number from 1 to {MOST_ON_A_PAGE}")
    return query.limit(int(limit) + 1), int(limit), cursor


def _parameters(query_string: bytes) -> dict[str, str]:
    """The parameters of a query of decisions, the last one of each name."""
    try:
        parameters = {
            name: values[-1]
            for name, values in parse_qs(query_string.decode("ascii"), strict_parsing=True).items()
        }
    except ValueError:
        parameters = {} if not query_string else {"?": ""}
    unknown = set(parameters) - {"from", "to", "cursor", "limit"}
    if unknown:
        raise _bad_query("query", "expected from, to, cursor and limit alone")
    return parameters


def _number(cursor: str) -> int | ColumnElement[int]:
    """The number after which a page begins.

    A decision that was archived is not there to begin after: then all are given that are, some of
    them again, since none may be missed.
    """
    if len(cursor) != len(START) or set(cursor) - set("0123456789abcdef"):
        raise _bad_query("cursor", "expected the next_cursor or tail_cursor of another page")
    if cursor[:SHORT].strip("0"):
        named = select(decisions.c.sequence).where(decisions.c.decision_id == cursor)
        return func.coalesce(named.scalar_subquery(), 0)
    return min(int(cursor, 16), LAST)


def _microseconds(text: str, name: str) -> int:
    try:
        at = msgspec.convert(text.replace(" ", "+"), Instant)
    except msgspec.ValidationError as error:
        raise _bad_query(
            name, "expected a time with its zone, such as 2026-01-31T12:00:00Z"
        ) from error
    if not EARLIEST <= at < LATEST:
        raise _bad_query(name, "expected a time from 1970 to 2199")
    return int(at.timestamp() * SINCE_1970)


def _bad_query(name: str, expectation: str) -> InvalidTransaction:
    return InvalidTransaction(
        Problem("Not a query", 400, "invalid_query", f"{name}: {expectation}", name)
    )
