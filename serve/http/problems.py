"""Every answer that is an error: `application/problem+json`
with a stable code, never a value, a schema or a trace.
"""

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from serve.http.gateway import SERVER_ERROR
from serve.http.transaction import InvalidTransaction, Problem

PROBLEM = "application/problem+json"
AnyRequest = Request[Any, Any, Any]


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """A problem as a response."""
    return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=headers)


MEANINGS = {
    400: "The request is malformed; the field is named",
    401: "The caller sent no valid key or token",
    403: "The caller lacks the scope",
    404: "There is no such record",
    408: "The body took too long",
    409: "It contradicts an earlier request, or relies on another policy",
    413: "The body is too large",
    415: "The body is not said to be plain JSON",
    429: "The caller asks too often",
    503: "The store cannot be reached; ask again after a moment",
}


def _invalid(request: AnyRequest, error: InvalidTransaction) -> Response[Problem]:
    return answer(error.problem)


def _http_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    if error.status_code >= 500:
        return _server_error(request, error)
    code, title = {404: ("not_found", "Not found")}.get(
        error.status_code, ("refused", "Request refused")
    )
    return answer(
        Problem(title, error.status_code, code, f"{title}; the endpoints are listed at /docs")
    )


def _server_error(request: AnyRequest, error: Exception) -> Response[Problem]:
    request.logger.error(
        "unexpected error on %s %r", request.method, request.url.path, exc_info=error
    )
    return answer(SERVER_ERROR)


HANDLERS: dict[Any, Any] = {
    InvalidTransaction: _invalid,
    HTTPException: _http_error,
    Exception: _server_error,
}
