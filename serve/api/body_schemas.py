"""Schemas of the bodies that the contract of the model makes: transactions and what holds them."""

from typing import Any

import msgspec

from fraud_core.bundle.schema import Contract
from serve.features.entities import NamedEntities
from serve.http.fields import YEARS
from serve.http.transaction import transaction_schema


def body_schemas(contract: Contract) -> dict[str, dict[str, Any]]:
    """Schemas by the names that the table of endpoints uses."""
    transaction = transaction_schema(contract)
    example = transaction.pop("example")
    request = _request(transaction, contract)
    example_request = {
        "transaction_id": "t-1",
        "occurred_at": "2026-01-31T12:00:00Z",
        "features": example,
    }
    item = {
        "type": "object",
        "properties": {
            "request": request,
            "idempotency_key": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
        },
        "required": ["request"],
        "additionalProperties": False,
    }
    batch = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item, "minItems": 1, "maxItems": 100}},
        "required": ["items"],
        "additionalProperties": False,
    }
    return {
        "transaction": transaction | {"examples": [example]},
        "decision": request | {"examples": [example_request]},
        "batch": batch | {"examples": [{"items": [{"request": example_request}]}]},
        "inference": _inference(transaction, contract),
        "invocation": _invocation(transaction, contract),
    }


def _request(transaction: dict[str, Any], contract: Contract) -> dict[str, Any]:
    """Schema of a decision request; a model of customers and
    terminals takes their names instead of features.
    """
    name = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}
    schema = {
        "type": "object",
        "properties": {
            "transaction_id": name,
            "occurred_at": {"type": "string", "format": "date-time", "pattern": YEARS},
            "features": transaction,
            "policy": name,
        },
        "required": ["transaction_id", "occurred_at"],
        "additionalProperties": False,
    }
    if contract.entities is None:
        return schema | {"required": [*schema["required"], "features"]}
    schema["properties"]["entities"] = msgspec.json.schema(NamedEntities)["$defs"]["NamedEntities"]
    return schema | {"oneOf": [{"required": ["features"]}, {"required": ["entities"]}]}


def _inference(transaction: dict[str, Any], contract: Contract) -> dict[str, Any]:
    """A request of the Open Inference Protocol, with
    one row; more rows make longer shapes and data.
    """

    def tensor(name: str) -> dict[str, Any]:
        data = {
            "type": "array",
            "items": transaction["properties"][name],
            "minItems": 1,
            "maxItems": 1,
        }
        parts = {
            "name": {"const": name},
            "shape": {"const": [1]},
            "datatype": {"const": "FP64"},
            "data": data,
        }
        return {
            "type": "object",
            "properties": parts,
            "required": list(parts),
            "additionalProperties": False,
        }

    tensors = [tensor(name) for name in contract.model_features]
    inputs = {
        "type": "array",
        "prefixItems": tensors,
        "minItems": len(tensors),
        "maxItems": len(tensors),
    }
    return {
        "type": "object",
        "properties": {"inputs": inputs},
        "required": ["inputs"],
        "additionalProperties": False,
        "description": "One input for each feature, with the shape [rows]; the schema shows one "
        "row.",
    }


def _invocation(transaction: dict[str, Any], contract: Contract) -> dict[str, Any]:
    """A request of MLflow's scoring server as records."""
    properties = {name: transaction["properties"][name] for name in contract.model_features}
    row = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    records = {"type": "array", "items": row, "minItems": 1, "maxItems": 100}
    return {
        "type": "object",
        "properties": {"dataframe_records": records},
        "required": ["dataframe_records"],
        "additionalProperties": False,
        "description": "As records; dataframe_split, instances and inputs are taken too, as "
        "MLflow has them.",
    }
