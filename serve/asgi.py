"""The few lines between ASGI and the routes that must be fast: a body in, an answer out."""

import asyncio
from collections.abc import Sequence

import msgspec
from litestar.types import Receive, Send

from serve.wire import InvalidTransaction, Problem

BODY_TIMEOUT_SECONDS = 10
JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
Headers = dict[bytes, bytes]
encode = msgspec.json.Encoder().encode


async def read_json_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The body of a JSON request that is small and arrives in time.

    Parameters
    ----------
    limit
        Largest body, in bytes.

    Raises
    ------
    InvalidTransaction
        With 415 when it is not said to be plain JSON, 413 when it is too large, 408 when it takes longer than ten
        seconds.
    """
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json" and kind.split(b";")[0].strip().lower() != b"application/json":
        raise _refused(415, "unsupported_media_type", "Unsupported media type", "send Content-Type: application/json")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise _refused(415, "unsupported_media_type", "Unsupported media type", "send it without Content-Encoding")
    length = headers.get(b"content-length")
    if length is not None and int(length) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            message = await receive()
            body = message.get("body", b"")
            while message.get("more_body"):
                message = await receive()
                body += message.get("body", b"")
                if len(body) > limit:
                    break
    except TimeoutError as error:
        detail = f"the body did not arrive within {BODY_TIMEOUT_SECONDS} seconds"
        raise _refused(408, "body_too_slow", "Request timeout", detail) from error
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> InvalidTransaction:
    return _refused(413, "body_too_large", "Body too large", f"expected at most {limit} bytes")


def _refused(status: int, code: str, title: str, detail: str) -> InvalidTransaction:
    return InvalidTransaction(Problem(title, status, code, detail))


async def reply(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (JSON,)) -> None:
    """Answer with a whole body."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def reply_problem(send: Send, problem: Problem, extra: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Answer with a problem."""
    await reply(send, problem.status, encode(problem), (PROBLEM, *extra))
