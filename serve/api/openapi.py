"""The OpenAPI document, from the table of endpoints and the types that travel."""

from typing import Any

import msgspec

from fraud_core import __version__
from fraud_core.bundle.schema import Contract
from serve.api.body_schemas import body_schemas
from serve.api.endpoints import ENDPOINTS, Endpoint
from serve.api.open_inference import MODEL
from serve.http.problems import MEANINGS
from serve.http.transaction import Problem

REFERENCE = "#/components/schemas/{name}"
TEXT = {"type": "string"}
PATH_PARTS = {"name": TEXT | {"enum": [MODEL]}}
ALWAYS_PROBLEMS = (401, 403, 429)


def openapi_document(contract: Contract) -> dict[str, Any]:
    """The document for the contract of the model that serves.

    Examples
    --------
    >>> from fraud_core.bundle.schema import Field
    >>> contract = Contract("t", (Field("Amount", "float", 0.0, None),), ("Amount",), "Amount")
    >>> "/v1/decisions" in openapi_document(contract)["paths"]
    True
    """
    shown = [endpoint for endpoint in ENDPOINTS if endpoint.shown]
    types = [
        t for e in shown for t in (e.body, e.answer) if t is not None and not isinstance(t, str)
    ]
    query_types = [query.kind for e in shown for query in e.query]
    schemas, components = msgspec.json.schema_components(
        [*types, *query_types, Problem], ref_template=REFERENCE
    )
    known = {
        repr(kind): schema for kind, schema in zip([*types, *query_types], schemas, strict=False)
    }
    bodies = body_schemas(contract)
    paths: dict[str, dict] = {}
    for endpoint in shown:
        method, path = endpoint.route.split(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(endpoint, path, known, bodies)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fraud decisions", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(
    endpoint: Endpoint, path: str, known: dict[str, Any], bodies: dict[str, dict]
) -> dict[str, Any]:
    answers = {
        str(endpoint.status): {
            "description": endpoint.summary,
            "content": _json(known[repr(endpoint.answer)]),
        }
    }
    problems = endpoint.problems + (ALWAYS_PROBLEMS if endpoint.scope else ())
    for status in sorted(
        {*problems, *((400,) if endpoint.query and endpoint.body is None else ())}
    ):
        schema = {"$ref": REFERENCE.format(name="Problem")}
        answers[str(status)] = {
            "description": MEANINGS[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
    operation: dict[str, Any] = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "responses": answers,
    }
    if endpoint.scope:
        operation["security"] = [{"bearer": []}, {"key": []}]
        operation["description"] = f"Needs the scope `{endpoint.scope}`."
    parameters = _parameters(endpoint, path, known)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        schema = (
            bodies[endpoint.body] if isinstance(endpoint.body, str) else known[repr(endpoint.body)]
        )
        operation["requestBody"] = {"required": True, "content": _json(schema)}
    return operation


def _parameters(endpoint: Endpoint, path: str, known: dict[str, Any]) -> list[dict[str, Any]]:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARTS.get(name, TEXT)}
        for name in named
    ]
    parameters += [
        {
            "name": query.name,
            "in": "query",
            "required": False,
            "description": query.text,
            "schema": known[repr(query.kind)],
        }
        for query in endpoint.query
    ]
    if endpoint.idempotent:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
        parameters.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}
        )
    return parameters


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
