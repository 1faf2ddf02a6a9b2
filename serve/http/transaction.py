"""Transactions in named fields as they are sent, and the problem of one that cannot be read."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import itemgetter
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from msgspec.structs import astuple

from fraud_core.bundle.schema import Contract, Field
from serve.http.repeated_keys import repeated_key_detector

PYTHON_TYPES = {"float": float, "int": int, "string": str}
UNKNOWN, MISSING = "Object contains unknown field `", "Object missing required field `"
PATH = re.compile(r" - at `\$\.([^`]+)`$")
BYTE = re.compile(r"\(byte (\d+)\)$")
# Strings of a JSON text, whole or cut off at its end; the second group marks a key. It never looks
# at a byte twice.
STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)(?:"(\s*+:)?|$)', re.DOTALL)
UNDEFINED = re.compile(rb"-?(NaN|Inf)", re.IGNORECASE)
LONGEST_NAME = 64
EXAMPLE_VALUE = 0.0
Decoded = TypeVar("Decoded")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as RFC 9457 has it, with a stable code and the field concerned."""

    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    type: str = "about:blank"


class InvalidTransaction(Exception):
    """A request body that is not a transaction; carries the problem to answer with."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


@dataclass(frozen=True)
class TransactionReader:
    """Reads request bodies for one contract.

    Attributes
    ----------
    decode
        Refuses missing, unknown, mistyped and out-of-range fields.
    model_values
        Picks the model's features, in its order, out of the values of all fields.
    amount
        Place of the amount among the fields.
    repeats_a_key
        Finds a body that holds a field twice.
    """

    decode: Callable[[bytes], msgspec.Struct]
    model_values: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    amount: int
    repeats_a_key: Callable[[bytes, msgspec.Struct], bool]

    def read(self, body: bytes) -> tuple[np.ndarray, float]:
        """The model's features of one transaction, shape (n_features,), and its amount in euros.

        Raises
        ------
        InvalidTransaction
            Naming the field; nothing is ever filled in.
        """
        sent = decode_body(self.decode, body)
        if self.repeats_a_key(body, sent):
            raise InvalidTransaction(_duplicate(body))
        values = astuple(sent)
        # null becomes NaN, which the model knows as "nothing is known"; only a nullable field
        # decodes it
        return np.array(self.model_values(values), dtype=np.float64), values[self.amount]


def transaction_reader(contract: Contract) -> TransactionReader:
    """A reader for the fields of a contract."""
    fields = [
        (f"field_{k}", _annotation(field), msgspec.field(name=field.name))
        for k, field in enumerate(contract.fields)
    ]
    struct = msgspec.defstruct("Transaction", fields, forbid_unknown_fields=True, frozen=True)
    names = [field.name for field in contract.fields]
    picked = itemgetter(*(names.index(name) for name in contract.model_features))
    # itemgetter gives a bare value when it picks one
    model_values: Callable[[tuple[Any, ...]], tuple[Any, ...]] = (
        picked if len(contract.model_features) > 1 else lambda values: (picked(values),)
    )
    amount = names.index(contract.amount)
    return TransactionReader(
        msgspec.json.Decoder(struct).decode, model_values, amount, repeated_key_detector(struct)
    )


def row_type(contract: Contract) -> type[msgspec.Struct]:
    """The model's features as a struct; the fields of a
    request that the model does not see may be there or not.

    Examples
    --------
    >>> from fraud_core.bundle.schema import Field
    >>> contract = Contract("t", (Field("Amount", "float", 0.0, None),), ("Amount",), "Amount")
    >>> msgspec.convert({"Amount": 2}, row_type(contract)).Amount
    2.0
    """
    seen = [
        (field.name, _annotation(field))
        for field in contract.fields
        if field.name in contract.model_features
    ]
    others = [
        (field.name, _annotation(field, msgspec.UnsetType), msgspec.UNSET)
        for field in contract.fields
        if field.name not in contract.model_features
    ]
    return msgspec.defstruct("Row", [*seen, *others], forbid_unknown_fields=True, frozen=True)


def _annotation(field: Field, *others: type) -> object:
    """What msgspec takes as the type of a field's values, or of what may stand in their place."""
    kind, low, high = PYTHON_TYPES[field.type], field.min, field.max
    if kind is int:  # a contract holds limits as floats, which msgspec refuses for whole numbers
        low = None if low is None else math.ceil(low)
        high = None if high is None else math.floor(high)
    kinds: list[Any] = [Annotated[kind, msgspec.Meta(ge=low, le=high)]]
    if field.nullable:
        kinds.append(None)
    return reduce(lambda some, other: some | other, [*kinds, *others])


def decode_body(decode: Callable[[bytes], Decoded], body: bytes) -> Decoded:
    """What a body holds.

    Parameters
    ----------
    decode
        Of a decoder of msgspec.

    Raises
    ------
    InvalidTransaction
        Naming the field, or the place where the body stops being JSON.
    """
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidTransaction(explain(error, body)) from error


def explain(error: Exception, body: bytes) -> Problem:
    """The problem to answer with when a body could not be decoded."""
    if isinstance(error, msgspec.ValidationError):
        return _problem(str(error))
    if isinstance(error, UnicodeDecodeError):
        return _malformed("it is not UTF-8", body, _valid_bytes(body))
    if isinstance(error, RecursionError):
        return _malformed("it is nested too deeply", body, None)
    place = BYTE.search(str(error))
    return _malformed(_reason(error), body, int(place[1]) if place else None)


def _problem(message: str) -> Problem:
    """A problem from msgspec's message, which names the field and never the value."""
    if message.startswith(UNKNOWN):
        field = _shown(message[len(UNKNOWN) : -1])
        return Problem(
            "Not a transaction",
            400,
            "unknown_field",
            f"{field}: no such field in a transaction",
            field,
        )
    if message.startswith(MISSING):
        field = message[len(MISSING) : -1]
        return Problem(
            "Not a transaction", 400, "missing_field", f"{field}: the field is required", field
        )
    path = PATH.search(message)
    if not path:
        return Problem(
            "Not a transaction",
            400,
            "invalid_body",
            f"{message}; send one JSON object of named fields",
        )
    detail = message[: path.start()]
    return Problem(
        "Not a transaction",
        400,
        "invalid_field",
        f"{path[1]}: {detail[:1].lower() + detail[1:]}",
        path[1],
    )


def _malformed(reason: str, body: bytes, byte: int | None) -> Problem:
    """A problem for a body that is no JSON, with the
    field before the broken byte where there is one.
    """
    before = body if byte is None else body[:byte]
    keys = [match[1] for match in STRING.finditer(before) if match[2]]
    field = _shown(keys[-1].decode("utf-8", "replace")) if keys else None
    undefined = byte is not None and any(
        UNDEFINED.match(body, max(0, at)) for at in (byte - 1, byte)
    )
    hint = (
        "NaN and infinities are not JSON numbers"
        if undefined
        else "send one JSON object of named fields"
    )
    place = f"{field}: " if field else ""
    return Problem(
        "Not JSON",
        400,
        "malformed_json",
        f"{place}the body is not valid JSON ({reason}); {hint}",
        field,
    )


def _valid_bytes(body: bytes) -> int:
    """How many leading bytes of a body are UTF-8."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(body)


def _reason(error: Exception) -> str:
    return BYTE.sub("", str(error)).split(": ")[-1].strip().lower()


def _duplicate(body: bytes) -> Problem:
    names = [json.loads(b'"' + match[1] + b'"') for match in STRING.finditer(body) if match[2]]
    field = next(name for name in names if names.count(name) > 1)
    return Problem(
        "Not a transaction",
        400,
        "duplicate_field",
        f"{field}: the field was sent more than once",
        field,
    )


def _shown(name: str) -> str:
    """A name that a client sent, short and without control characters."""
    return "".join(c if c.isprintable() else "?" for c in name[:LONGEST_NAME])


def transaction_schema(contract: Contract) -> dict[str, Any]:
    """The JSON schema of a transaction, for the OpenAPI document."""
    names = {"float": "number", "int": "integer", "string": "string"}
    properties = {
        field.name: {"type": [names[field.type], "null"] if field.nullable else names[field.type]}
        | ({"minimum": field.min} if field.min is not None else {})
        | ({"maximum": field.max} if field.max is not None else {})
        for field in contract.fields
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "example": {field.name: EXAMPLE_VALUE for field in contract.fields},
    }
