"""Heads over a real socket: what is too large, too long or too slow ends its connection."""

import json
import socket
import time

import pytest

from tests.network import ANSWER_SECONDS, free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until_ended

BOUNDS = {
    "FRAUD_WORKERS": "1",
    "FRAUD_MAX_URI_BYTES": "512",
    "FRAUD_MAX_HEADERS": "10",
    "FRAUD_MAX_HEAD_BYTES": "2048",
    "FRAUD_HEAD_SECONDS": "1",
    "FRAUD_IDLE_SECONDS": "1",
}
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = 32 << 20
CUT = (ConnectionResetError, BrokenPipeError)


@pytest.fixture(scope="module")
def port(champion, tmp_path_factory):
    """Port of a service with narrow bounds."""
    environment = {
        "FRAUD_MODEL_DIR": str(champion),
        "FRAUD_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "FRAUD_ACCESS": "open",
        "FRAUD_PORT": str(free_port()),
    }
    with start(**environment | BOUNDS) as process:
        try:
            wait_until_ready(int(environment["FRAUD_PORT"]), process)
            yield int(environment["FRAUD_PORT"])
        finally:
            process.terminate()
            wait_until_ended(process)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)


def heard(connection):
    """What the service sends until it ends the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def said(port, *parts):
    """The answers to bytes, until the service ends the connection."""
    with connect(port) as connection:
        for part in parts:
            connection.sendall(part)
        return heard(connection)


def keep_sending(connection, drop, times, pause_seconds):
    """Send the same again and again, which ends by an OSError when the connection was ended."""
    for _ in range(times):
        connection.sendall(drop)
        time.sleep(pause_seconds)


def is_problem(answer, status, code):
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0].startswith(b"http/1.1 %d " % status), answer
    assert json.loads(body)["code"] == code
    assert json.loads(body)["status"] == status
    for header in (
        b"content-type: application/problem+json",
        b"connection: close",
        b"x-content-type-options: nosniff",
        b"cache-control: no-store",
    ):
        assert header in lines


def many(count):
    return LIVE + b"".join(b"X-%d: y\r\n" % k for k in range(count)) + b"\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (many(20), 431, "headers_too_large"),
        (LIVE + b"X: " + b"y" * 2100 + b"\r\n\r\n", 431, "headers_too_large"),
        (LIVE + b"X: " + b"y" * 3000 + b"\r\n\r\n", 431, "headers_too_large"),
        (LIVE + b"X: " + b"y" * 100_000, 431, "headers_too_large"),
        (LIVE + b"y" * 100_000 + b": x\r\n\r\n", 431, "headers_too_large"),
        (b"GET /" + b"a" * 600 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"GET /?" + b"a" * 100_000, 414, "uri_too_long"),
        (b"\x16\x03\x01\x02 nonsense", 400, "malformed_request"),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "malformed_request"),
    ],
)
def test_what_is_refused_before_a_request_is_a_problem_and_the_end(
    port, request_bytes, status, code
):
    is_problem(said(port, request_bytes), status, code)


def test_heads_within_the_bounds_are_answered_however_they_are_cut(port):
    head = LIVE + b"Connection: close\r\nX: " + b"y" * 1900 + b"\r\n\r\n"
    assert said(port, head).startswith(b"HTTP/1.1 200 ")
    assert said(port, *[head[k : k + 100] for k in range(0, len(head), 100)])[9:12] == b"200"
    body = b"[" + b" " * 9_000 + b"]"
    request = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert said(port, request + body)[9:12] == b"400"


def test_head_after_an_answered_request_is_bounded_too(port):
    answers = said(port, many(2) + many(20))
    assert answers.startswith(b"HTTP/1.1 200 ")  # and the connection ended
    assert answers.count(b"HTTP/1.1 ") == 1
    with connect(port) as connection:
        connection.sendall(many(2))
        answer = b""
        while b"live" not in answer:
            answer += connection.recv(65_536)
        connection.sendall(many(20))
        is_problem(heard(connection), 431, "headers_too_large")


@pytest.mark.parametrize(
    "begun", [LIVE + b"X: ", b"GET /", CHUNKED + b"0\r\nX: ", CHUNKED + b"5;x="]
)
def test_endless_line_is_cut_off_at_once_and_holds_up_nobody(port, begun):
    with connect(port) as connection:
        began = time.monotonic()
        connection.sendall(begun)
        with pytest.raises(CUT):
            keep_sending(connection, b"a" * 65_536, ENDLESS // 65_536, 0.005)
        assert said(port, many(2)[:-2] + b"Connection: close\r\n\r\n")[9:12] == b"200"
        assert time.monotonic() - began < 10


def test_trailer_is_no_header_of_its_request(port):
    trailer = b"0\r\nContent-Type: application/json\r\n\r\n"
    answer = said(port, CHUNKED.replace(b"Host", b"Connection: close\r\nHost") + trailer)
    assert answer.startswith(b"HTTP/1.1 415 ")


@pytest.mark.parametrize(
    ("parts", "end"), [((), b""), ((b"\r\n",), b""), ((LIVE,), b" 408 "), ((b"G",), b" 408 ")]
)
def test_slow_head_and_silent_connection_are_ended(port, parts, end):
    began = time.monotonic()
    answer = said(port, *parts)
    assert time.monotonic() - began < 5
    if end:
        is_problem(answer, 408, "headers_too_slow")
    assert end in answer
    assert bool(answer) == bool(end)


@pytest.mark.parametrize("drop", [b"X: y\r\n", b"\r\n"])
def test_dribble_does_not_prolong_the_wait(port, drop):
    with connect(port) as connection:
        connection.sendall(many(0))
        connection.recv(65_536)
        began = time.monotonic()
        connection.sendall(LIVE if drop != b"\r\n" else drop)
        with pytest.raises(CUT):
            keep_sending(connection, drop, 50, 0.2)
        assert time.monotonic() - began < 6


def test_rest_of_a_body_that_was_answered_early_cannot_keep_the_connection(port):
    with connect(port) as connection:
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n"
        connection.sendall(head)
        assert b" 415 " in connection.recv(65_536)
        began = time.monotonic()
        with pytest.raises(CUT):
            keep_sending(connection, b"x", 50, 0.2)
        assert time.monotonic() - began < 6


def test_more_connections_than_there_may_be_are_refused_by_a_problem(port):
    silent = []
    try:
        for _ in range(1000):
            silent.append(connect(port))
            silent[-1].sendall(b"GET ")
        is_problem(said(port, many(0)), 503, "overloaded")
    finally:
        for connection in silent:
            connection.close()
