"""Anything a client may send: always an answer of
ours, never a server error, never a filled-in value.
"""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from litestar.testing import TestClient

from serve.app import create_app
from serve.auth.api_keys import SCOPES, new_key
from serve.settings import read_settings
from tests.network import free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until_ended

CASES = 200
JSON = {"Content-Type": "application/json"}
NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1e308",
    "0x10",
    "01",
    "1.",
    ".5",
    "--1",
    "9" * 400,
    "null",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def served(champion, tmp_path_factory):
    environment = {
        "FRAUD_MODEL_DIR": str(champion),
        "FRAUD_STATE_DIR": str(tmp_path_factory.mktemp("fuzz")),
        "FRAUD_ACCESS": "open",
        "FRAUD_REQUESTS_PER_SECOND": "1000000",
    }
    with TestClient(
        create_app(read_settings(environment)), raise_server_exceptions=False
    ) as client:
        yield client


def refused(client, path, body):
    answer = client.post(path, content=body, headers=JSON)
    assert 400 <= answer.status_code < 500, (path, body[:80], answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


FUZZED = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZED
@given(
    value=ANYTHING, place=st.integers(0, 29), path=st.sampled_from(["/predict", "/v1/decisions"])
)
def test_one_field_of_any_content(served, transactions, value, place, path):
    row = dict(transactions[0])
    row[list(row)[place]] = value
    if isinstance(value, float | int) and not isinstance(value, bool):
        return
    body = json.dumps(
        row if path == "/predict" else {"features": row, "transaction_id": "a", "occurred_at": "x"}
    )
    refused(served, path, body.encode("utf-8", "surrogatepass"))


@FUZZED
@given(
    body=st.binary(max_size=400), path=st.sampled_from(["/predict", "/v1/decisions", "/v1/labels"])
)
def test_any_bytes(served, body, path):
    refused(served, path, body)


@FUZZED
@given(
    value=ANYTHING,
    path=st.sampled_from(["/predict", "/v1/decisions", "/v1/decisions:batch", "/v1/labels"]),
)
def test_any_json(served, value, path):
    refused(served, path, json.dumps(value).encode("utf-8", "surrogatepass"))


@FUZZED
@given(number=st.floats() | st.integers(), field=st.sampled_from(["V1", "Amount", "Time"]))
def test_any_number_is_in_range_and_scored_or_refused_by_name(served, transactions, number, field):
    body = json.dumps(transactions[0] | {field: number}).encode()
    answer = served.post("/predict", content=body, headers=JSON)
    low, high = (-1000.0, 1000.0) if field == "V1" else (0.0, 1e9 if field == "Time" else 1e7)
    if answer.status_code == 200:
        assert low <= number <= high
    else:
        assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("literal", NUMBERS)
@pytest.mark.parametrize("field", ["V1", "Amount"])
def test_numbers_that_are_none(served, transactions, literal, field):
    body = json.dumps(transactions[0] | {field: 12345.678}).replace("12345.678", literal)
    refused(served, "/predict", body.encode())


@pytest.mark.parametrize("depth", [100, 5_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"features":', b'{"items":['])
@pytest.mark.parametrize("path", ["/predict", "/v1/decisions", "/v1/decisions:batch", "/v1/labels"])
def test_deep_nesting(served, path, depth, opening):
    refused(served, path, (opening * depth)[:16_000])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "utf-8-sig"])
def test_other_encodings(served, transactions, encoding):
    refused(
        served,
        "/predict",
        json.dumps(transactions[0] | {"Zürich": 1}, ensure_ascii=False).encode(encoding),
    )


FUZZED_DOCUMENT = settings(
    max_examples=CASES,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_document_and_service_agree(environment, tmp_path):
    """Thousands of cases from the OpenAPI document, by every
    check of schemathesis, against a process of its own.
    """
    key, entry = new_key("fuzz", SCOPES)
    (tmp_path / "keys.json").write_bytes(msgspec.json.encode([entry]))
    keys = {"FRAUD_ACCESS": "keys", "FRAUD_KEYS_FILE": str(tmp_path / "keys.json")}
    port = free_port()
    with start(**(environment | keys), FRAUD_PORT=str(port), FRAUD_WORKERS="1") as process:
        try:
            n_requests = _check_every_operation(port, key, process)
        finally:
            process.terminate()
            _, errors = wait_until_ended(process)
    assert n_requests > 1000
    assert "unexpected error" not in errors


def _check_every_operation(port, key, process):
    import schemathesis

    n_requests = 0
    wait_until_ready(port, process)
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/docs/openapi.json")
    for operation in (result.ok() for result in schema.get_all_operations()):

        @settings(
            max_examples=CASES,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case) -> None:
            nonlocal n_requests
            n_requests += 1
            case.call_and_validate(headers={"X-API-Key": key})

        check()
    return n_requests
