"""Requests that many tests of the service send, and what they expect of the answer."""

import json

JSON = {"Content-Type": "application/json"}
LABEL = {
    "event_id": "e-1",
    "transaction_id": "t-1",
    "source": "chargebacks",
    "state": "fraud",
    "occurred_at": "2026-02-01T00:00:00Z",
    "amount_eur": 12.5,
}


def refused(client, body, status=400, headers=JSON):
    """The problem that ``/predict`` answers to a body that it refuses."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/predict", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def decide(client, request, status=200, key=None):
    """The answer to a decision request."""
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/v1/decisions", json=request, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def inputs(rows):
    return [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": "FP64",
            "data": [row[name] for row in rows],
        }
        for name in rows[0]
    ]


def infer(client, body, model="champion"):
    return client.post(f"/v2/models/{model}/infer", json=body)
