"""The OpenAPI document, from the table of endpoints and the types that travel."""

from typing import Any

import msgspec

from fraud_core import __version__
from fraud_core.model.bundle_parts import Contract
from serve.asked import YEARS
from serve.endpoints import ENDPOINTS, Endpoint
from serve.entities import NamedEntities
from serve.problems import MEANINGS
from serve.wire import Problem, transaction_schema

REFERENCE = "#/components/schemas/{name}"
ALWAYS_PROBLEMS = (401, 403, 429)


def openapi_document(contract: Contract) -> dict[str, Any]:
    """The document for the contract of the model that serves.

    Examples
    --------
    >>> from fraud_core.model.bundle_parts import Field
    >>> contract = Contract("t", (Field("Amount", "float", 0.0, None),), ("Amount",), "Amount")
    >>> "/v1/decisions" in openapi_document(contract)["paths"]
    True
    """
    shown = [endpoint for endpoint in ENDPOINTS if endpoint.shown]
    types = [t for e in shown for t in (e.body, e.answer) if t is not None and not isinstance(t, str)]
    query_types = [query.kind for e in shown for query in e.query]
    schemas, components = msgspec.json.schema_components([*types, *query_types, Problem], ref_template=REFERENCE)
    known = {repr(kind): schema for kind, schema in zip([*types, *query_types], schemas, strict=False)}
    bodies = _bodies(contract)
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


def _bodies(contract: Contract) -> dict[str, dict]:
    """Schemas of the bodies that hold a transaction."""
    transaction = transaction_schema(contract)
    example = transaction.pop("example")
    request = _request(transaction, contract)
    asked = {"transaction_id": "t-1", "occurred_at": "2026-01-31T12:00:00Z", "features": example}
    item = {
        "type": "object",
        "properties": {
            "request": request, "idempotency_key": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
        },
        "required": ["request"], "additionalProperties": False,
    }  # fmt: skip
    batch = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item, "minItems": 1, "maxItems": 100}},
        "required": ["items"], "additionalProperties": False,
    }  # fmt: skip
    return {
        "transaction": transaction | {"examples": [example]},
        "decision": request | {"examples": [asked]},
        "batch": batch | {"examples": [{"items": [{"request": asked}]}]},
    }


def _request(transaction: dict[str, Any], contract: Contract) -> dict[str, Any]:
    """Schema of a decision request; a model of customers and terminals takes their names in the place of features."""
    name = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}
    schema = {
        "type": "object",
        "properties": {
            "transaction_id": name, "occurred_at": {"type": "string", "format": "date-time", "pattern": YEARS},
            "features": transaction, "policy": name,
        },
        "required": ["transaction_id", "occurred_at"],
        "additionalProperties": False,
    }  # fmt: skip
    if contract.entities is None:
        return schema | {"required": [*schema["required"], "features"]}
    schema["properties"]["entities"] = msgspec.json.schema(NamedEntities)["$defs"]["NamedEntities"]
    return schema | {"oneOf": [{"required": ["features"]}, {"required": ["entities"]}]}


def _operation(endpoint: Endpoint, path: str, known: dict[str, Any], bodies: dict[str, dict]) -> dict[str, Any]:
    answers = {str(endpoint.status): {"description": endpoint.summary, "content": _json(known[repr(endpoint.answer)])}}
    problems = endpoint.problems + (ALWAYS_PROBLEMS if endpoint.scope else ())
    for status in sorted({*problems, *((400,) if endpoint.query and endpoint.body is None else ())}):
        schema = {"$ref": REFERENCE.format(name="Problem")}
        answers[str(status)] = {
            "description": MEANINGS[status], "content": {"application/problem+json": {"schema": schema}},
        }  # fmt: skip
    operation: dict[str, Any] = {"tags": [endpoint.tag], "summary": endpoint.summary, "responses": answers}
    if endpoint.scope:
        operation["security"] = [{"bearer": []}, {"key": []}]
        operation["description"] = f"Needs the scope `{endpoint.scope}`."
    parameters = _parameters(endpoint, path, known)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        schema = bodies[endpoint.body] if isinstance(endpoint.body, str) else known[repr(endpoint.body)]
        operation["requestBody"] = {"required": True, "content": _json(schema)}
    return operation


def _parameters(endpoint: Endpoint, path: str, known: dict[str, Any]) -> list[dict[str, Any]]:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    found = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named]
    found += [
        {"name": query.name, "in": "query", "required": False, "description": query.text,
         "schema": known[repr(query.kind)]}
        for query in endpoint.query
    ]  # fmt: skip
    if endpoint.idempotent:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema})
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
