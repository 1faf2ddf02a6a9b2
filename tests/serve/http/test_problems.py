import pytest
from litestar import Litestar, get
from litestar.exceptions import HTTPException
from litestar.testing import TestClient

from serve.api.endpoints import ENDPOINTS
from serve.http.problems import HANDLERS, MEANINGS, PROBLEM, answer
from serve.http.transaction import InvalidTransaction, Problem

REFUSED = Problem("Not a label", 409, "event_conflict", "event_id: it was used", "event_id")


def raising(error):
    """An application whose only route fails."""

    @get("/", sync_to_thread=False)
    def route() -> None:
        raise error

    return TestClient(Litestar([route], exception_handlers=HANDLERS), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidTransaction(REFUSED), 409, "event_conflict"),
        (HTTPException(status_code=404, detail="secret"), 404, "not_found"),
        (HTTPException(status_code=405, detail="secret"), 405, "refused"),
        (HTTPException(status_code=502, detail="secret"), 500, "server_error"),
        (RuntimeError("secret"), 500, "server_error"),
    ],
)
def test_every_error_is_a_problem_and_tells_nothing_of_its_cause(error, status, code):
    with raising(error) as client:
        found = client.get("/")
    assert (found.status_code, found.json()["code"]) == (status, code)
    assert found.headers["content-type"] == PROBLEM
    assert found.json()["status"] == status
    assert "secret" not in found.text


def test_problem_keeps_its_field_and_its_headers():
    response = answer(REFUSED, {"Retry-After": "1"})
    assert (response.status_code, response.headers["Retry-After"]) == (409, "1")
    assert response.content.field == "event_id"


def test_every_status_that_the_documentation_names_has_a_meaning():
    named = {status for endpoint in ENDPOINTS for status in endpoint.problems}
    assert named | {401, 403, 429} == set(MEANINGS)
    assert len(set(MEANINGS.values())) == len(MEANINGS)
