"""Decisions, batches, labels and lineages: what is
answered, what is recorded, and what is refused.
"""

import json

import numpy as np
import pytest
from litestar.testing import TestClient

from fraud_core.bundle.decider import Decider
from fraud_core.bundle.load import load_bundle
from serve.app import create_app
from serve.settings import read_settings

JSON = {"Content-Type": "application/json"}
LABEL = {
    "event_id": "e-1",
    "transaction_id": "t-1",
    "source": "chargebacks",
    "state": "fraud",
    "occurred_at": "2026-02-01T00:00:00Z",
    "amount_eur": 12.5,
}


def decide(client, request, status=200, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/v1/decisions", json=request, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_decision_carries_everything_that_led_to_it(client, champion, transactions, decision):
    promoted = load_bundle(champion)
    decider, names = Decider(promoted.bundle), promoted.bundle.contract.model_features
    for row in transactions[:100]:
        made = decide(client, decision | {"features": row})
        verdict = decider.decide(
            np.array([row[name] for name in names], dtype=float), row["Amount"]
        )
        assert made["decision"] == verdict.decision
        assert made["fraud_probability"] == verdict.fraud_probability
        losses = made["expected_loss_eur"]
        assert losses == {
            name: getattr(verdict.expected_loss_eur, name)
            for name in ("approve", "review", "block")
        }
        if verdict.decision != "abstain":
            assert losses[made["decision"]] == pytest.approx(min(losses.values()))
        assert [reason["feature"] for reason in made["reasons"]] == [
            reason.feature for reason in verdict.reasons
        ]
        assert (made["model_version"], made["policy_version"]) == (
            promoted.bundle.version,
            promoted.bundle.policy_version,
        )
        assert made["lineage_id"] == promoted.lineage_id
        assert made["guarantees"]["certified_vote"]["flips"] >= 0
        assert made["transaction_id"] == "t-1"


def test_reasons_of_an_alarm_raise_the_score_and_those_of_an_approval_lower_it(
    client, transactions, decision
):
    seen = set()
    for row in transactions:
        made = decide(client, decision | {"features": row})
        signs = {reason["contribution"] > 0 for reason in made["reasons"]}
        if made["decision"] in ("review", "block"):
            assert signs == {True}
        if made["decision"] == "approve":
            assert signs <= {False}
        seen.add(made["decision"])
        if {"approve", "block"} <= seen or {"approve", "review"} <= seen:
            return
    raise AssertionError(
        f"expected an alarm and an approval among {len(transactions)} rows, saw {seen}"
    )


def test_row_far_outside_the_training_data_is_abstained_from(client, decision):
    made = decide(client, decision | {"features": decision["features"] | {"V2": 900.0}})
    assert made["decision"] == "abstain"
    assert [(reason["code"], reason["feature"]) for reason in made["reasons"]] == [
        ("OUTSIDE_TRAINING_RANGE", "V2")
    ]


def test_key_and_payload_used_again_give_the_same_answer(client, decision):
    first = decide(client, decision, key="k")
    assert decide(client, decision, key="k") == first
    other = decide(client, decision | {"transaction_id": "t-2"}, key="k", status=409)
    assert other["code"] == "idempotency_conflict"
    assert decide(client, decision)["decision_id"] != first["decision_id"]


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


def test_batch_has_a_status_for_each_item(client, decision):
    broken = decision | {"features": decision["features"] | {"V1": "x"}}
    items = [
        {"request": decision, "idempotency_key": "a"},
        {"request": broken},
        {"request": decision},
    ]
    outcomes = client.post("/v1/decisions:batch", json={"items": items}).json()["items"]
    assert [item["status"] for item in outcomes] == [200, 400, 200]
    assert outcomes[1]["problem"]["field"] == "V1"
    assert outcomes[0]["decision"]["decision_id"] != outcomes[2]["decision"]["decision_id"]
    again = client.post("/v1/decisions:batch", json={"items": items[:1]}).json()["items"]
    assert again[0] == outcomes[0]


@pytest.mark.parametrize("items", [[], [{"request": {}}] * 101, "x", None])
def test_batch_that_is_none_is_refused(client, items):
    answer = client.post("/v1/decisions:batch", json={"items": items})
    assert answer.status_code == 400


def test_decisions_are_listed_by_time_a_page_at_a_time(client, decision):
    made = [decide(client, decision | {"transaction_id": f"t-{k}"}) for k in range(5)]
    pages, cursor = [], ""
    while cursor is not None:
        page = client.get(
            "/v1/decisions", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        pages.append(page["decisions"])
        cursor = page["next_cursor"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == made
    later = client.get("/v1/decisions", params={"from": made[3]["decided_at"]}).json()["decisions"]
    assert later == made[3:]
    assert (
        client.get("/v1/decisions", params={"to": made[0]["decided_at"]}).json()["decisions"] == []
    )
    assert client.get(f"/v1/decisions/{made[0]['decision_id']}").json() == made[0]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "cursor=1", "from=today", "colour=red", "&&", "%ff"],
)
def test_malformed_query_is_refused(client, query):
    answer = client.get(f"/v1/decisions?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")


def test_unknown_records_are_not_found(client):
    for path in ("/v1/decisions/0", "/v1/lineage/0"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        )


def test_label_is_recorded_once_and_never_changed(client):
    first = client.post("/v1/labels", json=LABEL)
    assert first.status_code == 201
    assert client.post("/v1/labels", json=LABEL).json() == first.json()
    other = client.post("/v1/labels", json=LABEL | {"state": "legitimate"})
    assert (other.status_code, other.json()["code"]) == (409, "event_conflict")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "maybe"},
        {"amount_eur": -1.0},
        {"occurred_at": "x"},
        {"source": ""},
        {"decision_id": "x"},
    ],
)
def test_malformed_label_names_the_field(client, change):
    answer = client.post("/v1/labels", json=LABEL | change)
    assert (answer.status_code, answer.json()["field"]) == (400, next(iter(change)))


def test_lineage_of_the_model_that_serves_names_every_digest(client, champion):
    promoted = load_bundle(champion)
    lineage = client.get(f"/v1/lineage/{promoted.lineage_id}").json()
    assert lineage["manifest"]["sha256"] == promoted.manifest.sha256
    assert lineage["manifest"]["data_sha256"] == promoted.manifest.data_sha256
    about = client.get("/v1/model").json()
    assert (about["lineage_id"], about["model_version"]) == (
        promoted.lineage_id,
        promoted.bundle.version,
    )


def test_store_that_is_down_stops_decisions_and_nothing_else(environment, transactions, decision):
    settings = read_settings(environment | {"FRAUD_STORE_URL": "postgresql://127.0.0.1:1/nothing"})
    with TestClient(create_app(settings)) as client:
        answer = client.post("/v1/decisions", json=decision)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert client.post("/v1/labels", json=LABEL).status_code == 503
        assert client.get("/v1/decisions").status_code == 503
        items = client.post("/v1/decisions:batch", json={"items": [{"request": decision}]}).json()[
            "items"
        ]
        assert [item["status"] for item in items] == [503]
        assert client.post("/predict", json=transactions[0]).status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/ready?without=store").status_code == 200
        assert client.get("/health/live").status_code == 200


def test_decisions_and_labels_outlive_the_process(settings, decision):
    with TestClient(create_app(settings)) as client:
        made = decide(client, decision, key="k")
    with TestClient(create_app(settings)) as client:
        assert client.get(f"/v1/decisions/{made['decision_id']}").json() == made
        assert decide(client, decision, key="k") == made


class TestReasonsInWords:
    def reasons(self, client, decision_id):
        return client.get(f"/v1/decisions/{decision_id}/reasons")

    def test_words_are_those_of_the_model_that_decided(self, client, decision):
        made = client.post("/v1/decisions", json=decision).json()
        explained = self.reasons(client, made["decision_id"]).json()
        assert explained["turning_values"]
        assert [reason["code"] for reason in explained["reasons"]] == [
            reason["code"] for reason in made["reasons"]
        ]
        assert all(reason["words"].startswith(reason["feature"]) for reason in explained["reasons"])
        assert "would_turn_at" in explained["reasons"][0]

    def test_turning_value_turns_the_decision(self, client, transactions):
        """Of many payments: sent again with the value
        that is named, the decision is another one.
        """
        compared = 0
        for number, row in enumerate(transactions[:150]):
            body = {
                "transaction_id": f"t-{number}",
                "occurred_at": "2026-01-31T12:00:00Z",
                "features": row,
            }
            made = client.post("/v1/decisions", json=body).json()
            for reason in self.reasons(client, made["decision_id"]).json()["reasons"][:2]:
                if reason.get("would_turn_at") is None or made["decision"] == "abstain":
                    continue
                changed = body | {"features": row | {reason["feature"]: reason["would_turn_at"]}}
                again = client.post("/v1/decisions", json=changed).json()["decision"]
                assert (again == "approve") != (made["decision"] == "approve")
                compared += 1
        assert compared > 10

    def test_unknown_decision_is_not_found(self, client):
        assert self.reasons(client, "0" * 32).status_code == 404
