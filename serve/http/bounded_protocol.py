"""What one connection may ask of the server before there is a request: bytes, headers, time.

The parser of httptools puts a header together by copying what it has at every piece that arrives,
and uvicorn bounds neither heads nor the wait for one. So the bytes are counted here: those that
lead neither to a whole head nor to a byte of a body. That bounds heads, trailers and the framing
of chunks alike. What the server itself refuses is a problem like every other, and ends the
connection.
"""

import sys
from asyncio import BaseTransport, TimerHandle
from dataclasses import dataclass
from typing import Any, cast

from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serve.http.asgi import PROBLEM, encode, reply_problem
from serve.http.gateway import SECURITY_HEADERS
from serve.http.transaction import Problem

LINGER_SECONDS = 2.0
MALFORMED = Problem("Malformed request", 400, "malformed_request", "expected a request of HTTP/1.1")
TOO_LONG = Problem("URI too long", 414, "uri_too_long", "send a shorter path and query")
TOO_LARGE = Problem("Headers too large", 431, "headers_too_large", "send fewer and shorter headers")
TOO_SLOW = Problem("Request timeout", 408, "headers_too_slow", "the headers did not arrive in time")
OVERLOADED = Problem(
    "Too many connections", 503, "overloaded", "the service is busy; ask again after a moment"
)


@dataclass(frozen=True)
class HeadLimits:
    """Bounds of what comes before a request.

    Attributes
    ----------
    uri_bytes
        Of path and query.
    n_headers
        Headers of one request.
    head_bytes
        Path, query, and all headers together, each with the four bytes around it.
    head_seconds
        From the connection, or the first byte of a later head, until the head is whole.
    """

    uri_bytes: int
    n_headers: int
    head_bytes: int
    head_seconds: float


@dataclass(slots=True)
class _Head:
    """What a connection knows of the head that it waits for.

    One object, since CPython is slower with instances of more than thirty attributes, and uvicorn's
    protocol has nearly as many.

    Attributes
    ----------
    fruitless, piece, fruitful
        Bytes that led to nothing yet, those of the piece that is parsed, and whether it led to
        something.
    problem, refused
        What is said of a head that is complete; whether the connection is at its end.
    deadline
        Ends the wait for a head; None while none is waited for.
    """

    limits: HeadLimits
    most_connections: int
    fruitless: int = 0
    piece: int = 0
    fruitful: bool = False
    problem: Problem | None = None
    refused: bool = False
    deadline: TimerHandle | None = None


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [*SECURITY_HEADERS, (b"retry-after", b"1"), (b"connection", b"close")]
    await reply_problem(send, OVERLOADED, headers)


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose heads are bounded.

    Parameters
    ----------
    limits
        What is refused: 414, 431, and 408 where a head was begun.
    given
        What uvicorn gives to its protocols.
    """

    # uvicorn's types leave out that there is none before the first request
    app: Any
    cycle: Any
    scope: Any

    def __init__(self, *, limits: HeadLimits, **given: Any) -> None:
        super().__init__(**given)
        self._head = _Head(limits, self.limit_concurrency or sys.maxsize)
        self.limit_concurrency = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(cast(Any, transport))  # of uvloop, which tells no type
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, at most a head's length at a time."""
        most = self._head.limits.head_bytes
        if len(data) <= most:
            self._parse(data)
            return
        for start in range(0, len(data), most):
            if self.transport.is_closing():
                return
            self._parse(data[start : start + most])

    def _parse(self, piece: bytes) -> None:
        head = self._head
        if head.refused:
            return
        head.piece, head.fruitful = len(piece), False
        super().data_received(piece)
        if head.fruitful:
            head.fruitless = 0
        elif not head.refused:
            head.fruitless += len(piece)
            self._check_unfinished()
        if head.deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()

    def _check_unfinished(self) -> None:
        """Refuse what has grown too large before it was whole."""
        if self._head_begun and len(self.url) > self._head.limits.uri_bytes:
            self._refuse(TOO_LONG)
        elif self._head.fruitless > self._head.limits.head_bytes:
            self._refuse(TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Refuse a head that is too large, else begin the request."""
        head, limits = self._head, self._head.limits
        if (
            head.fruitless + head.piece > limits.head_bytes
            or len(self.url) > limits.uri_bytes
            or len(self.headers) > limits.n_headers
        ):
            self._check_complete()
        if head.deadline:
            self._stop_waiting()
        most = head.most_connections
        if len(self.connections) >= most or len(self.tasks) >= most:
            self.app = _overloaded
        elif self.app is _overloaded:
            self.app = cast(Any, self.config).loaded_app
        super().on_headers_complete()
        head.fruitful = True
        # trailers are appended to these, and are no headers of the request
        self.headers = []

    def _check_complete(self) -> None:
        """Refuse a head that is too large, which httptools makes a
        malformed request, and uvicorn answers by `send_400_response`.
        """
        limits = self._head.limits
        if len(self.url) > limits.uri_bytes:
            self._head.problem = TOO_LONG
        elif len(self.headers) > limits.n_headers or self._head_bytes() > limits.head_bytes:
            self._head.problem = TOO_LARGE
        if self._head.problem:
            raise ValueError(self._head.problem.detail)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._head.fruitful = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or none that is taken."""
        self._refuse(self._head.problem or MALFORMED)

    @property
    def _head_begun(self) -> bool:
        """Whether a request line began whose headers are not complete."""
        return self.scope is not None and "method" not in self.scope

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _await_head(self) -> None:
        self._head.deadline = self.loop.call_later(self._head.limits.head_seconds, self._too_late)

    def _stop_waiting(self) -> None:
        if self._head.deadline:
            self._head.deadline.cancel()
            self._head.deadline = None

    def _too_late(self) -> None:
        self._head.deadline = None
        if self._head_begun:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """End the connection: with a problem, unless an answer is under way or was given."""
        self._head.refused = True
        self._stop_waiting()
        self._unset_keepalive_if_required()
        cycle, begun = self.cycle, self._head_begun or self.scope is None
        if cycle is not None and begun and not cycle.response_complete:
            cycle.keep_alive = False  # the requests before are answered
            return
        if cycle is not None and not begun:
            if cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(_refusal(problem))
        # Closed at once, what the client still sends would reset the connection, and the answer
        # would be lost: so the rest is read for a moment, and thrown away.
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _refusal(problem: Problem) -> bytes:
    """A whole answer that ends its connection."""
    body = encode(problem)
    headers = [
        PROBLEM,
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *SECURITY_HEADERS,
    ]
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])
