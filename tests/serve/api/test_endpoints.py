"""The table of endpoints against the service that answers."""

import msgspec
import pytest

from serve.api.endpoints import ENDPOINTS
from serve.auth.api_keys import SCOPES
from tests.serve.requests import decide

READ = [
    endpoint
    for endpoint in ENDPOINTS
    if endpoint.shown and endpoint.route.startswith("GET ") and "{" not in endpoint.route
]


@pytest.mark.parametrize("endpoint", READ, ids=lambda endpoint: endpoint.route)
def test_answer_is_of_the_type_and_has_the_fields_that_the_table_says(client, endpoint):
    answer = client.get(endpoint.route.split(" ")[1])
    assert answer.status_code == endpoint.status
    msgspec.json.decode(answer.content, type=endpoint.answer)
    fields = msgspec.structs.fields(endpoint.answer)
    required = {field.name for field in fields if field.required}
    assert required <= set(answer.json()) <= {field.name for field in fields}


def test_page_of_decisions_is_of_its_type(client, decision):
    made = decide(client, decision)
    (page,) = [endpoint.answer for endpoint in READ if endpoint.route == "GET /v1/decisions"]
    listed = msgspec.json.decode(client.get("/v1/decisions").content, type=page)
    assert [one.decision_id for one in listed.decisions] == [made["decision_id"]]


def test_every_route_stands_once_and_what_is_shown_is_described():
    routes = [endpoint.route for endpoint in ENDPOINTS]
    assert len(routes) == len(set(routes))
    for endpoint in ENDPOINTS:
        assert endpoint.scope is None or endpoint.scope in SCOPES
        if endpoint.shown:
            assert endpoint.summary
            assert endpoint.tag
            assert endpoint.answer is not None


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if e.body is not None], ids=lambda endpoint: endpoint.route
)
def test_body_that_is_no_json_is_refused_with_a_status_that_the_table_names(client, endpoint):
    path = endpoint.route.split(" ")[1].replace("{name}", "champion")
    version = client.get("/v1/model").json()["model_version"]
    answer = client.post(
        path.replace("{version}", version),
        content=b"{",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in endpoint.problems
