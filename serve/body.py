"""The body of a request: plain JSON, in time, and small."""

import asyncio

from litestar import Request

from serve.wire import InvalidTransaction, Problem

BODY_TIMEOUT_SECONDS = 10


async def read_body(request: Request) -> bytes:
    """The body of a JSON request that arrives in time.

    Raises
    ------
    InvalidTransaction
        With 415 when it is not said to be plain JSON, with 408 when it takes longer than ten seconds.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        detail = "send Content-Type: application/json, without Content-Encoding"
        raise InvalidTransaction(Problem("Unsupported media type", 415, "unsupported_media_type", detail))
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.body()
    except TimeoutError as error:
        detail = f"the body did not arrive within {BODY_TIMEOUT_SECONDS} seconds"
        raise InvalidTransaction(Problem("Request timeout", 408, "body_too_slow", detail)) from error
