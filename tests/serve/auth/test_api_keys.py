"""API keys: who gets in by them, scopes and rates; and what every answer says to a browser."""

import json

import pytest
from litestar.testing import TestClient

from fraud_core.errors import ParameterError
from serve.api.endpoints import ENDPOINTS
from serve.app import create_app
from serve.auth.api_keys import SCOPES, main, new_key, read_keys
from serve.settings import read_settings


def guarded(environment, tmp_path, **change):
    """Settings with one key for each scope, and the keys."""
    made = {scope: new_key(scope, (scope,)) for scope in SCOPES}
    entries = [{"name": e.name, "scopes": e.scopes, "sha256": e.sha256} for _, e in made.values()]
    (tmp_path / "keys.json").write_text(json.dumps(entries))
    named = {"FRAUD_ACCESS": "keys", "FRAUD_KEYS_FILE": str(tmp_path / "keys.json")}
    return read_settings(environment | named | change), {
        scope: key for scope, (key, _) in made.items()
    }


@pytest.fixture
def behind_keys(environment, tmp_path):
    settings, keys = guarded(environment, tmp_path)
    with TestClient(create_app(settings)) as client:
        yield client, keys


def call(client, endpoint, key=None):
    method, path = endpoint.route.split(" ")
    headers = {"X-API-Key": key} if key else {}
    return client.request(method, path.replace("{", "").replace("}", ""), headers=headers)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.route)
def test_every_endpoint_asks_for_its_scope(behind_keys, endpoint):
    client, keys = behind_keys
    if endpoint.scope is None:
        assert call(client, endpoint).status_code not in (401, 403)
        return
    assert call(client, endpoint).status_code == 401
    assert call(client, endpoint, "frd_wrong").status_code == 401
    for scope, key in keys.items():
        assert (call(client, endpoint, key).status_code == 403) == (scope != endpoint.scope)


@pytest.mark.parametrize(
    "path",
    ["/predict/", "//predict", "/./predict", "/PREDICT", "/v1/decisions/", "/docs/../predict"],
)
def test_another_spelling_of_a_path_is_no_way_around(behind_keys, path, transactions):
    client, _ = behind_keys
    assert client.post(path, json=transactions[0]).status_code in (401, 404, 405)


def test_bearer_and_header_are_the_same_key(behind_keys, transactions):
    client, keys = behind_keys
    for headers in ({"X-API-Key": keys["score"]}, {"Authorization": f"Bearer {keys['score']}"}):
        assert client.post("/predict", json=transactions[0], headers=headers).status_code == 200
    refused = client.post(
        "/predict", json=transactions[0], headers={"Authorization": f"Basic {keys['score']}"}
    )
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


def test_caller_that_asks_too_often_is_told_to_wait(environment, tmp_path, transactions):
    settings, keys = guarded(
        environment, tmp_path, FRAUD_REQUESTS_PER_SECOND="4", FRAUD_WORKERS="2"
    )
    with TestClient(create_app(settings)) as client:
        answers = [client.get("/v1/policy", headers={"X-API-Key": keys["read"]}) for _ in range(6)]
        assert [answer.status_code for answer in answers].count(429) >= 3
        assert answers[-1].headers["retry-after"] == "1"
        other = client.post("/predict", json=transactions[0], headers={"X-API-Key": keys["score"]})
        assert other.status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'[{"name": "a"}]',
        b'[{"name": "a b", "scopes": ["score"], "sha256": "' + b"0" * 64 + b'"}]',
        b'[{"name": "a", "scopes": ["root"], "sha256": "' + b"0" * 64 + b'"}]',
    ],
)
def test_malformed_keys_are_one_clear_error_that_repeats_nothing(content):
    with pytest.raises(ParameterError, match="FRAUD_KEYS_FILE: expected") as refused:
        read_keys(content, "FRAUD_KEYS_FILE")
    assert "000" not in str(refused.value)


def test_service_without_keys_does_not_start(environment):
    closed = {name: value for name, value in environment.items() if name != "FRAUD_ACCESS"}
    with pytest.raises(ParameterError, match="FRAUD_KEYS_FILE: expected a file of API keys"):
        read_settings(closed)
    with pytest.raises(ParameterError, match="FRAUD_ACCESS: expected one of"):
        read_settings(closed | {"FRAUD_ACCESS": "none"})


def test_command_prints_a_key_once_and_an_entry_that_knows_it(capsys):
    assert main(["till", "score", "read"]) == 0
    printed = capsys.readouterr()
    (entry,) = read_keys(printed.out.encode(), "keys")
    key = printed.err.split()[-1]
    assert key not in printed.out
    assert entry.scopes == ("score", "read")
    assert main(["till", "everything"]) == 2
