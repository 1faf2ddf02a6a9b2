"""Keys that were sent twice: found for every kind
of body that the service reads, and only there.
"""

import json
from typing import Annotated

import msgspec
import pytest
from hypothesis import given, strategies as st

from fraud_core.bundle.schema import Contract, Field
from serve.api.decision_request import DecisionRequest
from serve.features.entities import NamedEntities
from serve.http.fields import Name
from serve.http.repeated_keys import repeated_key_detector
from serve.http.transaction import transaction_reader
from tests.serve.requests import refused

VALUES = {
    "transaction_id": b'"t-1"',
    "occurred_at": b'"2026-01-31T12:00:00Z"',
    "features": b'{"a": "\\"", "b": null}',
    "entities": b'{"customer_id": "c"}',
    "policy": b'"p"',
    "customer_id": b'"c"',
    "terminal_id": b'"t"',
    "amount_eur": b"1.5",
}
CONTRACT = Contract(
    "t",
    (Field("a", "float", 0.0, None), Field("b", "int", None, None, nullable=True)),
    ("a", "b"),
    "a",
)
STRICT = {"forbid_unknown_fields": True, "omit_defaults": True}


def body(names):
    return b"{" + b", ".join(b'"%s" : %s' % (name.encode(), VALUES[name]) for name in names) + b"}"


@pytest.mark.parametrize("kind", [DecisionRequest, NamedEntities])
@given(data=st.data())
def test_fields_in_any_order_hold_no_repeated_key_and_one_more_of_any_is_found(kind, data):
    fields = msgspec.structs.fields(kind)
    optional = data.draw(
        st.sets(st.sampled_from([f.name for f in fields if not f.required] or ["none"]))
    )
    names = data.draw(st.permutations([f.name for f in fields if f.required or f.name in optional]))
    repeats_a_key, decode = repeated_key_detector(kind), msgspec.json.Decoder(kind).decode
    assert not repeats_a_key(body(names), decode(body(names)))
    again = data.draw(st.sampled_from(names))
    twice = body([*names, again])
    assert repeats_a_key(twice, decode(twice))


def test_transaction_of_numbers_and_null_is_read_and_a_repeated_field_found():
    reader = transaction_reader(CONTRACT)
    for sent, repeated in (
        (b'{"b":null,"a":1}', False),
        (b'{"a":1,"b":2,"a":1}', True),
        (b'{"a":1,"\\u0062":2}', False),
    ):
        assert reader.repeats_a_key(sent, reader.decode(sent)) is repeated


def test_default_that_was_sent_is_a_key_too_many():
    sent = body(["transaction_id", "occurred_at"])[:-1] + b', "policy": null}'
    assert repeated_key_detector(DecisionRequest)(
        sent, msgspec.json.decode(sent, type=DecisionRequest)
    )


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        (("free", str), STRICT),
        (("may_hold_marks", Annotated[str, msgspec.Meta(pattern="^.*$")]), STRICT),
        (("may_be_null", Name | None), STRICT),
        (("many", list[int]), STRICT),
        (("number", int), {}),
        (("left_out", int, 0), {"forbid_unknown_fields": True}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_struct_whose_marks_cannot_be_told_is_refused(field, settings):
    with pytest.raises(TypeError):
        repeated_key_detector(msgspec.defstruct("Kind", [field], **settings))


@pytest.mark.parametrize("name", ["Amount", r"\u0056\u0031"])
def test_field_that_is_sent_twice_is_refused(client, transactions, name):
    body = json.dumps(transactions[0])[:-1] + f', "{name}": 1.0}}'
    problem = refused(client, body.encode())
    assert (problem["code"], problem["field"]) == ("duplicate_field", json.loads(f'"{name}"'))
