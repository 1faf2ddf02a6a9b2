import json

import pytest

from fraud_core.bundle.schema import Contract, Field
from serve.http.transaction import InvalidTransaction, transaction_reader
from tests.serve.requests import refused

CONTRACT = Contract(
    "t",
    (Field("items", "int", 0.5, 9.5), Field("Amount", "float", 0.0, None)),
    ("items", "Amount"),
    "Amount",
)


@pytest.mark.parametrize("items", [1, 9])
def test_whole_number_within_its_limits_is_read(items):
    values, amount_eur = transaction_reader(CONTRACT).read(b'{"items":%d,"Amount":2.5}' % items)
    assert values.tolist() == [items, 2.5]
    assert amount_eur == 2.5


@pytest.mark.parametrize("items", [0, 10])
def test_whole_number_outside_its_limits_is_refused_by_name(items):
    with pytest.raises(InvalidTransaction) as refused:
        transaction_reader(CONTRACT).read(b'{"items":%d,"Amount":2.5}' % items)
    assert refused.value.problem.field == "items"


@pytest.mark.parametrize("body", [b"{", b'"\xff"', b"[" * 100_000, b"[1]"])
def test_body_that_cannot_be_decoded_is_a_problem_and_no_error_of_the_decoder(body):
    with pytest.raises(InvalidTransaction) as refused:
        transaction_reader(CONTRACT).read(body)
    assert refused.value.problem.status == 400


def test_names_that_a_client_invents_are_cut_and_cleaned(client, transactions):
    problem = refused(client, transactions[0] | {"x\n" * 4000: 1.0})
    assert len(problem["field"]) == 64
    assert "\n" not in problem["field"]
    assert len(json.dumps(problem)) < 500


def test_key_that_is_not_utf8_still_names_the_field_before_it(client):
    assert refused(client, b'{"Time": 1, "V\xe9": 2}')["field"] == "Time"


def test_missing_field_is_named_and_never_filled(client, transactions):
    row = dict(transactions[0])
    del row["V14"]
    problem = refused(client, row)
    assert (problem["code"], problem["field"]) == ("missing_field", "V14")


def test_unknown_field_is_named(client, transactions):
    problem = refused(client, transactions[0] | {"V29": 0.0})
    assert (problem["code"], problem["field"]) == ("unknown_field", "V29")


@pytest.mark.parametrize("value", ["1.5", True, None, [1.0], {}])
def test_wrong_type_is_named(client, transactions, value):
    problem = refused(client, transactions[0] | {"V3": value})
    assert (problem["code"], problem["field"]) == ("invalid_field", "V3")


@pytest.mark.parametrize("field", ["Time", "Amount"])
def test_negative_time_or_amount_is_out_of_range(client, transactions, field):
    problem = refused(client, transactions[0] | {field: -0.5})
    assert problem["field"] == field
    assert "0.5" not in problem["detail"]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_nan_and_infinities_name_the_field(client, transactions, literal):
    body = json.dumps(transactions[0] | {"V7": 12345.678}).replace("12345.678", literal)
    assert refused(client, body.encode())["field"] == "V7"


def test_only_undefined_numbers_are_called_so(client):
    assert "NaN and infinities" in refused(client, b'{"Time": NaN}')["detail"]
    assert "NaN and infinities" not in refused(client, b'{"Time": 1,}')["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"1", b"{", b"\xff\xfe", b'{"V1": ', b"[" * 5000, b"Time=1"]
)
def test_anything_else_is_a_client_error(client, body):
    refused(client, body)
