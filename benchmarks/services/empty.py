"""An empty plain ASGI route of Litestar, and an empty
typed one: what any answer costs before it does anything.
"""

import sys

import msgspec
import uvicorn
from litestar import Litestar, asgi, post
from litestar.types import Receive, Scope, Send


class Nothing(msgspec.Struct):
    """An answer."""

    status: str


@asgi("/asgi", copy_scope=False)
async def empty(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and answer."""
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"15")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"status":"ok"}', "more_body": False})


@post("/typed", status_code=200)
async def typed(data: dict[str, float]) -> Nothing:
    """Read the body as JSON and answer."""
    return Nothing("ok")


if __name__ == "__main__":
    uvicorn.run(
        Litestar([empty, typed], openapi_config=None),
        port=int(sys.argv[1]),
        log_level="warning",
        loop="uvloop",
        http="httptools",
        access_log=False,
    )
