import json

import pytest

from serve.api.decision_request import LONGEST_KEY, idempotency_key
from tests.serve.requests import JSON, decide


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", 'a"b'])
def test_malformed_key_is_refused(client, decision, key):
    answer = client.post("/v1/decisions", json=decision, headers={"Idempotency-Key": key})
    assert answer.json()["code"] == "invalid_idempotency_key"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"transaction_id": ""}, "invalid_field", "transaction_id"),
        ({"transaction_id": 'a"b'}, "invalid_field", "transaction_id"),
        ({"occurred_at": "yesterday"}, "invalid_field", "occurred_at"),
        ({"occurred_at": "2026-01-31T12:00:00"}, "invalid_field", "occurred_at"),
        ({"occurred_at": "9999-01-31T12:00:00Z"}, "invalid_field", "occurred_at"),
        ({"features": None}, "invalid_body", None),
        ({"features": {}}, "missing_field", "Time"),
        ({"policy": None}, "duplicate_field", None),
        ({"colour": 1}, "unknown_field", "colour"),
    ],
)
def test_malformed_request_names_the_field_and_keeps_nothing(client, decision, change, code, field):
    problem = decide(client, decision | change, status=400)
    assert (problem["code"], problem.get("field")) == (code, field)
    assert client.get("/v1/decisions").json()["decisions"] == []


def test_field_that_is_sent_twice_is_refused(client, decision):
    body = json.dumps(decision)[:-1] + ', "transaction_id": "t-9"}'
    answer = client.post("/v1/decisions", content=body, headers=JSON)
    assert answer.json()["code"] == "duplicate_field"


def test_policy_that_the_caller_relies_on_must_be_the_one_that_serves(client, decision):
    policy = client.get("/v1/policy").json()["policy_version"]
    assert decide(client, decision | {"policy": policy})["policy_version"] == policy
    assert decide(client, decision | {"policy": "other"}, status=409)["code"] == "policy_not_served"


@pytest.mark.parametrize("key", [b"k", b"!~", b"x" * LONGEST_KEY])
def test_key_of_printable_characters_is_taken_as_it_is(key):
    assert idempotency_key({b"idempotency-key": key}) == key.decode()
    assert idempotency_key({}) is None


def test_features_and_entities_together_or_neither_is_refused(client, decision):
    both = decision | {"entities": {"customer_id": "c", "terminal_id": "m", "amount_eur": 5.0}}
    neither = {name: value for name, value in decision.items() if name != "features"}
    assert client.post("/v1/decisions", json=both).json()["code"] == "duplicate_field"
    assert client.post("/v1/decisions", json=neither).json()["field"] == "features"
