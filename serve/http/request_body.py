"""Request bodies: small, said to be plain JSON, and here in time.

A timer for each body costs more than the model. One look a second at all bodies that are under way
does the same.
"""

import asyncio
from time import monotonic
from typing import Any

from litestar.types import Receive

from serve.http.transaction import InvalidTransaction, Problem

BODY_TIMEOUT_SECONDS = 10
LOOK_SECONDS = 1.0
Headers = dict[bytes, bytes]


class Bodies:
    """Reads the bodies of one worker's requests; `watch` ends those that do not come.

    Parameters
    ----------
    timeout_seconds
        A body that takes longer, and up to a second more, is given up.
    """

    def __init__(self, timeout_seconds: float = BODY_TIMEOUT_SECONDS) -> None:
        self._timeout = timeout_seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()

    async def watch(self) -> None:
        """Give up bodies that are late, once a second, until cancelled."""
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self._timeout))
            self.give_up_late()

    def give_up_late(self) -> None:
        """Interrupt every request whose body is late."""
        begun = monotonic() - self._timeout
        for task in [
            task for task, since in self._since.items() if since < begun and task not in self._late
        ]:
            self._late.add(task)
            task.cancel()

    async def read_json(self, headers: Headers, receive: Receive, limit: int) -> bytes:
        """The body of a JSON request.

        Parameters
        ----------
        limit
            Largest body, in bytes.

        Raises
        ------
        InvalidTransaction
            With 415 when it is not said to be plain JSON, 413 when it is too large, 408 when it
            takes too long.
        """
        _check_kind(headers)
        length = headers.get(b"content-length")
        if length is not None and int(length) > limit:
            raise _too_large(limit)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("expected to read a body within a task")
        self._since[task] = monotonic()
        try:
            message = await receive()
            body = message.get("body", b"")
            while message.get("more_body") and len(body) <= limit:
                message = await receive()
                body += message.get("body", b"")
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            detail = f"the body did not arrive within {self._timeout:g} seconds"
            raise _refused(408, "body_too_slow", "Request timeout", detail) from None
        finally:
            del self._since[task]
            self._late.discard(task)
        if len(body) > limit:
            raise _too_large(limit)
        return body


def _check_kind(headers: Headers) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json" and kind.split(b";")[0].strip().lower() != b"application/json":
        raise _refused(
            415,
            "unsupported_media_type",
            "Unsupported media type",
            "send Content-Type: application/json",
        )
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise _refused(
            415,
            "unsupported_media_type",
            "Unsupported media type",
            "send it without Content-Encoding",
        )


def _too_large(limit: int) -> InvalidTransaction:
    return _refused(413, "body_too_large", "Body too large", f"expected at most {limit} bytes")


def _refused(status: int, code: str, title: str, detail: str) -> InvalidTransaction:
    return InvalidTransaction(Problem(title, status, code, detail))
