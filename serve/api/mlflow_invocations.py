"""MLflow's scoring protocol: ``POST /invocations`` answers
as ``mlflow models serve`` does for the registered model.
"""

from typing import Any

import msgspec
from litestar import asgi, get
from litestar.types import Receive, Send

from serve.api.batch_scoring import by_row, score_rows
from serve.http.asgi import RequestScope, encode, reply, reply_problem
from serve.http.transaction import InvalidTransaction, Problem, decode_body
from serve.runtime.service import Service


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frame as names of columns and rows of values."""

    columns: list[str]
    data: list[list[Any]]
    index: list[Any] = []


class Invocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows to score, in one of MLflow's four forms."""

    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: list[dict[str, Any]] | None = None
    inputs: dict[str, list[Any]] | None = None


class Predictions(msgspec.Struct, frozen=True):
    """Calibrated probability of fraud of each row."""

    predictions: list[float]


decode_invocation = msgspec.json.Decoder(Invocation).decode


def read_rows(body: bytes) -> list[dict[str, Any]]:
    """The rows of a request.

    Raises
    ------
    InvalidTransaction
        When it is none of the four forms, or several.

    Examples
    --------
    >>> read_rows(b'{"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}}')
    [{'a': 1}, {'a': 2}]
    """
    sent = decode_body(decode_invocation, body)
    forms = [name for name in Invocation.__struct_fields__ if getattr(sent, name) is not None]
    if len(forms) != 1:
        detail = (
            f"expected one of {', '.join(Invocation.__struct_fields__)}, got {len(forms)} of them"
        )
        raise InvalidTransaction(Problem("Not an invocation", 400, "invalid_body", detail))
    if sent.dataframe_split is not None:
        return _split_rows(sent.dataframe_split)
    if sent.inputs is not None:
        return by_row(sent.inputs)
    return sent.dataframe_records or sent.instances or []  # one of both was sent


def _split_rows(split: Split) -> list[dict[str, Any]]:
    if len(set(split.columns)) < len(split.columns) or any(
        len(row) != len(split.columns) for row in split.data
    ):
        detail = (
            "dataframe_split: expected each column once and a value for each column in every row"
        )
        raise InvalidTransaction(
            Problem("Not an invocation", 400, "invalid_field", detail, "dataframe_split")
        )
    return [dict(zip(split.columns, row, strict=True)) for row in split.data]


def invocation_routes(service: Service) -> list:
    """``/invocations``, and ``/ping`` by which MLflow's clients wait."""

    @asgi("/invocations", copy_scope=False)
    async def invocations(scope: RequestScope, receive: Receive, send: Send) -> None:
        limit = service.settings.max_batch_bytes
        try:
            rows = read_rows(
                await service.bodies.read_json(scope["headers_by_name"], receive, limit)
            )
            probability = score_rows(service, rows, service.champion)
        except InvalidTransaction as error:
            await reply_problem(send, error.problem)
        else:
            await reply(send, 200, encode(Predictions(probability.tolist())))

    @get("/ping", sync_to_thread=False, include_in_schema=False)
    def ping() -> dict[str, str]:
        return {"status": "live"}

    return [invocations, ping]
