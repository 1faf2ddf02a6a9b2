"""The connection whose answers leave in one piece, against a real socket."""

import asyncio
import socket
import threading

import pytest
import uvicorn

from serve.one_write import OneWriteProtocol

LENGTH = [(b"content-length", b"5")]
released = threading.Event()
calls = []


class Counting:
    """A connection's transport that notes each piece it is given."""

    def __init__(self, transport):
        self._transport = transport

    def __getattr__(self, name):
        return getattr(self._transport, name)

    def write(self, data):
        calls.append(data)
        self._transport.write(data)

    def writelines(self, parts):
        calls.append(b"".join(parts))
        self._transport.writelines(parts)


class Watched(OneWriteProtocol):
    """The connection under test, watched."""

    def connection_made(self, transport):
        super().connection_made(Counting(transport))


async def answer(scope, receive, send):
    """Short, streamed, without a body, or broken off, by path."""
    await receive()
    if scope["path"] == "/silent":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    elif scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await asyncio.to_thread(released.wait, 10)
        await send({"type": "http.response.body", "body": b"second"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": LENGTH})
        if scope["path"] == "/broken":
            raise ConnectionError("the application broke off")
        await send({"type": "http.response.body", "body": scope["path"][-5:].encode()})


@pytest.fixture(scope="module")
def port():
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    server = uvicorn.Server(uvicorn.Config(answer, http=Watched, loop="uvloop", log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def ask(port):
    """Sends bytes and returns the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:

        def send(*lines, body=b""):
            connection.sendall(b"".join(line + b"\r\n" for line in (*lines, b"Host: x", b"")) + body)
            return connection

        yield send


def test_short_answer_is_one_piece(ask):
    calls.clear()
    for _ in range(5):
        assert ask(b"GET /12345 HTTP/1.1").recv(65_536).endswith(b"\r\n\r\n12345")
    assert len(calls) == 5
    assert all(call.startswith(b"HTTP/1.1 200") for call in calls)


def test_first_piece_of_a_stream_does_not_wait_for_the_second(ask):
    released.clear()
    connection = ask(b"GET /stream HTTP/1.1")
    assert connection.recv(65_536).endswith(b"\r\n\r\n5\r\nfirst\r\n")
    released.set()
    rest = b""
    while not rest.endswith(b"0\r\n\r\n"):
        rest += connection.recv(65_536)
    assert rest == b"6\r\nsecond\r\n0\r\n\r\n"


@pytest.mark.parametrize("request_line", [b"HEAD /12345 HTTP/1.1", b"GET /silent HTTP/1.1"])
def test_head_without_a_body_is_not_kept(ask, request_line):
    connection = ask(request_line)
    assert connection.recv(65_536).endswith(b"\r\n\r\n")
    assert ask(b"GET /after HTTP/1.1").recv(65_536).endswith(b"after")


def test_requests_that_are_sent_together_are_answered_in_order(ask):
    first, other, third = (b"GET /%s HTTP/1.1" % name for name in (b"first", b"other", b"third"))
    connection = ask(first, b"Host: x", b"", other, b"Host: x", b"", third)
    found = b""
    while not found.endswith(b"third"):
        found += connection.recv(65_536)
    assert [part[:3] + part[-5:] for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200first", b"200other", b"200third"]


def test_permission_to_go_on_comes_before_the_answer(ask):
    connection = ask(b"POST /12345 HTTP/1.1", b"Expect: 100-continue", b"Content-Length: 2")
    assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"{}")
    assert connection.recv(65_536).endswith(b"\r\n\r\n12345")


def test_answer_that_breaks_off_still_sends_its_head_and_closes(ask):
    connection = ask(b"GET /broken HTTP/1.1")
    found = b""
    while part := connection.recv(65_536):
        found += part
    assert found.startswith(b"HTTP/1.1 200")
    assert found.endswith(b"\r\n\r\n")


def test_last_answer_of_a_connection_is_whole(ask):
    connection = ask(b"GET /12345 HTTP/1.1", b"Connection: close")
    found = b""
    while part := connection.recv(65_536):
        found += part
    assert found.endswith(b"\r\n\r\n12345")


def test_what_is_no_request_is_refused(ask):
    assert ask(b"nonsense").recv(65_536).startswith(b"HTTP/1.1 400")
