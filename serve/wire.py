"""What goes over the wire: a transaction in named fields, a prediction, a problem."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np

from fraud_core.model.bundle import Contract

PYTHON_TYPES = {"float": float, "int": int, "string": str}
NAMED = re.compile(r"`\$\.(?P<path>[^`]+)`|field `(?P<field>[^`]+)`")
LAST_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:')
# The message of a problem never repeats the value that was sent.
EXAMPLE_VALUE = 0.0


class Prediction(msgspec.Struct, frozen=True):
    """The answer of /predict."""

    fraud_probability: float
    prediction: int
    threshold: float
    model_version: str


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
    decoder
        Refuses missing, unknown, mistyped and out-of-range fields.
    positions
        Indices of the model's features among the fields.
    """

    decoder: msgspec.json.Decoder
    positions: tuple[int, ...]

    def features(self, body: bytes) -> np.ndarray:
        """The model's features of one transaction, shape (1, n_features).

        Raises
        ------
        InvalidTransaction
            Naming the field; nothing is ever filled in.
        """
        try:
            values = msgspec.structs.astuple(self.decoder.decode(body))
        except msgspec.ValidationError as error:
            raise InvalidTransaction(_problem(str(error))) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidTransaction(_malformed(str(error), body)) from error
        return np.array([[values[k] for k in self.positions]])


def transaction_reader(contract: Contract) -> TransactionReader:
    """A reader for the fields of a contract."""
    fields = [
        (f"field_{k}", _annotation(field), msgspec.field(name=field.name)) for k, field in enumerate(contract.fields)
    ]
    struct = msgspec.defstruct("Transaction", fields, forbid_unknown_fields=True, frozen=True)
    names = [field.name for field in contract.fields]
    return TransactionReader(msgspec.json.Decoder(struct), tuple(names.index(name) for name in contract.model_features))


def _annotation(field) -> Any:
    limits = {key: value for key, value in (("ge", field.min), ("le", field.max)) if value is not None}
    return Annotated[PYTHON_TYPES[field.type], msgspec.Meta(**limits)]


def _problem(message: str) -> Problem:
    found = NAMED.search(message)
    field = (found["path"] or found["field"]) if found else None
    code = (
        "unknown_field" if "unknown field" in message else "missing_field" if "missing" in message else "invalid_field"
    )
    if field is None:
        return Problem("Not a transaction", 400, "invalid_body", f"{message}; send one JSON object of named fields")
    detail = message.split(" - at ")[0] if code == "invalid_field" else message
    return Problem("Not a transaction", 400, code, f"{field}: {detail[:1].lower() + detail[1:]}", field)


def _malformed(message: str, body: bytes) -> Problem:
    """A problem for a body that is no JSON, with the field before the broken byte where there is one."""
    place = re.search(r"byte (\d+)", message)
    before = body[: int(place[1])] if place else body
    keys = LAST_KEY.findall(before)
    field = keys[-1].decode("utf-8", "replace")[:64] if keys else None
    hint = "NaN and infinities are not JSON numbers" if field else "send one JSON object of named fields"
    detail = f"{f'{field}: ' if field else ''}the body is not valid JSON ({message.split(': ')[-1]}); {hint}"
    return Problem("Not JSON", 400, "malformed_json", detail, field)


def transaction_schema(contract: Contract) -> dict[str, Any]:
    """The JSON schema of a transaction, for the OpenAPI document."""
    names = {"float": "number", "int": "integer", "string": "string"}
    properties = {
        field.name: {"type": names[field.type]}
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
