"""The few lines between ASGI and the routes that must be fast: an answer that goes out whole."""

from collections.abc import Sequence

import msgspec
from litestar.types import Send

from serve.http.transaction import Problem

JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
encode = msgspec.json.Encoder().encode


async def reply(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (JSON,)
) -> None:
    """Answer with a whole body."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def reply_problem(
    send: Send, problem: Problem, extra: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with a problem."""
    await reply(send, problem.status, encode(problem), (PROBLEM, *extra))
