"""Every answer that is an error: `application/problem+json` with a stable code, never a value, a schema or a trace."""

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec

from serve.wire import InvalidTransaction, Problem

PROBLEM = "application/problem+json"


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """A problem as a response."""
    return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=headers)


def problem_entry(description: str) -> ResponseSpec:
    """The OpenAPI entry of an answer that is a problem."""
    return ResponseSpec(Problem, description=description, media_type=PROBLEM, generate_examples=False)


def problem_entries(*statuses: int) -> dict[int, ResponseSpec]:
    """The OpenAPI entries of the problems that an endpoint may answer with.

    Examples
    --------
    >>> sorted(problem_entries(400, 413))
    [400, 413]
    """
    return {status: problem_entry(MEANINGS[status]) for status in statuses}


MEANINGS = {
    400: "The request is malformed; the field is named",
    408: "The body took too long",
    413: "The body is too large",
    415: "The body is not said to be plain JSON",
}


def _invalid(request: Request, error: InvalidTransaction) -> Response[Problem]:
    return answer(error.problem)


def _http_error(request: Request, error: HTTPException) -> Response[Problem]:
    if error.status_code >= 500:
        return _server_error(request, error)
    code, title = {
        404: ("not_found", "Not found"),
        405: ("method_not_allowed", "Method not allowed"),
        413: ("body_too_large", "Body too large"),
    }.get(error.status_code, ("refused", "Request refused"))
    headers = {"Allow": allowed_methods(request)} if error.status_code == 405 else None
    return answer(Problem(title, error.status_code, code, f"{title}; the endpoints are listed at /docs"), headers)


def allowed_methods(request: Request) -> str:
    """The methods of the path of a request, for the Allow header."""
    path = request.url.path.rstrip("/") or "/"
    for route in request.app.routes:
        if _matches(route.path_components, path.strip("/").split("/")):
            return ", ".join(sorted(getattr(route, "methods", ()))) or "POST"
    return "GET, OPTIONS"


def _matches(components: list, parts: list[str]) -> bool:
    return len(components) == len(parts) and all(
        not isinstance(component, str) or component == part for component, part in zip(components, parts, strict=True)
    )


def _server_error(request: Request, error: Exception) -> Response[Problem]:
    request.logger.error("unexpected error on %s %r", request.method, request.url.path, exc_info=error)
    return answer(Problem("Server error", 500, "server_error", "the request could not be answered; it was logged"))


HANDLERS: dict[Any, Any] = {
    InvalidTransaction: _invalid,
    HTTPException: _http_error,
    Exception: _server_error,
}
