"""Bodies that come late, in parts, too large, or not at all."""

import asyncio
import socket
import time

import pytest

from serve.http.request_body import Bodies
from serve.http.transaction import InvalidTransaction
from tests.network import free_port, wait_until_ready
from tests.serve.conftest import start
from tests.serve.requests import JSON, refused
from tests.waiting import wait_until_ended

HEADERS = {b"content-type": b"application/json"}


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def receiving(*parts, then_wait=False):
    """What ASGI gives a handler; after the last part it waits for ever when asked to."""
    waiting = list(parts)

    async def receive():
        if waiting:
            return waiting.pop(0)
        assert then_wait, "the body was read beyond its end"
        return await asyncio.Event().wait()

    return receive


async def read(receive, *, limit=100, headers=HEADERS, timeout=10.0):
    bodies = Bodies(timeout)
    watching = asyncio.create_task(bodies.watch())
    try:
        return await bodies.read_json(headers, receive, limit), bodies
    finally:
        watching.cancel()


def test_parts_are_put_together():
    body, bodies = asyncio.run(read(receiving(part(b"{", True), part(b'"a":', True), part(b"1}"))))
    assert body == b'{"a":1}'
    assert not bodies._since


@pytest.mark.parametrize(
    "parts", [(part(b"x" * 101),), (part(b"x" * 60, True), part(b"x" * 60, True))]
)
def test_a_body_beyond_the_limit_is_not_read_to_its_end(parts):
    with pytest.raises(InvalidTransaction) as refused:
        asyncio.run(read(receiving(*parts)))
    assert refused.value.problem.status == 413


def test_a_length_beyond_the_limit_is_refused_unread():
    with pytest.raises(InvalidTransaction) as refused:
        asyncio.run(read(receiving(), headers=HEADERS | {b"content-length": b"101"}))
    assert refused.value.problem.status == 413


def test_a_body_that_stops_coming_is_given_up():
    started = time.monotonic()
    with pytest.raises(InvalidTransaction) as refused:
        asyncio.run(read(receiving(part(b"{", True), then_wait=True), timeout=0.05))
    assert refused.value.problem.status == 408
    assert time.monotonic() - started < 5


def test_a_cancelled_request_is_cancelled_and_not_late():
    async def cancelled():
        bodies = Bodies()
        reading = asyncio.create_task(bodies.read_json(HEADERS, receiving(then_wait=True), 100))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return bodies

    assert not asyncio.run(cancelled())._since


@pytest.mark.slow
def test_slow_senders_are_answered_with_408_and_hold_nobody_up(environment):
    """Slow-loris: 50 connections that send a byte now
    and then, and one honest request between them.
    """
    port = free_port()
    head = (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: "
        b"application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    with start(**environment, FRAUD_PORT=str(port), FRAUD_WORKERS="1") as process:
        try:
            wait_until_ready(port, process)
            slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(50)]
            for sender in slow:
                sender.sendall(head)
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", port), timeout=5) as honest:
                honest.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                assert honest.recv(200).startswith(b"HTTP/1.1 200")
            assert time.monotonic() - began < 5
            answers = []
            for sender in slow:
                sender.sendall(b" ")
                answers.append(sender.recv(200)[:12])
                sender.close()
        finally:
            process.terminate()
            wait_until_ended(process)
    assert answers == [b"HTTP/1.1 408"] * 50


def test_cost_of_refusing_grows_with_the_body_and_not_with_its_square(client):
    def seconds(quotes):
        body = b'{"' + b'\\"' * quotes
        started = time.perf_counter()
        refused(client, body)
        return time.perf_counter() - started

    small, large = (min(seconds(n) for _ in range(15)) for n in (1000, 8000))
    assert large < 30 * small


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/msgpack", ""]
)
def test_other_media_types_are_refused(client, transactions, kind):
    problem = refused(client, transactions[0], status=415, headers={"Content-Type": kind})
    assert problem["code"] == "unsupported_media_type"


def test_compressed_body_is_refused(client, transactions):
    refused(client, transactions[0], status=415, headers=JSON | {"Content-Encoding": "gzip"})


def test_body_that_is_too_large_is_refused(client):
    refused(client, b"{" + b" " * 20_000 + b"}", status=413)
