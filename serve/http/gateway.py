"""The gateway of the service: every request passes it once, on the way in and on the way out.

In: a known route, a caller with its scope, within its rate. Out: security headers, a count of route
and status, and a span where the request is sampled. What is not a known route ends here, and a
route that must be fast is answered from here: finding its handler a second time costs as much as
the model.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple, cast

from litestar.types import ASGIApp, Message, Receive, Scope as AsgiScope, Send

from serve.auth.api_keys import Access, Caller, Scope
from serve.http.asgi import RequestScope, reply_problem
from serve.http.rate_limit import RateLimit
from serve.http.transaction import Problem
from serve.telemetry.counters import Counters
from serve.telemetry.spans import Telemetry

CLIENT_CLOSED = 499  # no answer was started: the client went away
SERVER_ERROR = Problem(
    "Server error", 500, "server_error", "the request could not be answered; it was logged"
)
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
# The documentation page is made of its own scripts, styles and images, some of them inline.
PAGE_HEADERS = [
    *SECURITY_HEADERS[:4],
    (
        b"content-security-policy",
        b"default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'self' "
        b"'unsafe-inline'; "
        b"script-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    ),
]
UNKNOWN = "other", SECURITY_HEADERS
Refusal = Callable[[Send], Awaitable[None]]


class Route(NamedTuple):
    """A route that is known: its label, the scope that a caller needs (None lets
    everybody in), and whether its answer is the documentation page or a part of it.
    """

    label: str
    scope: Scope | None
    page: bool


class Routes:
    """Which methods and paths there are.

    Parameters
    ----------
    table
        Scope by ``METHOD /path``; a path that ends in ``{name}`` stands for one more part of any
        content.

    Examples
    --------
    >>> routes = Routes({"GET /v1/decisions/{id}": "read", "POST /predict": "score"})
    >>> (
    ...     routes.find("GET", "/v1/decisions/7").label,
    ...     routes.find("GET", "/predict"),
    ...     routes.allowed("/predict"),
    ... )
    ('GET /v1/decisions/{id}', None, ['POST'])
    """

    def __init__(self, table: dict[str, Scope | None]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, tuple[str, ...]], Route] = {}
        for label, scope in table.items():
            method, path = label.split(" ")
            route = Route(label, scope, path.startswith(("/docs", "/assets/")))
            if "{" in path:
                self._patterns[method, tuple(path.split("/"))] = route
            else:
                self._exact[method, path] = route

    @property
    def labels(self) -> list[str]:
        """Each label once."""
        return list(
            dict.fromkeys(
                route.label for route in [*self._exact.values(), *self._patterns.values()]
            )
        )

    def find(self, method: str, path: str) -> Route | None:
        """The route of a request, or None."""
        return self._exact.get((method, path)) or self._pattern(method, path)

    def allowed(self, path: str) -> list[str]:
        """The methods of a path."""
        methods = ("GET", "POST")
        return [method for method in methods if self.find(method, path)]

    def _pattern(self, method: str, path: str) -> Route | None:
        parts = path.split("/")
        for (known, pattern), route in self._patterns.items():
            if (
                known == method
                and len(pattern) == len(parts)
                and all(
                    part if wanted[:1] == "{" else wanted == part
                    for wanted, part in zip(pattern, parts, strict=True)
                )
            ):
                return route
        return None


@dataclass(frozen=True)
class Admission:
    """Who is let in: to which routes, known by what, and how often."""

    routes: Routes
    access: Access
    limit: RateLimit

    def refusal(self, route: Route | None, path: str, caller: Caller | None) -> Refusal | None:
        """What to answer instead of letting the request in; None lets it in."""
        if route is None:
            return self._unknown(path)
        if route.scope is None:
            return None
        if caller is None:
            problem = Problem(
                "Not authenticated", 401, "not_authenticated", "send a valid key or token"
            )
            return lambda send: reply_problem(send, problem, [(b"www-authenticate", b"Bearer")])
        if route.scope not in caller.scopes:
            problem = Problem(
                "Not allowed", 403, "not_allowed", f"the caller lacks the scope {route.scope}"
            )
            return lambda send: reply_problem(send, problem)
        if not self.limit.allows(caller.name):
            problem = Problem(
                "Too many requests", 429, "rate_limited", "wait a moment and send fewer requests"
            )
            return lambda send: reply_problem(send, problem, [(b"retry-after", b"1")])
        return None

    def _unknown(self, path: str) -> Refusal:
        allowed = self.routes.allowed(path)
        if allowed:
            problem = Problem(
                "Method not allowed", 405, "method_not_allowed", "the endpoints are listed at /docs"
            )
            return lambda send: reply_problem(
                send, problem, [(b"allow", ", ".join(allowed).encode())]
            )
        problem = Problem(
            "Not found", 404, "not_found", "Not found; the endpoints are listed at /docs"
        )
        return lambda send: reply_problem(send, problem)


class Gateway:
    """An ASGI application around the service.

    Parameters
    ----------
    app
        What answers the known routes.
    direct
        Handlers of `app`, by the label of their route, that are called without going through it.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        counters: Counters,
        telemetry: Telemetry | None,
        direct: Mapping[str, ASGIApp],
    ) -> None:
        self._app, self._admission, self._direct = app, admission, direct
        self._counters, self._telemetry = counters, telemetry

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), CLIENT_CLOSED
        # Litestar's type of the scope knows nothing of what is added to it here
        request = cast(RequestScope, scope)
        route = self._admission.routes.find(request["method"], request["path"])
        headers = request["headers_by_name"] = dict(request["headers"])
        label, added = (
            (route.label, PAGE_HEADERS if route.page else SECURITY_HEADERS) if route else UNKNOWN
        )

        async def outward(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        span = request["span"] = (
            self._telemetry.request_span(label, headers) if self._telemetry else None
        )
        try:
            caller = request["caller"] = (
                self._admission.access.caller(headers) if route and route.scope else None
            )
            refusal = self._admission.refusal(route, request["path"], caller)
            if refusal:
                await refusal(outward)
            else:
                await self._direct.get(label, self._app)(request, receive, outward)
        except Exception as error:
            # what the router does for its routes: a defect is logged, and answered as long as
            # nothing was sent
            logging.getLogger(__name__).error("unexpected error on %s", label, exc_info=error)
            if status != CLIENT_CLOSED:
                raise
            await reply_problem(outward, SERVER_ERROR)
        finally:
            self._counters.request(label, status, perf_counter() - started)
            if span and self._telemetry:
                self._telemetry.end(span, request["method"], label, status)
