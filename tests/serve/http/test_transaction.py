import pytest

from fraud_core.bundle.schema import Contract, Field
from serve.http.transaction import InvalidTransaction, transaction_reader

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
