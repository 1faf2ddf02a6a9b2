import asyncio
import json

import pytest

from serve.auth.api_keys import Caller
from serve.http.asgi import JSON, known_caller, reply, reply_problem
from serve.http.transaction import Problem


def sent(answering):
    """The messages that an answer sends."""
    messages = []

    async def send(message):
        messages.append(message)

    asyncio.run(answering(send))
    return messages


def test_answer_goes_out_whole_with_its_length():
    start, body = sent(lambda send: reply(send, 201, "é".encode(), [(b"x-a", b"1")]))
    assert (start["type"], start["status"]) == ("http.response.start", 201)
    assert start["headers"] == [(b"x-a", b"1"), (b"content-length", b"2")]
    assert (body["body"], body["more_body"]) == ("é".encode(), False)


def test_answer_is_json_unless_it_says_otherwise():
    start, _ = sent(lambda send: reply(send, 200, b"{}"))
    assert start["headers"][0] == JSON


def test_problem_says_its_status_and_leaves_out_a_field_that_it_has_not():
    problem = Problem("Not a key", 400, "invalid_key", "expected another")
    start, body = sent(lambda send: reply_problem(send, problem, [(b"retry-after", b"1")]))
    assert start["status"] == 400
    assert start["headers"][:2] == [
        (b"content-type", b"application/problem+json"),
        (b"retry-after", b"1"),
    ]
    told = json.loads(body["body"])
    assert (told["code"], told["status"]) == ("invalid_key", 400)
    assert told.get("field") is None


def test_caller_is_known_behind_a_scope_and_nowhere_else():
    caller = Caller("shop", frozenset({"score"}))
    assert known_caller({"caller": caller, "path": "/predict"}) is caller
    with pytest.raises(RuntimeError, match="/predict: expected a route that needs a scope"):
        known_caller({"caller": None, "path": "/predict"})
