import pytest

from serve.http.gateway import Routes

ROUTES = Routes({"GET /v1/a": "read", "GET /v1/{id}": None, "POST /v1/{id}/b": "score"})


def test_get_and_unknown_paths_are_problems(client):
    refused_method = client.get("/predict")
    assert refused_method.status_code == 405
    assert "POST" in refused_method.headers["allow"]
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "label"),
    [
        ("GET", "/v1/a", "GET /v1/a"),
        ("GET", "/v1/other", "GET /v1/{id}"),
        ("GET", "/v1/", None),
        ("GET", "/v1/x/b", None),
        ("POST", "/v1/x/b", "POST /v1/{id}/b"),
        ("POST", "/v1/x/b/", None),
        ("POST", "/v1/a", None),
        ("get", "/v1/a", None),
    ],
)
def test_route_of_a_request(method, path, label):
    route = ROUTES.find(method, path)
    assert (route.label if route else None) == label


def test_methods_and_labels_of_the_table():
    assert ROUTES.allowed("/v1/x/b") == ["POST"]
    assert ROUTES.allowed("/v1/a") == ["GET"]
    assert ROUTES.allowed("/v2") == []
    assert sorted(ROUTES.labels) == ["GET /v1/a", "GET /v1/{id}", "POST /v1/{id}/b"]


def test_every_answer_has_its_security_headers(client):
    for path in ("/predict", "/health/live", "/nothing", "/v1/model", "/docs"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
