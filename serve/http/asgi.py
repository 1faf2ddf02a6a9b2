"""The few lines between ASGI and the routes that must be
fast: a request that comes in, an answer that goes out whole.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from litestar import Request
from litestar.types import HTTPScope, Send
from opentelemetry.trace import Span

from serve.auth.api_keys import Caller
from serve.http.request_body import Headers
from serve.http.transaction import Problem

JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
encode = msgspec.json.Encoder().encode


class RequestScope(HTTPScope):
    """The scope of a request that passed the gateway, with what the gateway learnt of it.

    Attributes
    ----------
    headers_by_name
        The headers, the last one of each name.
    caller
        None on a route that lets everybody in.
    span
        None unless the request is traced.
    """

    headers_by_name: Headers
    caller: Caller | None
    span: Span | None


def known_caller(scope: RequestScope) -> Caller:
    """Who asks, on a route that lets in nobody whom the gateway does not know."""
    caller = scope["caller"]
    if caller is None:
        raise RuntimeError(f"{scope['path']}: expected a route that needs a scope")
    return caller


def sent_headers(request: Request[Any, Any, Any]) -> Headers:
    """The headers of a request that Litestar hands to a typed route."""
    # Litestar's type of the scope knows nothing of what the gateway adds
    return cast(RequestScope, request.scope)["headers_by_name"]


async def reply(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (JSON,)
) -> None:
    """Answer with a whole body."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def reply_problem(
    send: Send, problem: Problem, extra: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with a problem."""
    await reply(send, problem.status, encode(problem), (PROBLEM, *extra))
