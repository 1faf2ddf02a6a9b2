"""Keys that were sent twice, of which a decoder takes the last without a word.

Decoding JSON a second time to find them costs more than the model. Counting quotation marks does
not: a struct says how many a body of it holds, and a key that was sent twice adds its own.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect

MARK = b'"'
KEY_MARKS, TEXT_MARKS = 2, 2
NO_TEXTS = (inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.NoneType, inspect.RawType)
encode = msgspec.json.Encoder().encode


def repeated_key_detector(kind: type[msgspec.Struct]) -> Callable[[bytes, Any], bool]:
    """A function of a body and of the struct that was
    decoded from it: whether the body holds a key twice.

    Where every field is required the number of marks is known beforehand; else it is that of the
    struct written again, so that a default that was sent counts as a key too many. Raw JSON is
    written as it came and not looked into.

    Parameters
    ----------
    kind
        A struct without unknown fields, of numbers, times, texts whose pattern has no quotation
        mark, and raw JSON; one with fields that may be left out leaves out defaults when it is
        written.

    Raises
    ------
    TypeError
        When the marks of a body cannot be told from the struct.

    Examples
    --------
    >>> class Payment(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    ...     amount_eur: float
    ...     details: msgspec.Raw = msgspec.Raw()
    >>> repeats_a_key = repeated_key_detector(Payment)
    >>> bodies = (
    ...     b'{"amount_eur": 1.0, "details": {"a": "b"}}',
    ...     b'{"amount_eur": 1.0, "amount_eur": 2.0}',
    ... )
    >>> [repeats_a_key(body, msgspec.json.decode(body, type=Payment)) for body in bodies]
    [False, True]
    """
    described, settings = inspect.type_info(kind), kind.__struct_config__
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{kind.__name__}: expected a struct")
    fields = described.fields
    marks = sum(_marks(field) for field in fields)
    if not settings.forbid_unknown_fields:
        raise TypeError(f"{kind.__name__}: expected a struct that forbids unknown fields")
    if all(field.required for field in fields) and not any(
        isinstance(f.type, inspect.RawType) for f in fields
    ):
        return lambda body, sent: body.count(MARK) != marks
    if not settings.omit_defaults:
        raise TypeError(f"{kind.__name__}: expected a struct that leaves out defaults")
    return lambda body, sent: body.count(MARK) != encode(sent).count(MARK)


def _marks(field: inspect.Field) -> int:
    """Quotation marks of a field that was sent: those
    of its key, and of its value where that is a text.
    """
    kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    kinds = [kind.type if isinstance(kind, inspect.Metadata) else kind for kind in kinds]
    if all(isinstance(kind, NO_TEXTS) for kind in kinds):
        return KEY_MARKS
    if all(
        _is_plain_text(kind)
        for kind in kinds
        if field.required or not isinstance(kind, inspect.NoneType)
    ):
        return KEY_MARKS + TEXT_MARKS
    raise TypeError(f"{field.name}: the quotation marks of this type cannot be counted")


def _is_plain_text(kind: inspect.Type) -> bool:
    """Whether a value of this type is a text without quotation marks in it."""
    if isinstance(kind, inspect.StrType):
        return kind.pattern is not None and not re.search(kind.pattern, MARK.decode())
    return isinstance(kind, inspect.DateTimeType)
