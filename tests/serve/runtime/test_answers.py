import asyncio
import json

import pytest

from serve.features.entities import FeatureStoreUnavailable
from serve.http.transaction import InvalidTransaction, Problem
from serve.runtime.answers import answer_with
from serve.runtime.service import Service
from serve.store.group_commit import StoreUnavailable
from serve.telemetry.counters import Counters

DOWN = Problem("Store not reachable", 503, "store_unavailable", "send it again")
REFUSED = Problem("Not a label", 400, "invalid_field", "source: expected a name", "source")


@pytest.fixture
def service(settings):
    made = Service(settings, Counters(settings.state_dir / "workers", []))
    yield made
    made.counters.close()


def answered(service, outcome, status=200):
    """Status, headers and body of the answer to some work."""
    messages = []

    async def send(message):
        messages.append(message)

    async def work():
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    asyncio.run(answer_with(work(), send, service, store_down=DOWN, status=status))
    start, body = messages
    return start["status"], dict(start["headers"]), json.loads(body["body"])


def test_what_was_made_is_sent_with_its_status(service):
    status, headers, body = answered(service, b'{"a":1}', status=201)
    assert (status, body) == (201, {"a": 1})
    assert headers[b"content-type"] == b"application/json"


def test_refusal_is_the_problem_itself_and_counts_no_failure(service):
    status, headers, body = answered(service, InvalidTransaction(REFUSED))
    assert (status, body["field"]) == (400, "source")
    assert b"retry-after" not in headers
    assert not any(service.counters.own().events().values())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable(), "store_unavailable"),
        (FeatureStoreUnavailable(), "features_unavailable"),
    ],
)
def test_store_that_is_down_is_said_and_counted_once(service, error, code):
    status, headers, body = answered(service, error)
    assert (status, body["code"], headers[b"retry-after"]) == (503, code, b"1")
    counted = {name for name, count in service.counters.own().events().items() if count}
    assert counted == {code}


def test_defect_is_not_answered_here(service):
    with pytest.raises(RuntimeError, match="a defect"):
        answered(service, RuntimeError("a defect"))
