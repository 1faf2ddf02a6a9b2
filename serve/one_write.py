"""Uvicorn's HTTP connection, except that the head of an answer leaves together with its body.

Uvicorn hands each to the kernel by itself, and a system call on a socket costs more than the model. ASGI wants it the
other way: a server must not send a head before there is a piece of the body.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWriteProtocol(HttpToolsProtocol):
    """A connection whose short answers cost one system call each."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the connection, behind a transport that holds heads back."""
        super().connection_made(HeadHolder(transport, self))

    def on_response_complete(self) -> None:
        """Let go of the head of an answer that has no body."""
        self.transport.flush()
        super().on_response_complete()


class HeadHolder:
    """A transport that keeps the first piece of an answer until the next one, or until the answer or connection ends.

    Parameters
    ----------
    transport
        Of the connection; whatever is not about writing goes to it.
    protocol
        Whose `cycle` says whether an answer has begun. While a client sends its next request before it has the answer
        to the last, that cycle may be the next one: then the head leaves at once, as it would without this class.
    """

    def __init__(self, transport: asyncio.Transport, protocol: HttpToolsProtocol) -> None:
        self._transport, self._protocol = transport, protocol
        self._begun: Any = None
        self._head = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep a head; write what follows it together with it."""
        cycle = self._protocol.cycle
        if cycle is not self._begun and cycle.response_started:
            self._begun, self._head = cycle, data
        elif self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write a head that is kept."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Close the connection after what was written."""
        self.flush()
        self._transport.close()
