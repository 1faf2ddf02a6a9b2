"""Decisions, batches, labels and lineages: what is
answered, what is recorded, and what is refused.
"""

import numpy as np
import pytest
from litestar.testing import TestClient

from fraud_core.bundle.decider import Decider
from fraud_core.bundle.load import load_bundle
from serve.app import create_app
from serve.settings import read_settings
from tests.serve.requests import LABEL, decide


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
